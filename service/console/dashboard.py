"""How the work goes: what waits and for how long, what comes, what is decided. By time, and never by person."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from aiohttp import web
from msgspec import Struct

from service.console.texts import N_
from service.console.visit import EVERYBODY, Nav, Page, Visit

HOUR_S = 3600
# How far back one looks, in hours, and how many hours are one point.
SPANS = {"day": (24, 1), "week": (7 * 24, 6), "month": (30 * 24, 24)}


class DashboardQuery(Struct, frozen=True, forbid_unknown_fields=True):
    span: Literal["day", "week", "month"] = "day"


class Series(NamedTuple):
    """One line of a chart; None: nothing is known of that time."""

    title: str
    values: Sequence[float | None]


class Chart(NamedTuple):
    """`kind`: how its numbers are written."""

    name: str
    title: str
    times: Sequence[datetime]
    series: Sequence[Series]
    kind: Literal["count", "share"] = "count"

    @property
    def is_empty(self) -> bool:
        return not any(value for series in self.series for value in series.values)

    @property
    def rows(self) -> Iterator[tuple[datetime, list[float | None]]]:
        """The newest first, for the table behind."""
        for place in reversed(range(len(self.times))):
            yield self.times[place], [series.values[place] for series in self.series]


class Span(NamedTuple):
    """What was counted in one stretch of time."""

    at: datetime
    counted: Mapping[str, int]

    def of(self, name: str) -> int:
        return self.counted.get(name, 0)

    def share(self, those: str, others: str) -> float | None:
        total = self.of(those) + self.of(others)
        return self.of(those) / total if total else None


async def show_dashboard(visit: Visit) -> web.StreamResponse:
    query = visit.query(DashboardQuery)
    hours, step = SPANS[query.span]
    stats = await visit.console.store.queue.stats(visit.site, hours)
    counted = stretches(stats["hours"], visit.now, hours, step)
    total = Span(visit.now, sum((Counter(each.counted) for each in counted), Counter()))
    return visit.show(
        "dashboard.html",
        span=query.span,
        stats=stats,
        oldest=_ago(visit.now, stats["oldest_ms"]),
        frees=_ago(visit.now, stats["frees_ms"]),
        agreement=total.share("agreed", "disagreed"),
        overturned=total.share("overturned", "upheld"),
        automated=_automated(total),
        charts=charts(counted),
    )


def _ago(now: datetime, ms: int) -> datetime | None:
    return None if ms < 0 else now - timedelta(milliseconds=ms)


def stretches(hours: Sequence[tuple[int, Mapping[str, int]]], now: datetime, back: int, step: int) -> list[Span]:
    """Counters of hours put together to stretches of `step` hours, the oldest first, with none left out."""
    last = int(now.timestamp()) // HOUR_S * HOUR_S
    first = last - (back - 1) * HOUR_S
    sums: list[Counter[str]] = [Counter() for _ in range(0, back, step)]
    for hour, counted in hours:
        place = (hour - first) // (step * HOUR_S)
        if 0 <= place < len(sums):
            sums[place].update(counted)
    return [Span(datetime.fromtimestamp(first + place * step * HOUR_S, UTC), found) for place, found in enumerate(sums)]


def _automated(span: Span) -> float | None:
    """The share that no person was asked about."""
    sure = span.of("automatic:approve") + span.of("automatic:reject")
    total = sure + span.of("automatic:review")
    return sure / total if total else None


def charts(spans: Sequence[Span]) -> list[Chart]:
    times = [span.at for span in spans]

    def counts(*names: tuple[str, str]) -> list[Series]:
        return [Series(title, [span.of(name) for span in spans]) for title, name in names]

    return [
        Chart(
            "inflow",
            N_("Comments that came, by what the automatic step said"),
            times,
            counts(
                (N_("Approve"), "automatic:approve"),
                (N_("To a person"), "automatic:review"),
                (N_("Reject"), "automatic:reject"),
            ),
        ),
        Chart(
            "decisions",
            N_("Decisions of people"),
            times,
            counts(
                (N_("Approve"), "decision:approve"),
                (N_("Escalate"), "decision:escalate"),
                (N_("Reject"), "decision:reject"),
            ),
        ),
        Chart(
            "automated",
            N_("Share decided without a person"),
            times,
            [Series(N_("Without a person"), [_automated(span) for span in spans])],
            "share",
        ),
        Chart(
            "quality",
            N_("Agreement of two people, and decisions that people changed"),
            times,
            [
                Series(N_("Agreement"), [span.share("agreed", "disagreed") for span in spans]),
                Series(N_("Changed"), [span.share("overturned", "upheld") for span in spans]),
            ],
            "share",
        ),
    ]


PAGES = (Page(path="/dashboard", view=show_dashboard, roles=EVERYBODY, nav=Nav(title=N_("Dashboard"), order=40)),)

"""The dashboard: waiting comments and their age, arrivals, decisions. By time, never by person."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from aiohttp import web
from msgspec import Struct

from service import app_keys as keys
from service.cases.audits import AuditSides, LearningFigures, audit_figures
from service.cases.figures import HOUR_S, Figures, HourCounts, QueueSample, figures
from service.console.texts import N_
from service.console.visit import EVERYBODY, Nav, Page, Visit
from service.values.accounts import Role
from service.values.audits import AuditCounts

# Why nobody can answer an audit any more.
LOST = {
    "edited": N_("edited by the author"),
    "erased": N_("erased"),
    "queue_full": N_("the queue was full"),
}
# For each range in hours, the hours per data point.
SPANS = {"day": (24, 1), "week": (7 * 24, 6), "month": (30 * 24, 24)}
Known = Sequence[float | None]


class DashboardQuery(Struct, frozen=True, forbid_unknown_fields=True):
    span: Literal["day", "week", "month"] = "day"


class Series(NamedTuple):
    """One line of a chart. None: no data for that time."""

    title: str
    values: Known


class AuditTable(NamedTuple):
    """Audits apart by one property of the decisions; the most audited first."""

    title: str
    groups: Mapping[str, AuditSides]


class Chart(NamedTuple):
    """`kind`: the format of its numbers."""

    name: str
    title: str
    times: Sequence[datetime]
    series: Sequence[Series]
    kind: Literal["count", "share", "hours"] = "count"

    @property
    def is_empty(self) -> bool:
        return not any(value for series in self.series for value in series.values)

    @property
    def rows(self) -> Iterator[tuple[datetime, list[float | None]]]:
        """The rows of the table, newest first."""
        for place in reversed(range(len(self.times))):
            yield self.times[place], [series.values[place] for series in self.series]


async def show_dashboard(visit: Visit) -> web.StreamResponse:
    query = visit.query(DashboardQuery)
    hours, step = SPANS[query.span]
    found = await figures(visit.console.store, visit.site, hours, step=step)
    audited = await audit_figures(visit.console.store, visit.site, hours)
    return visit.show(
        "dashboard.html",
        span=query.span,
        figures=found,
        oldest_since=visit.now - timedelta(seconds=found.oldest_age_s or 0),
        estimates=_estimates(found),
        audits=_audits(found),
        learning=_learning(audited.learning),
        LOST=LOST,
        groups=[
            AuditTable(N_("Attribute"), audited.by_attribute),
            AuditTable(N_("Language"), audited.by_language),
            AuditTable(N_("Model"), audited.by_model),
            AuditTable(N_("Policy"), audited.by_policy),
        ],
        asks_for_audits=visit.role is Role.ADMIN
        and visit.request.app[keys.DIRECTORY].for_people(visit.site).review.is_unasked,
        charts=charts(found, visit.now, step),
    )


def _audits(found: Figures) -> list[tuple[str, AuditCounts, int]]:
    quality = found.quality
    return [
        (N_("Of automatic approvals"), quality.audits_of_approvals, quality.approved.unaudited),
        (N_("Of automatic rejections"), quality.audits_of_rejections, quality.rejected.unaudited),
    ]


def _learning(found: LearningFigures) -> LearningFigures | None:
    """None: nothing was drawn, or could have been."""
    is_any = found.approvals.audits.drawn or found.rejections.audits.drawn or found.passed_over
    return found if is_any else None


def _estimates(found: Figures) -> list[tuple[str, object]]:
    quality = found.quality
    return [
        (N_("Comments that break the rules, of all that came"), quality.violating),
        (N_("Of these, rejected by the model or by people"), quality.recall),
        (N_("Of these, rejected by the model"), quality.recall_of_rejections),
        (N_("Automatic rejections that were right"), quality.precision_of_rejections),
        (N_("Automatic approvals that should have been rejected"), quality.missed_in_approvals),
    ]


def charts(found: Figures, now: datetime, step: int) -> list[Chart]:
    times = stretches(now, found.hours, step)
    by_time = {each.hour: each for each in found.decisions_per_hour}
    told = [by_time.get(at) for at in times]

    def lines(*series: tuple[str, Callable[[HourCounts], float | None]], empty: float | None = 0) -> list[Series]:
        return [Series(title, [read(each) if each else empty for each in told]) for title, read in series]

    return [
        *queue_charts(found.queue, times, step),
        Chart(
            "inflow",
            N_("Comments posted, by automatic decision"),
            times,
            lines(
                (N_("Approve"), lambda each: each.automatic.get("approve", 0)),
                (N_("Review"), lambda each: each.automatic.get("review", 0)),
                (N_("Reject"), lambda each: each.automatic.get("reject", 0)),
            ),
        ),
        Chart(
            "decisions",
            N_("Moderators' decisions, and comments that came to them"),
            times,
            lines(
                (N_("Decisions"), lambda each: each.decisions.get("approve", 0) + each.decisions.get("reject", 0)),
                (N_("Comments"), lambda each: each.inflow),
                (N_("Escalations"), lambda each: each.decisions.get("escalate", 0)),
            ),
        ),
        Chart(
            "automated",
            N_("Share decided without a person"),
            times,
            lines((N_("Without a person"), lambda each: each.automated), empty=None),
            "share",
        ),
        Chart(
            "quality",
            N_("Agreement of two people, and decisions that people changed"),
            times,
            lines(
                (N_("Agreement"), lambda each: each.agreement),
                (N_("Changed"), lambda each: each.overturn_rate),
                empty=None,
            ),
            "share",
        ),
    ]


def stretches(now: datetime, hours: int, step: int) -> list[datetime]:
    """The start of each interval of `step` hours in the last `hours`, oldest first."""
    length = step * HOUR_S
    last = int(now.timestamp()) // length * length
    return [datetime.fromtimestamp(last - back * length, UTC) for back in reversed(range(max(1, hours // step)))]


def queue_charts(samples: Sequence[QueueSample], times: Sequence[datetime], step: int) -> list[Chart]:
    """For each interval, the maximum number of waiting comments and the longest wait."""
    length = step * HOUR_S
    waiting: dict[datetime, int] = {}
    oldest: dict[datetime, float] = {}
    for each in samples:
        at = datetime.fromtimestamp(int(each.at.timestamp()) // length * length, UTC)
        waiting[at] = max(waiting.get(at, 0), each.waiting)
        oldest[at] = max(oldest.get(at, 0.0), each.oldest_age_s / HOUR_S)
    lengths = [Series(N_("Comments"), [waiting.get(at) for at in times])]
    ages = [Series(N_("Hours"), [round(oldest[at], 2) if at in oldest else None for at in times])]
    return [
        Chart("queue", N_("Most comments waiting"), times, lengths),
        Chart("age", N_("Age of the oldest comment, in hours"), times, ages, "hours"),
    ]


PAGES = (Page(path="/dashboard", view=show_dashboard, roles=EVERYBODY, nav=Nav(title=N_("Dashboard"), order=40)),)

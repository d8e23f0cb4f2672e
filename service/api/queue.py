"""A look at the queue that takes no lease: what waits, and how the work goes."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from service import keys
from service.access import Scope
from service.answers import ReviewItem, review_item
from service.api.operation import Call, Operation
from service.domain import State
from service.store.keyspace import Site
from service.store.review import Filter


class ItemsQuery(Struct, frozen=True, forbid_unknown_fields=True):
    state: Literal["queued", "claimed", "escalated"] = "queued"
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: Annotated[int, Meta(ge=0, le=2**53, description="`next` of the page before.")] = 0
    attribute: str | None = None
    article: str | None = None
    language: str | None = None


class ItemsAnswer(Struct, frozen=True):
    """`next` is the cursor of the next page, null at the end. A page can be short and still have a next one."""

    items: list[ReviewItem]
    next: int | None


class HourCounts(Struct, frozen=True):
    hour: datetime
    decisions: dict[str, int]
    moderators: dict[str, int]
    automatic: dict[str, int]


class StatsAnswer(Struct, frozen=True):
    """`decisions_per_hour`: newest hour first, hours without any left out.

    `agreement`: how often two independent looks at one comment agreed. `overturn_rate`: how often people changed a
    decision that stood (audits, reports, appeals). Both of the last 24 hours, null where there were none. Comments that
    are held, or that this moderator has judged before, are in the queue and yet not given out: `next_lease_ends_s` says
    when the next one may come back.
    """

    queued: int
    claimed: int
    escalated: int
    overdue: int
    oldest_age_s: float | None
    next_lease_ends_s: float | None
    stuck: Annotated[int, Meta(description="Comments whose lease ended five times, in the last 24 hours.")]
    reports: Annotated[int, Meta(description="Readers' reports in the last 24 hours.")]
    expired: Annotated[int, Meta(description="Comments decided by expiry in the last 24 hours.")]
    decisions_per_hour: list[HourCounts]
    agreement: float | None = None
    overturn_rate: float | None = None


_STATES = {"queued": State.QUEUED, "claimed": State.LEASED, "escalated": State.ESCALATED}


async def list_items(call: Call) -> ItemsAnswer:
    """What waits, in the order in which it is handed out."""
    query: ItemsQuery = call.query
    site = Site(call.key.site)
    wanted = Filter(attribute=query.attribute, article=query.article, language=query.language)
    found = await call.request.app[keys.REVIEWING].listed(site, _STATES[query.state], wanted, query.cursor, query.limit)
    show_scores = call.request.app[keys.DIRECTORY].shows_scores(site.name)
    items = [review_item(site.name, record, holder=None, show_scores=show_scores) for record in found.records]
    return ItemsAnswer(items, found.following)


async def queue_stats(call: Call) -> StatsAnswer:
    """How long the queue is, how old, and what was decided in the last 24 hours."""
    stats = await call.request.app[keys.STORE].queue.stats(Site(call.key.site), 24)
    counted = _summed(counted for _, counted in stats["hours"])
    return StatsAnswer(
        queued=stats["queued"],
        claimed=stats["leased"],
        escalated=stats["escalated"],
        overdue=stats["overdue"],
        oldest_age_s=_seconds(stats["oldest_ms"]),
        next_lease_ends_s=_seconds(stats["frees_ms"]),
        stuck=counted["stuck"],
        reports=counted["reported"],
        expired=sum(_of(counted, "expired:").values()),
        agreement=_share(counted["agreed"], counted["disagreed"]),
        overturn_rate=_share(counted["overturned"], counted["upheld"]),
        decisions_per_hour=[
            HourCounts(
                datetime.fromtimestamp(hour, UTC),
                _of(counted, "decision:"),
                _of(counted, "moderator:"),
                _of(counted, "automatic:"),
            )
            for hour, counted in stats["hours"]
        ],
    )


def _seconds(ms: int) -> float | None:
    return None if ms < 0 else ms / 1000


def _share(those: int, others: int) -> float | None:
    return those / (those + others) if those + others else None


def _summed(hours: Iterable[Mapping[str, int]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for counted in hours:
        total.update(counted)
    return total


def _of(counted: Mapping[str, int], prefix: str) -> dict[str, int]:
    return {name.removeprefix(prefix): n for name, n in counted.items() if name.startswith(prefix)}


OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/review/items",
        handler=list_items,
        scope=Scope.REVIEW,
        tag="Review",
        summary="What waits; takes no lease.",
        query=ItemsQuery,
        answer=ItemsAnswer,
        problems=(503,),
    ),
    Operation(
        method="GET",
        path="/v1/review/stats",
        handler=queue_stats,
        scope=Scope.REVIEW,
        tag="Review",
        summary="Lengths, ages, decisions per hour and moderator.",
        answer=StatsAnswer,
        problems=(503,),
    ),
)

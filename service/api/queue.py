"""A look at the queue that takes no lease: what waits, and how the work goes."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from service import keys
from service.access import Scope
from service.answers import ReviewItem, review_item
from service.api.operation import Call, Operation
from service.domain import State
from service.figures import MOST_HOURS, Figures, figures
from service.store.base import Record
from service.store.keyspace import Site

MOST_READ = 2_000
PAGE = 100


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


class StatsQuery(Struct, frozen=True, forbid_unknown_fields=True):
    hours: Annotated[int, Meta(ge=1, le=MOST_HOURS, description="How far to look back.")] = 24


_STATES = {"queued": State.QUEUED, "claimed": State.LEASED, "escalated": State.ESCALATED}


async def list_items(call: Call) -> ItemsAnswer:
    """What waits, in the order in which it is handed out."""
    query: ItemsQuery = call.query
    queue, site = call.request.app[keys.STORE].queue, Site(call.key.site)
    show_scores = call.request.app[keys.DIRECTORY].shows_scores(site.name)
    found: list[ReviewItem] = []
    position = query.cursor
    while position < query.cursor + MOST_READ:
        page = await queue.items(site, _STATES[query.state], position, PAGE)
        for record in page:
            position += 1
            if _matches(record, query):
                found.append(review_item(site.name, record, holder=None, show_scores=show_scores))
                if len(found) == query.limit:
                    return ItemsAnswer(found, position)
        if len(page) < PAGE:
            return ItemsAnswer(found, None)
    return ItemsAnswer(found, position)


async def queue_stats(call: Call) -> Figures:
    """How long the queue is, how old, what was decided lately, and how good it was."""
    return await figures(call.request.app[keys.STORE], call.key.site, call.query.hours)


def _matches(record: Record, query: ItemsQuery) -> bool:
    content = record.content
    if content is None:
        return query.attribute is None and query.article is None and query.language is None
    attributes = set() if record.is_audit else {reason.attribute for reason in content.judgement.reasons}
    article = content.comment.article.id if content.comment.article else None
    return (
        (query.attribute is None or query.attribute in attributes)
        and query.article in (None, article)
        and query.language in (None, content.judgement.language)
    )


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
        summary="Lengths, ages, decisions per hour and moderator, and what audits say.",
        query=StatsQuery,
        answer=Figures,
        problems=(503,),
    ),
)

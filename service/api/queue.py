"""Reads the queue without leasing: waiting comments and statistics."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from service import app_keys as keys
from service.api.operation import Call, Operation
from service.cases.answers import ReviewItem, review_item
from service.cases.figures import MOST_HOURS, Figures, figures
from service.store.review import Filter
from service.values.access import Scope
from service.values.domain import State


class ItemsQuery(Struct, frozen=True, forbid_unknown_fields=True):
    state: Literal["queued", "claimed", "escalated"] = "queued"
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: Annotated[int, Meta(ge=0, le=2**53, description="`next` of the page before.")] = 0
    attribute: str | None = None
    article: str | None = None
    language: str | None = None
    assigned_to: Annotated[str, Meta(max_length=64, description="The name of a moderator or of a key.")] | None = None


class ItemsResponse(Struct, frozen=True):
    """`next` is the cursor of the next page, null at the end. A page can be short and still have a next one."""

    items: list[ReviewItem]
    next: int | None


class CopiesResponse(Struct, frozen=True):
    """At most 200, the newest first."""

    items: list[ReviewItem]


class StatsQuery(Struct, frozen=True, forbid_unknown_fields=True):
    hours: Annotated[int, Meta(ge=1, le=MOST_HOURS, description="How far to look back.")] = 24


MOST_COPIES = 200
_STATES = {"queued": State.QUEUED, "claimed": State.LEASED, "escalated": State.ESCALATED}


async def list_items(call: Call) -> ItemsResponse:
    """What waits, in the order in which it is handed out."""
    query: ItemsQuery = call.query
    site = call.key.site
    viewer = query.assigned_to or ""
    wanted = Filter(query.attribute, query.article, language=query.language, mine=bool(viewer))
    found = await call.request.app[keys.REVIEWING].listed(
        site, _STATES[query.state], wanted, query.cursor, query.limit, viewer=viewer
    )
    show_scores = call.request.app[keys.DIRECTORY].shows_scores(site)
    items = [review_item(site, record, holder=None, show_scores=show_scores) for record in found.records]
    return ItemsResponse(items, found.following)


async def list_copies(call: Call) -> CopiesResponse:
    """What waits and is a copy of this comment: the same text, a similar one, or the same link, as its rules compare.

    To decide them together, send the ids and versions to `POST /v1/review/decisions`.
    """
    site = call.key.site
    await call.request.app[keys.STORE].comments.get(site, call.id)  # raises NotFound
    found = await call.request.app[keys.STORE].queue.copies(site, call.id, MOST_COPIES)
    show_scores = call.request.app[keys.DIRECTORY].shows_scores(site)
    return CopiesResponse([review_item(site, record, holder=None, show_scores=show_scores) for record in found])


async def queue_stats(call: Call) -> Figures:
    """How long the queue is, how old, what was decided lately, and how good it was."""
    return await figures(call.request.app[keys.STORE], call.key.site, call.query.hours)


OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/review/items",
        handler=list_items,
        scope=Scope.REVIEW,
        tag="Review",
        summary="What waits; takes no lease.",
        query=ItemsQuery,
        answer=ItemsResponse,
        problems=(503,),
    ),
    Operation(
        method="GET",
        path="/v1/review/{id}/copies",
        handler=list_copies,
        scope=Scope.REVIEW,
        tag="Review",
        summary="What waits and is a copy of a comment; takes no lease.",
        answer=CopiesResponse,
        problems=(404, 503),
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

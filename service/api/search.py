"""Search in comments whose text is still stored."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from service import app_keys as keys
from service.api.operation import Call, Operation
from service.cases.answers import ReviewItem, review_item
from service.cases.search import SearchFilter, find
from service.http.cursors import checked
from service.values.access import Scope
from service.values.domain import Id, Status
from service.values.errors import BadRequest

CURSOR = "query parameter 'cursor'"
MOST_DIGITS = 15


class SearchQuery(Struct, frozen=True, forbid_unknown_fields=True):
    id: Annotated[Id | None, Meta(description="The id, or how it begins.")] = None
    author: Annotated[Id | None, Meta(description="The author's id: the site's own, or as comments show it.")] = None
    text: Annotated[str | None, Meta(description="Stands in the text; case does not count.")] = None
    article: Annotated[Id | None, Meta(description="The article's id.")] = None
    status: Literal["approved", "pending", "rejected"] | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    cursor: Annotated[str, Meta(max_length=2_600, description="`next` of the page before.")] = ""


class SearchResponse(Struct, frozen=True):
    """One look is bounded: `looked_at` comments were read, back to the one that came at `back_to`.

    `next` is where to go on, null at the end. A page can be short, or empty, and still have a next one.
    """

    items: list[ReviewItem]
    next: str | None
    looked_at: int
    back_to: datetime | None


async def search_comments(call: Call) -> SearchResponse:
    """Comments that fit all that is asked, the newest first, as moderators may see them.

    By author all that is kept is found, and who asks is written to the audit trail. Else that trail is read backwards,
    as far as Redis has it; a comment of just that `id` is found however old it is.
    """
    query: SearchQuery = call.query
    app, site = call.request.app, call.key.site
    author, cursor = query.author, query.cursor
    if author is not None:
        if cursor and not (cursor.isascii() and cursor.isdigit() and len(cursor) <= MOST_DIGITS):
            raise BadRequest(f"{CURSOR}: not one that we gave")
        author = await app[keys.AUTHORS].id_for_search(site, author, call.key.name)
    else:
        cursor = checked(call.request, cursor, CURSOR)
    wanted = SearchFilter(query.id, author, query.text, query.article, query.status and Status(query.status))
    found = await find(app[keys.STORE], site, wanted, query.limit, cursor)
    show_scores = app[keys.DIRECTORY].shows_scores(site)
    items = [review_item(site, record, holder=call.key.name, show_scores=show_scores) for record in found.records]
    return SearchResponse(items, found.next, found.looked_at, found.back_to)


OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/comments",
        handler=search_comments,
        scope=Scope.REVIEW,
        tag="Review",
        summary="Search among what is kept.",
        query=SearchQuery,
        answer=SearchResponse,
        problems=(409, 503),
    ),
)

"""Search in comments whose text is still stored, in bounded steps."""

from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from service import app_keys as keys
from service.cases import search
from service.cases.answers import ReviewItem
from service.console import comment, words
from service.console.texts import N_
from service.console.visit import EVERYBODY, Nav, Page, Visit
from service.http.cursors import checked
from service.values.domain import MAX_ID, WORDS, Id, Status
from service.values.errors import BadRequest, Conflict

PER_PAGE = 25
MOST_DIGITS = 15
A_CURSOR = "query parameter 'after'"
NO_ID = N_("An id has at most 256 characters, all of them visible.")


class SearchForm(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Empty fields of the form do not filter."""

    text: Annotated[str, Meta(max_length=500)] = ""
    id: Annotated[str, Meta(max_length=MAX_ID)] = ""
    author: Annotated[str, Meta(max_length=MAX_ID)] = ""
    article: Annotated[str, Meta(max_length=MAX_ID)] = ""
    status: Annotated[str, Meta(pattern=r"^(|approved|pending|rejected)$(?!\n)", extra={WORDS: "is no status"})] = ""
    after: Annotated[str, Meta(max_length=2_600)] = ""

    @property
    def is_empty(self) -> bool:
        return not any((self.text.strip(), self.id, self.author, self.article, self.status))

    def further(self, after: str) -> dict[str, str]:
        """The parameters of the next page."""
        return {**msgspec.to_builtins(self), "after": after}


async def show_search(visit: Visit) -> web.StreamResponse:
    query = visit.query(SearchForm)
    if query.is_empty:
        return _page(visit, query)
    try:
        found = await _found(visit, query)
    except Conflict as error:  # this deployment does not index authors
        return _page(visit, query, status=409, problem=str(error))
    except BadRequest as error:
        return _page(visit, query, status=400, problem=str(error))
    return _page(visit, query, found=found)


async def _found(visit: Visit, query: SearchForm) -> search.SearchPage:
    """Raises BadRequest for an invalid id. Looking up an author is recorded in the audit trail."""
    author: str | None = _id(query.author)
    cursor = query.after
    if author is not None:
        if cursor and not (cursor.isascii() and cursor.isdigit() and len(cursor) <= MOST_DIGITS):
            raise BadRequest(f"{A_CURSOR}: not one that we gave")
        author = await visit.request.app[keys.AUTHORS].id_for_search(visit.site, author, visit.account.name)
    else:
        cursor = checked(visit.request, cursor, A_CURSOR)
    wanted = search.SearchFilter(
        _id(query.id),
        author,
        query.text.strip() or None,
        _id(query.article),
        Status(query.status) if query.status else None,
    )
    return await search.find(visit.console.store, visit.site, wanted, PER_PAGE, cursor)


def _id(said: str) -> str | None:
    if not said.strip():
        return None
    try:
        return msgspec.convert(said.strip(), Id)
    except msgspec.ValidationError as error:
        raise BadRequest(NO_ID) from error


def _page(
    visit: Visit, query: SearchForm, *, status: int = 200, found: search.SearchPage | None = None, problem: str = ""
) -> web.Response:
    items: list[ReviewItem] = [comment.seen(visit, record) for record in found.records] if found else []
    return visit.show(
        "search.html",
        status,
        words=words,
        query=query,
        found=found,
        items=items,
        **comment.telling(visit),
        problem=problem,
    )


PAGES = (Page(path="/search", view=show_search, roles=EVERYBODY, nav=Nav(title=N_("Search"), order=30)),)

"""The word lists of a site: show, replace, change, compare, bring back, export."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Literal

from aiohttp import web
from msgspec import Meta, Struct

from service import app_keys as keys
from service.api.operation import Call, Operation
from service.cases import lists
from service.cases.lists import Asked, ListChange, ListDifference, ListSummary, Wanted
from service.store import Store
from service.values import list_files
from service.values.access import Scope
from service.values.domain import NOT_OURS, WORDS
from service.values.errors import BadRequest, Conflict, Forbidden, NotFound
from service.values.list_files import ListFormat
from service.values.lists import ListEntry, ListVersion, WordList, is_shared, key_of
from service.values.rules import MAX_LIST_ENTRIES, Term

# 50,000 entries of 200 ASCII characters, as JSON.
MAX_LIST_BYTES = 16 * 1024 * 1024
TEXTS = ("text/csv", "text/plain")
# As ListFormat; a query parameter is described in its own place, without a reference to an enumeration.
Formats = Literal["csv", "discourse", "wordpress", "coral"]

Version = Annotated[int, Meta(ge=1)]
# The version of the list that is paged through, and how many of its entries were looked at.
ListCursor = Annotated[str, Meta(max_length=32, pattern=r"^[0-9]{1,15}-[0-9]{1,15}$(?!\n)", extra={WORDS: NOT_OURS})]


class ListsResponse(Struct, frozen=True):
    lists: list[ListSummary]


class WordListQuery(Struct, frozen=True, forbid_unknown_fields=True):
    text: Annotated[str, Meta(max_length=200, description="Only terms that contain this, in any case.")] = ""
    limit: Annotated[int, Meta(ge=1, le=1_000)] = 100
    cursor: Annotated[ListCursor, Meta(description="`next` of the page before.")] | None = None


class ListResponse(Struct, frozen=True):
    """A page of one version, so that a change meanwhile moves nothing. `next`: the cursor to go on, null at the end."""

    name: str
    version: int
    shared: bool
    entries: Annotated[int, Meta(description="Of the whole list.")]
    items: list[ListEntry]
    next: str | None


class ChangeQuery(Struct, frozen=True, forbid_unknown_fields=True):
    version: Annotated[
        Annotated[int, Meta(ge=0)] | None,
        Meta(description="The version to change, 0: there is no such list yet; unset: whichever is newest."),
    ] = None
    dry_run: Annotated[bool, Meta(description="Only say what would change.")] = False
    confirm: Annotated[bool, Meta(description="Also take entries found in more than 1 % of the last comments.")] = False


class ReplaceQuery(ChangeQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    format: Annotated[Formats | None, Meta(description="Of a body that is text/csv (default: csv) or text/plain.")] = (
        None
    )


class DeleteQuery(Struct, frozen=True, forbid_unknown_fields=True):
    version: Annotated[Version | None, Meta(description="The version to delete; unset: whichever is newest.")] = None


class ListRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole list."""

    entries: Annotated[tuple[ListEntry, ...], Meta(max_length=2 * MAX_LIST_ENTRIES)]


class ListPatchRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Entries to add, which replace those of the same term, and terms to remove."""

    add: Annotated[tuple[ListEntry, ...], Meta(max_length=MAX_LIST_ENTRIES)] = ()
    remove: Annotated[tuple[Term, ...], Meta(max_length=MAX_LIST_ENTRIES)] = ()


class VersionsResponse(Struct, frozen=True):
    versions: list[ListVersion]


class DiffQuery(Struct, frozen=True, forbid_unknown_fields=True):
    before: Annotated[Version | None, Meta(description="Unset: the version before `after`.")] = None
    after: Annotated[Version | None, Meta(description="Unset: the current version.")] = None


class RestoreRequest(Struct, frozen=True, forbid_unknown_fields=True):
    version: Annotated[int, Meta(ge=1, description="The version to bring back.")]
    current: Annotated[
        int | None, Meta(description="The version that this replaces, 0: the list is deleted; unset: any.")
    ] = None


class ExportQuery(Struct, frozen=True, forbid_unknown_fields=True):
    format: Annotated[Formats, Meta(description="Of the answer.")] = "csv"
    version: Annotated[Version | None, Meta(description="Unset: the current one.")] = None


async def show_lists(call: Call) -> ListsResponse:
    """The lists that the site's rules can use: its own, and those that all sites share (`shared-…`)."""
    return ListsResponse(await lists.summaries(_store(call), call.key.site))


async def show_list(call: Call) -> ListResponse:
    """A page of its entries, in the order in which they were added."""
    query: WordListQuery = call.query
    version, start = map(int, query.cursor.split("-")) if query.cursor else (None, 0)
    try:
        found = await lists.get(_store(call), call.key.site, _name(call), version)
    except NotFound as error:
        if version is None:
            raise
        raise Conflict("list_changed", f"version {version} is not kept any more; begin again", {}) from error
    return await asyncio.to_thread(_page, found, query.text, start, query.limit)


def _page(found: WordList, text: str, start: int, limit: int) -> ListResponse:
    wanted, items, at = key_of(text), list[ListEntry](), start
    while at < len(found.entries) and len(items) < limit:
        if not wanted or wanted in key_of(found.entries[at].text):
            items.append(found.entries[at])
        at += 1
    following = f"{found.version}-{at}" if at < len(found.entries) else None
    return ListResponse(found.name, found.version, is_shared(found.name), len(found.entries), items, following)


async def replace_list(call: Call) -> ListChange:
    """Make this the whole list, as its next version; a list that is not there is made.

    The body is JSON, or a file: Steward's CSV (`text,match,exception,note,until`), the CSV of Discourse's watched
    words, or the lines of WordPress or Coral. New entries are tried on the last 5,000 comments; if one is found in more
    than 1 % of them, nothing is stored without `confirm` (409, `list_too_broad`). Lists named `shared-…` belong to all
    sites: changing them takes the scope `operate` too.
    """
    query: ReplaceQuery = call.query
    name = _changed_name(call)
    if isinstance(call.body, str):
        found = await asyncio.to_thread(list_files.read, call.body, _format(call.request, query.format))
        wanted = Wanted(found.entries, found.duplicates, found.remarks)
    elif query.format is not None:
        raise BadRequest("query parameter 'format': only for a body that is text/csv or text/plain")
    else:
        wanted = await asyncio.to_thread(lists.checked, call.body.entries, "/entries")
    return await _in_force(call, await lists.replace(_store(call), call.key.site, name, wanted, _asked(call, query)))


async def patch_list(call: Call) -> ListChange:
    """Add and remove entries, as the next version. Tried on the last comments as `PUT` does."""
    asked: ListPatchRequest = call.body
    name = _changed_name(call)
    add = await asyncio.to_thread(lists.checked, asked.add, "/add")
    change = await lists.patch(
        _store(call), call.key.site, name, _asked(call, call.query), add=add, remove=asked.remove
    )
    return await _in_force(call, change)


async def delete_list(call: Call) -> None:
    """Refused (409, `list_in_use`) while a rule names it. Its versions can be brought back for 30 days."""
    query: DeleteQuery = call.query
    asked = _asked(call, ChangeQuery(version=query.version))
    await lists.delete(_store(call), call.key.site, _changed_name(call), asked)


async def show_list_versions(call: Call) -> VersionsResponse:
    """The last 20 versions, newest first: who changed the list, when, and by how much. Large lists keep fewer."""
    return VersionsResponse(await lists.versions(_store(call), call.key.site, _name(call)))


async def compare_list_versions(call: Call) -> ListDifference:
    """What made one version into another."""
    query: DiffQuery = call.query
    store, site, name = _store(call), call.key.site, _name(call)
    after = query.after or (await lists.get(store, site, name)).version
    return await lists.difference(store, site, name, query.before or after - 1, after)


async def restore_list(call: Call) -> ListChange:
    """Make an earlier version current again, as a new version. Brings back a deleted list, too."""
    asked: RestoreRequest = call.body
    given = _asked(call, ChangeQuery(version=asked.current))
    change = await lists.restore(_store(call), call.key.site, _changed_name(call), asked.version, given)
    return await _in_force(call, change)


async def export_list(call: Call) -> web.Response:
    """The list as a file. `csv` has all of it, the other formats leave out what they cannot express.

    The header Steward-Left-Out counts these: exceptions, entries that have ended, and for Discourse terms with a *.
    """
    query: ExportQuery = call.query
    found = await lists.get(_store(call), call.key.site, _name(call), query.version)
    form = ListFormat(query.format)
    written = await asyncio.to_thread(list_files.write, found.entries, form, datetime.now(UTC).date())
    return web.Response(
        text=written.text,
        content_type=form.content_type,
        charset="utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{form.file_name(found.name)}"',
            "Steward-Left-Out": str(written.left_out),
        },
    )


def _store(call: Call) -> Store:
    return call.request.app[keys.STORE]


def _name(call: Call) -> str:
    return call.request.match_info["name"]


def _changed_name(call: Call) -> str:
    """Raises Forbidden if the key may not change this list."""
    name = _name(call)
    if is_shared(name) and Scope.OPERATE not in call.key.scopes:
        raise Forbidden
    return name


def _asked(call: Call, query: ChangeQuery) -> Asked:
    return Asked(call.key.name, datetime.now(UTC), query.version, query.dry_run, query.confirm)


def _format(request: web.Request, said: Formats | None) -> ListFormat:
    if said is not None:
        return ListFormat(said)
    if request.content_type == "text/csv":
        return ListFormat.CSV
    raise BadRequest(f"query parameter 'format': say which one text/plain is: {', '.join(ListFormat)}")


async def _in_force(call: Call, change: ListChange) -> ListChange:
    """Have the rules of this process use the list."""
    await call.request.app[keys.RULEBOOK].try_refresh()
    return change


OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/lists",
        handler=show_lists,
        scope=Scope.ADMIN,
        tag="Lists",
        summary="The word lists.",
        answer=ListsResponse,
        problems=(503,),
    ),
    # Before the list itself: the name of a list matches any segment.
    Operation(
        method="GET",
        path="/v1/lists/{name}:export",
        handler=export_list,
        scope=Scope.ADMIN,
        tag="Lists",
        summary="A list as a file.",
        query=ExportQuery,
        gives="text/csv",
        also_gives=("text/plain",),
        answer=str,
        problems=(404, 409, 503),
    ),
    Operation(
        method="GET",
        path="/v1/lists/{name}:diff",
        handler=compare_list_versions,
        scope=Scope.ADMIN,
        tag="Lists",
        summary="What differs between two versions.",
        query=DiffQuery,
        answer=ListDifference,
        problems=(404, 409, 503),
    ),
    Operation(
        method="POST",
        path="/v1/lists/{name}:restore",
        handler=restore_list,
        scope=Scope.ADMIN,
        tag="Lists",
        summary="Bring an earlier version back.",
        body=RestoreRequest,
        answer=ListChange,
        problems=(404, 409, 503),
    ),
    Operation(
        method="GET",
        path="/v1/lists/{name}",
        handler=show_list,
        scope=Scope.ADMIN,
        tag="Lists",
        summary="The entries of a list.",
        query=WordListQuery,
        answer=ListResponse,
        problems=(404, 409, 503),
    ),
    Operation(
        method="PUT",
        path="/v1/lists/{name}",
        handler=replace_list,
        scope=Scope.ADMIN,
        tag="Lists",
        summary="Make or replace a list, also from a file.",
        query=ReplaceQuery,
        body=ListRequest,
        also_takes=TEXTS,
        answer=ListChange,
        limit=MAX_LIST_BYTES,
        problems=(409, 503),
    ),
    Operation(
        method="PATCH",
        path="/v1/lists/{name}",
        handler=patch_list,
        scope=Scope.ADMIN,
        tag="Lists",
        summary="Add and remove entries.",
        query=ChangeQuery,
        body=ListPatchRequest,
        answer=ListChange,
        limit=MAX_LIST_BYTES,
        problems=(404, 409, 503),
    ),
    Operation(
        method="DELETE",
        path="/v1/lists/{name}",
        handler=delete_list,
        scope=Scope.ADMIN,
        tag="Lists",
        summary="Delete a list.",
        query=DeleteQuery,
        status=204,
        problems=(404, 409, 503),
    ),
    Operation(
        method="GET",
        path="/v1/lists/{name}/versions",
        handler=show_list_versions,
        scope=Scope.ADMIN,
        tag="Lists",
        summary="The last versions of a list.",
        answer=VersionsResponse,
        problems=(404, 503),
    ),
)

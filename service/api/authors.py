"""Authors: show, export and erase what is stored about them."""

from collections.abc import AsyncIterator
from contextlib import suppress

import msgspec
from aiohttp import web

from service import app_keys as keys
from service.api.operation import NDJSON, Call, Operation
from service.cases.approvals import check_erasure
from service.cases.authors import Exported, ExportedStatus, History, Receipt
from service.values.access import Scope


async def show_author(call: Call) -> History:
    """What an author's comments came to, as far as their texts are kept.

    The id is the site's own, or the one that comments show. Who asks is written to the audit trail.
    """
    return await call.request.app[keys.AUTHORS].profile(call.key.site, call.id, call.key.name)


async def export_author(call: Call) -> web.StreamResponse:
    """All that is kept of an author, for the author: a comment a line, the newest first.

    The last line has the kind `author`: the changes of the author's status with their notes, if there were any, and how
    many comments were approved and rejected.
    """
    found = await call.request.app[keys.AUTHORS].export(call.key.site, call.id, call.key.name)
    response = web.StreamResponse(headers={"Content-Type": NDJSON})
    with suppress(ConnectionResetError):  # the client has disconnected
        await _written(response, call.request, found)
    return response


async def _written(
    response: web.StreamResponse, request: web.Request, found: AsyncIterator[Exported | ExportedStatus]
) -> None:
    """The first line is there before the answer begins: until then an error can still be told."""
    line = await anext(found, None)
    await response.prepare(request)
    while line is not None:
        await response.write(msgspec.json.encode(line) + b"\n")
        line = await anext(found, None)
    await response.write_eof()


async def erase_author(call: Call) -> Receipt:
    """Erase every comment of an author, as each by itself; what stays is the ids, the outcomes and the times.

    The author's status, its history and what was counted of the author are forgotten.

    A request erases 5,000 at most: while `left` is above 0, ask again. Asked again after that, there is nothing to do.
    409 `second_person_needed`: the policy says that this takes two people (`POST /v1/approvals`).
    """
    check_erasure(call.request.app[keys.DIRECTORY].policy(call.key.site))
    return await call.request.app[keys.AUTHORS].erase(call.key.site, call.id, call.key.name)


OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/authors/{id}",
        handler=show_author,
        scope=Scope.REVIEW,
        tag="Authors",
        summary="What an author's comments came to.",
        answer=History,
        problems=(409, 503),
    ),
    Operation(
        method="GET",
        path="/v1/authors/{id}/export",
        handler=export_author,
        scope=Scope.ADMIN,
        tag="Authors",
        summary="All that is kept of an author (NDJSON).",
        answer=Exported,
        gives=NDJSON,
        problems=(409, 503),
    ),
    Operation(
        method="DELETE",
        path="/v1/authors/{id}",
        handler=erase_author,
        scope=Scope.ADMIN,
        tag="Authors",
        summary="Erase all comments and the status of an author.",
        answer=Receipt,
        problems=(409, 503),
    ),
)

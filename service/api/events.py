"""The feed: a stream for consoles, pages for sites that cannot take webhooks."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from service import keys
from service.access import Scope
from service.api.cursors import Cursor, checked
from service.api.operation import JSON, Call, Operation
from service.errors import Forbidden, RateLimited, Retryable
from service.http.admission import bearer, held
from service.store.events import Event, Events
from service.store.keyspace import Site

STREAM = "text/event-stream"
PAGE = 500
# Proxies close a connection on which nothing comes; a comment line keeps it open, and finds a reader that is gone.
HEARTBEAT_S = 15.0
MOST_STREAMS = 3
RETRY_MS = 2_000


class EventsQuery(Struct, frozen=True, forbid_unknown_fields=True):
    after: Annotated[Cursor, Meta(description="`next` of the page before.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class EventAnswer(Struct, frozen=True, omit_defaults=True):
    """What happened to a comment. `type` as in webhooks; of several events of a comment the highest version counts."""

    type: str
    comment_id: str
    revision: int
    version: int
    at: datetime
    status: str
    decided_by: str | None = None
    decision: str | None = None
    reason: str | None = None


class EventsAnswer(Struct, frozen=True):
    """`next` is where to go on, also when there are no more yet: ask again with it later.

    A page can be short, or empty, because much was passed over that sites are not told; then `next` is another one.
    """

    events: list[EventAnswer]
    next: str | None


async def read_events(call: Call) -> EventsAnswer | web.StreamResponse:
    """What sites are told, as pages (`application/json`), or all that happens, as it happens (`text/event-stream`).

    Pages are for sites that cannot take webhooks: start without `after`, keep `next`, ask again. A decision shows once
    it is held back no more. Pages need the scope `comments`, the stream needs `review`; `Last-Event-ID` goes on after a
    break, without it the stream begins now. Both go back as far as STEWARD_EVENT_DAYS.
    """
    if STREAM in call.request.headers.get("Accept", ""):
        return await _stream(call)
    if Scope.COMMENTS not in call.key.scopes:
        raise Forbidden  # what sites are told would show a moderator which comments are blind audits
    query: EventsQuery = call.query
    after = checked(call, query.after)
    found, following = await _events(call).told(Site(call.key.site), after, query.limit)
    return EventsAnswer([_answer(event) for event in found], following or query.after)


def _answer(event: Event) -> EventAnswer:
    said = event.details
    return EventAnswer(
        said["type"],
        said["comment"],
        int(said["revision"]),
        int(said["version"]),
        event.at,
        said["status"],
        said.get("decided_by"),
        said.get("decision"),
        said.get("reason") or None,
    )


async def _stream(call: Call) -> web.StreamResponse:
    if Scope.REVIEW not in call.key.scopes:
        raise Forbidden
    site, request = Site(call.key.site), call.request
    last = checked(call, request.headers.get("Last-Event-ID"), "Last-Event-ID")
    after = last or await _events(call).latest(site)
    with _counted(call):
        response = web.StreamResponse(headers={"Content-Type": STREAM, "X-Accel-Buffering": "no"})
        # A reader who leaves is no error: a console's tab was closed, and with the next line we notice.
        with suppress(ConnectionResetError):
            await response.prepare(request)
            await response.write(b"retry: %d\n\n" % RETRY_MS)
            async for said in _said(call, site, after):
                await response.write(said)
        return response


async def _said(call: Call, site: Site, after: str) -> AsyncIterator[bytes]:
    """Events as they come, a heartbeat while there are none; ends when the service does, or the key opens no more."""
    changes = call.request.app[keys.STORE].changes
    with changes.watch(site.name, changes.EVERYTHING) as news:
        while not changes.is_closing:
            try:
                if await held(call.request, bearer(call.request)) is None:
                    return
                found, following = await _events(call).page(site, after, PAGE)
            except Retryable:
                return  # the reader comes back with the last id that it has
            yield b"".join(map(_line, found)) if found else b":\n\n"
            after = following or after
            if len(found) < PAGE:
                await news.next(HEARTBEAT_S)


def _line(event: Event) -> bytes:
    kind = event.details["kind"]
    data = {name: value for name, value in event.details.items() if name not in ("kind", "type")}
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (
        event.cursor.encode(),
        kind.encode(),
        msgspec.json.encode(data | {"at": event.at}),
    )


@contextmanager
def _counted(call: Call) -> Iterator[None]:
    """A console needs one stream for each open tab; what never closes its streams must not take all connections."""
    streams = call.request.app[STREAMS]
    if streams[call.key.id] >= MOST_STREAMS:
        raise RateLimited(f"at most {MOST_STREAMS} streams for a key", retry_after_s=5)
    streams[call.key.id] += 1
    try:
        yield
    finally:
        streams[call.key.id] -= 1


def _events(call: Call) -> Events:
    return call.request.app[keys.STORE].events


STREAMS: web.AppKey[Counter[str]] = web.AppKey("streams", Counter)

OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/events",
        handler=read_events,
        scope=Scope.COMMENTS,
        or_scope=Scope.REVIEW,
        tag="Comments",
        summary="What became of the site's comments, as pages or as a stream.",
        query=EventsQuery,
        answer=EventsAnswer,
        gives=JSON,
        problems=(503,),
    ),
)

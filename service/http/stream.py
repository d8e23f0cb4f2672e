"""The feed of a site as server-sent events, for whoever watches its queue."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import msgspec
from aiohttp import web

from service import app_keys as keys
from service.http.cursors import checked
from service.store.base import instant
from service.store.events import FeedEvent
from service.values.errors import RateLimited, Retryable

STREAM = "text/event-stream"
PAGE = 500
# Proxies close a connection on which nothing comes; a comment line keeps it open, and finds a reader that is gone.
HEARTBEAT_S = 15.0
MOST_STREAMS = 3
RETRY_MS = 2_000

# Of each who watches.
Streams = defaultdict[str, list[web.Request]]
STREAMS: web.AppKey[Streams] = web.AppKey("streams", Streams)

# What is said of the events that just came; of none, at the beginning and while there are none, mostly HEARTBEAT.
Say = Callable[[list[FeedEvent]], Awaitable[bytes]]
HEARTBEAT = b":\n\n"


async def _all_of_it(events: list[FeedEvent]) -> bytes:
    return b"".join(map(_line, events)) or HEARTBEAT


async def follow(
    request: web.Request,
    site: str,
    who: str,
    is_welcome: Callable[[], Awaitable[bool]],
    *,
    say: Say = _all_of_it,
    after: str | None = None,
    pause_s: float = 0,
) -> web.StreamResponse:
    """All that happens at a site, as it happens: `queued`, `claimed`, `released`, `decided`, `undone` and the like.

    It begins behind `Last-Event-ID`, or `after`, or now, and ends when the service does or `is_welcome` says no; that
    is asked before anything is told. What comes within `pause_s` is said at once. Raises RateLimited when `who` has
    MOST_STREAMS open, and BadRequest for an id that is none.
    """
    last = checked(request, request.headers.get("Last-Event-ID"), "Last-Event-ID")
    after = last or after or await request.app[keys.STORE].events.latest(site)
    with _counted(request.app[STREAMS][who], request):
        response = web.StreamResponse(headers={"Content-Type": STREAM, "X-Accel-Buffering": "no"})
        # A reader who leaves is no error: a console's tab was closed, and with the next line we notice.
        with suppress(ConnectionResetError):
            await response.prepare(request)
            await response.write(b"retry: %d\n\n" % RETRY_MS)
            async for said in _said(request, site, after, is_welcome, say=say, pause_s=pause_s):
                await response.write(said)
        return response


async def _said(
    request: web.Request,
    site: str,
    after: str,
    is_welcome: Callable[[], Awaitable[bool]],
    *,
    say: Say,
    pause_s: float,
) -> AsyncIterator[bytes]:
    """Events as they come, a heartbeat while there are none."""
    store = request.app[keys.STORE]
    with store.changes.watch(site, store.changes.EVERYTHING) as news:
        while not store.changes.is_closing:
            try:
                if not await is_welcome():
                    return
                found, following = await store.events.page(site, after, PAGE)
                said = await say(found)
            except Retryable:
                return  # the reader comes back with the last id that it has
            yield said
            after = following or after
            if len(found) < PAGE:
                await news.next(HEARTBEAT_S)
                if pause_s and not store.changes.is_closing:
                    await asyncio.sleep(pause_s)


def _line(event: FeedEvent) -> bytes:
    data: dict[str, Any] = {name: value for name, value in event.details.items() if name not in ("kind", "type")}
    if ends := data.pop("until", None):
        data["lease_expires_at"] = instant(ends)
    return line(event.details["kind"], data | {"at": event.at}, event.cursor)


def line(kind: str, data: Any, cursor: str = "") -> bytes:  # noqa: ANN401 - whatever msgspec can encode
    """One server-sent event; one with a cursor is a place to go on behind."""
    where = b"id: %s\n" % cursor.encode() if cursor else b""
    return b"%sevent: %s\ndata: %s\n\n" % (where, kind.encode(), msgspec.json.encode(data))


@contextmanager
def _counted(streams: list[web.Request], request: web.Request) -> Iterator[None]:
    """A console needs one stream for each open tab; what never closes its streams must not take all connections.

    One that its reader has left may go on until the next line is written; it does not count.
    """
    if sum(each.transport is not None for each in streams) >= MOST_STREAMS:
        raise RateLimited(f"at most {MOST_STREAMS} streams for each who watches", retry_after_s=5)
    streams.append(request)
    try:
        yield
    finally:
        streams.remove(request)

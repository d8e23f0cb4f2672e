"""The feed of a site as server-sent events."""

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
# Proxies close idle connections. A comment line keeps them open, and detects clients that have disconnected.
HEARTBEAT_S = 15.0
MAX_STREAMS = 3
RETRY_MS = 2_000

# The open streams of each watcher.
Streams = defaultdict[str, list[web.Request]]
STREAMS: web.AppKey[Streams] = web.AppKey("streams", Streams)

# Encodes the events that just arrived. The list is empty at the beginning and while nothing happens.
Encode = Callable[[list[FeedEvent]], Awaitable[bytes]]
HEARTBEAT = b":\n\n"


async def _encode_all(events: list[FeedEvent]) -> bytes:
    return b"".join(map(_line, events)) or HEARTBEAT


async def follow(
    request: web.Request,
    site: str,
    who: str,
    is_allowed: Callable[[], Awaitable[bool]],
    *,
    encode: Encode = _encode_all,
    after: str | None = None,
    pause_s: float = 0,
) -> web.StreamResponse:
    """Stream the events of a site: `queued`, `claimed`, `released`, `decided`, `undone` and so on.

    Starts after `Last-Event-ID`, else after `after`, else now. Ends when the service stops or `is_allowed` returns
    False; it is called before each write. Events within `pause_s` are sent together. Raises RateLimited if `who` has
    MAX_STREAMS open, and BadRequest for an invalid id.
    """
    last = checked(request, request.headers.get("Last-Event-ID"), "Last-Event-ID")
    after = last or after or await request.app[keys.STORE].events.latest(site)
    with _counted(request.app[STREAMS][who], request):
        response = web.StreamResponse(headers={"Content-Type": STREAM, "X-Accel-Buffering": "no"})
        # A client that disconnects is not an error: a tab was closed, and the next write fails.
        with suppress(ConnectionResetError):
            await response.prepare(request)
            await response.write(b"retry: %d\n\n" % RETRY_MS)
            async for said in _encoded(request, site, after, is_allowed, encode=encode, pause_s=pause_s):
                await response.write(said)
        return response


async def _encoded(
    request: web.Request,
    site: str,
    after: str,
    is_allowed: Callable[[], Awaitable[bool]],
    *,
    encode: Encode,
    pause_s: float,
) -> AsyncIterator[bytes]:
    """Events as they come, a heartbeat while there are none."""
    store = request.app[keys.STORE]
    with store.changes.watch(site, store.changes.EVERYTHING) as news:
        while not store.changes.is_closing:
            try:
                if not await is_allowed():
                    return
                found, following = await store.events.page(site, after, PAGE)
                said = await encode(found)
            except Retryable:
                return  # the client reconnects with the last id that it has
            yield said
            after = following or after
            if len(found) < PAGE:
                await news.next(HEARTBEAT_S)
                if pause_s and not store.changes.is_closing:
                    await asyncio.sleep(pause_s)


def _line(event: FeedEvent) -> bytes:
    hidden = ("kind", "type", "comment", "revision", "state") if "author" in event.details else ("kind", "type")
    data: dict[str, Any] = {name: value for name, value in event.details.items() if name not in hidden}
    if ends := data.pop("ends", None):
        data["until"] = instant(ends)
    elif ends := data.pop("until", None):
        data["lease_expires_at"] = instant(ends)
    return line(event.details["kind"], data | {"at": event.at}, event.cursor)


def line(kind: str, data: Any, cursor: str = "") -> bytes:  # noqa: ANN401 - whatever msgspec can encode
    """One server-sent event. With a cursor, a client can resume after it."""
    where = b"id: %s\n" % cursor.encode() if cursor else b""
    return b"%sevent: %s\ndata: %s\n\n" % (where, kind.encode(), msgspec.json.encode(data))


@contextmanager
def _counted(streams: list[web.Request], request: web.Request) -> Iterator[None]:
    """Limit the streams of one watcher: a console needs one for each tab; a faulty client must not take them all.

    A stream whose client has disconnected ends with the next write; it does not count.
    """
    if sum(each.transport is not None for each in streams) >= MAX_STREAMS:
        raise RateLimited(f"at most {MAX_STREAMS} streams for each watcher", retry_after_s=5)
    streams.append(request)
    try:
        yield
    finally:
        streams.remove(request)

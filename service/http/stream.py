"""The feed of a site as server-sent events, for whoever watches its queue."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import msgspec
from aiohttp import web

from service import keys
from service.errors import RateLimited, Retryable
from service.http.cursors import checked
from service.store.base import instant
from service.store.events import Event
from service.store.keyspace import Site

STREAM = "text/event-stream"
PAGE = 500
# Proxies close a connection on which nothing comes; a comment line keeps it open, and finds a reader that is gone.
HEARTBEAT_S = 15.0
MOST_STREAMS = 3
RETRY_MS = 2_000

STREAMS: web.AppKey[Counter[str]] = web.AppKey("streams", Counter)


async def follow(
    request: web.Request, site: Site, who: str, is_welcome: Callable[[], Awaitable[bool]]
) -> web.StreamResponse:
    """All that happens at a site, as it happens: `queued`, `claimed`, `released`, `decided`, `undone` and the like.

    It begins behind `Last-Event-ID`, or now, and ends when the service does or `is_welcome` says no; that is asked
    before anything is told. Raises RateLimited when `who` has MOST_STREAMS open, and BadRequest for an id that is none.
    """
    last = checked(request, request.headers.get("Last-Event-ID"), "Last-Event-ID")
    after = last or await request.app[keys.STORE].events.latest(site)
    with _counted(request.app[STREAMS], who):
        response = web.StreamResponse(headers={"Content-Type": STREAM, "X-Accel-Buffering": "no"})
        # A reader who leaves is no error: a console's tab was closed, and with the next line we notice.
        with suppress(ConnectionResetError):
            await response.prepare(request)
            await response.write(b"retry: %d\n\n" % RETRY_MS)
            async for said in _said(request, site, after, is_welcome):
                await response.write(said)
        return response


async def _said(
    request: web.Request, site: Site, after: str, is_welcome: Callable[[], Awaitable[bool]]
) -> AsyncIterator[bytes]:
    """Events as they come, a heartbeat while there are none."""
    store = request.app[keys.STORE]
    with store.changes.watch(site.name, store.changes.EVERYTHING) as news:
        while not store.changes.is_closing:
            try:
                if not await is_welcome():
                    return
                found, following = await store.events.page(site, after, PAGE)
            except Retryable:
                return  # the reader comes back with the last id that it has
            yield b"".join(map(_line, found)) if found else b":\n\n"
            after = following or after
            if len(found) < PAGE:
                await news.next(HEARTBEAT_S)


def _line(event: Event) -> bytes:
    kind = event.details["kind"]
    data: dict[str, Any] = {name: value for name, value in event.details.items() if name not in ("kind", "type")}
    if ends := data.pop("until", None):
        data["lease_expires_at"] = instant(ends)
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (
        event.cursor.encode(),
        kind.encode(),
        msgspec.json.encode(data | {"at": event.at}),
    )


@contextmanager
def _counted(streams: Counter[str], who: str) -> Iterator[None]:
    """A console needs one stream for each open tab; what never closes its streams must not take all connections."""
    if streams[who] >= MOST_STREAMS:
        raise RateLimited(f"at most {MOST_STREAMS} streams for each who watches", retry_after_s=5)
    streams[who] += 1
    try:
        yield
    finally:
        streams[who] -= 1

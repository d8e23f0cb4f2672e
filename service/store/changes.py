"""Notifications of changes from every process, so that a request can wait for one instead of polling."""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator

from service.background import Background
from service.redis.subscription import Connect, messages
from service.store.keyspace import CHANGES
from service.values.errors import StoreUnavailable

log = logging.getLogger(__name__)

RECONNECT_S = 0.5
# Check again after this long: pub/sub messages can be lost, and a lease can end without one.
LOOK_AGAIN_S = 5.0


class Changes:
    """One subscription for the process. `ChangesWatch.next` wakes on changes of a comment or of a site's queue."""

    EVERYTHING = ""

    def __init__(self, connect: Connect, background: Background) -> None:
        self._connect = connect
        self._background = background
        self._waiting: defaultdict[tuple[str, str], set[asyncio.Event]] = defaultdict(set)
        self.is_closing = False

    def close(self) -> None:
        """Wake all waiting requests when the service stops, so that they answer with what they have."""
        self.is_closing = True
        for events in self._waiting.values():
            for event in events:
                event.set()

    @contextlib.contextmanager
    def watch(self, site: str, *whats: str) -> Iterator["ChangesWatch"]:
        """Changes from now on: of a comment (its id), a kind of event, or EVERYTHING. Enter before the first read."""
        event = asyncio.Event()
        for what in whats:
            self._waiting[site, what].add(event)
        try:
            yield ChangesWatch(event)
        finally:
            for what in whats:
                self._waiting[site, what].discard(event)
                if not self._waiting[site, what]:
                    del self._waiting[site, what]

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        async with self._background.beside("news", self._listen):
            yield

    async def _listen(self) -> None:
        """Deliver messages until the connection ends."""
        try:
            async with contextlib.aclosing(messages(self._connect, CHANGES)) as published:
                async for message in published:
                    with self._background.sparing("news", "a message"):
                        self._tell(message)
        except StoreUnavailable as error:
            log.debug("no news from Redis: %s", error)
            await asyncio.sleep(RECONNECT_S)

    def _tell(self, data: bytes) -> None:
        site, kind, comment_id = data.decode().split("\n", 2)
        for what in (kind, comment_id, self.EVERYTHING):
            for event in self._waiting.get((site, what), ()):
                event.set()


class ChangesWatch:
    def __init__(self, event: asyncio.Event) -> None:
        self._event = event

    async def next(self, timeout_s: float) -> None:
        """Return at a change, or after `timeout_s` or LOOK_AGAIN_S, whichever comes first."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(timeout_s, LOOK_AGAIN_S)):
                await self._event.wait()
        self._event.clear()

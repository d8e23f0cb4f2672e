"""News of changes from every worker, so that a request can wait for one instead of asking again and again."""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from service.background import Background
from service.errors import StoreUnavailable
from service.store.keyspace import CHANGES

log = logging.getLogger(__name__)

RECONNECT_S = 0.5
# A subscription hears nothing for long when there is nothing to hear, or when its server is gone without a word.
QUIET_S = 5.0
# A message can be lost (Redis promises none of them), and a lease can end without one: look again after this long.
LOOK_AGAIN_S = 5.0


class Changes:
    """One subscription for the whole process; `next` wakes on news of one comment or of a site's queue."""

    EVERYTHING = ""

    def __init__(self, subscriber: Callable[[], Awaitable["Redis"]], background: Background) -> None:
        self._subscriber = subscriber
        self._background = background
        self._waiting: defaultdict[tuple[str, str], set[asyncio.Event]] = defaultdict(set)
        self.is_closing = False

    def close(self) -> None:
        """The service stops: whoever waits for news answers with what there is."""
        self.is_closing = True
        for events in self._waiting.values():
            for event in events:
                event.set()

    @contextlib.contextmanager
    def watch(self, site: str, *whats: str) -> Iterator["Watch"]:
        """News from now on: of a comment (its id), of a kind of event, or of EVERYTHING; enter before you look."""
        event = asyncio.Event()
        for what in whats:
            self._waiting[site, what].add(event)
        try:
            yield Watch(event)
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
        """Until the connection ends."""
        try:
            async with (await self._subscriber()).pubsub() as subscription:
                await subscription.subscribe(CHANGES)
                await self._follow(subscription)
        except (RedisError, OSError, StoreUnavailable) as error:
            log.debug("no news from Redis: %s", type(error).__name__)
            await asyncio.sleep(RECONNECT_S)

    async def _follow(self, subscription: PubSub) -> None:
        """Until the server is gone, which raises RedisError or OSError."""
        is_asked = False
        while True:
            message = await subscription.get_message(timeout=QUIET_S)
            if message is None:
                if is_asked:
                    raise TimeoutError
                await subscription.ping()
            elif message["type"] == "message":
                with self._background.sparing("news", "a message"):
                    self._tell(message["data"])
            is_asked = message is None

    def _tell(self, data: bytes) -> None:
        site, kind, comment_id = data.decode().split("\n", 2)
        for what in (kind, comment_id, self.EVERYTHING):
            for event in self._waiting.get((site, what), ()):
                event.set()


class Watch:
    def __init__(self, event: asyncio.Event) -> None:
        self._event = event

    async def next(self, timeout_s: float) -> None:
        """Return at news, or after `timeout_s` or LOOK_AGAIN_S, whichever comes first."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(timeout_s, LOOK_AGAIN_S)):
                await self._event.wait()
        self._event.clear()

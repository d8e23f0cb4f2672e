"""News of changes from every worker, so that a request can wait for one instead of asking again and again."""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator

from redis.asyncio import Redis
from redis.exceptions import RedisError

from service.background import beside
from service.store.keyspace import CHANGES

log = logging.getLogger(__name__)

RECONNECT_S = 0.5
# A message can be lost (Redis promises none of them), and a lease can end without one: look again after this long.
LOOK_AGAIN_S = 5.0


class Changes:
    """One subscription for the whole process; `next` wakes on news of one comment or of a site's queue."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis
        self._waiting: defaultdict[tuple[str, str], set[asyncio.Event]] = defaultdict(set)

    @contextlib.contextmanager
    def watch(self, site: str, what: str) -> Iterator["Watch"]:
        """News of `what` (a comment's id, or "queued" for the queue) from now on; enter before you look."""
        event = asyncio.Event()
        self._waiting[site, what].add(event)
        try:
            yield Watch(event)
        finally:
            self._waiting[site, what].discard(event)
            if not self._waiting[site, what]:
                del self._waiting[site, what]

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        async with beside(self._listen()):
            yield

    async def _listen(self) -> None:
        while True:
            try:
                async with self._redis.pubsub() as subscription:
                    await subscription.subscribe(CHANGES)
                    async for message in subscription.listen():
                        if message["type"] == "message":
                            self._tell(message["data"])
            except (RedisError, OSError) as error:
                log.debug("no news from Redis: %s", type(error).__name__)
                await asyncio.sleep(RECONNECT_S)

    def _tell(self, data: bytes) -> None:
        site, kind, comment_id = data.decode().split("\n", 2)
        for what in (kind, comment_id):
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

"""Periodic work: return expired leases to the queue, expire comments, delete old entries, measure the queue."""

import contextlib
import logging
from collections.abc import AsyncIterator

from service import metrics
from service.cases.directory import Directory
from service.cases.strikes import Strikes
from service.store import Store
from service.store.fullness import PRESSED
from service.values.errors import Retryable

log = logging.getLogger(__name__)

# An expired lease is noticed after at most this long, even if no moderator claims comments.
EVERY_S = 2.0
MEASURE_S = 10.0


class Upkeep:
    """Every process may run it: each step is one script that is safe to repeat."""

    def __init__(
        self, store: Store, directory: Directory, every_s: float = EVERY_S, *, hash_authors: bool = True
    ) -> None:
        self._background = store.background
        self._queue = store.queue
        self._fullness = store.fullness
        self._directory = directory
        self._strikes = Strikes(directory, store, hash_authors=hash_authors)
        self._every_s = every_s
        self._pressed: set[str] = set()

    async def once(self) -> None:
        for name in self._directory.sites:
            with self._background.sparing("upkeep", name):
                await self._tend(name)
                await self._strikes.weigh(name)  # what was decided, and not weighed, as a process ended

    async def _tend(self, name: str) -> None:
        expiry = self._directory.for_people(name).review.expiry
        if expiry is None:
            await self._queue.tend(name)
            return
        tended = await self._queue.tend(name, expiry.after_s, expiry.status)
        if tended.expired:
            log.warning("%s: %d comments were decided by expiry (%s)", name, tended.expired, expiry.decision)

    async def measure(self) -> None:
        """Set the queue metrics, and store a sample of the queue's length."""
        for name in self._directory.sites:
            with self._background.sparing("measure", name):
                await self._measure(name)

    async def _measure(self, name: str) -> None:
        with contextlib.suppress(Retryable):  # a full Redis stores no sample
            await self._queue.sample(name)
        found = await self._queue.stats(name, 0)
        for state in ("queued", "leased", "escalated", "overdue"):
            metrics.WAITING.labels(name, state).set(found[state])
        metrics.OLDEST.labels(name).set(max(found["oldest_ms"], 0) / 1000)
        self._watch(name, self._fullness.of(name))

    def _watch(self, name: str, share: float) -> None:
        metrics.FULLNESS.labels(name).set(share)
        if share < PRESSED:
            self._pressed.discard(name)
        elif name not in self._pressed:  # warn once until the queue has shrunk
            self._pressed.add(name)
            log.warning("%s: the queue is %.0f %% full; a full queue refuses comments", name, share * 100)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        beside = self._background.beside
        async with (
            beside("upkeep", self.once, every_s=self._every_s),
            beside("measure", self.measure, every_s=MEASURE_S),
        ):
            yield

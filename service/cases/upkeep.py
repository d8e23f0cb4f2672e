"""Periodic work: return expired leases to the queue, expire comments, delete old entries, measure the queue."""

import contextlib
import logging
import math
from collections.abc import AsyncIterator

from service import metrics
from service.cases.audits import audit_sides, learning_counts
from service.cases.directory import Directory
from service.cases.strikes import StrikeWeighing
from service.store import Store
from service.store.fullness import PRESSED
from service.values.audits import AuditCounts, AuditGroup
from service.values.domain import Action
from service.values.errors import Retryable

log = logging.getLogger(__name__)

# An expired lease is noticed after at most this long, even if no moderator claims comments.
EVERY_S = 2.0
MEASURE_S = 10.0
# Audits are answered by people, and reading a week of them takes longer.
AUDITS_S, AUDIT_HOURS = 60.0, 7 * 24


class Upkeep:
    """Every process may run it: each step is one script that is safe to repeat."""

    def __init__(
        self, store: Store, directory: Directory, every_s: float = EVERY_S, *, hash_authors: bool = True
    ) -> None:
        self._background = store.background
        self._store = store
        self._queue = store.queue
        self._fullness = store.fullness
        self._directory = directory
        self._strikes = StrikeWeighing(directory, store, hash_authors=hash_authors)
        self._every_s = every_s
        self._pressed: set[str] = set()
        self._asked: set[str] = set()

    async def once(self) -> None:
        for name in self._directory.sites:
            with self._background.sparing("upkeep", name):
                await self._tend(name)
                await self._strikes.weigh(name)  # what was decided, and not weighed, as a process ended

    async def _tend(self, name: str) -> None:
        policy = self._directory.for_people(name)
        expiry = policy.review.expiry
        if expiry is None:
            await self._queue.tend(name)
            return
        keep_s = policy.keep_rejected_s
        tended = await self._queue.tend(name, expiry.after_s, expiry.status, keep_rejected_s=keep_s)
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

    async def measure_audits(self) -> None:
        """Set the metrics of blind audits, and ask each site once in the log that never said whether it wants any."""
        for name in self._directory.sites:
            with self._background.sparing("audits", name):
                self._ask(name)
                found = await audit_sides(self._store, name, AUDIT_HOURS)
                _show(name, Action.APPROVE, found.approvals)
                _show(name, Action.REJECT, found.rejections)
                learning = await learning_counts(self._store, name, AUDIT_HOURS)
                for state, count in _by_state(learning).items():
                    metrics.LEARNING_DRAWS.labels(name, state).set(count)

    def _ask(self, name: str) -> None:
        if self._directory.for_people(name).review.is_unasked and name not in self._asked:
            self._asked.add(name)
            log.warning(
                "%s: no blind audits, so nobody knows how often automatic decisions are wrong; set audit_approved and "
                "audit_rejected in the policy (0: none), or answer in the console",
                name,
            )

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
            beside("audits", self.measure_audits, every_s=AUDITS_S),
        ):
            yield


def _by_state(counts: AuditCounts) -> dict[str, int]:
    return {"answered": counts.answered, "open": counts.open, "lost": sum(counts.lost.values())}


def _show(site: str, action: Action, found: AuditGroup) -> None:
    for state, count in _by_state(found.audits).items():
        metrics.AUDITS.labels(site, action, state).set(count)
    for bound in ("value", "low", "high", "lowest", "highest"):
        share = None if found.wrong_share is None else getattr(found.wrong_share, bound)
        metrics.AUDITED_WRONG.labels(site, action, bound).set(math.nan if share is None else share)

"""Counts how often each key is used, and where: in memory, written to Redis every second.

No request waits for it. While Redis is unavailable the counts stay in memory; a killed process loses its last second.
When a key was last used is written once a minute, for all keys together: a killed process loses that minute.
"""

import asyncio
import contextlib
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec
import uuid_utils

from service.background import Background
from service.store.usage import MOST_PLACES, OTHERS, UsageCounters
from service.values.access import ApiKey
from service.values.errors import Retryable

WRITTEN_EVERY_S = 1.0
LAST_USE_EVERY_S = 60.0
# The place of a call that does not name one.
NOWHERE = "none"


class KeyUsage(msgspec.Struct, frozen=True):
    """Use of a key at one place in a month. `missed_spam`: reported as spam; `false_positives`: as not spam."""

    api_calls: int = 0
    spam: int = 0
    ham: int = 0
    missed_spam: int = 0
    false_positives: int = 0


# Limit of unwritten counts of one key.
MOST_COUNTED = MOST_PLACES * len(KeyUsage.__struct_fields__)


@dataclass(slots=True)
class _UsageBatch:
    """Unwritten counts of one key and month. A failed batch is sent again unchanged, as Redis may have written it."""

    number: int = 0
    counting: Counter[tuple[str, str]] = field(default_factory=Counter)
    sent: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def is_open(self) -> bool:
        return bool(self.counting or self.sent)


class Usage:
    def __init__(
        self,
        kept: UsageCounters,
        background: Background,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._background = background
        self._kept = kept
        self._now = now
        self._who = uuid_utils.uuid4().hex
        self._batches: dict[tuple[str, str, str], _UsageBatch] = {}
        self._writing = asyncio.Lock()
        self._touched: set[str] = set()
        self._last_used: dict[str, datetime] = {}
        self._last_used_written = -math.inf

    def touch(self, key: ApiKey) -> None:
        """Note that the key is used. For every request, so it does no more than this."""
        self._touched.add(key.id)

    async def last_used(self) -> dict[str, datetime]:
        """By key's id: of this process to the second, of others to LAST_USE_EVERY_S. Raises as `of` does."""
        found = await self._kept.last_used()
        for name, at in self._see_touched().items():
            found[name] = max(at, found.get(name, at))
        return found

    def _see_touched(self) -> dict[str, datetime]:
        """What is still to be written."""
        self._last_used |= dict.fromkeys(self._touched, self._now())
        self._touched.clear()
        return self._last_used

    async def _write_last_used(self, every_s: float) -> None:
        """Raises StoreUnavailable or Overloaded, and then keeps what it could not write."""
        sent = dict(self._see_touched())
        if sent and time.monotonic() - self._last_used_written >= every_s:
            await self._kept.note_used(sent)
            self._last_used_written = time.monotonic()
            self._last_used = {name: at for name, at in self._last_used.items() if sent.get(name) != at}

    def count(self, key: ApiKey, place: str, *figures: str) -> None:
        """Add one to each of the named fields of KeyUsage."""
        batch = self._batches.setdefault((key.site, key.id, self.month), _UsageBatch())
        if (place, figures[0]) not in batch.counting and len(batch.counting) >= MOST_COUNTED:
            place = OTHERS
        batch.counting.update((place, figure) for figure in figures)

    @property
    def month(self) -> str:
        """The current month in UTC, as YYYY-MM."""
        return f"{self._now():%Y-%m}"

    async def of(self, key: ApiKey, month: str) -> dict[str, KeyUsage]:
        """Use of a key by place, including unwritten counts of this process. Raises StoreUnavailable or Overloaded."""
        await self.write()
        found = await self._kept.of(key.site, key.id, month)
        known = KeyUsage.__struct_fields__
        return {
            place: KeyUsage(**{name: count for name, count in figures.items() if name in known})
            for place, figures in found.items()
            if "api_calls" in figures
        }

    async def write(self) -> None:
        """Write all counts to Redis. Raises StoreUnavailable or Overloaded and keeps what it could not write."""
        failed: Retryable | None = None
        async with self._writing:
            for (site, key_id, month), batch in [*self._batches.items()]:
                try:
                    await self._write_batch(site, key_id, month, batch)
                except Retryable as error:  # a failure of one site must not affect the others
                    failed = error
                except Exception as error:  # noqa: BLE001 - logged and counted; the counts are kept
                    self._background.note("usage", key_id, error)
            this_month = self.month
            self._batches = {at: each for at, each in self._batches.items() if each.is_open or at[2] >= this_month}
        if failed is not None:
            raise failed

    async def _write_batch(self, site: str, key_id: str, month: str, batch: _UsageBatch) -> None:
        while batch.is_open:
            if not batch.sent:
                batch.number += 1
                batch.sent, batch.counting = batch.counting, Counter()
            await self._kept.add(site, key_id, month, batch.sent, (self._who, batch.number))
            batch.sent = Counter()

    @contextlib.asynccontextmanager
    async def written(self) -> AsyncIterator[None]:
        try:
            async with self._background.beside("usage", self._write, every_s=WRITTEN_EVERY_S):
                yield
        finally:
            with self._background.sparing("usage", "the last figures"):
                await self.write()
                await self._write_last_used(0)

    async def _write(self) -> None:
        with contextlib.suppress(Retryable):
            await self.write()
            await self._write_last_used(LAST_USE_EVERY_S)

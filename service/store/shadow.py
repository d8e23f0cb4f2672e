"""What a model in shadow would have done, counted in Redis by site, model and day."""

import asyncio
from collections.abc import Mapping
from datetime import date, timedelta

from service.redis.pipe import Pipe
from service.store.comments import DAY_S
from service.store.draws import EPOCH
from service.store.keyspace import Shard
from service.store.scripts import script
from service.values.domain import Action
from service.values.shadow import Pair

KEPT_DAYS = 90
# Characters of a model's digest in a key.
DIGEST_CHARS = 16


class ShadowCounts:
    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    async def add(self, site: str, digest: str, day: date, counts: Mapping[Pair, int], batch: tuple[str, int]) -> None:
        """Add comments to a day (UTC). `batch`: the process that counted, and the number of this batch.

        Repeating this batch or an earlier one changes nothing. Raises StoreUnavailable or Overloaded.
        """
        flat = [part for pair, count in counts.items() for part in ("\n".join(pair), count)]
        name, number = digest[:DIGEST_CHARS], (day - EPOCH).days
        await self._pipe.run(
            script("count_shadow"), [Shard(site).prefix], name, number, (KEPT_DAYS + 1) * DAY_S, *batch, DAY_S, *flat
        )

    async def of(self, site: str, digest: str, today: date) -> dict[date, dict[Pair, int]]:
        """The counts of the days that are kept, without days on which nothing was counted."""
        days = [today - timedelta(days=n) for n in range(KEPT_DAYS)]
        found = await asyncio.gather(*(self._of_day(site, digest, day) for day in days))
        return {day: counts for day, counts in zip(days, found, strict=True) if counts}

    async def _of_day(self, site: str, digest: str, day: date) -> dict[Pair, int]:
        key = Shard(site).key(f"shadow:{digest[:DIGEST_CHARS]}:{(day - EPOCH).days}")
        flat = await self._pipe.call("HGETALL", key)
        return {_pair(name.decode()): int(count) for name, count in zip(flat[::2], flat[1::2], strict=True)}


def _pair(name: str) -> Pair:
    champion, was, would = name.rsplit("\n", 2)
    return Pair(champion, Action(was), Action(would))

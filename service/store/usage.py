"""Use of each API key in Redis, counted by month and place."""

from collections.abc import Mapping

from service.redis.pipe import Pipe
from service.store.comments import DAY_S
from service.store.keyspace import Shard
from service.store.scripts import script

# A little over thirteen months: a month can be compared with the same one a year before.
KEPT_S = 400 * DAY_S
# Places counted separately for one key and month. Limited, because clients choose the names.
MOST_PLACES = 500
# The name under which all other places are counted.
OTHERS = "others"


class UsageCounters:
    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    async def add(
        self, site: str, key_id: str, month: str, counts: Mapping[tuple[str, str], int], batch: tuple[str, int]
    ) -> None:
        """Add counts by place and figure. `batch`: the process that counted, and the number of this batch.

        Repeating this batch or an earlier one changes nothing, so it can be sent again after an error. Raises
        StoreUnavailable or Overloaded.
        """
        flat = [part for (place, figure), count in counts.items() for part in (place, figure, count)]
        await self._pipe.run(
            script("count"), [Shard(site).prefix], key_id, month, KEPT_S, MOST_PLACES, OTHERS, *batch, DAY_S, *flat
        )

    async def of(self, site: str, key_id: str, month: str) -> dict[str, dict[str, int]]:
        """Figures by place. Raises StoreUnavailable or Overloaded."""
        flat = await self._pipe.call("HGETALL", Shard(site).usage(key_id, month))
        found: dict[str, dict[str, int]] = {}
        for field, count in zip(flat[::2], flat[1::2], strict=True):
            figure, _, place = field.decode().partition(":")
            found.setdefault(place, {})[figure] = int(count)
        return found

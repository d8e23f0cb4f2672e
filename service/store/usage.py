"""Use of each API key in Redis: counted by month and place, and when it was last used."""

from collections.abc import Mapping
from datetime import datetime

from service.redis.pipe import Pipe
from service.store.base import fields, instant
from service.store.comments import DAY_S
from service.store.keyspace import KEYS, USED, Shard
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

    async def note_used(self, used: Mapping[str, datetime]) -> None:
        """When keys were last used, by id. A key that was revoked meanwhile leaves nothing."""
        there = {each.decode() for each in await self._pipe.call("HKEYS", KEYS)}
        await self._note({name: at for name, at in used.items() if name in there})

    async def note_delivered(self, delivered: Mapping[str, datetime]) -> None:
        """When a webhook of a site last arrived, by site."""
        await self._note({f"{_WEBHOOK}{site}": at for site, at in delivered.items()})

    async def last_used(self) -> dict[str, datetime]:
        """By key's id. A key that was not used since Steward notes it is left out."""
        return {name: at for name, at in (await self._noted()).items() if not name.startswith(_WEBHOOK)}

    async def last_delivered(self, site: str) -> datetime | None:
        return (await self._noted()).get(f"{_WEBHOOK}{site}")

    async def _note(self, noted: Mapping[str, datetime]) -> None:
        if noted:
            flat = [part for name, at in noted.items() for part in (name, int(at.timestamp() * 1000))]
            await self._pipe.call("HSET", USED, *flat)

    async def _noted(self) -> dict[str, datetime]:
        found = {name: instant(ms) for name, ms in fields(await self._pipe.call("HGETALL", USED)).items()}
        return {name: at for name, at in found.items() if at is not None}


# No id of a key has a colon.
_WEBHOOK = "webhook:"

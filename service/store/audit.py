"""The audit trail in Redis: append-only, readable in order."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial

from service.redis.pipe import Pipe
from service.store.base import AuditEntry, fields
from service.store.keyspace import Shard, Shards
from service.store.shards import BETWEEN, in_order, order_of
from service.values import request_id

# Entries that one call reads; the caller continues at the cursor.
MOST_READ = 5_000
AT_ONCE = 500


class Audit:
    def __init__(self, pipe: Pipe, shards: Shards) -> None:
        self._pipe = pipe
        self._shards = shards

    async def page(
        self, site: str, after: str, limit: int, *, comment: str = "", actor: str = ""
    ) -> tuple[list[AuditEntry], str | None]:
        """Entries after the cursor, oldest first, and the next cursor, None at the end of the trail.

        One call reads at most MOST_READ entries, so with a rare filter a page can be empty before the end.
        """
        wanted = {name: value for name, value in (("comment", comment), ("actor", actor)) if value}
        read = partial(self._page, wanted)
        return await in_order(self._shards.each(site), after, limit, read)

    async def _page(
        self, wanted: dict[str, str], shard: Shard, after: str, limit: int
    ) -> tuple[list[AuditEntry], str | None]:
        found: list[AuditEntry] = []
        # Without a filter every entry read belongs to the page.
        at_once = AT_ONCE if wanted else min(limit, AT_ONCE)
        for _ in range(0, MOST_READ, at_once):
            entries = await self.entries(shard, after, at_once)
            for entry in entries:
                if wanted.items() <= entry.details.items():
                    found.append(entry)
                    if len(found) == limit:
                        return found, entry.cursor
            if len(entries) < at_once:
                return found, None
            after = entries[-1].cursor
        return found, after

    async def about(self, site: str, comment: str, after: str, limit: int) -> tuple[list[AuditEntry], str | None]:
        """As `page` for one comment; `after` is a position in the stream of its shard."""
        return await self._page({"comment": comment}, self._shards.of(site, comment), after, limit)

    async def is_cut(self, site: str, comment: str, after: str) -> bool:
        """Whether entries of this comment's shard after the cursor were deleted from Redis."""
        return await self.has_trimmed(self._shards.of(site, comment), after)

    def just_before(self, site: str, at: datetime) -> str:
        """The cursor after which `page` begins with the entries of `at` and later."""
        ms = int(at.timestamp() * 1000) - 1
        return BETWEEN.join([f"{ms}-{2**63}"] * len(self._shards.each(site)))

    async def write(self, site: str, action: str, actor: str, **details: str) -> None:
        """Record an event that is not a change of a comment, such as a promoted model or a new key."""
        if asked := request_id.current():
            details["request"] = asked
        flat = [part for pair in details.items() for part in pair]
        await self._pipe.call("XADD", Shard(site).key("audit"), "*", "action", action, "actor", actor, *flat)

    async def write_to_all(self, sites: Iterable[str], site: str, action: str, actor: str, **details: str) -> None:
        """Record in the trails of several sites what somebody of `site` did."""
        # Another site may have an actor of the same name, so the other trails also name the site.
        elsewhere = details | {"actor_site": site}
        writing = [self.write(each, action, actor, **(details if each == site else elsewhere)) for each in sites]
        await asyncio.gather(*writing)

    def shards(self, site: str) -> tuple[Shard, ...]:
        """The shards of the site, each with its own ordered stream of entries."""
        return self._shards.each(site)

    async def entries(self, shard: Shard, after: str, limit: int = MOST_READ) -> list[AuditEntry]:
        """Entries of one shard after the cursor, oldest first; fewer than `limit` at the end of the stream."""
        found = await self._pipe.call("XRANGE", shard.key("audit"), f"({after}" if after else "-", "+", "COUNT", limit)
        return [AuditEntry(cursor.decode(), _at(cursor), fields(flat)) for cursor, flat in found]

    async def trim(self, shard: Shard, exported: str, before: datetime) -> int:
        """Delete the entries of one shard before an instant, up to `exported`. Returns how many were deleted.

        Deletes only whole nodes of the stream, a bounded number at a time, so that Redis is not blocked.
        """
        oldest = min((int(before.timestamp() * 1000), 0), order_of(exported))
        first = await self.entries(shard, "", 1)
        if not first or order_of(first[0].cursor) >= oldest:
            return 0
        # Record the position first: an export to another folder must learn that entries are missing.
        await self._pipe.call("SET", shard.key("trimmed"), "{}-{}".format(*oldest))
        trimmed = 0
        while some := await self._trim_some(shard, oldest):
            trimmed += some
        return trimmed

    async def _trim_some(self, shard: Shard, oldest: tuple[int, int]) -> int:
        least = "{}-{}".format(*oldest)
        return int(await self._pipe.call("XTRIM", shard.key("audit"), "MINID", "~", least, "LIMIT", MOST_READ))

    async def has_trimmed(self, shard: Shard, after: str) -> bool:
        """Whether entries after the cursor were deleted from Redis."""
        trimmed = await self._pipe.call("GET", shard.key("trimmed"))
        return trimmed is not None and order_of(after or "0-0") < order_of(trimmed.decode())


def _at(cursor: bytes) -> datetime:
    return datetime.fromtimestamp(int(cursor.partition(b"-")[0]) / 1000, UTC)

"""The event feed of a site, for consoles and for sites that cannot receive webhooks."""

from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from service.redis.pipe import Pipe
from service.store.base import fields
from service.store.keyspace import Shard, Shards
from service.store.shards import BEGINNING, BETWEEN, in_order

AT_ONCE = 500
# Reads for one page of a site's events; the caller continues at the cursor.
MOST_READS = 20


class FeedEvent(Struct, frozen=True):
    """One entry of the feed; reading continues after `cursor`.

    `details` has kind, comment, revision, version and state; events for the site also have type, status, decided_by
    and so on.
    """

    cursor: str
    at: datetime
    details: dict[str, str]


class Events:
    def __init__(self, pipe: Pipe, hold_s: float, shards: Shards) -> None:
        self._pipe = pipe
        self._hold_ms = round(hold_s * 1000)
        self._shards = shards

    async def page(self, site: str, after: str, limit: int) -> tuple[list[FeedEvent], str | None]:
        """All events after the cursor, oldest first, and the next cursor; None: nothing more yet."""
        return await in_order(self._shards.each(site), after, limit, self._page, _marked)

    async def site_events(self, site: str, after: str, limit: int) -> tuple[list[FeedEvent], str | None]:
        """The events for the site, after the time to undo: an undone decision never appears.

        One call makes at most MOST_READS reads, so a page can be short, or empty, before the end.
        """
        return await in_order(self._shards.each(site), after, limit, self._site_events, _marked)

    async def latest(self, site: str) -> str:
        """The cursor after the newest event."""
        last = [
            await self._pipe.call("XREVRANGE", shard.key("events"), "+", "-", "COUNT", 1)
            for shard in self._shards.each(site)
        ]
        return BETWEEN.join(found[0][0].decode() if found else BEGINNING for found in last)

    async def _page(self, shard: Shard, after: str, limit: int) -> tuple[list[FeedEvent], str | None]:
        entries = await self._read(shard, after, "+", limit)
        return entries, entries[-1].cursor if entries else None

    async def _site_events(self, shard: Shard, after: str, limit: int) -> tuple[list[FeedEvent], str | None]:
        seconds, microseconds = await self._pipe.call("TIME")
        until = int(seconds) * 1000 + int(microseconds) // 1000 - self._hold_ms
        found: list[FeedEvent] = []
        looked_at: str | None = None
        # Events that are not for the site do not fill the page and do not end it.
        for _ in range(max(1, MOST_READS // self._shards.count)):
            entries = await self._read(shard, looked_at or after, str(until), AT_ONCE)
            if not entries:
                break
            looked_at = entries[-1].cursor
            found += [entry for entry in entries if "type" in entry.details]
            if len(found) >= limit:
                return found[:limit], found[limit - 1].cursor
        return found, looked_at

    async def _read(self, shard: Shard, after: str, until: str, limit: int) -> list[FeedEvent]:
        found = await self._pipe.call(
            "XRANGE", shard.key("events"), f"({after}" if after else "-", until, "COUNT", limit
        )
        return [
            FeedEvent(cursor.decode(), datetime.fromtimestamp(int(cursor.partition(b"-")[0]) / 1000, UTC), fields(flat))
            for cursor, flat in found
        ]


def _marked(event: FeedEvent, cursor: str) -> FeedEvent:
    return msgspec.structs.replace(event, cursor=cursor)

"""The newest comments of a site, found by reading its audit trail backwards.

The trail lists every submission, so no further index is needed. It reaches as far back as the trail in Redis.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from service.redis.pipe import Pipe
from service.store.base import CommentSummary, comment_summary
from service.store.keyspace import Shard, Shards
from service.store.packing import Glance, glanced
from service.store.scripts import script
from service.store.shards import BETWEEN, order_of

# Entries that one script reads, limited because Redis serves no other client meanwhile.
AT_ONCE = 100
# The position of a shard that was read to its oldest entry.
END = "0-0"
# Entries read per wanted comment: one is written on submission, more when people work on it.
ENTRIES_EACH = 10


class Sighting(Struct, frozen=True):
    """A submitted comment in its current state, with its content still packed."""

    summary: CommentSummary
    revision: int
    content: bytes

    @property
    def id(self) -> str:
        return self.summary.id

    @property
    def at(self) -> datetime:
        return self.summary.at


class Recent:
    def __init__(self, pipe: Pipe, shards: Shards) -> None:
        self._pipe = pipe
        self._shards = shards

    def backwards(self, site: str, *, before: str = "", begins: str = "", most: int) -> "Backwards":
        """Backwards from the cursor, reading about `most` entries of the trail. `begins`: only ids with this prefix."""
        places = before.split(BETWEEN) if before else [""] * self._shards.count
        shards = [
            _ShardReader(self._pipe, shard, place, begins)
            for shard, place in zip(self._shards.each(site), places, strict=True)
        ]
        return Backwards(shards, most)

    def newest(self, site: str, most: int, *, at_once: int) -> "Newest":
        """At most so many comments. `at_once`: how many are given before the event loop serves others."""
        return Newest(self.backwards(site, most=most * ENTRIES_EACH), most, at_once)


class Backwards:
    """Iterates over the comments of all shards, newest first.

    `missing`: comments skipped because their text was erased or has expired. `back_to`: when the oldest entry read was
    written.
    """

    def __init__(self, shards: "list[_ShardReader]", most: int) -> None:
        self._shards = shards
        self._most = most
        self.missing = 0
        self.back_to: datetime | None = None

    @property
    def cursor(self) -> str | None:
        """Where to continue; None: the start of the trail was reached."""
        if all(shard.place == END and not shard.ahead for shard in self._shards):
            return None
        return BETWEEN.join(shard.place or f"{2**53}-0" for shard in self._shards)

    async def __aiter__(self) -> AsyncIterator[Sighting]:
        while True:
            looked = sum(shard.looked for shard in self._shards)
            wanting = [shard for shard in self._shards if not shard.ahead and shard.place != END]
            if wanting and looked >= self._most:
                return
            await asyncio.gather(*(shard.look() for shard in wanting))
            if any(not shard.ahead and shard.place != END for shard in self._shards):
                continue  # that part of the trail has no submissions
            waiting = [shard for shard in self._shards if shard.ahead]
            if not waiting:
                return
            # Every unfinished shard has an entry ahead, so the newest of these is the newest of all.
            shard = max(waiting, key=lambda each: order_of(each.ahead[0][0]))
            self.back_to = _at(shard.ahead[0][0])
            found = shard.take()
            if found is None:
                self.missing += 1
            else:
                yield found


class Newest:
    """Iterates over comments that can be read, newest first. `back_to`: as of Backwards."""

    def __init__(self, back: Backwards, most: int, at_once: int) -> None:
        self._back = back
        self._most = most
        self._at_once = at_once
        self._unreadable = 0

    @property
    def missing(self) -> int:
        """Comments skipped because their text was erased, has expired, or cannot be read."""
        return self._back.missing + self._unreadable

    @property
    def back_to(self) -> datetime | None:
        return self._back.back_to

    async def __aiter__(self) -> AsyncIterator[tuple[Sighting, Glance]]:
        given = 0
        async for seen in self._back:
            said = glanced(seen.content)
            if said is None:
                self._unreadable += 1
                continue
            yield seen, said
            given += 1
            if given == self._most:
                return
            if given % self._at_once == 0:
                await asyncio.sleep(0)


class _ShardReader:
    """The reading position in one shard. `ahead`: entries fetched but not yet returned; `place`: where to continue."""

    def __init__(self, pipe: Pipe, shard: Shard, place: str, begins: str) -> None:
        self._pipe = pipe
        self._shard = shard
        self._begins = begins
        self._looked_to = place
        self.place = place
        self.ahead: deque[tuple[str, list[Any]]] = deque()
        self.looked = 0

    async def look(self) -> None:
        start = f"({self._looked_to}" if self._looked_to else "+"
        oldest, looked, *found = await self._pipe.run(
            script("recent"), [self._shard.prefix], start, AT_ONCE, self._begins
        )
        self._looked_to = END if looked < AT_ONCE else oldest.decode()
        self.looked += looked
        self.ahead.extend((entry.decode(), rest) for entry, *rest in found)
        if not self.ahead:
            self.place = self._looked_to

    def take(self) -> Sighting | None:
        entry, (comment_id, revision, content, state, *rest) = self.ahead.popleft()
        self.place = entry if self.ahead else self._looked_to
        if content is None or state is None:
            return None
        return Sighting(comment_summary(comment_id, _at(entry), state, *rest), int(revision), content)


def _at(entry: str) -> datetime:
    return datetime.fromtimestamp(order_of(entry)[0] / 1000, UTC)

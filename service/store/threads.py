"""Replies to a comment, in an index of parents that expires with the texts (prelude.lua, `remember_reply`)."""

import asyncio
from typing import NamedTuple

from service.redis.pipe import Pipe
from service.store.keyspace import Shard, Shards
from service.store.scripts import script


class Replies(NamedTuple):
    """Ids of replies around an instant, oldest first. `earlier`, `later`: how many more are kept on either side."""

    before: list[str]
    after: list[str]
    earlier: int
    later: int


class ReplyIndex:
    def __init__(self, pipe: Pipe, shards: Shards) -> None:
        self._pipe = pipe
        self._shards = shards

    async def around(self, site: str, parent: str, *, at_ms: int, but: str, before: int, after: int) -> Replies:
        """The replies to `parent` next to `at_ms`, without `but`, which was first recorded then.

        A reply is indexed in its own shard, so every shard is asked, for `before` + `after` + 1 ids at most. Raises
        StoreUnavailable or Overloaded.
        """
        parts = await asyncio.gather(
            *(self._part(shard, parent, (at_ms, but), before, after + 1) for shard in self._shards.each(site))
        )
        there = sum(each[0] for each in parts)
        ranked = sorted(entry for each in parts for entry in each[2])
        own = (at_ms, but)
        earlier = [each for at, each in ranked if (at, each) < own]
        later = [each for at, each in ranked if (at, each) > own]
        is_there = own in ranked
        # In other shards than its own, those of the same millisecond are counted as later ones.
        lie_before = max(sum(each[1] for each in parts), len(earlier))
        shown_before, shown_after = earlier[-before:] if before else [], later[:after]
        rest = there - lie_before - (1 if is_there else 0)
        return Replies(shown_before, shown_after, lie_before - len(shown_before), max(0, rest - len(shown_after)))

    async def first(self, site: str, parent: str, most: int) -> Replies:
        """The oldest replies to `parent`. Raises as `around` does."""
        return await self.around(site, parent, at_ms=0, but="", before=0, after=most)

    async def _part(
        self, shard: Shard, parent: str, place: tuple[int, str], before: int, after: int
    ) -> tuple[int, int, list[tuple[int, str]]]:
        there, lie_before, *flat = await self._pipe.run(
            script("replies"), [shard.prefix], parent, *place, before, after
        )
        ids, times = flat[::2], flat[1::2]
        return there, lie_before, [(int(at), each.decode()) for each, at in zip(ids, times, strict=True)]

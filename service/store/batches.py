"""Decisions that one action made together, noted for as long as they can be undone together."""

from collections.abc import Iterable, Mapping

from service.redis.pipe import Pipe
from service.store.base import fields
from service.store.keyspace import Shard
from service.store.scripts import script

# More than this takes several batches.
MOST_IN_BATCH = 2_000


class Batches:
    """`life_s`: how long a batch is kept after decisions were last added to it."""

    def __init__(self, pipe: Pipe, life_s: int) -> None:
        self._pipe = pipe
        self._life_s = life_s

    async def note(self, site: str, batch: str, decisions: Mapping[str, int]) -> bool:
        """Add comments with the version that the decision makes. False if the batch would hold too many."""
        flat = [part for pair in decisions.items() for part in pair]
        return bool(
            await self._pipe.run(script("note_batch"), [Shard(site).prefix], batch, self._life_s, MOST_IN_BATCH, *flat)
        )

    async def get(self, site: str, batch: str) -> dict[str, int]:
        """Comments with the version that the decision made; empty for an unknown or old batch."""
        flat = await self._pipe.call("HGETALL", self._key(site, batch))
        return {comment: int(version) for comment, version in fields(flat).items()}

    async def drop(self, site: str, batch: str, comments: Iterable[str]) -> None:
        if names := list(comments):
            await self._pipe.call("HDEL", self._key(site, batch), *names)

    @staticmethod
    def _key(site: str, batch: str) -> str:
        return Shard(site).key(f"batch:{batch}")

"""Which waiting comment is assigned to which moderator, in Redis."""

from service.redis.pipe import Pipe
from service.store.base import Outcome, Record, answered, record
from service.store.keyspace import Shards
from service.store.scripts import script

# Of one moderator in one shard, in one list.
MOST_LISTED = 200


class AssignmentBook:
    def __init__(self, pipe: Pipe, shards: Shards) -> None:
        self._pipe = pipe
        self._shards = shards

    async def assign(
        self, site: str, comment_id: str, actor: str, assignee: str, *, role: str = ""
    ) -> tuple[Outcome, Record | None]:
        """Assign a waiting comment to a moderator ("": to nobody). If `actor` holds it, it goes back to the queue."""
        run = self._shards.run
        return answered(comment_id, await run(script("assign"), site, comment_id, actor, assignee, role))

    async def of(self, site: str, moderator: str) -> list[Record]:
        """What waits and is assigned to a moderator, the most urgent first; MOST_LISTED of each shard at most."""
        found: list[Record] = []
        for shard in self._shards.each(site):
            page = await self._pipe.run(script("items"), [shard.prefix], f"assigned:{moderator}", 0, MOST_LISTED - 1)
            found += [record(comment_id.decode(), *item) for comment_id, *item in page]
        return sorted(found, key=lambda each: (each.due_at or each.created_at, each.id))

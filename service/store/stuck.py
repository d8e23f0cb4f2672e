"""What may be stuck in the queue, in Redis: a bounded look at the places where comments wait too long."""

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from service.redis.pipe import Pipe
from service.store.base import instant
from service.store.keyspace import Shard, Shards
from service.store.scripts import script
from service.values.domain import State

# Of each index in each shard, so that Redis serves others meanwhile.
MOST_LOOKED_AT = 200
# People who may decide nothing any more, whose assignments are looked at in each shard.
MOST_AWAY = 100


class StuckEntry(NamedTuple):
    """A waiting comment. `against`: who may not judge it. `expiries`: how often a claim ended without an answer."""

    id: str
    state: State
    due_at: datetime | None
    expiries: int
    assignee: str | None
    against: frozenset[str]
    why: str
    is_noticed: bool
    version: int
    escalated_at: datetime | None
    created_at: datetime


class StuckFound(NamedTuple):
    """`overdue`, `escalated`: how many there are; `entries`: of those and others, those that were looked at."""

    now: datetime
    overdue: int
    escalated: int
    entries: list[StuckEntry]


class StuckIndex:
    def __init__(self, pipe: Pipe, shards: Shards) -> None:
        self._pipe = pipe
        self._shards = shards

    async def look(self, site: str, now: datetime, late: timedelta, deciders: Collection[str]) -> StuckFound:
        """`late`: how long an escalation may wait. `deciders`: who may decide comments; what is assigned to others is
        looked at. Raises StoreUnavailable.
        """
        since = round((now - late).timestamp() * 1000)
        parts = await asyncio.gather(*(self._look(shard, since, deciders) for shard in self._shards.each(site)))
        return StuckFound(
            max(each.now for each in parts),
            sum(each.overdue for each in parts),
            sum(each.escalated for each in parts),
            [entry for each in parts for entry in each.entries],
        )

    async def _look(self, shard: Shard, since: int, deciders: Collection[str]) -> StuckFound:
        now, overdue, escalated, *rows = await self._pipe.run(
            script("stuck"), [shard.prefix], MOST_LOOKED_AT, since, MOST_AWAY, *deciders
        )
        return StuckFound(_at(now), overdue, escalated, [_entry(*row) for row in rows if row[1] is not None])


def _entry(comment_id: bytes, state: bytes, due: bytes | None, *rest: Any) -> StuckEntry:  # noqa: ANN401 - as answered
    expiries, assignee, against, why, noticed, version, escalated, created, voter = rest
    return StuckEntry(
        comment_id.decode(),
        State(state.decode()),
        instant(due),
        int(expiries or 0),
        assignee.decode() if assignee else None,
        frozenset(filter(None, [*(against or b"").decode().split("\n"), (voter or b"").decode()])),
        (why or b"").decode(),
        noticed is not None,
        int(version),
        instant(escalated),
        _at(created),
    )


def _at(ms: bytes | int) -> datetime:
    return datetime.fromtimestamp(int(ms) / 1000, UTC)

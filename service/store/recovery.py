"""Restores data after a loss of Redis, from the exported audit trail and the copy of keys and policies."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from service.redis.pipe import Pipe
from service.store.keyspace import KEYS, SALT, SITES, Shard, Shards
from service.store.scripts import script
from service.values.access import ApiKey
from service.values.domain import Action, DecidedBy, State, Status
from service.values.policy import Policy

# Comments that one script call restores, with a few writes each.
AT_ONCE = 100
_pack = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True, slots=True)
class Restored:
    """The last known state of a comment: decided or erased. Times in Unix ms, None if there is none.

    `is_lost`: it was waiting and must be sent again, which becomes the revision after `revision`. `life_s`: how
    long it is stored.
    """

    id: str
    revision: int
    version: int
    state: State
    status: Status
    decision: Action
    decided_by: DecidedBy
    created_ms: int
    decided_ms: int | None
    erased_ms: int | None
    moderator: str
    reason: str
    life_s: int
    is_lost: bool = False


class Recovery:
    def __init__(self, pipe: Pipe, shards: Shards) -> None:
        self._pipe = pipe
        self._shards = shards

    async def comments(self, site: str, found: Iterable[Restored], token: int) -> tuple[int, int]:
        """Restore the comments that are missing. Returns how many, and how many of these were waiting.

        Safe to repeat, and to run while the service runs.

        `token`: above the token of any earlier lease. Raises StoreUnavailable and Overloaded.
        """
        packed: defaultdict[int, list[bytes]] = defaultdict(list)
        for each in found:
            packed[self._shards.of(site, each.id).number].append(_packed(each))
        restored = waited = 0
        await self._pipe.call("SADD", SITES, site)
        for shard in self._shards.each(site):
            rows = packed[shard.number]
            for start in range(0, max(len(rows), 1), AT_ONCE):
                some = rows[start : start + AT_ONCE]
                found_here, lost_here = await self._pipe.run(script("restore"), [shard.prefix], token, *some)
                restored, waited = restored + found_here, waited + lost_here
        return restored, waited

    async def keys(self, found: Iterable[ApiKey]) -> int:
        """Restore the keys that are missing, all or none. Returns how many."""
        known = set(await self._pipe.call("HKEYS", KEYS))
        flat = [part for key in found if key.id.encode() not in known for part in (key.id, msgspec.json.encode(key))]
        return int(await self._pipe.call("HSET", KEYS, *flat)) if flat else 0

    async def salt(self, salt: bytes) -> bool:
        """Restore the salt. False if there is another one already: then pseudonyms from before no longer match."""
        await self._pipe.call("SETNX", SALT, salt)
        return bytes(await self._pipe.call("GET", SALT)) == salt

    async def policy(self, site: str, policy: Policy) -> bool:
        """Restore a site's policy under its version. Returns False if the site has set one meanwhile."""
        if await self._pipe.call("EXISTS", Shard(site).key("policies")):
            return False
        stored = await self._pipe.call(
            "HSETNX", Shard(site).key("policies"), policy.version, msgspec.json.encode(policy)
        )
        return bool(stored)


def _packed(each: Restored) -> bytes:
    return _pack(
        (
            each.id,
            str(each.revision),
            str(each.version),
            each.state,
            each.status,
            each.decision,
            each.decided_by,
            str(each.created_ms),
            "" if each.decided_ms is None else str(each.decided_ms),
            "" if each.erased_ms is None else str(each.erased_ms),
            each.moderator,
            each.reason,
            str(each.life_s),
            "1" if each.is_lost else "",
        )
    )

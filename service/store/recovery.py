"""After a loss of Redis: what the exported audit trail, and the copy of keys and policies, can bring back."""

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

# So many in one script call, each a few writes.
AT_ONCE = 100
_pack = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True, slots=True)
class Restored:
    """How a comment stood. `state` is decided or erased; times in Unix ms, None where there is none.

    `is_lost`: it waited, and must be sent again; that becomes the revision after `revision`. `life_s`: for how long it
    is kept.
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
        """Put back those that are not here; how many that were, and how many of them waited.

        May be run again, and beside the service.

        `token`: more than any that a lease had. Raises StoreUnavailable and Overloaded.
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
        """Put back those that are not here, all of them or none; how many that were."""
        known = set(await self._pipe.call("HKEYS", KEYS))
        flat = [part for key in found if key.id.encode() not in known for part in (key.id, msgspec.json.encode(key))]
        return int(await self._pipe.call("HSET", KEYS, *flat)) if flat else 0

    async def salt(self, salt: bytes) -> bool:
        """False where another one was drawn meanwhile: authors of before and after are then told apart."""
        await self._pipe.call("SETNX", SALT, salt)
        return bytes(await self._pipe.call("GET", SALT)) == salt

    async def policy(self, site: str, policy: Policy) -> bool:
        """Put back a site's policy under its own version; False where the site has set one meanwhile."""
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

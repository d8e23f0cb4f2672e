"""Checks that the data in Redis are consistent: each comment is in the indexes of its state, and in no others.

Reading is not atomic while the service runs. So a script, which is atomic, checks each finding again, and repairs it
on request.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import msgspec
from msgspec import Struct

from service.redis.pipe import Pipe
from service.store.access import UNREADABLE
from service.store.keyspace import ACCOUNTS, Shard, Shards
from service.store.outbox import read_event
from service.store.scripts import script

BATCH = 500
INDEXES = ("ready", "lease", "escalated", "waiting", "stuck", "out:due", "noticed")
# Keys of single comments that may be left when the comment's state is gone.
BESIDE = ("out:q:", "notices:", "appeal:")


class _By(Struct):
    """Of a saved filter only this."""

    by: str


class _Roles(Struct):
    """Of an account only this: a later release may add to the rest."""

    roles: dict[str, str]


@dataclass(frozen=True, slots=True)
class Breach:
    """One violated invariant. `is_mended`: it has been repaired. `comment`: "" if it is about none."""

    site: str
    comment: str
    what: str
    is_mended: bool


class Fsck:
    def __init__(self, pipe: Pipe, shards: Shards, author_s: int, replies_s: int) -> None:
        """`author_s`: how long the author index lasts; 0: there is none. `replies_s`: how long that of replies does."""
        self._pipe = pipe
        self._shards = shards
        self._lives_s = author_s, replies_s

    async def examine(self, site: str, *, repair: bool = False) -> AsyncIterator[Breach]:
        """Violations of the invariants I1 to I3, and of those of outbox, notices and complaints, in every shard.

        Also saved filters of people who have no role at the site any more. `repair` repairs them.
        """
        async for breach in self._left_filters(site, repair=repair):
            yield breach
        for shard in self._shards.each(site):
            async for breach in self._unreadable_events(shard, repair=repair):
                yield breach
            async for ids in self._everything(shard):
                for breach in await self._looked_at(shard, ids, repair=repair):
                    yield breach
            async for breach in self._doubled(shard):
                yield breach

    async def _left_filters(self, site: str, *, repair: bool) -> AsyncIterator[Breach]:
        """Filters outlive a role if a process was killed between taking the one away and erasing the others."""
        shard, owners = Shard(site), set[str]()
        async for keys in self._scan(shard, "filters:*"):
            owners.update(key.removeprefix(shard.key("filters:")) for key in keys)
        shared = await self._pipe.call("HVALS", shard.key("filters"))
        owners.update(msgspec.json.decode(each, type=_By).by for each in shared)
        # The accounts only now: whoever saved a filter had a role before.
        for owner in sorted(owners - {""}):
            kept = await self._pipe.call("HGET", ACCOUNTS, owner)
            # An account is never deleted: one that is not there was lost, and its filters may be needed again.
            if kept is not None and site not in msgspec.json.decode(kept, type=_Roles).roles:
                if repair:
                    await self._pipe.run(script("forget_filters"), [shard.prefix], owner)
                yield Breach(site, "", f"saved filters of '{owner}', who has no role at the site", repair)

    async def count(self, site: str) -> int:
        """The number of the site's comments, including erased ones."""
        total = 0
        for shard in self._shards.each(site):
            async for keys in self._scan(shard, "item:*"):
                total += len(keys)
        return total

    async def _everything(self, shard: Shard) -> AsyncIterator[list[str]]:
        """All ids, of comments and of entries in indexes and event queues. Some occur more than once."""
        async for keys in self._scan(shard, "item:*"):
            yield [key.removeprefix(shard.item()) for key in keys]
        for name in BESIDE:
            async for keys in self._scan(shard, f"{name}*"):
                yield [key.removeprefix(shard.key(name)) for key in keys]
        async for keys in self._scan(shard, "held:*"):
            for key in keys:
                yield await self._members(key, 0)
        for index in INDEXES:
            start = 0
            while ids := await self._members(shard.key(index), start):
                yield ids
                start += len(ids)

    async def _members(self, key: str, start: int) -> list[str]:
        return [each.decode() for each in await self._pipe.call("ZRANGE", key, start, start + BATCH - 1)]

    async def _looked_at(self, shard: Shard, ids: Sequence[str], *, repair: bool) -> list[Breach]:
        """Checks `ids` in batches, so that no script takes long."""
        found: list[Breach] = []
        for start in range(0, len(ids), BATCH):
            some = ids[start : start + BATCH]
            reply = await self._pipe.run(script("mend"), [shard.prefix], 1 if repair else 0, *self._lives_s, *some)
            found += [Breach(shard.site, each.decode(), what.decode(), repair) for each, what in reply]
        return found

    async def _unreadable_events(self, shard: Shard, *, repair: bool) -> AsyncIterator[Breach]:
        """Events that the relay cannot read. Each keeps the later events of its comment from being sent.

        These say how the comment stands, so `repair` removes the unreadable one.
        """
        async for queues in self._scan(shard, "out:q:*"):
            for queue in queues:
                comment = queue.removeprefix(shard.key("out:q:"))
                for event in await self._pipe.call("LRANGE", queue, 0, -1):
                    try:
                        read_event(event)
                    except UNREADABLE as error:
                        is_mended = repair and await self._pipe.call("LREM", queue, 1, event) > 0
                        yield Breach(shard.site, comment, f"has an event that cannot be read: {error}", is_mended)

    async def _doubled(self, shard: Shard) -> AsyncIterator[Breach]:
        """Checks that each version of a comment has at most one decision and one label (I3)."""
        for stream, wanted in (("audit", ("decided", "voted")), ("labels", ())):
            seen: defaultdict[str, set[str]] = defaultdict(set)
            async for entry in self._entries(shard, stream):
                if entry.get("action") == "submitted" and not entry.get("from"):
                    seen.pop(entry["comment"], None)  # it had expired, so its versions start again
                if (wanted and entry.get("action") not in wanted) or entry.get("version", "0") == "0":
                    continue
                if "retracts" in entry:
                    continue
                comment, version = entry["comment" if wanted else "id"], entry["version"]
                if version in seen[comment]:
                    yield Breach(shard.site, comment, f"two entries of {stream} for version {version}", False)
                seen[comment].add(version)

    async def _entries(self, shard: Shard, stream: str) -> AsyncIterator[dict[str, str]]:
        start = "-"
        while page := await self._pipe.call("XRANGE", shard.key(stream), start, "+", "COUNT", BATCH):
            for _, flat in page:
                text = [part.decode() for part in flat]
                yield dict(zip(text[::2], text[1::2], strict=True))
            start = f"({page[-1][0].decode()}"

    async def _scan(self, shard: Shard, pattern: str) -> AsyncIterator[list[str]]:
        cursor = b"0"
        while True:
            cursor, *keys = await self._pipe.run(script("walk"), [shard.prefix], cursor, pattern, BATCH)
            if keys:
                yield [key.decode() for key in keys]
            if cursor == b"0":
                return

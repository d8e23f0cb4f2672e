"""Filters of the list that moderators saved under a name, in Redis: each person's own, and those of the whole site."""

import asyncio
from collections.abc import Collection
from typing import Literal
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct

from service.redis.pipe import Pipe
from service.store.base import encode
from service.store.keyspace import ACCOUNTS, Shard
from service.store.scripts import script
from service.values.erased import holds_any, words_of

# Of one moderator at a site, and of the site; a page reads all that its visitor may pick.
MOST_OWN, MOST_SHARED = 30, 50
# If the same person repeats a change within this time, as after a lost reply, it has the outcome of the first one.
RECOGNIZED_S = 600
# People whose filters are read together.
AT_ONCE = 100

Saved = Literal["ok", "taken", "full"]
Changed = Literal["ok", "taken", "gone", "not_yours"]


class SavedFilter(Struct, frozen=True):
    """`query`: of the list's address. `by`: who saved it, "" once that person has no role at the site any more."""

    name: str
    query: str
    by: str


class SavedFilters:
    """`owner`: whose filters, "" for those of the whole site. Names differ by more than large and small letters."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    async def of(self, site: str, owner: str) -> list[SavedFilter]:
        """By name."""
        found = await self._pipe.call("HVALS", _key(site, owner))
        return sorted(map(_decoded, found), key=lambda each: each.name.casefold())

    async def save(self, site: str, owner: str, saved: SavedFilter) -> Saved:
        most = MOST_OWN if owner else MOST_SHARED
        name = saved.name.casefold()
        answer = await self._pipe.run(script("save_filter"), [Shard(site).prefix], owner, name, encode(saved), most)
        found: Saved = answer.decode()
        return found

    async def rename(self, site: str, owner: str, actor: str, name: str, to: str, *, may_others: bool) -> Changed:
        """`may_others`: rename also what somebody else saved for the site."""
        return await self._change(site, owner, actor, name, to, may_others=may_others)

    async def delete(self, site: str, owner: str, actor: str, name: str, *, may_others: bool) -> Changed:
        return await self._change(site, owner, actor, name, "", may_others=may_others)

    async def forget(self, site: str, moderator: str) -> None:
        """Erase the moderator's own, and the name from those that this moderator saved for the site."""
        await self._pipe.run(script("forget_filters"), [Shard(site).prefix], moderator)

    async def forget_author(self, site: str, names: Collection[str]) -> int:
        """Erase the filters of everybody that hold one of the ids and names of an author. Returns how many."""
        if not names:
            return 0
        # Filters are erased with the role of who saved them, and accounts are never deleted.
        owners = ["", *(name.decode() for name in await self._pipe.call("HKEYS", ACCOUNTS))]
        erased, read = 0, [words_of(name) for name in names]
        for start in range(0, len(owners), AT_ONCE):
            some = [_key(site, owner) for owner in owners[start : start + AT_ONCE]]
            for key, kept in zip(some, await asyncio.gather(*map(self._kept, some)), strict=True):
                if found := [field for field, saved in kept.items() if holds_any(_typed(_decoded(saved)), read)]:
                    erased += int(await self._pipe.call("HDEL", key, *found))
        return erased

    async def _kept(self, key: str) -> dict[bytes, bytes]:
        flat = await self._pipe.call("HGETALL", key)
        return dict(zip(flat[::2], flat[1::2], strict=True))

    async def _change(self, site: str, owner: str, actor: str, name: str, to: str, *, may_others: bool) -> Changed:
        names = (name.casefold(), to.casefold(), to)
        may = 1 if may_others else 0
        asked = (owner, actor, may, *names, RECOGNIZED_S)
        answer = await self._pipe.run(script("change_filter"), [Shard(site).prefix], *asked)
        found: Changed = answer.decode()
        return found


def _key(site: str, owner: str) -> str:
    return Shard(site).key(f"filters:{owner}" if owner else "filters")


def _typed(saved: SavedFilter) -> str:
    """What somebody typed: the name, and the words that rows must have."""
    return " ".join([saved.name, *(value for name, value in parse_qsl(saved.query) if name == "words")])


_decoded = msgspec.json.Decoder(SavedFilter).decode

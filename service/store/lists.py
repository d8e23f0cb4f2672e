"""Word lists in Redis: each version as one compressed value, so that reading a list is one call."""

import asyncio
import contextlib
import zlib
from collections.abc import AsyncIterator, Collection
from typing import Literal

import msgspec
import uuid_utils
from msgspec import Struct

from service.redis.pipe import Argument, Pipe
from service.store.base import encode, instant
from service.store.keyspace import SHARED_LISTS, Shard
from service.store.scripts import script
from service.values.errors import Retryable
from service.values.lists import ListEntry, ListVersion, WordList, is_shared

# Lists of a site, and lists that all sites share.
MAX_LISTS = 50
# Versions of a list that are kept, the current one among them.
KEPT_VERSIONS = 20
# The kept versions of one list together, compressed. Of a large list fewer are kept, but always the one before.
KEPT_BYTES = 32 * 1024 * 1024
# A deleted list can be brought back for this long.
DELETED_S = 30 * 86_400
# Fast, and within 15 % of the size that the slowest level reaches.
COMPRESSION = 3
# For how long shared lists are not deleted if the process that stores rules with them is lost; a call takes less.
NAMING_S = 30
NAMED_S = 3_600

Written = Literal["ok", "changed", "full"]
Deleted = Literal["ok", "changed", "policy", "naming"]


class ListsGone(Exception):
    """Word lists are not there (any more). The arguments are their names."""


class ListUnreadable(Exception):
    """A newer release of Steward wrote this version of a list."""


class _KnownList(Struct, omit_defaults=True):
    """What is kept of a version beside its entries."""

    actor: str
    entries: int
    bytes: int
    added: int = 0
    changed: int = 0
    removed: int = 0
    restored: int | None = None
    deleted: bool = False


class Lists:
    """A name says whether the list is one of the site or of all sites (`is_shared`); both are asked for by a site."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    async def versions(self, site: str) -> dict[str, int]:
        """The current version of each list that the site can use, by name."""
        own, shared = await asyncio.gather(
            self._pipe.call("HGETALL", Shard(site).key("lists")), self._pipe.call("HGETALL", f"{SHARED_LISTS}lists")
        )
        flat = [*own, *shared]
        return {name.decode(): int(version) for name, version in zip(flat[::2], flat[1::2], strict=True)}

    async def get(self, site: str, name: str) -> WordList | None:
        """The current version, or None if there is no such list. Raises ListUnreadable."""
        version = await self._pipe.call("HGET", f"{_prefix(site, name)}lists", name)
        return None if version is None else await self.at(site, name, int(version))

    async def at(self, site: str, name: str, version: int) -> WordList | None:
        """The content of a version that is kept, also of a deleted list. Raises ListUnreadable."""
        kept = await self._pipe.call("HGET", _key(site, name), version)
        if kept is None:
            return None
        try:
            entries = await asyncio.to_thread(unpacked, kept)  # up to a tenth of a second for the largest list
        except (msgspec.DecodeError, UnicodeDecodeError, zlib.error) as error:
            raise ListUnreadable(f"{name}@{version}") from error
        return WordList(name, entries, version)

    async def history(self, site: str, name: str) -> list[ListVersion]:
        """The kept versions, newest first; that of a deleted list begins with the deletion. Empty: no such list."""
        flat = await self._pipe.call("HGETALL", f"{_key(site, name)}:by")
        found = [_version(int(version), known) for version, known in zip(flat[::2], flat[1::2], strict=True)]
        return sorted(found, key=lambda each: each.version, reverse=True)

    async def newest(self, site: str) -> dict[str, ListVersion]:
        """What is known of the current version of each list, by name."""
        current = await self.versions(site)
        calls = (self._pipe.call("HGET", f"{_key(site, name)}:by", version) for name, version in current.items())
        known = zip(current.items(), await asyncio.gather(*calls), strict=True)
        return {name: _version(version, kept) for (name, version), kept in known if kept is not None}

    async def put(self, site: str, after: WordList, change: ListVersion) -> Written:
        """Store `after` as its version. `change` says who did it and what changed; its instant is not used.

        changed: another change came first, so that the version exists already. full: there are MAX_LISTS.
        """
        content = await asyncio.to_thread(packed, after.entries)
        details = ("list", str(after), "added", change.added, "changed", change.changed, "removed", change.removed)
        written = await self._pipe.run(
            script("put_list"),
            [_prefix(site, after.name)],
            after.name,
            after.version,
            content,
            encode(_known(change, len(content))),
            MAX_LISTS,
            KEPT_VERSIONS,
            KEPT_BYTES,
            *_audited(after.name, change.actor, details),
        )
        return _WRITTEN[written]

    async def seen(self) -> int:
        """How often rules came to name shared lists; read it before the policies that a deletion depends on."""
        return int(await self._pipe.call("GET", f"{SHARED_LISTS}named") or 0)

    @contextlib.asynccontextmanager
    async def named(self, names: Collection[str]) -> AsyncIterator[None]:
        """While rules that newly name these shared lists are stored: nobody deletes them. Raises ListsGone.

        Policies lie elsewhere than shared lists, so one script cannot look at both.
        """
        if not names:
            yield
            return
        token = uuid_utils.uuid4().hex
        found = await self._pipe.run(script("begin_naming"), [SHARED_LISTS], token, NAMING_S * 1000, *names)
        if isinstance(found, list):
            raise ListsGone(*(name.decode() for name in found))
        # After another error they may be stored even so: deletions are refused until this ends by itself.
        try:
            yield
        except ListsGone:
            await self._end_naming(token)
            raise
        await self._end_naming(token)

    async def _end_naming(self, token: str) -> None:
        with contextlib.suppress(Retryable):
            await self._pipe.run(script("end_naming"), [SHARED_LISTS], token, NAMED_S * 1000)

    async def delete(self, site: str, name: str, change: ListVersion, seen: int | None = None) -> Deleted:
        """Take the list away; `change.version` is that of the deletion, which follows the version that is deleted.

        `seen`: the version of the site's policy whose rules do not name it; of a shared list what the method `seen`
        returned before the policies of all sites were read; None: not compared.

        changed: another change of the list came first. policy: a policy may have changed since. naming: rules that name
        the shared list are stored just now.
        """
        details = ("list", f"{name}@{change.version}", "removed", change.removed)
        written = await self._pipe.run(
            script("delete_list"),
            [_prefix(site, name)],
            name,
            change.version,
            encode(_known(change, 0)),
            DELETED_S,
            "" if seen is None or is_shared(name) else seen,
            "" if seen is None or not is_shared(name) else seen,
            *_audited(name, change.actor, details),
        )
        return _DELETED[written]


_WRITTEN: dict[bytes, Written] = {b"ok": "ok", b"changed": "changed", b"full": "full"}
_DELETED: dict[bytes, Deleted] = {b"ok": "ok", b"changed": "changed", b"policy": "policy", b"naming": "naming"}


def packed(entries: tuple[ListEntry, ...]) -> bytes:
    return zlib.compress(_pack(entries), COMPRESSION)


def unpacked(content: bytes) -> tuple[ListEntry, ...]:
    return _unpack(zlib.decompress(content))


_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(tuple[ListEntry, ...]).decode
_known_from = msgspec.json.Decoder(_KnownList).decode


def _prefix(site: str, name: str) -> str:
    return SHARED_LISTS if is_shared(name) else Shard(site).prefix


def _key(site: str, name: str) -> str:
    return f"{_prefix(site, name)}list:{name}"


def _audited(name: str, actor: str, details: tuple[Argument, ...]) -> tuple[Argument, ...]:
    """The trails of sites lie elsewhere than a shared list, so its script writes no entry."""
    return ("",) if is_shared(name) else (actor, *details)


def _known(change: ListVersion, size: int) -> _KnownList:
    return _KnownList(
        change.actor,
        change.entries,
        size,
        change.added,
        change.changed,
        change.removed,
        change.restored,
        change.is_deleted,
    )


def _version(version: int, kept: bytes) -> ListVersion:
    ms, _, raw = kept.partition(b" ")
    known, at = _known_from(raw), instant(ms)
    assert at is not None, "put_list.lua writes it"  # noqa: S101 - for the type checker
    return ListVersion(
        version,
        at,
        known.actor,
        known.entries,
        known.added,
        known.changed,
        known.removed,
        known.restored,
        known.deleted,
    )

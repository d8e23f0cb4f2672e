"""The status of authors: given by people, kept in every shard, read in the step that records a comment."""

from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from service.redis.pipe import Pipe
from service.store.base import fields
from service.store.keyspace import Shard, Shards
from service.store.scripts import script
from service.values.rules import AuthorStatus

# Changes of a status that are kept for each author.
KEPT_CHANGES = 50


class StatusChange(Struct, frozen=True, omit_defaults=True):
    """A status with who gave it, when and why. `until`: when it ends by itself. `version` counts up from 1."""

    status: AuthorStatus
    version: int
    at: datetime
    by: str
    why: str | None = None
    note: str | None = None
    until: datetime | None = None


_change = msgspec.json.Decoder(StatusChange).decode


class AuthorStatuses:
    """`author` is the stored id in all methods."""

    def __init__(self, pipe: Pipe, shards: Shards) -> None:
        self._pipe = pipe
        self._shards = shards

    async def history(self, site: str, author: str) -> list[StatusChange]:
        """The changes that are kept, newest first. The first one is the status now, unless it has ended."""
        found = await self._pipe.call("LRANGE", self._log(site, author), 0, KEPT_CHANGES - 1)
        return [_change(each) for each in found]

    async def put(self, site: str, author: str, change: StatusChange) -> bool:
        """Returns False if a change with this version exists already. Repeat after StoreUnavailable."""
        if not await self._pipe.run(
            script("log_status"),
            [Shard(site).prefix],
            author,
            change.version,
            msgspec.json.encode(change),
            KEPT_CHANGES,
        ):
            return False
        await self.spread(site, author, change)
        return True

    async def spread(self, site: str, author: str, change: StatusChange) -> None:
        """Let every shard decide by a status. Safe to repeat."""
        until_ms = 0 if change.until is None else round(change.until.timestamp() * 1000)
        for shard in self._shards.each(site):
            await self._pipe.run(
                script("set_status"),
                [shard.prefix],
                author,
                change.version,
                change.status.value,
                until_ms,
                change.by,
                change.why or "",
                change.note or "",
                round(change.at.timestamp() * 1000),
            )

    async def forget(self, site: str, author: str) -> None:
        """Remove the status, its history, and all that was counted of the author."""
        await self._pipe.call("DEL", self._log(site, author))
        for shard in self._shards.each(site):
            await self._pipe.call("DEL", shard.key(f"status:{author}"))
            await self._pipe.call("DEL", shard.key(f"who:{author}"))

    async def counted(self, site: str, author: str) -> dict[str, int]:
        """The author's approved and rejected comments, as rules count them."""
        total: dict[str, int] = {}
        for shard in self._shards.each(site):
            flat: list[Any] = await self._pipe.call("HGETALL", shard.key(f"who:{author}"))
            for name, value in fields(flat).items():
                if name in ("approved", "rejected"):
                    total[name] = total.get(name, 0) + int(value)
        return total

    @staticmethod
    def _log(site: str, author: str) -> str:
        return Shard(site).key(f"statuses:{author}")


def is_in_force(change: StatusChange, now: datetime) -> bool:
    return change.until is None or change.until > now

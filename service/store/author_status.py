"""The status of authors: given by people, kept in every shard, read in the step that records a comment.

The changes of an author, their audit entries and their events are in one shard, which depends on the author.
"""

from datetime import datetime
from operator import add
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
    """A status with who gave it, when and why. `until`: when it ends by itself. `version` counts up from 1.

    `undoes`: the version of the change that this one undid. `event`: its place in the feed, which the store adds.
    `strikes` or `approvals`: how many of them gave it, not a person; then `by` is `rule`.
    """

    status: AuthorStatus
    version: int
    at: datetime
    by: str
    why: str | None = None
    note: str | None = None
    until: datetime | None = None
    undoes: int | None = None
    event: str | None = None
    strikes: int | None = None
    approvals: int | None = None

    def is_in_force(self, now: datetime) -> bool:
        return self.until is None or self.until > now


_change = msgspec.json.Decoder(StatusChange).decode


class AuthorStatuses:
    """`author` is the stored id in all methods."""

    def __init__(self, pipe: Pipe, shards: Shards) -> None:
        self._pipe = pipe
        self._shards = shards

    async def history(self, site: str, author: str) -> list[StatusChange]:
        """The changes that are kept, newest first. The first one is the status now, unless it has ended."""
        return await self._read(site, author, KEPT_CHANGES)

    async def newest(self, site: str, author: str) -> StatusChange | None:
        """The status now, unless it has ended; None if it was never changed."""
        found = await self._read(site, author, 1)
        return found[0] if found else None

    async def _read(self, site: str, author: str, most: int) -> list[StatusChange]:
        shard = self.shard(site, author)
        found = await self._pipe.call("LRANGE", shard.key(f"statuses:{author}"), 0, most - 1)
        return [_change(each) for each in found]

    async def put(
        self,
        site: str,
        author: str,
        change: StatusChange,
        *,
        before: AuthorStatus = AuthorStatus.ACTIVE,
        pseudonym: str = "",
    ) -> bool:
        """Returns False if a change with this version exists already. Repeat after StoreUnavailable.

        Writes an audit entry, which names the author by `pseudonym`, and the event for the site.
        """
        if not await self._pipe.run(
            script("log_status"),
            [self.shard(site, author).prefix],
            author,
            change.version,
            msgspec.json.encode(change),
            KEPT_CHANGES,
            event_name(author),
            change.status.value,
            "" if change.until is None else _ms(change.until),
            change.why or "",
            change.by,
            pseudonym or author,
            before.value,
            "" if change.undoes is None else change.undoes,
        ):
            return False
        await self.spread(site, author, change)
        return True

    async def spread(self, site: str, author: str, change: StatusChange) -> None:
        """Let every shard decide by a status. Safe to repeat."""
        until_ms = 0 if change.until is None else _ms(change.until)
        for shard in self._shards.each(site):
            await self._pipe.run(
                script("set_status"),
                [shard.prefix],
                f"status:{author}",
                change.version,
                change.status.value,
                until_ms,
                change.by,
                change.why or "",
                change.note or "",
                _ms(change.at),
            )

    async def restore(self, site: str, author: str, change: StatusChange) -> bool:
        """After a loss of Redis: no event, no audit entry. Returns False if the author has had a status since."""
        restored = await self._pipe.run(
            script("restore_status"),
            [self.shard(site, author).prefix],
            author,
            msgspec.json.encode(change),
            change.version,
            change.status.value,
            0 if change.until is None else _ms(change.until),
            change.by,
            change.why or "",
            _ms(change.at),
        )
        if restored:
            await self.spread(site, author, change)
        return bool(restored)

    async def spread_json(self, site: str, author: str, change: bytes) -> None:
        """As `spread`, for a change as the history has it."""
        await self.spread(site, author, _change(change))

    async def forget(self, site: str, author: str, *, keep_ban: bool = False) -> bool:
        """Remove the status, its history, events that say it, and all that was counted of the author.

        `keep_ban`: except that the author is banned, if so. Returns whether a ban is kept.
        """
        for shard in self._shards.each(site):  # first, so that no strike gives a status again
            await self._pipe.call("DEL", shard.key(f"strikes:{author}"))
            await self._pipe.call("HDEL", shard.key("struck"), author)
        own = self.shard(site, author).prefix
        is_kept = await self._pipe.run(script("forget_status"), [own], author, event_name(author), 1 if keep_ban else 0)
        for shard in self._shards.each(site):
            if is_kept:
                await self._pipe.call("HDEL", shard.key(f"status:{author}"), "by", "why", "note")
            else:
                await self._pipe.call("DEL", shard.key(f"status:{author}"))
            await self._pipe.call("DEL", shard.key(f"who:{author}"))
        return bool(is_kept)

    async def counted(self, site: str, author: str) -> dict[str, int]:
        """The author's approved and rejected comments, as rules count them."""
        return {name: n for name, n in (await self.who(site, author)).items() if name in ("approved", "rejected")}

    async def who(self, site: str, author: str) -> dict[str, int]:
        """All that is counted of an author, by the names in counters.lua."""
        total: dict[str, int] = {}
        for shard in self._shards.each(site):
            flat: list[Any] = await self._pipe.call("HGETALL", shard.key(f"who:{author}"))
            for name, value in fields(flat).items():
                combine = min if name == "seen" else add
                total[name] = combine(total[name], int(value)) if name in total else int(value)
        return total

    def shard(self, site: str, author: str) -> Shard:
        """Where the outbox looks for the author's events."""
        return self._shards.of(site, event_name(author))


def event_name(author: str) -> str:
    """What stands in place of a comment's id in the events of an author. No comment's id begins with a space."""
    return f" author:{author}"


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)

"""The status of articles and sections: given by people, kept in every shard, read in the step that records a comment.

The changes of one article or section, their audit entries and their events are in one shard, which depends on its name.
"""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from service.redis.pipe import Pipe
from service.store.base import instant
from service.store.keyspace import Shard, Shards
from service.store.scripts import script
from service.values.articles import ArticleStatus, Place, PlaceKind

# Changes that are kept for each article, and for how long after its status has ended.
KEPT_CHANGES = 20
KEPT_AFTER_S = 90 * 86_400


class ArticleChange(Struct, frozen=True, omit_defaults=True):
    """A status with who gave it and when. `until`: when it ends by itself. `version` counts up from 1."""

    status: ArticleStatus
    version: int
    at: datetime
    by: str
    note: str | None = None
    until: datetime | None = None

    def is_in_force(self, now: datetime) -> bool:
        return self.status is not ArticleStatus.OPEN and (self.until is None or self.until > now)


class ArticleInForce(Struct, frozen=True):
    """The status of an article or section now. `until`: None, it does not end by itself."""

    status: ArticleStatus
    until: datetime | None = None


_change = msgspec.json.Decoder(ArticleChange).decode


class ArticleStatuses:
    def __init__(self, pipe: Pipe, shards: Shards) -> None:
        self._pipe = pipe
        self._shards = shards

    async def history(self, site: str, place: Place) -> list[ArticleChange]:
        """The changes that are kept, newest first. The first one is the status now, unless it has ended."""
        key = self._shard(site, place).key(f"changes:{place}")
        return [_change(each) for each in await self._pipe.call("LRANGE", key, 0, KEPT_CHANGES - 1)]

    async def in_force(self, site: str, places: Iterable[Place]) -> dict[Place, ArticleInForce]:
        """The statuses now; without those that are open."""
        wanted, now = list(dict.fromkeys(places)), datetime.now(UTC)
        first = self._shards.each(site)[0]
        found = await asyncio.gather(
            *(self._pipe.call("HMGET", first.key(str(each)), "status", "until") for each in wanted)
        )
        standing: dict[Place, ArticleInForce] = {}
        for place, (status, ends) in zip(wanted, found, strict=True):
            until = instant(int(ends or 0))
            if status and status != b"open" and (until is None or until > now):
                standing[place] = ArticleInForce(ArticleStatus(status.decode()), until)
        return standing

    async def listed(self, site: str, most: int) -> tuple[list[Place], bool]:
        """Articles and sections with a status, what ends first before the others; and whether there are more."""
        seconds, _ = await self._pipe.call("TIME")
        found: list[tuple[float, str]] = []
        for shard in self._shards.each(site):
            flat = await self._pipe.call(
                *("ZRANGEBYSCORE", shard.key("articles"), f"({int(seconds)}000", "+inf", "WITHSCORES"),
                *("LIMIT", 0, most + 1),
            )
            found += [(float(ends), name.decode()) for name, ends in zip(flat[::2], flat[1::2], strict=True)]
        found.sort()
        return [_place(name) for _, name in found[:most]], len(found) > most

    async def put(
        self, site: str, place: Place, change: ArticleChange, *, before: ArticleStatus = ArticleStatus.OPEN
    ) -> bool:
        """Returns False if a change with this version exists already. Repeat after StoreUnavailable.

        Writes an audit entry and the event for the site.
        """
        return await self._write(site, place, change, before.value)

    async def restore(self, site: str, place: Place, change: ArticleChange) -> bool:
        """After a loss of Redis: no event, no audit entry. Returns False if it has had a status since."""
        return await self._write(site, place, change, "")

    async def _write(self, site: str, place: Place, change: ArticleChange, before: str) -> bool:
        if not await self._pipe.run(
            script("log_article"),
            [self._shard(site, place).prefix],
            place.kind.value,
            place.name,
            change.version,
            msgspec.json.encode(change),
            KEPT_CHANGES,
            event_name(place),
            change.status.value,
            "" if change.until is None else _ms(change.until),
            change.by,
            before,
            KEPT_AFTER_S,
        ):
            return False
        await self.spread(site, place, change)
        return True

    async def spread(self, site: str, place: Place, change: ArticleChange) -> None:
        """Let every shard decide by a status. Safe to repeat."""
        until_ms = 0 if change.until is None else _ms(change.until)
        for shard in self._shards.each(site):
            await self._pipe.run(
                script("set_status"),
                [shard.prefix],
                str(place),
                change.version,
                change.status.value,
                until_ms,
                change.by,
                "",
                change.note or "",
                _ms(change.at),
            )

    def _shard(self, site: str, place: Place) -> Shard:
        """Where the outbox looks for the events of this place."""
        return self._shards.of(site, event_name(place))


def event_name(place: Place) -> str:
    """What stands in place of a comment's id in the events of an article. No comment's id begins with a space."""
    return f" {place}"


def _place(name: str) -> Place:
    kind, _, rest = name.partition(":")
    return Place(PlaceKind(kind), rest)


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)

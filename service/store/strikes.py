"""Strikes against authors, beside the decisions that bring them; strikes.lua weighs them."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from service.background import Background
from service.redis.pipe import Pipe
from service.store.author_status import KEPT_CHANGES, AuthorStatuses
from service.store.keyspace import Shards
from service.store.scripts import script
from service.values.errors import Retryable
from service.values.rules import DAY_S
from service.values.strikes import EXPIRE_DAYS, Strikes, Trust

_encode = msgspec.msgpack.Encoder().encode


class Strike(Struct, frozen=True):
    """Against the author of a comment that a person rejected."""

    comment: str
    at: datetime
    weight: int
    reason: str


class StrikeTerms(Struct, frozen=True, kw_only=True):
    """What a site says of strikes and trust. `pseudonyms`: of authors by stored id; None: the stored id is one."""

    strikes: Strikes | None = None
    trust: Trust | None = None
    pseudonyms: Mapping[str, str] | None = None

    @property
    def expire_s(self) -> int:
        return (self.strikes.expire_days if self.strikes else EXPIRE_DAYS) * DAY_S

    def packed(self, reason: str = "", *, is_alone: bool, now: datetime | None = None) -> bytes:
        """As strikes.lua takes it. `reason`: of the rejection. `is_alone`: there is one shard."""
        at = now or datetime.now(UTC)
        return _encode(
            {
                "at": _written(at),
                "at_ms": _ms(at),
                "expire_ms": self.expire_s * 1000,
                "weight": self.strikes.weight(reason) if self.strikes else 0,
                "steps": self._steps(at),
                "trust": (self.trust.approvals, self.trust.since_ms) if self.trust else False,
                "alone": is_alone,
                "kept": KEPT_CHANGES,
                "hashed": self.pseudonyms is None,
                "named": self.pseudonyms or {},
            }
        )

    def _steps(self, at: datetime) -> list[tuple[Any, ...]]:
        steps = [(each, each.until(at)) for each in self.strikes.at] if self.strikes else []
        return [
            (each.strikes, each.status, _ms(until) if until else False, _written(until) if until else False)
            for each, until in steps
        ]


class StrikeBook:
    """`author` is the stored id in all methods."""

    def __init__(self, pipe: Pipe, shards: Shards, statuses: AuthorStatuses, background: Background) -> None:
        self._background = background
        self._pipe = pipe
        self._shards = shards
        self._statuses = statuses

    async def of(self, site: str, author: str) -> list[Strike]:
        """The newest first, also some that count no more."""
        found: list[Strike] = []
        for shard in self._shards.each(site):
            flat: list[bytes] = await self._pipe.call("HGETALL", shard.key(f"strikes:{author}"))
            found += [_strike(*each) for each in zip(flat[::2], flat[1::2], strict=True)]
        return sorted(found, key=lambda each: each.at, reverse=True)

    async def weigh_noted(self, site: str, terms: Callable[[str], StrikeTerms], author: str | None = None) -> None:
        """With several shards: change the status of authors after decisions. `author`: only of this one.

        `terms`: by stored id. Safe to repeat: a decision stays noted until it was weighed. Where that fails, perhaps
        as a newer release wrote the status, it stays noted, and the others are weighed.
        """
        for shard in self._shards.each(site):
            key = shard.key("struck")
            if author is None:
                noted = await self._pipe.call("HGETALL", key)
            else:
                deed = await self._pipe.call("HGET", key, author)
                noted = [] if deed is None else [author.encode(), deed]
            for who, deed in zip(noted[::2], noted[1::2], strict=True):
                try:
                    if await self._weigh(site, who.decode(), deed, terms(who.decode())):
                        await self._pipe.run(script("weighed"), [shard.prefix], who, deed)
                except Retryable:
                    raise
                except Exception as error:  # noqa: BLE001 - logged and counted; the decision stands
                    self._background.note("strikes", site, error)

    async def _weigh(self, site: str, author: str, deed: bytes, terms: StrikeTerms) -> bool:
        """Returns False if a later weighing has begun, which has read all that this one has, and perhaps more; or if a
        newer release gave the status.
        """
        own = self._statuses.shard(site, author)
        number = await self._pipe.run(script("begin_weighing"), [own.prefix], author)
        elsewhere: dict[str, Any] = {"strikes": [], "approved": 0, "seen": False}
        for shard in self._shards.each(site):
            if shard.number != own.number:
                elsewhere["strikes"] += await self._pipe.call("HVALS", shard.key(f"strikes:{author}"))
                approved, seen = await self._pipe.call("HMGET", shard.key(f"who:{author}"), "approved", "seen")
                elsewhere["approved"] += int(approved or 0)
                elsewhere["seen"] = min(filter(None, (elsewhere["seen"], int(seen or 0))), default=False)
        elsewhere["strikes"] = [each.decode() for each in elsewhere["strikes"]]
        packed = terms.packed(is_alone=False)
        newest = await self._pipe.run(script("weigh"), [own.prefix], author, deed, _encode(elsewhere), packed, number)
        if newest == 0:
            return False
        if newest is not None:
            await self._statuses.spread_json(site, author, newest)
        return True


def _strike(comment: bytes, value: bytes) -> Strike:
    at, weight, reason = value.decode().split(" ", 2)
    return Strike(comment.decode(), datetime.fromtimestamp(int(at) / 1000, UTC), int(weight), reason)


def _written(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)

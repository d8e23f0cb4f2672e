"""What readers said in reports: kept as long as the reports, and erased with the comment or the reader."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import uuid4

import msgspec
from msgspec import Struct

from service.redis.pipe import Pipe
from service.store.base import fields
from service.store.keyspace import Shards
from service.store.scripts import script

# Characters of a reader's pseudonym. It begins that of an author with the same id.
READER_CHARS = 16
AT_ONCE = 200


class Reader(NamedTuple):
    """Who reports a comment, as a pseudonym, and why: a code (`kind`), what the reader wrote (`text`), or neither."""

    name: str
    kind: str = ""
    text: str = ""


class ReportReason(Struct, frozen=True):
    kind: str
    text: str
    at: datetime


class Reports(Struct, frozen=True):
    """`kinds`: how often each was named, the most frequent first. `reasons`: of at most 50 readers, oldest first."""

    kinds: Mapping[str, int] = {}
    reasons: Sequence[ReportReason] = ()


class GivenReport(Struct, frozen=True):
    """A report that a reader made, for the reader's own export."""

    comment: str
    at: datetime
    kind: str = ""
    text: str = ""


class _Said(Struct, frozen=True):
    kind: str
    text: str
    at: str


_said = msgspec.json.Decoder(_Said).decode


class ReportReasons:
    """`reader`: a pseudonym in all methods."""

    def __init__(self, pipe: Pipe, shards: Shards) -> None:
        self._pipe = pipe
        self._shards = shards

    async def of(self, site: str, comment_id: str) -> Reports:
        """What readers said of the comment as it is now."""
        found = fields(await self._pipe.call("HGETALL", self._shards.of(site, comment_id).key(f"reasons:{comment_id}")))
        kinds = {name[2:]: int(value) for name, value in found.items() if name.startswith("k:")}
        said = [_said(value) for name, value in found.items() if name.startswith("r:")]
        return Reports(
            dict(sorted(kinds.items(), key=lambda each: (-each[1], each[0]))),
            sorted((ReportReason(each.kind, each.text, _instant(each.at)) for each in said), key=lambda each: each.at),
        )

    async def judged(self, site: str, reader: str, but: str) -> tuple[int, int]:
        """How many of the reader's reports were upheld and dismissed, in all shards but that of the comment `but`."""
        own = self._shards.of(site, but).number
        others = [each for each in self._shards.each(site) if each.number != own]
        found = await asyncio.gather(
            *(self._pipe.call("HMGET", each.key(f"reporter:{reader}"), "u", "d") for each in others)
        )
        return sum(int(upheld or 0) for upheld, _ in found), sum(int(dismissed or 0) for _, dismissed in found)

    async def given(self, site: str, reader: str) -> list[GivenReport]:
        """All that is kept of what a reader reported, oldest first."""
        found: list[GivenReport] = []
        for shard in self._shards.each(site):
            kept = fields(await self._pipe.call("HGETALL", shard.key(f"reporter:{reader}")))
            for name, value in kept.items():
                if name.startswith("c:"):
                    raw = await self._pipe.call("HGET", shard.key(f"reasons:{name[2:]}"), f"r:{reader}")
                    said = _said(raw) if raw else _Said("", "", "")
                    found.append(GivenReport(name[2:], _instant(value[1:]), said.kind, said.text))
        return sorted(found, key=lambda each: each.at)

    async def forget(self, site: str, reader: str) -> int:
        """Forget who reported what, and what the reader said; the reports stay counted. Returns how many there were."""
        total = 0
        for shard in self._shards.each(site):
            left = 1
            while left:
                forgotten, left = await self._pipe.run(
                    script("forget_reporter"), [shard.prefix], reader, AT_ONCE, str(uuid4())
                )
                total += forgotten
        return total


def _instant(ms: str) -> datetime:
    return datetime.fromtimestamp(int(ms) / 1000, UTC)

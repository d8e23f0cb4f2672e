"""Readers' notices in Redis (Digital Services Act, article 16): a receipt for each, and its outcome."""

import asyncio
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec
import uuid_utils
from msgspec import Struct

from service.redis.pipe import Pipe
from service.store.base import Outcome, fields
from service.store.comments import DAY_S, Retention
from service.store.keyspace import Shards
from service.store.scripts import script
from service.values.notices import Giver, Notice, NoticeOutcome

# Of what a reader says, moderators see this much on the card, as of a report.
ON_CARD_CHARS = 500


class NoticedComment(NamedTuple):
    """A comment with open notices, and since when the oldest of them waits."""

    id: str
    since: datetime


class _Kept(Struct, frozen=True, kw_only=True):
    """As notices.lua writes it, with numbers as text."""

    id: str
    revision: str
    kind: str
    at: str
    outcome: str
    reader: str = ""
    text: str = ""
    answered: str = ""
    automated: str = ""
    name: str = ""
    mail: str = ""


_kept = msgspec.json.Decoder(_Kept).decode


class NoticeBook:
    """`reader`: a pseudonym in all methods."""

    def __init__(self, pipe: Pipe, retention: Retention, max_queued: int, shards: Shards) -> None:
        self._pipe = pipe
        self._retention = retention
        self._max_queued = max_queued
        self._shards = shards

    async def give(
        self,
        site: str,
        comment_id: str,
        reader: str,
        *,
        kind: str,
        text: str,
        keep_s: int,
        sla_ms: int,
        giver: Giver | None = None,
    ) -> tuple[Outcome, Notice | None]:
        """Take a notice. An approved comment returns to the queue. A reader has one notice of each revision.

        With a `giver` the reader has one for each text: anybody can write an address into the form, and must not learn
        what its owner sent. `keep_s`: how long notices are kept after the last one, and after their answer.
        """
        outcome, found = await self._shards.run(
            script("notice"),
            site,
            comment_id,
            reader,
            str(uuid_utils.uuid7()),
            kind,
            text,
            keep_s,
            self._retention.text_days * DAY_S,
            sla_ms,
            self._max_queued,
            text[:ON_CARD_CHARS],
            *(("", "", "") if giver is None else (giver.name, giver.email, "form")),
        )
        return outcome.decode(), _notice(comment_id, _kept(found)) if found else None

    async def of(self, site: str, comment_id: str) -> list[Notice]:
        """The notices of a comment, oldest first; also after the comment was forgotten."""
        return [_notice(comment_id, each) for each in await self._read(site, comment_id)]

    async def waiting(self, site: str, limit: int) -> list[NoticedComment]:
        """Comments with open notices, those that wait longest first."""
        found = await asyncio.gather(
            *(
                self._pipe.call("ZRANGE", shard.key("noticed"), 0, limit - 1, "WITHSCORES")
                for shard in self._shards.each(site)
            )
        )
        pairs = [(float(at), name.decode()) for flat in found for name, at in zip(flat[::2], flat[1::2], strict=True)]
        return [NoticedComment(name, datetime.fromtimestamp(at / 1000, UTC)) for at, name in sorted(pairs)[:limit]]

    async def count(self, site: str) -> int:
        """How many comments have open notices."""
        return sum(
            await asyncio.gather(*(self._pipe.call("ZCARD", shard.key("noticed")) for shard in self._shards.each(site)))
        )

    async def given(self, site: str, reader: str) -> list[Notice]:
        """All that is kept of a reader's notices, oldest first."""
        found: list[Notice] = []
        for shard in self._shards.each(site):
            names = await self._pipe.call("HKEYS", shard.key(f"reporter:{reader}"))
            for name in (each.decode()[2:] for each in names if each.startswith(b"c:")):
                found += [_notice(name, each) for each in await self._read(site, name) if each.reader == reader]
        return sorted(found, key=lambda each: each.at)

    async def _read(self, site: str, comment_id: str) -> list[_Kept]:
        flat = await self._pipe.call("HGETALL", self._shards.of(site, comment_id).key(f"notices:{comment_id}"))
        found = [_kept(value) for name, value in fields(flat).items() if name.startswith("n:")]
        return sorted(found, key=lambda each: each.id)


def _notice(comment_id: str, kept: _Kept) -> Notice:
    return Notice(
        id=kept.id,
        comment=comment_id,
        revision=int(kept.revision),
        at=_instant(kept.at),
        kind=kept.kind,
        text=kept.text,
        outcome=NoticeOutcome(kept.outcome or "open"),
        decided_at=_instant(kept.answered) if kept.answered else None,
        is_automatic=kept.automated == "1",
        name=kept.name,
        email=kept.mail,
    )


def _instant(ms: str) -> datetime:
    return datetime.fromtimestamp(int(ms) / 1000, UTC)

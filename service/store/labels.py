"""Labels in Redis: people's judgements of texts, read in order for training."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from service.redis.pipe import Pipe
from service.store.base import Label, fields
from service.store.comments import DAY_S, Retention
from service.store.keyspace import Shard, Shards
from service.store.packing import Content, readable
from service.store.scripts import script
from service.store.shards import in_order, order_of
from service.values.domain import Answers

# Labels that one script reads with their texts, limited because Redis serves no other client meanwhile.
AT_ONCE = 200


class Imported(NamedTuple):
    """A label made outside the queue. `decision`: empty if nothing was decided and only `labels` count.

    A later label with the same id replaces the earlier one; `digest` tells whether they are equal.
    """

    id: str
    digest: str
    text: str
    labels: Answers
    decision: str
    reason: str
    source: str
    weight: float
    community: str | None = None


class JudgedLabel(NamedTuple):
    """A person's answer, and the comment with its automatic decision. An entry that only `retracts` has no content."""

    cursor: str
    id: str
    revision: int
    verdict: str = ""
    source: str = ""
    inclusion: float | None = None
    content: Content | None = None
    retracts: str | None = None

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(int(self.cursor.partition("-")[0]) / 1000, UTC)


class Labels:
    def __init__(self, pipe: Pipe, retention: Retention, shards: Shards) -> None:
        self._pipe = pipe
        self._retention = retention
        self._shards = shards

    async def page(self, site: str, after: str, limit: int) -> tuple[list[Label], str | None]:
        """Labels after the cursor, oldest first, and the cursor of the last entry read (None: no more).

        A label whose text was erased or has expired is skipped, so a page can be shorter than `limit`. A later entry
        retracts a label that was undone.
        """
        return await in_order(self._shards.each(site), after, limit, self._page)

    async def _page(self, shard: Shard, after: str, limit: int) -> tuple[list[Label], str | None]:
        entries = await self._entries(shard, after, limit)
        labels = [_label(cursor.decode(), fields(flat), kept) for cursor, flat, kept in entries if kept is not None]
        found = [label for label in labels if label is not None]
        return found, entries[-1][0].decode() if entries else None

    async def _entries(self, shard: Shard, after: str, limit: int) -> list[Any]:
        """Entries of the stream after the cursor, each with what is stored of its text."""
        entries: list[Any] = []
        while (wanted := min(limit - len(entries), AT_ONCE)) > 0:
            start = entries[-1][0].decode() if entries else after
            some = await self._pipe.run(script("labels"), [shard.prefix], f"({start}" if start else "-", wanted, 0)
            entries += some
            if len(some) < wanted:
                break
        return entries

    async def judged(self, site: str, after: str, limit: int) -> "tuple[list[JudgedLabel], str | None]":
        """As `page`, with the automatic decision on each text; labels made outside the queue are left out."""
        return await in_order(self._shards.each(site), after, limit, self._judged)

    async def _judged(self, shard: Shard, after: str, limit: int) -> "tuple[list[JudgedLabel], str | None]":
        entries = await self._entries(shard, after, limit)
        found = [
            _judged_label(cursor.decode(), fields(flat), kept) for cursor, flat, kept in entries if kept is not None
        ]
        return [label for label in found if label is not None], entries[-1][0].decode() if entries else None

    async def newest(self, site: str, limit: int) -> list[Label]:
        """The newest decisions of people of the site, one label for each revision whose text is stored.

        Examines at most three times as many entries. Imported and retracted labels are left out.
        """
        found = [label for shard in self._shards.each(site) for label in await self._newest(shard, limit)]
        return sorted(found, key=lambda label: order_of(label.cursor), reverse=True)[:limit]

    async def _newest(self, shard: Shard, limit: int) -> list[Label]:
        found: dict[tuple[str, int], Label] = {}
        start, looked = "+", 0
        while len(found) < limit and looked < 3 * limit:
            entries = await self._pipe.run(script("labels"), [shard.prefix], start, AT_ONCE, 1)
            for cursor, flat, kept in entries:
                label = _label(cursor.decode(), fields(flat), kept) if kept else None
                if label is not None and label.revision:
                    found.setdefault((label.id, label.revision), label)
            if len(entries) < AT_ONCE:
                break
            start, looked = f"({entries[-1][0].decode()}", looked + len(entries)
        return list(found.values())

    async def add(self, site: str, label: Imported, actor: str) -> bool:
        """Store one label. Returns False if it was already stored."""
        added = await self._pipe.run(
            script("import_label"),
            [self._shards.of(site, label.id).prefix],
            label.id,
            label.digest,
            label.text,
            msgspec.json.encode(label.labels),
            label.decision,
            label.reason,
            label.source,
            label.weight,
            actor,
            self._retention.label_days * DAY_S,
            label.community or "",
        )
        return bool(added)


def _judged_label(cursor: str, entry: dict[str, str], kept: bytes) -> JudgedLabel | None:
    """None: made outside the queue, or unreadable."""
    if "retracts" in entry:
        return JudgedLabel(cursor, entry["id"], int(entry["revision"]), retracts=entry["retracts"])
    content = readable(kept) if int(entry["revision"]) and kept else None
    if content is None:
        return None
    inclusion = float(entry["inclusion"]) if "inclusion" in entry else None
    return JudgedLabel(
        cursor, entry["id"], int(entry["revision"]), entry["decision"], entry["source"], inclusion, content
    )


def _label(cursor: str, entry: dict[str, str], kept: bytes) -> Label | None:
    """None if the text cannot be read."""
    revision = int(entry["revision"])
    content = readable(kept) if revision and kept else None
    if revision and kept and content is None:
        return None
    return Label(
        cursor=cursor,
        id=entry["id"],
        revision=revision,
        text=content.comment.text if content else kept.decode(),
        labels=msgspec.json.decode(entry["labels"], type=Answers),
        decision=entry["decision"],
        reason=entry["reason"],
        source=entry["source"],
        actor=entry["actor"],
        weight=float(entry["weight"]),
        at=datetime.fromtimestamp(int(cursor.partition("-")[0]) / 1000, UTC),
        language=content.judgement.language if content else None,
        inclusion=float(entry["inclusion"]) if "inclusion" in entry else None,
        retracts=entry.get("retracts"),
        community=entry.get("community"),
        learning_inclusion=float(entry["learning_inclusion"]) if "learning_inclusion" in entry else None,
    )

"""Labels in Redis: what people said of texts, read in order until training has them."""

from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from service.store.base import Content, Label, fields
from service.store.comments import DAY_S, Retention
from service.store.keyspace import Site
from service.store.pipe import Pipe
from service.store.scripts import script


class Imported(NamedTuple):
    """A label made outside the queue."""

    id: str
    digest: str
    text: str
    labels: dict[str, bool]
    decision: str
    reason: str
    source: str
    weight: float


class Labels:
    def __init__(self, pipe: Pipe, retention: Retention) -> None:
        self._pipe = pipe
        self._retention = retention

    async def page(self, site: Site, after: str, limit: int) -> tuple[list[Label], str | None]:
        """Labels after the cursor, oldest first, and the cursor of the last entry looked at (None: no more).

        A label whose text was erased or has expired is passed over, so a page can be shorter than `limit`.
        """
        entries = await self._pipe.run(
            _LABELS,
            [site.key("labels"), f"{site.prefix}text:", site.imported("")],
            f"({after}" if after else "-",
            limit,
        )
        found = [_label(cursor.decode(), fields(flat), kept) for cursor, flat, kept in entries if kept]
        return found, entries[-1][0].decode() if entries else None

    async def add(self, site: Site, label: Imported, actor: str) -> bool:
        """Keep one label; False when the same one was known."""
        added = await self._pipe.run(
            _IMPORT,
            [site.imported(label.id), site.key("labels"), site.key("audit")],
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
        )
        return bool(added)


_LABELS, _IMPORT = script("labels"), script("import_label")


def _label(cursor: str, entry: dict[str, str], kept: bytes) -> Label:
    revision = int(entry["revision"])
    text = msgspec.json.decode(kept, type=Content).comment.text if revision else kept.decode()
    return Label(
        cursor=cursor,
        id=entry["id"],
        revision=revision,
        text=text,
        labels=msgspec.json.decode(entry["labels"], type=dict[str, bool]),
        decision=entry["decision"],
        reason=entry["reason"],
        source=entry["source"],
        actor=entry["actor"],
        weight=float(entry["weight"]),
        at=datetime.fromtimestamp(int(cursor.partition("-")[0]) / 1000, UTC),
    )

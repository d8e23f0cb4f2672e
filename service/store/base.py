"""What others may ask of the store: the values that it answers with."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Literal

import msgspec
from msgspec import Struct

from service.domain import Action, Comment, DecidedBy, Judgement, Lease, State, Status

Submitted = Literal["created", "revised", "exists", "full", "erased"]
Released = Literal["ok", "stale", "superseded", "gone"]
Extended = Literal["ok", "stale", "superseded", "too_old", "gone"]
Decided = Literal["ok", "duplicate", "conflict", "stale", "superseded", "escalated", "gone"]


class Content(Struct, frozen=True):
    """What one revision holds beside its state: the comment as sent and what the automatic step made of it."""

    comment: Comment
    judgement: Judgement


class Record(Struct, frozen=True, kw_only=True):
    """A comment as the store knows it now. `content` is None once the text is erased or expired."""

    id: str
    revision: int
    version: int
    state: State
    status: Status
    decision: Action
    decided_by: DecidedBy
    created_at: datetime
    decided_at: datetime | None = None
    erased_at: datetime | None = None
    due_at: datetime | None = None
    why: str | None = None
    priority: float | None = None
    moderator: str | None = None
    reason: str | None = None
    owner: str | None = None
    token: int | None = None
    leased_until: datetime | None = None
    expiries: int = 0
    content: Content | None = None

    @property
    def is_final(self) -> bool:
        return self.status is not Status.PENDING or self.state is State.ERASED

    @property
    def lease(self) -> Lease | None:
        return None if self.token is None else Lease(self.token, self.revision)


class Label(Struct, frozen=True, omit_defaults=True):
    """What a person said of a text; `cursor` orders labels and is where to go on reading."""

    cursor: str
    id: str
    revision: int
    text: str
    labels: dict[str, bool]
    decision: str
    reason: str
    source: str
    actor: str
    weight: float
    at: datetime


class AuditEntry(Struct, frozen=True):
    """Who did what when."""

    cursor: str
    at: datetime
    details: dict[str, str]


_content = msgspec.json.Decoder(Content)
encode = msgspec.json.Encoder().encode


def instant(ms: str | bytes | None) -> datetime | None:
    return None if not ms else datetime.fromtimestamp(int(ms) / 1000, UTC)


def record(comment_id: str, flat: list[bytes], content: bytes | Content | None) -> Record:
    """Read what the scripts answer: the item hash as a flat list, and the content of its revision."""
    item = dict(_pairs(flat))
    return Record(
        id=comment_id,
        revision=int(item["revision"]),
        version=int(item["version"]),
        state=State(item["state"]),
        status=Status(item["status"]),
        decision=Action(item["decision"]),
        decided_by=DecidedBy(item["decided_by"]),
        created_at=datetime.fromtimestamp(int(item["created"]) / 1000, UTC),
        decided_at=instant(item.get("decided")),
        erased_at=instant(item.get("erased")),
        due_at=instant(item.get("due")),
        why=item.get("why"),
        priority=float(item["priority"]) if "priority" in item else None,
        moderator=item.get("moderator"),
        reason=item.get("reason"),
        owner=item.get("owner"),
        token=int(item["token"]) if "token" in item else None,
        leased_until=instant(item.get("until")),
        expiries=int(item.get("expiries", 0)),
        content=_content.decode(content) if isinstance(content, bytes) else content,
    )


def fields(flat: list[bytes]) -> dict[str, str]:
    return dict(_pairs(flat))


def _pairs(flat: list[bytes]) -> Iterator[tuple[str, str]]:
    each = iter(flat)
    for name in each:
        yield name.decode(), next(each).decode()

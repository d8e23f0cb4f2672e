"""What others may ask of the store: the values that it answers with."""

from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
from msgspec import Struct

from service.store.packing import Content, readable
from service.values.domain import Action, Answers, DecidedBy, Lease, State, Status

Submitted = Literal["created", "revised", "exists", "full", "erased"]
# What became of an operation on one comment. Which of them an operation can answer stands in its script.
Outcome = Literal[
    "ok",
    "queued",
    "duplicate",
    "conflict",
    "stale",
    "superseded",
    "escalated",
    "own",
    "too_old",
    "not_yours",
    "window_closed",
    "expired",
    "not_rejected",
    "appealed",
    "full",
    "limit",
    "gone",
]


class Record(Struct, frozen=True, kw_only=True):
    """A comment as the store knows it now. `content` is None once the text is erased or expired.

    `status` is what stands; a comment can wait for people (`state`) while an earlier decision stands.
    """

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
    reports: int = 0
    vote: str | None = None
    appeal: str | None = None
    note: str | None = None
    is_audit: bool = False
    content: Content | None = None

    @property
    def is_waiting(self) -> bool:
        return self.state in (State.QUEUED, State.LEASED, State.ESCALATED)

    @property
    def is_final(self) -> bool:
        return self.status is not Status.PENDING or self.state is State.ERASED

    @property
    def lease(self) -> Lease | None:
        return None if self.token is None else Lease(self.token, self.revision)


class CommentSummary(Struct, frozen=True):
    """How a comment that came at `at` stands now, and no more. `is_audit`: it waits as a blind audit."""

    id: str
    at: datetime
    state: State
    status: Status
    decided_by: DecidedBy
    moderator: str | None
    is_audit: bool

    @property
    def verdict(self) -> Status | None:
        """What a person said of it; None while nobody has, or somebody is asked again."""
        is_judged = self.state is State.DECIDED and self.moderator and self.decided_by is not DecidedBy.EXPIRY
        return self.status if is_judged else None

    @property
    def shown(self) -> Status:
        """The status as moderators may see it: an audit looks like any comment that waits."""
        return Status.PENDING if self.is_audit else self.status


class Label(Struct, frozen=True, omit_defaults=True):
    """What a person said of a text; `cursor` orders labels and is where to go on reading.

    `language` is the one that the text was judged in, None for a label made elsewhere. `inclusion`: with which
    probability a blind audit drew the comment. `retracts`: the cursor of a label that was taken back; such a line
    says nothing else. `labels`: true or false, or the share of people who would say yes. `decision`: approve or reject,
    empty where nothing was decided. `community`: whose people say so, where a site has several.
    """

    cursor: str
    id: str
    revision: int
    text: str
    labels: Answers
    decision: str
    reason: str
    source: str
    actor: str
    weight: float
    at: datetime
    language: str | None = None
    inclusion: float | None = None
    retracts: str | None = None
    community: str | None = None


class AuditEntry(Struct, frozen=True):
    """Who did what when."""

    cursor: str
    at: datetime
    details: dict[str, str]


encode = msgspec.json.Encoder().encode


def instant(ms: bytes | str | int | None) -> datetime | None:
    return None if not ms else datetime.fromtimestamp(int(ms) / 1000, UTC)


def record(comment_id: str, flat: list[Any], content: bytes | None, appeal: bytes | None = None) -> Record:
    """Read what the scripts answer: the item hash as a flat list, the content of its revision, and the appeal.

    Of a field that is listed twice the last one counts; one that was taken away is None there.
    """
    item: dict[bytes, Any] = dict(zip(flat[::2], flat[1::2], strict=True))
    return Record(
        id=comment_id,
        revision=int(item[b"revision"]),
        version=int(item[b"version"]),
        state=_STATES[item[b"state"]],
        status=_STATUSES[item[b"status"]],
        decision=_ACTIONS[item[b"decision"]],
        decided_by=_DECIDED_BY[item.get(b"decided_by") or b"model"],
        created_at=datetime.fromtimestamp(int(item[b"created"]) / 1000, UTC),
        decided_at=instant(item.get(b"decided")),
        erased_at=instant(item.get(b"erased")),
        due_at=instant(item.get(b"due")),
        why=_text(item.get(b"why")),
        priority=None if (priority := item.get(b"priority")) is None else float(priority),
        moderator=_text(item.get(b"moderator")),
        reason=_text(item.get(b"reason")),
        owner=_text(item.get(b"owner")),
        token=None if (token := item.get(b"token")) is None else int(token),
        leased_until=instant(item.get(b"until")),
        expiries=int(item.get(b"expiries") or 0),
        reports=int(item.get(b"reports") or 0),
        vote=_text(item.get(b"vote")),
        appeal=_text(appeal),
        note=_text(item.get(b"note")) or None,
        is_audit=item.get(b"kind") == b"audit",
        content=None if content is None else readable(content),
    )


def comment_summary(  # noqa: PLR0917 - as the scripts give it
    comment_id: bytes,
    at: datetime,
    state: bytes,
    status: bytes,
    by: bytes | None,
    moderator: bytes | None,
    is_audit: bytes,
) -> CommentSummary:
    return CommentSummary(
        comment_id.decode(),
        at,
        _STATES[state],
        _STATUSES[status],
        _DECIDED_BY[by or b"model"],
        _text(moderator),
        is_audit == b"1",
    )


# Looking a member up is cheaper than calling the enumeration, four times for each record.
_STATES = {each.value.encode(): each for each in State}
_STATUSES = {each.value.encode(): each for each in Status}
_ACTIONS = {each.value.encode(): each for each in Action}
_DECIDED_BY = {each.value.encode(): each for each in DecidedBy}


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode()


def answered(comment_id: str, reply: list[Any]) -> "tuple[Any, Record | None]":
    """{outcome, item, content, appeal}, as the scripts end; None: there is no such comment."""
    outcome, flat, *rest = reply
    return outcome.decode(), record(comment_id, flat, *rest) if flat else None


def fields(flat: list[bytes]) -> dict[str, str]:
    text = [part.decode() for part in flat]
    return dict(zip(text[::2], text[1::2], strict=True))

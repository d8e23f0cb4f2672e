"""The values that the store returns, and how script replies are read."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
from msgspec import Struct

from service.store.packing import Content, readable
from service.values.domain import Action, Answers, DecidedBy, Lease, State, Status

Submitted = Literal["created", "revised", "exists", "full", "erased"]
# The outcome of an operation on one comment. Each script lists the outcomes that it can return.
Outcome = Literal[
    "ok",
    "queued",
    "duplicate",
    "conflict",
    "stale",
    "superseded",
    "escalated",
    "own",
    "reserved",
    "too_old",
    "not_yours",
    "window_closed",
    "expired",
    "not_rejected",
    "appealed",
    "late",
    "full",
    "limit",
    "gone",
]


class CommentNote(Struct, frozen=True):
    """What a moderator wrote about a comment, as it was at that `revision`, for other moderators.

    `mentions`: the names of those whom it names with an @.
    """

    id: str
    by: str
    at: datetime
    revision: int
    text: str
    mentions: tuple[str, ...] = ()


class AppealDecision(Struct, frozen=True):
    """What became of the author's appeal."""

    is_upheld: bool
    at: datetime


class Record(Struct, frozen=True, kw_only=True):
    """The current state of a comment. `content` is None once the text is erased or has expired.

    `status` is the decision in force; a comment can wait for review (`state`) while an earlier decision is in force.
    `halved`: how many of the `reports` counted half. `voter`: whose `vote` is the first of two opinions.
    `notes`: oldest first. `reserved_until`: when a comment that is assigned to `assignee` is offered to others, too.
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
    assignee: str | None = None
    reserved_until: datetime | None = None
    token: int | None = None
    leased_until: datetime | None = None
    expiries: int = 0
    scores_shown: bool = False
    rejected_version: int | None = None
    reports: int = 0
    halved: int = 0
    vote: str | None = None
    voter: str | None = None
    appeal: str | None = None
    appealed_at: datetime | None = None
    is_appealed: bool = False
    appeal_decision: AppealDecision | None = None
    note: str | None = None
    notes: tuple[CommentNote, ...] = ()
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
    """The current state of a comment submitted at `at`, without its content. `is_audit`: it waits as a blind audit."""

    id: str
    at: datetime
    state: State
    status: Status
    decided_by: DecidedBy
    moderator: str | None
    is_audit: bool

    @property
    def verdict(self) -> Status | None:
        """A person's decision; None if there is none, or the comment is under review again."""
        is_judged = self.state is State.DECIDED and self.moderator and self.decided_by is not DecidedBy.EXPIRY
        return self.status if is_judged else None

    @property
    def shown(self) -> Status:
        """The status that moderators may see: an audit looks like any waiting comment."""
        return Status.PENDING if self.is_audit else self.status


class Label(Struct, frozen=True, omit_defaults=True):
    """A person's judgement of a text. `cursor` orders labels and is the position after which to continue.

    `language`: in which the text was judged, None for an imported label. `inclusion`: the probability with which a
    blind audit drew the comment. `learning_inclusion`: with which it was drawn to learn from; estimates must weight
    such a label with 1 / it. `retracts`: the cursor of a retracted label; such an entry has no other meaning. With
    the source `erased` it is `*`: all earlier labels of this id are retracted, and their texts must be removed.
    `labels`: true or false, or the share of people who would say yes. `decision`: approve or reject, empty if nothing
    was decided. `community`: which community's people judged, if a site has several.
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
    learning_inclusion: float | None = None


class AuditEntry(Struct, frozen=True):
    """Who did what when."""

    cursor: str
    at: datetime
    details: dict[str, str]


encode = msgspec.json.Encoder().encode


def instant(ms: bytes | str | int | None) -> datetime | None:
    return None if not ms else datetime.fromtimestamp(int(ms) / 1000, UTC)


def record(
    comment_id: str,
    flat: list[Any],
    content: bytes | None,
    appeal: bytes | None = None,
    notes: Sequence[bytes] = (),
) -> Record:
    """Read a script's reply: the item hash as a flat list, the content of its revision, the appeal, and the notes.

    If a field is listed twice, the last value counts; a removed field is None.
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
        assignee=_text(item.get(b"assignee")),
        reserved_until=instant(item.get(b"reserved")),
        token=None if (token := item.get(b"token")) is None else int(token),
        leased_until=instant(item.get(b"until")),
        expiries=int(item.get(b"expiries") or 0),
        scores_shown=item.get(b"scores_shown") == b"1",
        rejected_version=None if (rejected := item.get(b"rejected_version")) is None else int(rejected),
        reports=int(item.get(b"reports") or 0),
        halved=int(item.get(b"halved") or 0),
        vote=_text(item.get(b"vote")),
        voter=_text(item.get(b"voter")),
        appeal=_text(appeal),
        appealed_at=instant(item.get(b"appealed_at")),
        is_appealed=item.get(b"appealed") is not None,
        appeal_decision=None if (said := item.get(b"complaint")) is None else _appeal_decision(said),
        note=_text(item.get(b"note")) or None,
        notes=tuple(map(_note, notes)),
        is_audit=item.get(b"kind") == b"audit",
        content=None if content is None else readable(content),
    )


def _appeal_decision(said: bytes) -> AppealDecision:
    """As decide.lua writes it: what became of it, when (ms), and the version that said so."""
    outcome, at, _ = said.split()
    return AppealDecision(outcome == b"upheld", datetime.fromtimestamp(int(at) / 1000, UTC))


class _StoredNote(Struct):
    """As add_note.lua writes it: a script of Redis writes whole numbers as text."""

    id: str
    by: str
    at: str
    revision: str
    text: str
    mentions: tuple[str, ...] = ()


_stored_note = msgspec.json.Decoder(_StoredNote).decode


def _note(data: bytes) -> CommentNote:
    stored = _stored_note(data)
    at = datetime.fromtimestamp(int(stored.at) / 1000, UTC)
    return CommentNote(stored.id, stored.by, at, int(stored.revision), stored.text, stored.mentions)


def comment_summary(  # noqa: PLR0917 - in the order of the scripts' replies
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


# A dict lookup is faster than calling the enumeration, which would happen four times per record.
_STATES = {each.value.encode(): each for each in State}
_STATUSES = {each.value.encode(): each for each in Status}
_ACTIONS = {each.value.encode(): each for each in Action}
_DECIDED_BY = {each.value.encode(): each for each in DecidedBy}


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode()


def answered(comment_id: str, reply: list[Any]) -> "tuple[Any, Record | None]":
    """Read {outcome, item, content, appeal, notes}, the reply of most scripts. None: there is no such comment."""
    outcome, flat, *rest = reply
    return outcome.decode(), record(comment_id, flat, *rest) if flat else None


def fields(flat: list[bytes]) -> dict[str, str]:
    text = [part.decode() for part in flat]
    return dict(zip(text[::2], text[1::2], strict=True))

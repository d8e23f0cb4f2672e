"""The shapes of the API's answers, made from the store's records."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct

from service.store.base import CommentNote, Record
from service.values.domain import (
    Action,
    Article,
    Author,
    DecidedBy,
    LanguageSupport,
    Parent,
    Reason,
    Span,
    State,
    Status,
    Why,
)

# OpenAPI schema of a list whose entries are answers or problems: msgspec has no union of two untagged structs.
_EITHER = [{"$ref": "#/components/schemas/CommentResponse"}, {"$ref": "#/components/schemas/Problem"}]
Results = Annotated[list[Any], Meta(extra_json_schema={"items": {"anyOf": _EITHER}})]


class ReviewState(Struct, frozen=True):
    state: State
    priority: Annotated[float | None, Meta(description="0 (barely doubtful) to 1 (nearly rejected, or unscored).")]
    why: str | None
    due_at: datetime | None


class CommentResponse(Struct, frozen=True, kw_only=True):
    """A comment and its state. Erased fields are null; `decision` is the automatic decision."""

    id: str
    site: str
    revision: int
    version: Annotated[int, Meta(description="Grows with every change of state; the highest is the current one.")]
    decision: Action
    status: Status
    decided_by: DecidedBy
    scores: Mapping[str, float] | None
    reasons: tuple[Reason, ...] | None
    spans: tuple[Span, ...] | None
    model: str | None
    policy: str | None
    language: Annotated[
        str | None,
        Meta(description="ISO 639 code of its language, which the model may not judge."),
    ]
    language_support: Annotated[
        LanguageSupport | None,
        Meta(description="Whether the model was measured in that language. Null for comments judged before 1.1."),
    ]
    review: ReviewState | None
    created_at: datetime
    decided_at: datetime | None
    erased_at: datetime | None = None


class ReviewItem(CommentResponse, frozen=True, kw_only=True):
    """A comment with what a moderator needs: its text, its context and, when claimed, the lease."""

    text: str | None
    author: Author | None
    article: Article | None
    parent: Parent | None
    metadata: dict[str, Any]
    lease: str | None
    lease_expires_at: datetime | None
    claimed_by: str | None
    assigned_to: str | None
    reserved_until: Annotated[
        datetime | None, Meta(description="Until then an assigned comment is offered to nobody else.")
    ]
    reports: Annotated[int, Meta(description="Distinct readers who reported it.")]
    appeal: Annotated[str | None, Meta(description="The author's reason for the appeal.")]
    expiries: Annotated[int, Meta(description="Times a lease ended without a decision; from 5 on it may be stuck.")]
    notes: Annotated[tuple[CommentNote, ...], Meta(description="Of moderators for each other, oldest first.")] = ()


def comment_answer(site: str, record: Record) -> CommentResponse:
    return CommentResponse(**_answer(site, record))


# Scores are hidden for one comment in five, so that hidden scores do not reveal an audit.
SHOWN_WITHOUT = 5


def review_item(site: str, record: Record, *, holder: str | None, show_scores: bytes | None = None) -> ReviewItem:
    """Show a comment to a moderator. `holder`: that moderator; the lease is shown only to the one who holds it.

    The automatic decision and other moderators' decisions are hidden until the comment is decided: they would bias the
    moderator, and an audit must look like any other comment. `show_scores`: the key of the draw that hides scores, if
    the site shows scores at all; None: it does not.
    """
    comment = record.content.comment if record.content else None
    is_held = record.state is State.LEASED
    shown = _answer(site, record)
    if record.is_waiting:
        shown |= _blind(record) | ({} if shows_scores(record, show_scores) else _UNSCORED)
    return ReviewItem(
        **shown,
        text=comment.text if comment else None,
        author=comment.author if comment else None,
        article=comment.article if comment else None,
        parent=comment.parent if comment else None,
        metadata=comment.metadata if comment else {},
        lease=str(record.lease) if is_held and record.owner == holder else None,
        lease_expires_at=record.leased_until if is_held else None,
        claimed_by=record.owner if is_held else None,
        assigned_to=record.assignee,
        reserved_until=record.reserved_until,
        reports=record.reports,
        appeal=record.appeal,
        expiries=record.expiries,
        notes=visible_notes(record, holder),
    )


def visible_notes(record: Record, viewer: str | None) -> tuple[CommentNote, ...]:
    """The notes that a moderator may read. While a second opinion is due, not those of whoever gave the first one."""
    is_second = record.vote is not None and record.state in (State.QUEUED, State.LEASED)
    first = record.voter if is_second else record.moderator if record.is_audit and record.is_waiting else None
    hidden = first if first != viewer else None
    return tuple(each for each in record.notes if each.by != hidden)


def shows_scores(record: Record, key: bytes | None) -> bool:
    """Whether a moderator may see the scores of a waiting comment; `key` as in review_item."""
    return not record.is_audit and draws_scores(record.id, key)


def draws_scores(comment_id: str, key: bytes | None) -> bool:
    """As `shows_scores`, of a comment that is no audit."""
    return key is not None and _draw(comment_id, key) != 0


def _draw(comment_id: str, key: bytes) -> int:
    """0 for one comment in SHOWN_WITHOUT; cannot be predicted without the key."""
    return hashlib.blake2b(comment_id.encode(), key=key, digest_size=4).digest()[0] % SHOWN_WITHOUT


def decided_answer(site: str, record: Record) -> CommentResponse:
    """The answer to a decision: complete, unless the comment still waits, for a second review or a supervisor."""
    shown = _answer(site, record)
    return CommentResponse(**(shown | _blind(record) | _UNSCORED if record.is_waiting else shown))


_UNSCORED: dict[str, Any] = {"scores": None, "reasons": None, "spans": None}


def _blind(record: Record) -> dict[str, Any]:
    """The fields that make an audit look like a doubtful comment."""
    why = Why.UNCERTAIN if record.is_audit else record.why
    review = ReviewState(record.state, None, why, record.due_at)
    same = {"decision": Action.REVIEW, "review": review}
    standing = {"status": Status.PENDING, "decided_by": DecidedBy.MODEL, "decided_at": None}
    return same | (standing if record.is_audit or record.status is Status.PENDING else {})


def current(record: Record) -> dict[str, Any]:
    """The current state, for a 409. An audit that still waits looks like a doubtful comment."""
    is_blind = record.is_audit and record.is_waiting
    shown: dict[str, Any] = {
        "id": record.id,
        "revision": record.revision,
        "version": record.version,
        "state": record.state,
        "status": Status.PENDING if is_blind else record.status,
        "decided_by": record.decided_by if record.state is State.DECIDED else None,
        "decided_at": None if is_blind else record.decided_at,
        "moderator": None if is_blind else record.moderator,
        "reason": None if is_blind else record.reason,
        "claimed_by": record.owner if record.state is State.LEASED else None,
        "assigned_to": record.assignee,
    }
    return {name: value for name, value in shown.items() if value is not None}


def _answer(site: str, record: Record) -> dict[str, Any]:
    judgement = record.content.judgement if record.content else None
    review = ReviewState(record.state, record.priority, record.why, record.due_at) if record.why else None
    return {
        "id": record.id,
        "site": site,
        "revision": record.revision,
        "version": record.version,
        "decision": record.decision,
        "status": record.status,
        "decided_by": record.decided_by,
        "scores": judgement.scores if judgement else None,
        "reasons": judgement.reasons if judgement else None,
        "spans": judgement.spans if judgement else None,
        "model": judgement.model if judgement else None,
        "policy": judgement.policy if judgement else None,
        "language": judgement.language if judgement else None,
        "language_support": judgement.language_support if judgement else None,
        "review": review,
        "created_at": record.created_at,
        "decided_at": record.decided_at,
        "erased_at": record.erased_at,
    }

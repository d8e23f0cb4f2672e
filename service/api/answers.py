"""What the API answers with: the wire shapes, made from the store's records."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct

from service.domain import Action, Article, Author, DecidedBy, Parent, Reason, Span, State, Status
from service.store.base import Record

# A list whose entries are answers or problems, as OpenAPI says it: msgspec has no union of two structs.
_EITHER = [{"$ref": "#/components/schemas/CommentAnswer"}, {"$ref": "#/components/schemas/Problem"}]
Results = Annotated[list[Any], Meta(extra_json_schema={"items": {"anyOf": _EITHER}})]


class ReviewState(Struct, frozen=True):
    state: State
    priority: Annotated[float | None, Meta(description="0 (barely doubtful) to 1 (nearly rejected, or unscored).")]
    why: str | None
    due_at: datetime | None


class CommentAnswer(Struct, frozen=True, kw_only=True):
    """A comment and where it stands. What is erased is null; `decision` is what the automatic step said."""

    id: str
    site: str
    revision: int
    decision: Action
    status: Status
    decided_by: DecidedBy
    scores: Mapping[str, float] | None
    reasons: tuple[Reason, ...] | None
    spans: tuple[Span, ...] | None
    model: str | None
    policy: str | None
    review: ReviewState | None
    created_at: datetime
    decided_at: datetime | None
    erased_at: datetime | None = None


class ReviewItem(CommentAnswer, frozen=True, kw_only=True):
    """A comment as a moderator needs it: with its text, its surroundings and, when claimed, the lease."""

    text: str | None
    author: Author | None
    article: Article | None
    parent: Parent | None
    language: str | None
    metadata: dict[str, Any]
    lease: str | None
    lease_expires_at: datetime | None
    claimed_by: str | None


def comment_answer(site: str, record: Record) -> CommentAnswer:
    return CommentAnswer(**_answer(site, record))


def review_item(site: str, record: Record, *, holder: str | None) -> ReviewItem:
    """`holder`: the moderator who asks; only a holder sees the lease."""
    comment = record.content.comment if record.content else None
    is_held = record.state is State.LEASED
    return ReviewItem(
        **_answer(site, record),
        text=comment.text if comment else None,
        author=comment.author if comment else None,
        article=comment.article if comment else None,
        parent=comment.parent if comment else None,
        language=comment.language if comment else None,
        metadata=comment.metadata if comment else {},
        lease=str(record.lease) if is_held and record.owner == holder else None,
        lease_expires_at=record.leased_until if is_held else None,
        claimed_by=record.owner if is_held else None,
    )


def current(record: Record) -> dict[str, Any]:
    """The winning state in a 409."""
    shown: dict[str, Any] = {
        "id": record.id,
        "revision": record.revision,
        "state": record.state,
        "status": record.status,
        "decided_by": record.decided_by if record.state is State.DECIDED else None,
        "decided_at": record.decided_at,
        "moderator": record.moderator,
        "reason": record.reason,
        "claimed_by": record.owner if record.state is State.LEASED else None,
    }
    return {name: value for name, value in shown.items() if value is not None}


def _answer(site: str, record: Record) -> dict[str, Any]:
    judgement = record.content.judgement if record.content else None
    review = ReviewState(record.state, record.priority, record.why, record.due_at) if record.why else None
    return {
        "id": record.id,
        "site": site,
        "revision": record.revision,
        "decision": record.decision,
        "status": record.status,
        "decided_by": record.decided_by,
        "scores": judgement.scores if judgement else None,
        "reasons": judgement.reasons if judgement else None,
        "spans": judgement.spans if judgement else None,
        "model": judgement.model if judgement else None,
        "policy": judgement.policy if judgement else None,
        "review": review,
        "created_at": record.created_at,
        "decided_at": record.decided_at,
        "erased_at": record.erased_at,
    }

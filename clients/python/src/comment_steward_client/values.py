"""What is sent and what is answered. Fields that a newer Steward adds are ignored; `raw` has all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, TypeVar

Json = Mapping[str, Any]
Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True)
class Author:
    """`id`: of your own, such as a user's. Steward stores a keyed hash of it."""

    id: str | None = None
    name: str | None = None
    created_at: datetime | None = None
    trusted: bool = False


@dataclass(frozen=True, slots=True)
class Article:
    id: str | None = None
    url: str | None = None
    title: str | None = None
    section: str | None = None
    published_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Parent:
    """The comment that is answered."""

    id: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """Rules use it for the decision. Steward stores neither; rules may count the network of `ip` by a keyed hash."""

    email: str | None = None
    ip: str | None = None


@dataclass(frozen=True, slots=True)
class Comment:
    """A reader's comment. `id`: of your own; the same comment sent twice under one id is recorded once.

    `language`: a BCP 47 tag, only if you know it. `callback_url`: where to send webhooks about this comment.
    """

    text: str
    id: str | None = None
    author: Author | None = None
    article: Article | None = None
    parent: Parent | None = None
    sender: Sender | None = None
    created_at: datetime | None = None
    language: str | None = None
    callback_url: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


def to_json(value: Any) -> Any:  # noqa: ANN401 - any of the classes above
    """A value as JSON, without what is not set. Instants need a time zone."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        return value.isoformat()
    if isinstance(value, Author | Article | Parent | Sender | Comment):
        found = {each.name: to_json(getattr(value, each.name)) for each in fields(value)}
        return {name: each for name, each in found.items() if each not in (None, {}, False)}
    return value


@dataclass(frozen=True, slots=True)
class Reason:
    """Why the automatic decision was what it was. `code` is stable."""

    code: str
    attribute: str | None = None
    score: float | None = None
    rule: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the text that raised a score, in code points from `start` up to `end`."""

    start: int
    end: int
    attribute: str
    weight: float


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with the field at `pointer`, a JSON Pointer into what was sent."""

    pointer: str
    detail: str


@dataclass(frozen=True, slots=True)
class Problem:
    """An error (RFC 9457). `code` is stable; `instance` names this one occurrence, also in Steward's log."""

    status: int
    code: str = "unknown"
    detail: str = ""
    instance: str = ""
    errors: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """A comment and its state. `decision`: the automatic one; `status`: what counts now.

    `scores` are probabilities by attribute; None if the comment was erased. A higher `version` is a newer state.
    """

    id: str
    status: str
    decision: str
    decided_by: str
    version: int
    revision: int
    scores: Mapping[str, float] | None
    reasons: tuple[Reason, ...]
    spans: tuple[Span, ...]
    language: str | None
    model: str | None
    raw: Json = field(repr=False)

    @property
    def is_approved(self) -> bool:
        return self.status == "approved"

    @property
    def is_rejected(self) -> bool:
        return self.status == "rejected"

    @property
    def is_pending(self) -> bool:
        """A person decides. Treat a status that you do not know like this one."""
        return not self.is_approved and not self.is_rejected


@dataclass(frozen=True, slots=True)
class Scored:
    """The scores of one text; empty if the model does not judge its language."""

    scores: Mapping[str, float]
    language: str
    language_support: str
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Event:
    """A change of a comment. Store the highest `version` of each comment, and ignore events that are not higher.

    `comment_id` is None for events about an author, an article or a section; `raw` says which.
    """

    type: str
    comment_id: str | None
    version: int
    status: str
    decided_by: str | None
    reason: str | None
    raw: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class Page:
    """`next`: where to go on, also when there are no more events yet; None: at the beginning."""

    events: tuple[Event, ...]
    next: str | None


def _known(kind: type[Kind], value: Json) -> Kind:
    names = {each.name for each in fields(kind)}  # type: ignore[arg-type] # only dataclasses come here
    return kind(**{name: each for name, each in value.items() if name in names})


def judged(value: Json) -> Judged:
    return Judged(
        id=value["id"],
        status=value["status"],
        decision=value["decision"],
        decided_by=value["decided_by"],
        version=value["version"],
        revision=value["revision"],
        scores=value.get("scores"),
        reasons=tuple(_known(Reason, each) for each in value.get("reasons") or ()),
        spans=_spans(value),
        language=value.get("language"),
        model=value.get("model"),
        raw=value,
    )


def scored(value: Json) -> Scored:
    return Scored(value["scores"], value["language"], value.get("language_support", "none"), _spans(value))


def event(value: Json) -> Event:
    """From `GET /v1/events`, or the `data` of a webhook together with its `type`."""
    return Event(
        type=value["type"],
        comment_id=value.get("comment_id"),
        version=value.get("version", 0),
        status=value.get("status", ""),
        decided_by=value.get("decided_by"),
        reason=value.get("reason"),
        raw=value,
    )


def problem(status: int, value: Any) -> Problem:  # noqa: ANN401 - a proxy in between may answer anything
    if not isinstance(value, Mapping):
        return Problem(status)
    faults = tuple(_known(Fault, each) for each in value.get("errors") or ())
    detail, instance = str(value.get("detail", "")), str(value.get("instance", ""))
    return Problem(status, str(value.get("code", "unknown")), detail, instance, faults)


def results(values: Sequence[Json]) -> list[Judged | Problem]:
    """The answers of a batch: a comment has `decided_by`, what could not be taken is a problem."""
    return [judged(each) if "decided_by" in each else problem(each["status"], each) for each in values]


def _spans(value: Json) -> tuple[Span, ...]:
    return tuple(_known(Span, each) for each in value.get("spans") or ())

"""Comments and their states, decisions, scores and leases. Values only.

They are msgspec structs, because one definition validates a body, describes it in /openapi.json and is packed for Redis
(docs/decisions/0003-define-values-once.md).
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from msgspec import Meta, Struct

MAX_TEXT_BYTES = 20_480
MAX_METADATA_BYTES = 4_096
MAX_BATCH_ITEMS = 1_000
MAX_COMMUNITY = 256

SITE_PATTERN = r"^[a-z0-9][a-z0-9-]{0,62}$"

MAX_ID = 256
MAX_NAME = 200
MAX_EMAIL = 254  # RFC 5321, 4.5.3.1.3
MAX_TITLE = 500
MAX_SECTION = 128
MAX_URL = 2_048

# The key in Meta's `extra` of a message in words for values that do not match the pattern.
WORDS = "words"
# That of a field which is left out, not refused, where its text cannot be read.
LEFT_OUT = "left out"
NOT_OURS = "not one that we gave"
A_CODE = "may have small letters, digits and _ only"
# What people call things. Policy forms put a | between the parts of a line.
ONE_LINE = r"^[^\s|](?:[^|\n\r]*[^\s|])?$(?!\n)"
ONE_LINE_WORDS = "must be one line, with no | and no white space at either end"

# Ids appear in paths, Redis keys, pages and log lines. So they are printable and on one line, and never "." or "..",
# which HTTP clients remove from paths. Control characters, lone surrogates, invisible characters and characters that
# change the direction of text are refused. Joiners are allowed, because words of several scripts need them. The first
# alternative of the pattern is fast and matches nearly all ids.
# Patterns end in $(?!\n) because Python's $ alone also matches before a line feed at the end.
_INVISIBLE = (
    r"\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    r"\ud800-\udfff\ufeff\ufff9-\ufffb\ufffe\uffff"
)
Id = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_ID,
        pattern=rf"^(?:[0-9A-Za-z_][\x21-\x7e]*|(?!\.{{1,2}}$)(?!\s)[^{_INVISIBLE}]+(?<!\s))$(?!\n)",
        description='Any printable characters, also spaces inside; not "." or "..".',
        extra={WORDS: 'must be printable characters without a space at either end, and not "." or ".."'},
    ),
]
Instant = Annotated[datetime, Meta(tz=True)]
# As much other software writes times. No rule asks for the second kind.
ZoneOptional = Annotated[datetime, Meta(description="Without a time zone: UTC.")]
OfContext = Annotated[
    datetime, Meta(description="Without a time zone: UTC. A text that is no time is ignored.", extra={LEFT_OUT: True})
]
Probability = Annotated[float, Meta(ge=0, le=1)]
# For each attribute: yes, no, or the share of people who would say yes.
Answers = dict[str, bool | Probability]
# Answers from this value on count as yes.
YES_FROM = 0.5
LanguageTag = Annotated[
    str,
    Meta(
        max_length=35,
        pattern=r"^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)?(?:@[A-Za-z0-9_-]+)?$(?!\n)",
        description="BCP 47 tag, or a locale such as en_US.",
        extra={WORDS: "must be a language tag such as en, en-US or en_US"},
    ),
]

# How policies name a language.
LanguageCode = Annotated[
    str, Meta(pattern=r"^[a-z]{2,3}$(?!\n)", extra={WORDS: "must be a code such as en (ISO 639-1)"})
]


class Action(StrEnum):
    APPROVE = "approve"
    REVIEW = "review"
    REJECT = "reject"


class Status(StrEnum):
    """The status of a comment, as the site sees it."""

    APPROVED = "approved"
    PENDING = "pending"
    REJECTED = "rejected"


STATUS_AFTER = {Action.APPROVE: Status.APPROVED, Action.REVIEW: Status.PENDING, Action.REJECT: Status.REJECTED}


class DecidedBy(StrEnum):
    MODEL = "model"
    RULE = "rule"
    MODERATOR = "moderator"
    EXPIRY = "expiry"


class State(StrEnum):
    """The state of a comment in the review queue."""

    QUEUED = "queued"
    LEASED = "leased"
    ESCALATED = "escalated"
    DECIDED = "decided"
    ERASED = "erased"


class Why(StrEnum):
    """Why a comment is in the review queue."""

    UNCERTAIN = "uncertain"
    UNSCORED = "unscored"
    LANGUAGE_NOT_SUPPORTED = "language_not_supported"
    REPORTED = "reported"
    APPEAL = "appeal"
    REOPENED = "reopened"
    AUDIT = "audit"
    RULE = "rule"


class Verdict(StrEnum):
    """A moderator's answer."""

    APPROVE = "approve"
    REJECT = "reject"
    ESCALATE = "escalate"


class Author(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    id: Id | None = None
    name: Annotated[str, Meta(description=f"Cut to {MAX_NAME} characters.")] | None = None
    created_at: OfContext | None = None
    trusted: bool = False


class Article(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    id: Id | None = None
    url: Annotated[str, Meta(description=f"Left out where it is longer than {MAX_URL} characters.")] | None = None
    title: Annotated[str, Meta(description=f"Cut to {MAX_TITLE} characters.")] | None = None
    section: Annotated[str, Meta(description=f"Cut to {MAX_SECTION} characters.")] | None = None
    published_at: ZoneOptional | None = None


class Parent(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    id: Id | None = None
    text: Annotated[str, Meta(description=f"Cut to {MAX_TEXT_BYTES} bytes of UTF-8.")] | None = None


class Sender(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What rules may ask about whoever sent a comment. It is used for the decision and never stored.

    Of `ip` the network (/24, or /48 of IPv6) is counted under a keyed hash, for as long as a rule counts.
    """

    email: Annotated[str, Meta(max_length=MAX_EMAIL)] | None = None
    ip: (
        Annotated[
            str,
            Meta(max_length=512, description="IPv4 or IPv6, also with a port; of a list the first."),
        ]
        | None
    ) = None


class Comment(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A reader's comment as the site sent it."""

    text: Annotated[
        str, Meta(description=f"Not blank; at most {MAX_TEXT_BYTES} bytes of UTF-8. A lone surrogate becomes U+FFFD.")
    ]
    id: Id | None = None
    author: Author | None = None
    article: Article | None = None
    parent: Parent | None = None
    sender: Sender | None = None
    created_at: OfContext | None = None
    language: LanguageTag | None = None
    callback_url: (
        Annotated[
            str,
            Meta(
                max_length=MAX_URL,
                pattern=r"^[Hh][Tt][Tt][Pp][Ss]?://",
                extra={WORDS: "must begin with https:// (or http://)"},
            ),
        ]
        | None
    ) = None
    metadata: Annotated[
        dict[str, Any], Meta(description=f"Anything of the site's own, at most {MAX_METADATA_BYTES} bytes of JSON.")
    ] = {}


class Span(Struct, frozen=True):
    """A part of the text that raised a score. Offsets are in Unicode code points of the text as sent."""

    start: Annotated[int, Meta(ge=0)]
    end: Annotated[int, Meta(ge=0)]
    attribute: str
    weight: float


class Reason(Struct, frozen=True, omit_defaults=True):
    """A reason for an automatic decision. All reasons together suffice to reproduce the decision.

    The fields from `rule` on are of a rule that applied (code `rule`). `action`: what it asks for; a rule in shadow
    changes nothing. `reason`: the reason that the site is told. `spans`: pairs of start and end, in code points of the
    text as sent, of what the rule found; `entry`: the entry of `list` that it found first.
    """

    code: str
    attribute: str | None = None
    score: float | None = None
    review_at: float | None = None
    reject_at: float | None = None
    language: str | None = None
    rule: str | None = None
    action: str | None = None
    shadow: bool = False
    reason: str | None = None
    list: str | None = None
    entry: str | None = None
    spans: tuple[tuple[int, int], ...] = ()


class LanguageSupport(StrEnum):
    """How reliable a model is in a language. `measured`: tested on comments in it that people labeled. `transferred`:
    the model knows the language but was not tested in it. `none`: the model does not judge it.
    """

    MEASURED = "measured"
    TRANSFERRED = "transferred"
    NONE = "none"


class Judgement(Struct, frozen=True):
    """The result of the automatic decision, stored with the revision that it judged.

    `facts`: what was counted when rules applied, such as the author's approved comments. `disagreement`: how far the
    fast reader's scores are from those of both readers; only set where the site draws comments to learn from, and not
    stored.
    """

    decision: Action
    scores: Mapping[str, float]
    reasons: tuple[Reason, ...]
    model: str
    policy: str
    spans: tuple[Span, ...] = ()
    language: str | None = None
    language_support: LanguageSupport | None = None
    facts: Mapping[str, Any] = {}
    disagreement: float = 0.0


class Doubling(StrEnum):
    """Which verdicts need a second one by somebody else."""

    DRAWN = "drawn"
    REJECTS = "rejects"


class Urgency(Struct, frozen=True):
    """Why and how soon a person should review a comment. `priority` lies in [0, 1]; `sla_ms`: until it is due.

    `inclusion`: the probability with which the comment was drawn for a blind audit of its automatic decision; None: it
    is not part of an audit.
    """

    why: Why
    priority: float
    sla_ms: int
    double: Doubling | None = None
    inclusion: float | None = None


class Lease(Struct, frozen=True):
    """A moderator's exclusive claim on one revision for a limited time. `token`: a fencing token; it only grows."""

    token: int
    revision: int

    def __str__(self) -> str:
        return f"{self.token:x}.{self.revision:x}"

    @classmethod
    def parse(cls, text: str) -> "Lease | None":
        token, _, revision = text.partition(".")
        try:
            return cls(int(token, 16), int(revision, 16))
        except ValueError:
            return None

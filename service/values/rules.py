"""What a site's rules say: conditions on a comment, and what to do if they hold. service.rules applies them.

A rule is part of a policy. Its conditions combine with `all`, `any` and `not`. The order of rules never matters.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from service.values.domain import A_CODE, WORDS, Action, Id, LanguageCode, Probability

MAX_RULES = 500
MAX_DEPTH = 8
MAX_LIST_ENTRIES = 50_000
DAY_S = 86_400
# The longest window of a counter, in seconds. Redis keeps what is counted this long.
MAX_WINDOW_S = 7 * DAY_S

RuleId = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=64,
        pattern=r"^[a-z0-9][a-z0-9_-]*$(?!\n)",
        extra={WORDS: "may have small letters, digits, - and _ only"},
    ),
]
ListName = RuleId
Code = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[a-z0-9_]+$(?!\n)", extra={WORDS: A_CODE})]
Term = Annotated[str, Meta(min_length=1, max_length=200)]
Window = Annotated[int, Meta(ge=1, le=MAX_WINDOW_S, description="Seconds.")]
Domain = Annotated[str, Meta(min_length=1, max_length=253, description="Also stands for its subdomains.")]


class RuleState(StrEnum):
    """Shadow: the rule is counted and shown, and changes no decision."""

    ON = "on"
    SHADOW = "shadow"
    OFF = "off"


class RuleAction(StrEnum):
    """What a rule asks for. Premoderate: review, and never published first. Label: no decision."""

    APPROVE = "approve"
    REVIEW = "review"
    REJECT = "reject"
    PREMODERATE = "premoderate"
    LABEL = "label"


class Match(StrEnum):
    """Word: whole words. Part: also inside words. Stem: words that begin with the entry."""

    WORD = "word"
    PART = "part"
    STEM = "stem"


class AuthorStatus(StrEnum):
    ACTIVE = "active"
    TRUSTED = "trusted"
    PREMODERATED = "premoderated"
    MUTED = "muted"
    BANNED = "banned"


WordsPlace = Literal["text", "name", "email"]


class WordsCondition(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The text, or the author's name or e-mail address, has a term of a list, or one of `any`."""

    list: ListName | None = None
    any: Annotated[tuple[Term, ...], Meta(max_length=1_000)] = ()
    match: Match | None = None
    unmask: Annotated[bool | None, Meta(description="Also find obfuscated words. Default: true.")] = None
    case: Annotated[bool, Meta(description="Distinguish capitals from small letters; never unmasks.")] = False
    places: Annotated[
        tuple[WordsPlace, ...], Meta(min_length=1, max_length=3, description="Where it is looked for.")
    ] = field(default=("text",), name="in")


class LinksCondition(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The text has links that fit all fields that are set. Without `at_least`, one is enough."""

    at_least: Annotated[int, Meta(ge=1, le=1_000)] | None = None
    domains: Annotated[tuple[Domain, ...], Meta(max_length=1_000)] = ()
    not_domains: Annotated[tuple[Domain, ...], Meta(max_length=1_000)] = ()
    shortener: Annotated[bool | None, Meta(description="Only links to a known link shortener.")] = None
    punycode: Annotated[bool | None, Meta(description="Only links to a domain in punycode or with non-ASCII.")] = None
    bare: Annotated[bool | None, Meta(description="Only domains written without a scheme.")] = None
    email: Annotated[bool | None, Meta(description="E-mail addresses instead of links.")] = None
    phone: Annotated[bool | None, Meta(description="Phone numbers instead of links.")] = None


class ScoreCondition(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    attribute: Code
    at_least: Probability | None = None
    below: Probability | None = None


class AuthorCondition(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The author fits all fields that are set. An author without an id counts as new and never approved."""

    new: Annotated[int, Meta(ge=1, le=365 * DAY_S, description="Seconds since the first comment here.")] | None = None
    approved_below: Annotated[int, Meta(ge=1, le=1_000, description="Fewer approved comments here.")] | None = None
    rejected_share_above: Annotated[
        Probability | None, Meta(description="Share of decided comments within `days` that were rejected.")
    ] = None
    rejected_at_least: (
        Annotated[int, Meta(ge=1, le=1_000, description="Rejected comments within `days`: so many strikes.")] | None
    ) = None
    days: Annotated[int, Meta(ge=1, le=60)] = 30
    status: Annotated[tuple[AuthorStatus, ...], Meta(max_length=5)] = ()
    trusted: Annotated[bool | None, Meta(description="The site sent it, or the status is trusted.")] = None


class ArticleCondition(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The article fits all fields that are set."""

    ids: Annotated[tuple[Id, ...], Meta(max_length=1_000)] = ()
    section: Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=128)], ...], Meta(max_length=100)] = ()
    older_than_s: Annotated[int | None, Meta(description="Seconds since `article.published_at`.")] = None


class VelocityCondition(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """More than `more_than` comments within `s` seconds, this one among them."""

    by: Annotated[
        Literal["author", "article", "site", "network"],
        Meta(description="Network: the /24 or /48 of `sender.ip`; comments without one are not counted."),
    ]
    more_than: Annotated[int, Meta(ge=1, le=10_000)]
    s: Window


class DuplicateCondition(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """At least `at_least` comments within `s` seconds have the same text, a similar one, or the same link target, this
    one among them.
    """

    match: Literal["exact", "near", "links"]
    of: Literal["author", "site"] = "site"
    at_least: Annotated[int, Meta(ge=2, le=1_000)] = 3
    s: Window = DAY_S


class TextCondition(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The text fits all fields that are set. Lengths are in characters."""

    shorter_than: Annotated[int, Meta(ge=1, le=20_480)] | None = None
    longer_than: Annotated[int, Meta(ge=0, le=20_480)] | None = None
    capitals_above: Annotated[Probability | None, Meta(description="Share of capitals among its letters.")] = None
    language: Annotated[
        tuple[LanguageCode, ...],
        Meta(max_length=64, description="ISO 639-1."),
    ] = ()


class TimeCondition(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The time of submission, in a time zone. `hours`: from the first to before the second, also over midnight."""

    zone: Annotated[str, Meta(max_length=64, description="IANA time zone, such as Europe/Berlin.")] = "UTC"
    hours: tuple[Annotated[int, Meta(ge=0, le=24)], Annotated[int, Meta(ge=0, le=24)]] | None = None
    weekdays: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=7)], ...], Meta(max_length=7, description="1 is Monday.")
    ] = ()


class Condition(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Exactly one of the fields."""

    all: Annotated[tuple["Condition", ...], Meta(min_length=1, max_length=64)] | UnsetType = UNSET
    any: Annotated[tuple["Condition", ...], Meta(min_length=1, max_length=64)] | UnsetType = UNSET
    not_: "Condition | UnsetType" = field(default=UNSET, name="not")
    words: WordsCondition | UnsetType = UNSET
    pattern: Annotated[str, Meta(min_length=1, max_length=65_536, description="RE2 syntax.")] | UnsetType = UNSET
    links: LinksCondition | UnsetType = UNSET
    score: ScoreCondition | UnsetType = UNSET
    author: AuthorCondition | UnsetType = UNSET
    article: ArticleCondition | UnsetType = UNSET
    velocity: VelocityCondition | UnsetType = UNSET
    duplicate: DuplicateCondition | UnsetType = UNSET
    text: TextCondition | UnsetType = UNSET
    time: TimeCondition | UnsetType = UNSET


class Then(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """`override`: an approve rule also overrides the model's rejection. `due`: the attribute whose due time applies.

    `label`: the attribute that the comment is filed under. `reason`: the code of the reason that the site is told.
    """

    action: RuleAction
    reason: Code | None = None
    due: Code | None = None
    label: Code | None = None
    override: bool = False


class Rule(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    id: RuleId
    when: Condition
    then: Then
    note: Annotated[str, Meta(max_length=500)] = ""
    author: Annotated[str, Meta(max_length=128, description="Who answers for the rule.")] = ""
    state: RuleState = RuleState.ON
    until: Annotated[date | None, Meta(description="The last day, in UTC, on which the rule is in force.")] = None

    def has_ended(self, today: date) -> bool:
        """`today`: in UTC."""
        return self.until is not None and self.until < today


class ListUse(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How the rules of a policy match the entries of a list that say nothing themselves."""

    match: Match = Match.WORD
    unmask: bool = True
    case: bool = False


class FiredRule(Struct, frozen=True, omit_defaults=True):
    """A rule whose conditions hold for a comment. `spans`: (start, end) in code points of the text as sent.

    `entry`: the entry of `list`, or the term of the rule, that was found first.
    """

    rule: str
    action: RuleAction
    state: RuleState = RuleState.ON
    override: bool = False
    reason: str | None = None
    due: str | None = None
    label: str | None = None
    spans: tuple[tuple[int, int], ...] = ()
    list: str | None = None
    entry: str | None = None


RULE, RULE_UNAVAILABLE = "rule", "rule_unavailable"


def most_severe(model: Action, fired: tuple[FiredRule, ...], *, is_unavailable: bool = False) -> Action:
    """The decision of the model and the rules together; the order of rules does not matter.

    The most severe action counts. An approve rule overrides a review of the model, and with `override` its rejection,
    but never another rule. `is_unavailable`: a rule in force could not be evaluated; then nothing is approved.
    """
    asked = {each.action for each in fired if each.state is RuleState.ON}
    if RuleAction.REJECT in asked:
        return Action.REJECT
    overrides = any(
        each.override and each.action is RuleAction.APPROVE and each.state is RuleState.ON for each in fired
    )
    if model is Action.REJECT and not overrides:
        return Action.REJECT
    if is_unavailable or RuleAction.REVIEW in asked or RuleAction.PREMODERATE in asked:
        return Action.REVIEW
    return Action.APPROVE if RuleAction.APPROVE in asked else model

"""What a submission asks of the rules that need what Redis counts; rules.lua answers in the step that records it."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from service.store.packing import packed_rule
from service.values.articles import ACTIONS, IN_FORCE, ArticleStatus, PlaceKind, code_of
from service.values.domain import STATUS_AFTER, Action, Doubling, Reason, Urgency
from service.values.rules import RULE, RULE_UNAVAILABLE, AuthorStatus, FiredRule, RuleAction, RuleState

Expression = tuple[Any, ...]

AUTHOR_BANNED, AUTHOR_MUTED = "author_banned", "author_muted"
AUTHOR_PREMODERATED, AUTHOR_TRUSTED = "author_premoderated", "author_trusted"
# The reason and the action of each status, in the order of rules.lua.
OF_STATUS = {
    AuthorStatus.BANNED: (AUTHOR_BANNED, RuleAction.REJECT),
    AuthorStatus.MUTED: (AUTHOR_MUTED, RuleAction.REJECT),
    AuthorStatus.PREMODERATED: (AUTHOR_PREMODERATED, RuleAction.PREMODERATE),
    AuthorStatus.TRUSTED: (AUTHOR_TRUSTED, RuleAction.APPROVE),
}
_PLACES = tuple((kind, status) for kind in PlaceKind for status in IN_FORCE)
# Of the status of the author, of the article, and of the section.
_STATUS_REASONS = (
    *(Reason(code, action=action.value) for code, action in OF_STATUS.values()),
    *(
        Reason(code_of(kind, status), action=ACTIONS[status].value if status in ACTIONS else None)
        for kind, status in _PLACES
    ),
)
_STATUS_ROWS = tuple(map(packed_rule, _STATUS_REASONS))


class UndecidedRule(Struct, frozen=True):
    """A rule that holds if `expression` does. `sla_ms`: until when a review that it asks for is due."""

    rule: FiredRule
    expression: Any
    sla_ms: int | None = None


class Window(NamedTuple):
    """What to count of each comment: a name in Redis, and for how many seconds."""

    name: str
    s: int


class PossibleOutcome(Struct, frozen=True):
    """What is recorded if the rules come to a decision: who looks, and how often such decisions are audited.

    `urgent_double`: which first verdict needs a second one, if a rule makes the review most urgent.
    """

    urgency: Urgency | None
    audit_share: float
    attributes: str
    urgent_double: Doubling | None = None


class Heated(NamedTuple):
    """An approved comment that people look at if its article or section is heated: why, and what is recorded then."""

    reason: Reason
    outcome: PossibleOutcome


class RateLimit(NamedTuple):
    """More than `most` comments within `s` seconds under this name in Redis, this one among them."""

    name: str
    s: int
    most: int
    is_of_author: bool = False


class CopyLimit(NamedTuple):
    """More than `most` comments within `s` seconds with a fingerprint from `first` to `last`, counted from 1."""

    s: int
    most: int
    first: int
    last: int


class CountLimits(Struct, frozen=True):
    """What to count of a comment to which no rule can apply unless one of the limits is passed: then rules are asked.

    Most comments pass none, and this costs less than asking. `prints`: fingerprints, first those that only comments of
    the same author have, `of_author` in number. `window_s`: how long they are counted.
    """

    limits: Sequence[RateLimit] = ()
    copies: Sequence[CopyLimit] = ()
    prints: Sequence[str] = ()
    of_author: int = 0
    rates: Sequence[Window] = ()
    window_s: int = 0

    @property
    def flat(self) -> list[Any]:
        """As facts.lua takes it."""
        sent: list[Any] = [self.window_s, self.of_author, len(self.limits), len(self.copies), len(self.rates)]
        for limit in self.limits:
            sent += limit
        for copies in self.copies:
            sent += copies
        for rate in self.rates:
            sent += rate
        sent += self.prints
        return sent


class RulesAsked(Struct, frozen=True, kw_only=True):
    """`model`: the decision without rules. `fired`: rules that hold whatever is counted; `open`: the others.
    `unavailable`: ids of rules that cannot be decided.

    `prints`: fingerprints by kind of duplicate, as `exact:site`. `rates`: what to count of this one. `sla_ms`: until
    when a review that `fired` asks for is due. `window_s`: how long fingerprints are counted. `has_statuses`: False if
    the script should ask again where the author, the article or the section has a status; what is said of these is then
    not sent. `heated`: None if the comment would be approved in a heated article too. `network`: a keyed hash ('': not
    known).
    """

    model: Action
    outcomes: Mapping[Action, PossibleOutcome]
    fired: tuple[FiredRule, ...] = ()
    open: tuple[UndecidedRule, ...] = ()
    unavailable: tuple[str, ...] = ()
    prints: Mapping[str, tuple[str, ...]] = {}
    rates: tuple[Window, ...] = ()
    window_s: int = 0
    sla_ms: int | None = None
    has_statuses: bool = True
    author_sla_ms: int = 0
    network: str = ""
    heated: Heated | None = None

    @property
    def known_reasons(self) -> tuple[Reason, ...]:
        """Those that apply whatever is counted."""
        return (*map(rule_reason, self.fired), *map(unavailable_reason, self.unavailable))

    def reason(self, number: int) -> Reason:
        """One that may apply, by its number in the answer of the script, from 1 on.

        Those of open rules, then of the status of the author, of the article, and of the section.
        """
        if number <= len(self.open):
            return rule_reason(self.open[number - 1].rule)
        reason = _STATUS_REASONS[number - 1 - len(self.open)]
        if self.heated is not None and reason.code in _HEATED:
            return msgspec.structs.replace(self.heated.reason, code=reason.code)
        return reason

    @property
    def rows(self) -> list[bytes]:
        """The reasons that may apply, packed, in the order of their numbers."""
        rules = [packed_rule(rule_reason(each.rule)) for each in self.open]
        if not self.has_statuses:
            return rules
        if self.heated is None:
            return [*rules, *_STATUS_ROWS]
        first = len(self.open) + 1
        return [*rules, *(packed_rule(self.reason(first + at)) for at in range(len(_STATUS_REASONS)))]

    def outcome(self, action: Action, reasons: Sequence[Reason]) -> PossibleOutcome:
        """What is recorded for a decision with these reasons."""
        is_heated = any(each.code in _HEATED for each in reasons)
        return self.heated.outcome if self.heated and is_heated and action is Action.REVIEW else self.outcomes[action]


_HEATED = {code_of(kind, ArticleStatus.HEATED) for kind in PlaceKind}


def rule_reason(fired: FiredRule) -> Reason:
    return Reason(
        RULE,
        fired.label,
        rule=fired.rule,
        action=fired.action.value,
        shadow=fired.state is RuleState.SHADOW,
        reason=fired.reason,
        list=fired.list,
        entry=fired.entry,
        spans=fired.spans,
    )


def unavailable_reason(rule: str) -> Reason:
    return Reason(RULE_UNAVAILABLE, rule=rule)


class Question(NamedTuple):
    """What expressions ask of Redis: facts, each once, with the name of each; `expressions` name them by number."""

    asks: tuple[tuple[Any, ...], ...]
    names: tuple[str, ...]
    expressions: tuple[Any, ...]


@lru_cache(maxsize=1_024)
def question_of(expressions: tuple[Expression, ...]) -> Question:
    """The same for every comment: `("rate", by, s)` does not say yet whose comments are counted."""
    numbers = _FactNumbers()
    numbered = tuple(numbers.numbered(each) for each in expressions)
    return Question(tuple(numbers.names), tuple(numbers.names.values()), numbered)


class _FactNumbers:
    """`names`: of the facts, by what is asked, in the order of their numbers."""

    def __init__(self) -> None:
        self.names: dict[tuple[Any, ...], str] = {}

    def numbered(self, expression: Expression) -> Expression:
        """The expression with numbers of facts in place of what it asks."""
        operator, *rest = expression
        if operator in ("all", "any", "not"):
            return (operator, *(self.numbered(each) for each in rest))
        return expression if operator == "status" else self._leaf(operator, rest)

    def _leaf(self, operator: str, rest: Sequence[Any]) -> Expression:
        if operator == "new":
            return ("new", self._number("author_seen", "seen"), rest[0])
        if operator == "approved_below":
            return ("approved_below", self._number("author_approved", "approved"), rest[0])
        if operator == "rejected_share_above":
            share, days = rest
            approved = self._number(f"author_approved_{days}d", "a", days)
            return (operator, approved, self._number(f"author_rejected_{days}d", "r", days), share)
        if operator == "rejected_at_least":
            least, days = rest
            return (operator, self._number(f"author_rejected_{days}d", "r", days), least)
        if operator == "velocity":
            by, more_than, s = rest
            return ("count_above", self._number(f"by_{by}_{s}s", "rate", by, s), more_than)
        if operator == "duplicate":
            match, of, at_least, s = rest
            return ("count_above", self._number(f"{match}_of_{of}_{s}s", "same", f"{match}:{of}", s), at_least - 1)
        raise ValueError(f"no condition that Redis can answer: {operator}")

    def _number(self, name: str, *ask: Any) -> int:  # noqa: ANN401 - as the script takes it
        self.names.setdefault(ask, name)
        return [*self.names].index(ask) + 1


def _named(ask: tuple[Any, ...], who: Mapping[str, str]) -> tuple[Any, ...]:
    """With the name of the counter in Redis."""
    if ask[0] != "rate":
        return ask
    _, by, s = ask
    return ("rate", rate_name(by, who[by]), s) if who[by] else ("nothing",)


def rate_name(by: str, who: str) -> str:
    """The name of the counter in Redis. Comments of an author are in the author's index anyway."""
    return f"author:{who}" if by == "author" else f"rate:{by}:{who}"


def packed_rules(asked: RulesAsked, author: str, article: str, decision_at: int) -> tuple[dict[str, Any], list[bytes]]:
    """The map that rules.lua takes, and the packed reasons beside it."""
    asks, names, expressions = question_of(tuple([each.expression for each in asked.open]))
    who = {"author": author, "article": article, "site": "site", "network": asked.network}
    opened = [
        (
            each.rule.action.value,
            each.rule.state is RuleState.ON,
            each.rule.override,
            each.sla_ms or False,
            expression,
            each.rule.label or "",
            each.rule.rule,
        )
        for each, expression in zip(asked.open, expressions, strict=True)
    ]
    in_force = [each for each in asked.fired if each.state is RuleState.ON]
    actions = {each.action for each in in_force}
    sent = {
        "asks": [_named(each, who) for each in asks],
        "names": names,
        "elsewhere": "",
        "asked": {kind: list(prints) for kind, prints in asked.prints.items()},
        "open": opened,
        "known": (
            RuleAction.REJECT in actions,
            bool({RuleAction.REVIEW, RuleAction.PREMODERATE} & actions),
            any(each.override and each.action is RuleAction.APPROVE for each in in_force),
            RuleAction.APPROVE in actions,
            bool(asked.unavailable),
        ),
        "fired": len(asked.known_reasons),
        "ids": [each.rule for each in in_force],
        "model": asked.model.value,
        "sla_ms": asked.sla_ms or False,
        "outcomes": {action.value: _outcome(action, outcome) for action, outcome in asked.outcomes.items()},
        "decision_at": decision_at,
        "has_statuses": asked.has_statuses,
        "rates": [(window.name, window.s) for window in asked.rates],
        "prints": sorted({each for some in asked.prints.values() for each in some}),
        "window_s": asked.window_s,
        "author_sla_ms": asked.author_sla_ms,
        "heated": _outcome(Action.REVIEW, asked.heated.outcome) if asked.heated else False,
    }
    return sent, [b"".join(map(packed_rule, asked.known_reasons)), *asked.rows]


def _outcome(action: Action, outcome: PossibleOutcome) -> tuple[Any, ...]:
    urgency = outcome.urgency
    inclusion = urgency.inclusion if urgency else None
    return (
        action.value,
        STATUS_AFTER[action].value,
        urgency.why.value if urgency else "",
        str(urgency.priority) if urgency else "",
        urgency.sla_ms if urgency else "",
        outcome.attributes,
        (urgency and urgency.double and urgency.double.value) or "",
        str(inclusion) if inclusion is not None else "",
        str(outcome.audit_share) if outcome.audit_share else "",
        outcome.urgent_double.value if outcome.urgent_double else "",
    )


def together(what: str, facts: Sequence[Any]) -> Any:  # noqa: ANN401 - a number, or False
    """One fact of several shards. `what`: as in facts.lua. False: nothing is known. Redis answers that as None."""
    known = [each for each in facts if each is not None]
    if not known:
        return False
    return min(known) if what == "seen" else sum(known)

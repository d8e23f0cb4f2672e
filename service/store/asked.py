"""What a submission asks of the rules that need what Redis counts; rules.lua answers in the step that records it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from service.store.packing import packed_rule
from service.values.articles import ACTIONS, IN_FORCE, ArticleStatus, PlaceKind, code_of
from service.values.domain import STATUS_AFTER, Action, Doubling, Reason, Urgency
from service.values.rules import RULE, RULE_UNAVAILABLE, AuthorStatus, FiredRule, RuleAction, RuleState

Expression = Sequence[Any]

AUTHOR_BANNED, AUTHOR_MUTED = "author_banned", "author_muted"
AUTHOR_PREMODERATED, AUTHOR_TRUSTED = "author_premoderated", "author_trusted"
# The reason and the action of each status, in the order of rules.lua.
OF_STATUS = {
    AuthorStatus.BANNED: (AUTHOR_BANNED, RuleAction.REJECT),
    AuthorStatus.MUTED: (AUTHOR_MUTED, RuleAction.REJECT),
    AuthorStatus.PREMODERATED: (AUTHOR_PREMODERATED, RuleAction.PREMODERATE),
    AuthorStatus.TRUSTED: (AUTHOR_TRUSTED, RuleAction.APPROVE),
}
_STATUS_REASONS = tuple(Reason(code, action=action.value) for code, action in OF_STATUS.values())


_PLACES = tuple((kind, status) for kind in PlaceKind for status in IN_FORCE)


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


class Limit(NamedTuple):
    """More than `most` comments within `s` seconds under this name in Redis, this one among them."""

    name: str
    s: int
    most: int


class CountLimits(NamedTuple):
    """What to count of a comment to which no rule applies, unless one of the limits is passed: then rules are asked.

    Most comments pass none, and this costs less than asking. `window_s`: how long fingerprints are counted.
    """

    limits: tuple[Limit, ...]
    rates: tuple[Window, ...] = ()
    prints: tuple[str, ...] = ()
    window_s: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesAsked:
    """`model`: the decision without rules. `fired`: rules that hold whatever is counted; `open`: the others.
    `unavailable`: ids of rules that cannot be decided.

    `prints`: fingerprints by kind of duplicate, as `exact:site`. `rates`: what to count of this one. `sla_ms`: until
    when a review that `fired` asks for is due. `window_s`: how long fingerprints are counted. `heated`: None if the
    comment would be approved in a heated article too. `network`: a keyed hash ('': not known).
    """

    model: Action
    outcomes: Mapping[Action, PossibleOutcome]
    fired: tuple[FiredRule, ...] = ()
    open: tuple[UndecidedRule, ...] = ()
    unavailable: tuple[str, ...] = ()
    prints: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rates: tuple[Window, ...] = ()
    window_s: int = 0
    sla_ms: int | None = None
    author_sla_ms: int = 0
    network: str = ""
    heated: Heated | None = None

    @property
    def known_reasons(self) -> tuple[Reason, ...]:
        """Those that apply whatever is counted."""
        return (*map(rule_reason, self.fired), *map(unavailable_reason, self.unavailable))

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Those that may apply: of open rules, then of the status of the author, of the article, and of the section.

        The script answers with their numbers.
        """
        of_places = (_of_place(kind, status, self.heated) for kind, status in _PLACES)
        return (*(rule_reason(each.rule) for each in self.open), *_STATUS_REASONS, *of_places)

    def outcome(self, action: Action, reasons: Sequence[Reason]) -> PossibleOutcome:
        """What is recorded for a decision with these reasons."""
        is_heated = any(each.code in _HEATED for each in reasons)
        return self.heated.outcome if self.heated and is_heated and action is Action.REVIEW else self.outcomes[action]


_HEATED = {code_of(kind, ArticleStatus.HEATED) for kind in PlaceKind}


def _of_place(kind: PlaceKind, status: ArticleStatus, heated: Heated | None) -> Reason:
    code = code_of(kind, status)
    if status in ACTIONS:
        return Reason(code, action=ACTIONS[status].value)
    return msgspec.structs.replace(heated.reason, code=code) if heated else Reason(code)


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


class FactNumbers:
    """The facts that expressions need, each asked once."""

    def __init__(self, author: str, article: str, network: str = "") -> None:
        self._who = {"author": author, "article": article, "site": "site", "network": network}
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._names: list[str] = []

    @property
    def asks(self) -> list[tuple[Any, ...]]:
        return list(self._numbers)

    @property
    def names(self) -> list[str]:
        return self._names

    def compiled(self, expression: Expression) -> list[Any]:
        """The expression with numbers of facts in place of what it asks."""
        operator, *rest = expression
        if operator in ("all", "any", "not"):
            return [operator, *(self.compiled(each) for each in rest)]
        if operator == "status":
            return [operator, *rest]
        return self._leaf(operator, rest)

    def _leaf(self, operator: str, rest: Sequence[Any]) -> list[Any]:
        if operator == "new":
            return ["new", self._number("author_seen", "seen"), rest[0]]
        if operator == "approved_below":
            return ["approved_below", self._number("author_approved", "approved"), rest[0]]
        if operator == "rejected_share_above":
            share, days = rest
            approved = self._number(f"author_approved_{days}d", "a", days)
            return [operator, approved, self._number(f"author_rejected_{days}d", "r", days), share]
        if operator == "rejected_at_least":
            least, days = rest
            return [operator, self._number(f"author_rejected_{days}d", "r", days), least]
        if operator == "velocity":
            by, more_than, s = rest
            return ["count_above", self._rate(by, s), more_than]
        if operator == "duplicate":
            match, of, at_least, s = rest
            return ["count_above", self._number(f"{match}_of_{of}_{s}s", "same", f"{match}:{of}", s), at_least - 1]
        raise ValueError(f"no condition that Redis can answer: {operator}")

    def _rate(self, by: str, s: int) -> int:
        who = self._who[by]
        if not who:
            return self._number(f"by_{by}_{s}s", "nothing")
        return self._number(f"by_{by}_{s}s", "rate", rate_name(by, who), s)

    def _number(self, name: str, *ask: Any) -> int:  # noqa: ANN401 - as the script takes it
        if ask not in self._numbers:
            self._numbers[ask] = len(self._numbers) + 1
            self._names.append(name)
        return self._numbers[ask]


def limits_of(expression: Expression, counted: Mapping[str, str], prints: Mapping[str, tuple[str, ...]]) -> list[Limit]:
    """The limits of an expression that is just one count; [] if it never holds. Raises ValueError for any other.

    `counted`: whose comments are counted, by kind ('': nobody's).
    """
    operator, *rest = expression
    if operator == "velocity":
        by, more_than, s = rest
        who = counted[by]
        return [Limit(rate_name(by, who), s, more_than)] if who else []
    if operator == "duplicate":
        match, of, at_least, s = rest
        return [Limit(f"same:{each}", s, at_least - 1) for each in prints.get(f"{match}:{of}", ())]
    raise ValueError(operator)


def rate_name(by: str, who: str) -> str:
    """The name of the counter in Redis. Comments of an author are in the author's index anyway."""
    return f"author:{who}" if by == "author" else f"rate:{by}:{who}"


def packed_rules(asked: RulesAsked, author: str, article: str, decision_at: int) -> tuple[dict[str, Any], list[bytes]]:
    """The map that rules.lua takes, and the packed reasons beside it."""
    facts = FactNumbers(author, article, asked.network)
    opened = [
        (
            each.rule.action.value,
            each.rule.state is RuleState.ON,
            each.rule.override,
            each.sla_ms or False,
            facts.compiled(each.expression),
            each.rule.label or "",
            each.rule.rule,
        )
        for each in asked.open
    ]
    in_force = [each for each in asked.fired if each.state is RuleState.ON]
    actions = {each.action for each in in_force}
    sent = {
        "asks": facts.asks,
        "names": facts.names,
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
        "rates": [(window.name, window.s) for window in asked.rates],
        "prints": sorted({each for some in asked.prints.values() for each in some}),
        "window_s": asked.window_s,
        "author_sla_ms": asked.author_sla_ms,
        "heated": _outcome(Action.REVIEW, asked.heated.outcome) if asked.heated else False,
    }
    rows = [
        b"".join(map(packed_rule, asked.known_reasons)),
        *map(packed_rule, asked.reasons),
    ]
    return sent, rows


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
    """One fact of several shards. `what`: as in counters.lua. False: nothing is known. Redis answers that as None."""
    known = [each for each in facts if each is not None]
    if not known:
        return False
    return min(known) if what == "seen" else sum(known)

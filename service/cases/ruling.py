"""Applies a site's rules to a comment: what they say by themselves, and what they ask of Redis."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from msgspec import Struct

from service.metrics import RULES
from service.rules.compiled import CompiledRules, Facts, Findings, OpenRule
from service.rules.links import find_links
from service.rules.repetition import fingerprints_with
from service.store.asked import (
    CountLimits,
    Heated,
    Limit,
    PossibleOutcome,
    RulesAsked,
    UndecidedRule,
    Window,
    limits_of,
    rate_name,
    rule_reason,
)
from service.values.articles import held_if_heated, places_of
from service.values.domain import Action, Comment, Doubling, Judgement, Reason, Sender, Urgency
from service.values.policy import BY_RULE, Decision, Policy, audit_share, sla_ms_of, soon_ms
from service.values.rules import RULE, FiredRule, RuleAction, RuleState, most_severe

# Names of rules that the metrics tell apart.
MOST_NAMED = 1_000
_REVIEWS = frozenset({RuleAction.REVIEW, RuleAction.PREMODERATE})


class OpenCheck(Struct, frozen=True):
    """A rule that also depends on what is counted: `depends_on` names the conditions that are left."""

    rule: str
    action: str
    shadow: bool
    depends_on: list[str]


class RuleCheck(Struct, frozen=True):
    """What the model and the rules that need no counting say of a comment. `rules`: those that apply."""

    model: Action
    decision: Action
    scores: Mapping[str, float]
    language: str | None
    reasons: tuple[Reason, ...]
    rules: tuple[Reason, ...]
    open: list[OpenCheck]
    unavailable: tuple[str, ...]


class SentBy(NamedTuple):
    """Who sent a comment, as far as rules ask. `network`: a keyed hash. Each may be empty."""

    email: str = ""
    network: str = ""


NOBODY = SentBy()
Attend = Callable[[Decision], Urgency | None]


def without_rules(
    policy: Policy, comment: Comment, judgement: Judgement, attend: Attend, *, is_soon: bool
) -> RulesAsked:
    """For a comment on which only the status of its author, its article or its section may bear."""
    return RulesAsked(
        model=judgement.decision,
        outcomes=_outcomes(policy, judgement, attend),
        author_sla_ms=_due(policy, None, is_soon),
        heated=_heated(policy, comment, judgement, attend),
    )


def _heated(policy: Policy, comment: Comment, judgement: Judgement, attend: Attend) -> Heated | None:
    if judgement.decision is not Action.APPROVE or not places_of(comment.article):
        return None
    held = held_if_heated(judgement.scores, policy)
    if held is None:
        return None
    reason = held.reasons[0]
    return Heated(reason, PossibleOutcome(attend(held), 0.0, reason.attribute or ""))


def ask(
    policy: Policy,
    rules: CompiledRules,
    comment: Comment,
    judgement: Judgement,
    attend: Attend,
    *,
    now: datetime,
    is_soon: bool,
    sent_by: SentBy = NOBODY,
    may_watch: bool = False,
) -> RulesAsked | CountLimits | None:
    """None: no rule applies, and nothing is counted. `is_soon`: the section is urgent.

    `may_watch`: a CountLimits is enough where each rule that is left is just a count.
    """
    language, counted = judgement.language or "", _counted(comment, sent_by)
    found = rules.evaluate(
        Facts(comment.text, language, judgement.scores, comment.author, comment.article, now, *sent_by)
    )
    prints, rates = prints_of(found, comment.text, counted["author"]), _rates(rules, counted)
    if not (found.fired or found.open or found.unavailable or prints or rates):
        return None
    if (
        may_watch
        and not found.fired
        and not found.unavailable
        and (watch := _watch(rules, found.open, counted, prints, rates))
    ):
        return watch
    due = [
        _due(policy, each.due, is_soon)
        for each in found.fired
        if each.action in _REVIEWS and each.state is RuleState.ON
    ]
    return RulesAsked(
        model=judgement.decision,
        outcomes=_outcomes(policy, judgement, attend, found.fired),
        fired=found.fired,
        open=tuple(
            UndecidedRule(each.rule, each.expression, _due(policy, each.rule.due, is_soon)) for each in found.open
        ),
        unavailable=found.unavailable,
        prints=prints,
        rates=rates,
        window_s=rules.window_s,
        sla_ms=min(due, default=None),
        author_sla_ms=_due(policy, None, is_soon),
        heated=_heated(policy, comment, judgement, attend),
        network=sent_by.network,
    )


def _watch(
    rules: CompiledRules,
    open_rules: Sequence[OpenRule],
    counted: Mapping[str, str],
    prints: Mapping[str, tuple[str, ...]],
    rates: tuple[Window, ...],
) -> CountLimits | None:
    """None: a rule that is left is more than one count."""
    limits: list[Limit] = []
    for each in open_rules:
        if each.expression[0] not in ("velocity", "duplicate"):
            return None
        limits += limits_of(each.expression, counted, prints)
    kept = tuple(dict.fromkeys(each for some in prints.values() for each in some))
    return CountLimits(tuple(limits), rates, kept, rules.window_s)


def check(rules: CompiledRules, comment: Comment, judgement: Judgement, now: datetime) -> RuleCheck:
    sender = comment.sender or Sender()
    sent_by = SentBy(sender.email or "", sender.ip or "")  # any name of a network will do: nothing is counted
    language = judgement.language or ""
    found = rules.evaluate(
        Facts(comment.text, language, judgement.scores, comment.author, comment.article, now, *sent_by)
    )
    return RuleCheck(
        judgement.decision,
        most_severe(judgement.decision, found.fired, is_unavailable=bool(found.unavailable)),
        judgement.scores,
        judgement.language,
        judgement.reasons,
        tuple(map(rule_reason, found.fired)),
        [
            OpenCheck(
                each.rule.rule,
                each.rule.action.value,
                each.rule.state is RuleState.SHADOW,
                sorted({leaf[0] for leaf in leaves(each.expression)}),
            )
            for each in found.open
        ],
        found.unavailable,
    )


def leaves(expression: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """The conditions of an expression that Redis answers."""
    if expression[0] in ("all", "any", "not"):
        for each in expression[1:]:
            yield from leaves(each)
    else:
        yield expression


def count_rules(reasons: tuple[Reason, ...]) -> None:
    for reason in reasons:
        if reason.code == RULE and reason.rule:
            if reason.rule not in _named and len(_named) < MOST_NAMED:
                _named.add(reason.rule)
            RULES.labels(reason.rule if reason.rule in _named else "other").inc()


_named: set[str] = set()


def _due(policy: Policy, attribute: str | None, is_soon: bool) -> int:
    """Milliseconds until a review is due that a rule asks for."""
    sla_ms = sla_ms_of(attribute, policy.review)
    return min(sla_ms, soon_ms(policy.review)) if is_soon else sla_ms


def _outcomes(
    policy: Policy, judgement: Judgement, attend: Attend, fired: tuple[FiredRule, ...] = ()
) -> dict[Action, PossibleOutcome]:
    """What is recorded for each decision that the rules may come to."""
    labels = [each.label for each in fired if each.state is RuleState.ON]
    named = [each.attribute for each in judgement.reasons] + labels
    attributes = ",".join(dict.fromkeys(each for each in named if each))
    found = {}
    for action in Action:
        is_ours = action is Action.REVIEW and judgement.decision is not action
        urgency = attend(BY_RULE if is_ours else Decision(action, judgement.reasons))
        urgent = Doubling.REJECTS if action is Action.REVIEW and policy.review.double_review else None
        found[action] = PossibleOutcome(urgency, audit_share(action, policy), attributes, urgent)
    return found


def prints_of(findings: Findings, text: str, author: str) -> dict[str, tuple[str, ...]]:
    """The fingerprints that open rules compare, by kind of duplicate, as `exact:site`.

    Only these are counted: a comment is a copy for a rule if all that the rule says besides fits both.
    """
    open_ones = (each for rule in findings.open for each in leaves(rule.expression))
    wanted = {(each[1], each[2]) for each in open_ones if each[0] == "duplicate"}
    if not wanted:
        return {}
    links = find_links(text) if findings.links is None else findings.links
    found = fingerprints_with(text, links, with_near=any(match == "near" for match, _ in wanted))
    kinds = {"exact": (found.exact,), "near": found.near, "links": found.links}
    prints = {}
    for match, of in sorted(wanted):
        if of == "author":
            some = tuple(f"{match[0]}{each}:{author}" for each in kinds[match]) if author else ()
        else:  # short texts are alike by chance: they only count for one author
            some = () if found.is_short and match != "links" else tuple(f"{match[0]}{each}" for each in kinds[match])
        prints[f"{match}:{of}"] = some
    return prints


def _counted(comment: Comment, sent_by: SentBy) -> dict[str, str]:
    """Whose comments are counted, by kind; '': nobody's."""
    author, article = (comment.author and comment.author.id) or "", (comment.article and comment.article.id) or ""
    return {"author": author, "article": article, "site": "site", "network": sent_by.network}


def _rates(rules: CompiledRules, counted: Mapping[str, str]) -> tuple[Window, ...]:
    if not rules.rates:
        return ()
    windows: dict[str, int] = {}
    for by, s in rules.rates:
        if counted[by]:
            name = rate_name(by, counted[by])
            windows[name] = max(s, windows.get(name, 0))
    return tuple(Window(name, s) for name, s in windows.items())

"""Applies a site's rules to a comment: what they say by themselves, and what they ask of Redis."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

from msgspec import Struct

from service.metrics import RULES
from service.rules.compiled import CompiledRules, Facts, Findings
from service.rules.holding import Copies, Dependence, leaves
from service.rules.links import find_links
from service.rules.repetition import fingerprints_with
from service.store.asked import (
    CopyLimit,
    CountLimits,
    Heated,
    PossibleOutcome,
    RateLimit,
    RulesAsked,
    UndecidedRule,
    Window,
    rate_name,
    rule_reason,
)
from service.values.articles import held_if_heated, places_of
from service.values.attention import BY_RULE, audit_share, sla_ms_of, soon_ms
from service.values.domain import Action, Comment, Doubling, Judgement, Reason, Sender, Urgency
from service.values.policy import Decision, Policy
from service.values.rules import RULE, FiredRule, RuleAction, RuleState, most_severe

# Names of rules that the metrics tell apart.
MOST_NAMED = 1_000
_REVIEWS = frozenset({RuleAction.REVIEW, RuleAction.PREMODERATE})
_DECISIONS = {RuleAction.APPROVE: Action.APPROVE, RuleAction.REJECT: Action.REJECT}


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


class Looked(Struct, frozen=True):
    """What is found in a comment before Redis is asked. `counted`: whose comments are counted, by kind ('': none)."""

    findings: Findings
    prints: dict[Copies, tuple[str, ...]]
    rates: tuple[Window, ...]
    counted: Mapping[str, str]
    window_s: int


def look(
    rules: CompiledRules, comment: Comment, judgement: Judgement, now: datetime, sent_by: SentBy = NOBODY
) -> Looked | None:
    """None: no rule applies, and nothing is counted."""
    author, article = comment.author, comment.article
    found = rules.evaluate(
        Facts(comment.text, judgement.language or "", judgement.scores, author, article, now, *sent_by)
    )
    counted = {
        "author": (author and author.id) or "",
        "article": (article and article.id) or "",
        "site": "site",
        "network": sent_by.network,
    }
    rates = _rates(rules, counted) if rules.rates else ()
    if not (rates or found.fired or found.open or found.unavailable):
        return None
    prints = prints_of(found, comment.text, counted["author"]) if found.depends.copies else {}
    return Looked(found, prints, rates, counted, rules.window_s)


def limits_in(looked: Looked) -> CountLimits | None:
    """What is enough where each rule that may hold only does so if something is counted often; None: it is not."""
    found, counted = looked.findings, looked.counted
    needed = found.depends.needed
    if found.fired or found.unavailable or needed is None:
        return None
    limits = [
        RateLimit(rate_name(by, counted[by]), s, more_than, by == "author")
        for by, more_than, s in needed.velocities
        if counted[by]
    ]
    prints: list[str] = []
    counts = []
    for some in looked.prints.values():
        prints += some
        counts.append(len(some))
    copies, of_author = _places(found.depends, tuple(counts)) if counts else ((), 0)
    return CountLimits(limits, copies, prints, of_author, looked.rates, looked.window_s)


@lru_cache(maxsize=1_024)
def _places(depends: Dependence, counts: tuple[int, ...]) -> tuple[tuple[CopyLimit, ...], int]:
    """The limits on copies, and how many fingerprints are of the author: these come first.

    `counts`: how many fingerprints there are of each of `depends.copies`.
    """
    needed = depends.needed.copies if depends.needed else ()
    ends = [*accumulate(counts)]
    places = {copies: (end - count + 1, end) for copies, count, end in zip(depends.copies, counts, ends, strict=True)}
    limits = tuple(CopyLimit(s, at_least - 1, *places[copies]) for copies, at_least, s in needed)
    return limits, sum(count for copies, count in zip(depends.copies, counts, strict=True) if copies.of == "author")


def ask(
    policy: Policy,
    looked: Looked,
    comment: Comment,
    judgement: Judgement,
    attend: Attend,
    *,
    is_soon: bool,
    is_first: bool = False,
) -> RulesAsked:
    """`is_soon`: the section is urgent.

    `is_first`: leave out what only a status of the author, the article or the section needs; Redis asks for it.
    """
    found = looked.findings
    due = [
        _due(policy, each.due, is_soon)
        for each in found.fired
        if each.action in _REVIEWS and each.state is RuleState.ON
    ]
    return RulesAsked(
        model=judgement.decision,
        outcomes=_outcomes(policy, judgement, attend, found.fired, _may_come(found, judgement) if is_first else Action),
        fired=found.fired,
        open=tuple(
            UndecidedRule(each.rule, each.expression, _due(policy, each.rule.due, is_soon)) for each in found.open
        ),
        unavailable=found.unavailable,
        prints={copies.name: some for copies, some in looked.prints.items()},
        rates=looked.rates,
        window_s=looked.window_s,
        sla_ms=min(due, default=None),
        has_statuses=not is_first,
        author_sla_ms=0 if is_first else _due(policy, None, is_soon),
        heated=None if is_first else _heated(policy, comment, judgement, attend),
        network=looked.counted["network"],
    )


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


def _may_come(found: Findings, judgement: Judgement) -> set[Action]:
    """The decisions that rules may come to where nothing has a status."""
    asked = {each.action for each in found.fired} | {each.rule.action for each in found.open}
    decisions = {judgement.decision}
    if found.unavailable or not asked.isdisjoint(_REVIEWS):
        decisions.add(Action.REVIEW)
    return decisions | {_DECISIONS[each] for each in asked if each in _DECISIONS}


def _outcomes(
    policy: Policy,
    judgement: Judgement,
    attend: Attend,
    fired: tuple[FiredRule, ...] = (),
    decisions: Iterable[Action] = Action,
) -> dict[Action, PossibleOutcome]:
    """What is recorded for each decision that the rules may come to."""
    labels = [each.label for each in fired if each.state is RuleState.ON]
    named = [each.attribute for each in judgement.reasons] + labels
    attributes = ",".join(dict.fromkeys(each for each in named if each))
    found = {}
    for action in decisions:
        is_ours = action is Action.REVIEW and judgement.decision is not action
        urgency = attend(BY_RULE if is_ours else Decision(action, judgement.reasons))
        urgent = Doubling.REJECTS if action is Action.REVIEW and policy.review.double_review else None
        found[action] = PossibleOutcome(urgency, audit_share(action, policy), attributes, urgent)
    return found


def prints_of(findings: Findings, text: str, author: str) -> dict[Copies, tuple[str, ...]]:
    """The fingerprints that open rules compare.

    Only these are counted: a comment is a copy for a rule if all that the rule says besides fits both.
    """
    depends = findings.depends
    links = find_links(text) if findings.links is None else findings.links
    found = fingerprints_with(text, links, with_near=depends.compares_near)
    prints = {}
    for copies in depends.copies:
        match, of = copies
        some = (found.exact,) if match == "exact" else found.near if match == "near" else found.links
        if of == "author":
            prints[copies] = tuple([f"{match[0]}{each}:{author}" for each in some]) if author else ()
        else:  # short texts are alike by chance: they only count for one author
            is_chance = found.is_short and match != "links"
            prints[copies] = () if is_chance else tuple([f"{match[0]}{each}" for each in some])
    return prints


def _rates(rules: CompiledRules, counted: Mapping[str, str]) -> tuple[Window, ...]:
    windows: dict[str, int] = {}
    for by, s in rules.rates:
        if counted[by]:
            name = rate_name(by, counted[by])
            windows[name] = max(s, windows.get(name, 0))
    return tuple(Window(name, s) for name, s in windows.items())

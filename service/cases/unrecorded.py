"""The site's rules, and the status of the author, for a comment that is judged and not recorded (Akismet's routes)."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec
from msgspec import UNSET

from service.cases.ruling import count_rules
from service.rules.compiled import CompiledRules, Facts, Findings, conditions
from service.rules.holding import Counters, holds, leaves
from service.store import Store
from service.store.asked import OF_STATUS, rule_reason, unavailable_reason
from service.values.domain import Author, Judgement, Reason
from service.values.errors import Retryable
from service.values.policy import Policy
from service.values.rules import DAY_S, AuthorStatus, Condition, FiredRule, RuleState, most_severe

# How long an answer waits for what Redis knows of the author.
LOOK_S = 0.25
# What can be told of an author without a comment that is recorded.
_OF_AUTHOR = frozenset({"new", "approved_below", "rejected_share_above", "rejected_at_least", "status"})


class UnrecordedSender(NamedTuple):
    """`author`: the stored id, empty if none is known."""

    name: str = ""
    email: str = ""
    author: str = ""


async def apply_rules(  # noqa: PLR0917 - what is judged, and by what
    store: Store,
    site: str,
    policy: Policy,
    rules: CompiledRules | None,
    text: str,
    judgement: Judgement,
    sender: UnrecordedSender,
) -> Judgement:
    """The judgement with what rules say that need no more than the text and its sender, and with the author's status.

    If Redis does not answer soon, rules on the author ask for a person, and the status does not count.
    """
    now = datetime.now(UTC)
    counters = await _counters(store, site, rules, sender.author, now) if sender.author else None
    found = Findings()
    if rules is not None:
        author = Author(sender.author or None, sender.name)
        facts = Facts(text, judgement.language or "", judgement.scores, author, None, now, sender.email)
        found = _applying(policy, rules.evaluate(facts), counters, has_author=bool(sender.author))
    status = OF_STATUS.get(counters.status) if counters is not None else None
    given = () if status is None else (FiredRule(status[0], status[1]),)
    if not (found.fired or found.unavailable or given):
        return judgement
    action = most_severe(judgement.decision, (*found.fired, *given), is_unavailable=bool(found.unavailable))
    reasons = (
        *judgement.reasons,
        *map(rule_reason, found.fired),
        *map(unavailable_reason, found.unavailable),
        *(Reason(each.rule, action=each.action.value) for each in given),
    )
    count_rules(reasons)
    return msgspec.structs.replace(judgement, decision=action, reasons=reasons)


def _applying(policy: Policy, found: Findings, counters: Counters | None, *, has_author: bool) -> Findings:
    """Without the rules that need a comment which is recorded, and with those on the author decided."""
    whens = {each.id: each.when for each in policy.rules}
    fired = [each for each in found.fired if _is_told(whens.get(each.rule), has_author=has_author)]
    unavailable = [each for each in found.unavailable if _is_told(whens.get(each), has_author=has_author)]
    for each in found.open:
        if not all(leaf[0] in _OF_AUTHOR for leaf in leaves(each.expression)):
            continue
        if counters is None:
            unavailable += [each.rule.rule] if each.rule.state is RuleState.ON else []
        elif holds(each.expression, counters):
            fired.append(each.rule)
    return Findings(tuple(fired), (), tuple(unavailable))


def _is_told(when: Condition | None, *, has_author: bool) -> bool:
    """Whether nothing in it asks for the article, for what came before, or for an author who is not known."""
    if when is None:  # of a later version of the policy
        return False
    return all(
        each.article is UNSET and each.velocity is UNSET and each.duplicate is UNSET
        and (has_author or each.author is UNSET)
        for each in conditions(when)
    )  # fmt: skip


async def _counters(
    store: Store, site: str, rules: CompiledRules | None, author: str, now: datetime
) -> Counters | None:
    """None: Redis did not answer soon."""
    try:
        async with asyncio.timeout(LOOK_S):
            newest, who = await asyncio.gather(store.statuses.newest(site, author), store.statuses.who(site, author))
    except (TimeoutError, Retryable):
        return None
    days = {each[1] for each in rules.counts if each[0] == "rejected"} if rules else set()
    rejected = {each: _within(who, "r", each, now) for each in days}
    return Counters(
        seen_s=now.timestamp() - who["seen"] / 1000 if "seen" in who else None,
        approved=who.get("approved", 0),
        rejected_by_days=rejected,
        decided_by_days={each: _within(who, "a", each, now) + rejected[each] for each in days},
        status=newest.status if newest is not None and newest.is_in_force(now) else AuthorStatus.ACTIVE,
    )


def _within(who: Mapping[str, int], letter: str, days: int, now: datetime) -> int:
    today = int(now.timestamp() // DAY_S)
    return sum(who.get(f"{letter}:{day}", 0) for day in range(today - days + 1, today + 1))

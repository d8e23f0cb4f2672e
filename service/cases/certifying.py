"""What `steward certify` needs: audited and reviewed comments, each with the levels at which it would be decided."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Annotated

from msgspec import UNSET, Meta, Struct

import classifier
from service.cases.figures import MOST_HOURS, Audited, figures
from service.store import Store
from service.store.labels import JudgedLabel
from service.store.packing import Content
from service.values.domain import Action, LanguageSupport, Reason
from service.values.ladder import (
    HIGHEST,
    LOWEST,
    boldest_approve,
    boldest_reject,
    decides_digest,
    lowest_level,
    risk,
    rules_digest,
    side_only,
)
from service.values.policy import DEFAULT, Policy, decide_scored
from service.values.rules import RULE_UNAVAILABLE, FiredRule, RuleAction, RuleState, most_severe
from service.values.targets import Side, Targets


class Certifiable(Struct, frozen=True, kw_only=True):
    """What a certificate of the policy must name, and how far its levels may go.

    `boldest_approve`: the highest level of approvals beside rejections by the policy's own thresholds, and
    `boldest_reject`: for each level of approvals from `lowest` on the highest of rejections, so that no score is in
    both; null: there is none. `reviewed`, `answered`: comments that the automatic step left to people in the last 62
    days, without the newest hours, and how many of them people decided.
    """

    site: str
    policy: str
    decides: str
    model: str
    model_version: str
    targets: Targets | None
    lowest: int
    highest: int
    boldest_approve: int | None
    boldest_reject: list[int | None]
    reviewed: int
    answered: int


class SampleLine(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A comment that a person judged, drawn with probability `inclusion`; 1: people judge all such comments.

    `approve_level`, `reject_level`: the lowest levels at which model and rules together would decide it automatically;
    left out: at none. `risk`: how far its riskiest score is above its threshold, in levels. If `retracts` is set, the
    line only retracts an earlier one, of that `cursor`.
    """

    cursor: str
    id: str
    revision: int
    at: datetime
    verdict: str = ""
    decision: Action | None = None
    inclusion: float = 1.0
    language: str | None = None
    approve_level: int | None = None
    reject_level: int | None = None
    risk: Annotated[float | None, Meta(description="In levels.")] = None
    retracts: str | None = None


async def certifiable(store: Store, site: str, policy: Policy, model: classifier.Model, wait_hours: int) -> Certifiable:
    """`wait_hours`: in which people may still answer what was left to them."""
    reviewed = (await figures(store, site, MOST_HOURS)).quality.reviewed
    waiting = (await figures(store, site, wait_hours)).quality.reviewed if wait_hours else Audited(0, 0, 0)
    return Certifiable(
        site=site,
        policy=str(policy),
        decides=decides_digest(policy),
        model=model.digest,
        model_version=model.version,
        targets=None if policy.targets is UNSET else policy.targets,
        lowest=LOWEST,
        highest=HIGHEST,
        boldest_approve=boldest_approve(policy),
        boldest_reject=[boldest_reject(policy, level) for level in range(LOWEST, HIGHEST + 1)],
        reviewed=reviewed.comments - waiting.comments,
        answered=reviewed.judged - waiting.judged,
    )


async def same_rules(store: Store, site: str, policy: Policy) -> frozenset[str]:
    """The versions of the policy whose rules are those of `policy`, as comments name them."""
    wanted = rules_digest(policy)
    versions = [DEFAULT, *(each.policy for each in await store.access.policies(site))]
    return frozenset(str(each) for each in versions if rules_digest(each) == wanted)


def sample(
    labels: Iterable[JudgedLabel], policy: Policy, model: classifier.Model, versions: frozenset[str]
) -> list[SampleLine]:
    """Those that a certificate can use: judged by this model and these rules, and drawn at random or reviewed all."""
    return [line for label in labels if (line := _line(label, policy, model, versions)) is not None]


def _line(label: JudgedLabel, policy: Policy, model: classifier.Model, versions: frozenset[str]) -> SampleLine | None:
    if label.retracts is not None or label.content is None:
        retracts = label.retracts
        return SampleLine(cursor=label.cursor, id=label.id, revision=label.revision, at=label.at, retracts=retracts)
    said = label.content.judgement
    is_random = label.inclusion is not None or said.decision is Action.REVIEW
    if label.source == "vote" or not is_random or said.model != model.version or said.policy not in versions:
        return None
    found = dict(zip(Side, (level_of(label.content, policy, model.labels, side) for side in Side), strict=True))
    return SampleLine(
        cursor=label.cursor,
        id=label.id,
        revision=label.revision,
        at=label.at,
        verdict=label.verdict,
        decision=said.decision,
        inclusion=1.0 if label.inclusion is None else label.inclusion,
        language=said.language,
        approve_level=found[Side.APPROVE],
        reject_level=found[Side.REJECT],
        risk=risk(said.scores, policy),
    )


_ACTIONS = {Side.APPROVE: Action.APPROVE, Side.REJECT: Action.REJECT}


def level_of(content: Content, policy: Policy, known: Sequence[str], side: Side) -> int | None:
    """The lowest level at which model and rules together decide a comment so; the rules as they applied to it."""
    said = content.judgement
    fired, is_unavailable = _applied(said.reasons, policy)

    def decided(level: int) -> bool:
        action = Action.REVIEW  # of a language that the model does not judge
        if said.scores:
            action = decide_scored(
                said.scores,
                side_only(policy, side, level),
                language=said.language or "",
                is_measured=said.language_support is not LanguageSupport.TRANSFERRED,
                is_evident=partial(classifier.is_evident_spam, content.comment.text),
                lacking=frozenset(known).difference(said.scores),
            ).action
        return most_severe(action, fired, is_unavailable=is_unavailable) is _ACTIONS[side]

    return lowest_level(decided)


def _applied(reasons: Iterable[Reason], policy: Policy) -> tuple[tuple[FiredRule, ...], bool]:
    """The rules that applied to a comment, and whether one could not be evaluated."""
    overriding = {rule.id for rule in policy.rules if rule.then.override}
    fired, is_unavailable = [], False
    for reason in reasons:
        if reason.code == RULE_UNAVAILABLE:
            is_unavailable = True
        elif reason.action:  # a rule, or the status of the author or the article
            state = RuleState.SHADOW if reason.shadow else RuleState.ON
            name = reason.rule or reason.code
            fired.append(FiredRule(name, RuleAction(reason.action), state, override=name in overriding))
    return tuple(fired), is_unavailable

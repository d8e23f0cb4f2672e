"""What a model must show before it is promoted: a check for each, with its figure. Values only."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Literal, NamedTuple

from msgspec import Meta, Struct

from service.values.domain import Action, Probability
from service.values.shadow import ShadowFigures
from service.values.targets import Target, Targets, p_value

CheckName = Literal[
    "held_out",
    "golden",
    "coverage",
    "audits",
    "max_wrong_approve",
    "max_wrong_reject",
    "max_missed",
    "shadow",
    "groups",
    "differing",
]


class Gate(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a promotion takes (thresholds.md, section 8). A check that is not passed takes two people and a reason."""

    held_out: Annotated[
        bool, Meta(description="It judges all that the model in use judges, and is not significantly worse.")
    ] = True
    max_coverage_drop: Annotated[
        Probability | None,
        Meta(description="By how much the share of automatic decisions may fall; null: by any amount."),
    ] = 0.01
    worse_at: Annotated[
        Probability | None,
        Meta(
            description="Audits show it to be worse if it is wrong more often, and so uneven a split has at most this "
            "probability by chance; null: not checked."
        ),
    ] = 0.05
    least_audits: Annotated[int, Meta(ge=0, le=10_000, description="Audits that must have been answered.")] = 1
    targets: Annotated[bool, Meta(description="What people decided shows that it would keep the policy's targets.")] = (
        True
    )
    shadow_days: Annotated[
        int,
        Meta(ge=0, le=90, description="Days (UTC) on which it was in shadow and compared a comment; 0: not checked."),
    ] = 0
    max_group_ratio: (
        Annotated[
            float,
            Meta(
                ge=1,
                le=100,
                description="How many times as often as in the mean of all identity groups harmless held-out texts may "
                "be flagged in the worst group; null: not checked.",
            ),
        ]
        | None
    ) = None


class GateCheck(Struct, frozen=True):
    """`detail` says in words what `figures` say in numbers."""

    name: CheckName
    passed: bool
    detail: str
    figures: Mapping[str, float | int | None]


class JudgedDecision(NamedTuple):
    """A comment that a person decided: how, and what the challenger would have done.

    `inclusion`: the probability with which an audit drew it; None: it came to a person anyway.
    """

    id: str
    action: Action
    verdict: str
    inclusion: float | None


def coverage_check(gate: Gate, champion: float | None, challenger: float | None) -> GateCheck | None:
    """None: not asked for."""
    if gate.max_coverage_drop is None:
        return None
    figures = {"champion": champion, "challenger": challenger, "max_drop": gate.max_coverage_drop}
    if champion is None or challenger is None:
        return GateCheck("coverage", passed=False, detail="people have decided nothing yet", figures=figures)
    passed = challenger >= champion - gate.max_coverage_drop
    detail = f"{challenger:.1%} would be decided automatically, now {champion:.1%}"
    return GateCheck("coverage", passed, detail, figures)


def audits_check(gate: Gate, audits: int, only_champion: int, only_challenger: int, p_value: float) -> GateCheck | None:
    """`only_champion`, `only_challenger`: audits that only this model got wrong. None: not asked for."""
    if gate.worse_at is None:
        return None
    figures = {
        "audits": audits,
        "only_champion_wrong": only_champion,
        "only_challenger_wrong": only_challenger,
        "p_value": p_value,
        "worse_at": gate.worse_at,
    }
    if audits < gate.least_audits:
        detail = f"{audits} audits are answered, and {gate.least_audits} are needed"
        return GateCheck("audits", passed=False, detail=detail, figures=figures)
    is_worse = only_challenger > only_champion and p_value <= gate.worse_at
    detail = (
        f"of {audits} audits only this model got {only_challenger} wrong, and only the one in use {only_champion} "
        f"(p = {p_value:.2g})"
    )
    return GateCheck("audits", not is_worse, detail, figures)


def shadow_check(gate: Gate, found: ShadowFigures) -> GateCheck:
    figures = {
        "days": found.days,
        "needed": gate.shadow_days,
        "comments": found.comments,
        "differing": found.differing,
        "differing_share": found.differing_share,
    }
    detail = f"{found.days} days in shadow, {gate.shadow_days} needed; {found.comments} comments"
    if found.differing_share is not None:
        detail += f", {found.differing_share:.1%} decided differently"
    return GateCheck("shadow", found.days >= gate.shadow_days, detail, figures)


def target_checks(gate: Gate, targets: Targets | None, judged: Sequence[JudgedDecision]) -> Iterable[GateCheck]:
    """An exact binomial test for each target of the policy, all together at its confidence."""
    if targets is None or not gate.targets:
        return
    for target in targets.wanted:
        delta = (1 - targets.confidence) / len(targets.wanted)
        yield _target_check(target, targets.alpha(target) or 0.0, delta, judged)


def _target_check(target: Target, alpha: float, delta: float, judged: Sequence[JudgedDecision]) -> GateCheck:
    about = evenly(each for each in judged if _is_about(target, each))
    n, wrong = len(about), sum(_is_wrong(target, each) for each in about)
    p = p_value(n, wrong, alpha)
    figures = {"comments": n, "wrong": wrong, "promised": alpha, "p_value": p, "risk": delta}
    detail = f"{wrong} of {n} wrong, at most {alpha:g} promised (p = {p:.2g}, needed {delta:.2g})"
    return GateCheck(target.value, p <= delta, detail, figures)


def _is_about(target: Target, each: JudgedDecision) -> bool:
    if target is Target.MISSED:
        return each.verdict == Action.REJECT
    return each.action is (Action.APPROVE if target is Target.WRONG_APPROVE else Action.REJECT)


def _is_wrong(target: Target, each: JudgedDecision) -> bool:
    if target is Target.MISSED:
        return each.action is Action.APPROVE
    return each.action != each.verdict


def evenly(judged: Iterable[JudgedDecision]) -> list[JudgedDecision]:
    """A part in which each comment has the same probability: a test of shares needs a simple random sample.

    Which ones are left out depends on their ids alone, so that asking again changes nothing.
    """
    found = list(judged)
    least = min((each.inclusion or 1.0 for each in found), default=1.0)
    return [each for each in found if _draw(each.id) < least / (each.inclusion or 1.0)]


def _draw(comment: str) -> float:
    digest = hashlib.blake2b(comment.encode(errors="replace"), digest_size=8, person=b"gate").digest()
    return int.from_bytes(digest) / 2**64

"""Blind audits of comments on which the model in use and a model in shadow differ: which of them was wrong."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct

from service.values.audits import AuditCounts, Draw, DrawState, counts
from service.values.domain import Action
from service.values.gate import Gate, GateCheck, JudgedDecision, evenly
from service.values.statistics import mcnemar


class DifferingAudits(Struct, frozen=True):
    """What people said of comments that the model in use decided automatically and the other one otherwise.

    `compared`: the answered ones, thinned to a sample with equal probabilities. `p_value`: of a split at least as
    uneven if both are equally good (McNemar's exact test, two-sided).
    """

    audits: AuditCounts
    compared: int
    champion_wrong: Annotated[int, Meta(description="Of `compared`: only the model in use would be wrong.")]
    challenger_wrong: Annotated[int, Meta(description="Of `compared`: only the model in shadow would be wrong.")]
    p_value: float


def differing_audits(draws: Sequence[Draw]) -> DifferingAudits:
    answered = [draw for draw in draws if draw.state is DrawState.ANSWERED]
    kept = {
        each.id
        for each in evenly(
            JudgedDecision(_name(draw), draw.would or draw.decision, draw.verdict or "", draw.inclusion)
            for draw in answered
        )
    }
    compared = [draw for draw in answered if _name(draw) in kept]
    champion = sum(draw.is_wrong is True for draw in compared)
    challenger = sum(draw.would not in (Action.REVIEW, draw.verdict) and not draw.is_wrong for draw in compared)
    return DifferingAudits(counts(draws), len(compared), champion, challenger, mcnemar(champion, challenger))


def _name(draw: Draw) -> str:
    return f"{draw.comment} {draw.revision}"


def differing_check(gate: Gate, found: DifferingAudits) -> GateCheck | None:
    """None: not asked for."""
    if gate.worse_at is None:
        return None
    is_worse = found.challenger_wrong > found.champion_wrong and found.p_value <= gate.worse_at
    figures = {
        "audits": found.compared,
        "only_champion_wrong": found.champion_wrong,
        "only_challenger_wrong": found.challenger_wrong,
        "p_value": found.p_value,
        "worse_at": gate.worse_at,
    }
    detail = (
        f"of {found.compared} audits where the two differ only this model is wrong in {found.challenger_wrong}, "
        f"and only the one in use in {found.champion_wrong} (p = {found.p_value:.2g})"
    )
    return GateCheck("differing", not is_worse, detail, figures)

"""Audits of comments on which two models differ: which of them was wrong, in a sample with equal probabilities."""

from datetime import UTC, datetime

import pytest
from scipy import stats

from service.values.audits import Draw, DrawState, ModelPair
from service.values.differing import differing_audits, differing_check
from service.values.domain import Action, DecidedBy, Verdict
from service.values.gate import Gate

APPROVE, REJECT, REVIEW = Action.APPROVE, Action.REJECT, Action.REVIEW
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def drawn(
    count: int, was: Action, would: Action, verdict: Verdict | None, inclusion: float = 1.0, name: str = "c"
) -> list[Draw]:
    state = DrawState.OPEN if verdict is None else DrawState.ANSWERED
    return [
        Draw(
            comment=f"{name}-{was}-{would}-{verdict}-{n}",
            revision=1,
            at=NOON,
            decision=was,
            inclusion=inclusion,
            scores={},
            language="en",
            model="m-1",
            policy="default@1",
            decided_by=DecidedBy.MODEL,
            state=state,
            verdict=verdict,
            would=would,
            models=ModelPair("c", "d"),
        )
        for n in range(count)
    ]


@pytest.mark.parametrize(
    ("was", "would", "verdict", "wrong"),
    [
        (APPROVE, REJECT, Verdict.REJECT, (1, 0)),
        (APPROVE, REJECT, Verdict.APPROVE, (0, 1)),
        (REJECT, APPROVE, Verdict.APPROVE, (1, 0)),
        (REJECT, APPROVE, Verdict.REJECT, (0, 1)),
        (APPROVE, REVIEW, Verdict.REJECT, (1, 0)),
        (APPROVE, REVIEW, Verdict.APPROVE, (0, 0)),  # to ask a person is never wrong
    ],
)
def test_only_an_automatic_decision_can_be_wrong(
    was: Action, would: Action, verdict: Verdict, wrong: tuple[int, int]
) -> None:
    found = differing_audits(drawn(1, was, would, verdict))
    assert (found.champion_wrong, found.challenger_wrong) == wrong


def test_the_worked_example_of_paired_audits() -> None:
    draws = drawn(7, APPROVE, REJECT, Verdict.REJECT) + drawn(18, APPROVE, REJECT, Verdict.APPROVE)
    found = differing_audits([*draws, *drawn(5, APPROVE, REJECT, None)])
    assert (found.audits.answered, found.audits.open, found.compared) == (25, 5, 25)
    assert found.p_value == pytest.approx(0.0432853, rel=1e-5)
    check = differing_check(Gate(), found)
    assert check is not None
    assert not check.passed
    assert differing_check(Gate(worse_at=None), found) is None


def test_a_model_that_is_right_more_often_or_was_not_audited_passes() -> None:
    better = differing_audits(drawn(18, APPROVE, REJECT, Verdict.REJECT) + drawn(7, APPROVE, REJECT, Verdict.APPROVE))
    for found in (better, differing_audits([])):
        check = differing_check(Gate(), found)
        assert check is not None
        assert check.passed


def test_audits_with_unequal_probabilities_are_thinned_to_equal_ones() -> None:
    rare = drawn(200, APPROVE, REJECT, Verdict.REJECT, 0.01, "rare")
    common = drawn(10_000, APPROVE, REJECT, Verdict.APPROVE, 1.0, "common")
    found = differing_audits([*rare, *common])
    assert found.champion_wrong == 200, "the rarest stay"
    assert stats.binomtest(found.challenger_wrong, 10_000, 0.01).pvalue > 1e-4

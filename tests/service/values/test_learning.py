"""Which comments teach a model most, how probable their draws are, and estimates from these draws."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from service.values.attention import attention
from service.values.audits import Draw, DrawState, group
from service.values.domain import Action, DecidedBy, Verdict
from service.values.learning import EPS, doubt, learning_inclusion, teaching
from service.values.policy import DEFAULT, Policy, Thresholds, decide
from service.values.review_settings import Reviewing
from service.values.statistics import Estimate, clopper_pearson

LIMITS = {"toxicity": Thresholds(0.4, 0.98)}
scores, shares = st.floats(0, 1), st.floats(0, 1)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        (0.4, 1.0),
        (0.98, 1.0),
        (0.5, 1.0),
        (0.25, 0.811278),  # the entropy in bits
        (0.1, 0.468996),
        (0.99, (0.98 / 0.02) / (0.99 / 0.01)),  # of the odds
        (0.0, 0.0),
    ],
)
def test_doubt_is_greatest_at_a_threshold_and_at_one_half(score: float, expected: float) -> None:
    assert doubt({"toxicity": score}, LIMITS) == pytest.approx(expected, abs=1e-5)


def test_the_most_doubtful_attribute_counts_and_one_without_thresholds_does_not() -> None:
    limits = {"toxicity": Thresholds(0.4, 0.98), "spam": Thresholds(0.3)}
    assert doubt({"toxicity": 0.001, "spam": 0.3}, limits) == 1
    assert doubt({"toxicity": 0.001, "insult": 0.5}, limits) == doubt({"toxicity": 0.001}, limits) < 0.02
    assert doubt({}, limits) == doubt({"toxicity": float("nan")}, limits) == 0
    assert 0 <= doubt({"toxicity": 0.3}, {"toxicity": Thresholds(0.0, 1.0)}) <= 1


@given(scores, shares, shares)
def test_the_weight_never_falls_with_disagreement(score: float, less: float, more: float) -> None:
    low, high = (teaching({"toxicity": score}, LIMITS, each) for each in sorted((less, more)))
    assert 0 <= low <= high <= 1
    assert teaching({"toxicity": score}, LIMITS, 1.0) == 1
    assert teaching({"toxicity": score}, LIMITS, float("nan")) == teaching({"toxicity": score}, LIMITS, 0.0)


@given(shares, shares, shares, shares)
def test_every_comment_has_at_least_a_fifth_of_the_share(share: float, weight: float, one: float, other: float) -> None:
    review = Reviewing(learning_share=share, audit_approved=one, audit_rejected=other)
    found = learning_inclusion(Policy(LIMITS, review=review), weight)
    left = 1 - max(one, other)
    assert min(EPS * share, left) <= found <= min(share, left)
    assert learning_inclusion(Policy(LIMITS, review=review), 1.0) == pytest.approx(min(share, left))


@given(scores, shares, shares, st.floats(0, 1, exclude_max=True))
def test_no_comment_is_drawn_for_an_audit_and_to_learn_from(
    score: float, audited: float, share: float, draw: float
) -> None:
    policy = Policy(LIMITS, review=Reviewing(audit_approved=audited, audit_rejected=audited, learning_share=share))
    decision = decide({"toxicity": score}, policy)
    if decision.action is not Action.REVIEW and attention(decision, policy, None, draw) is not None:
        assert 1 - draw > learning_inclusion(policy, teaching({"toxicity": score}, LIMITS, 0.0))


def drawn(number: int, inclusion: float, *, is_wrong: bool) -> Draw:
    return Draw(
        comment=f"c-{number}",
        revision=1,
        at=NOON,
        decision=Action.APPROVE,
        inclusion=inclusion,
        scores={},
        language="en",
        model="m-1",
        policy="default@1",
        decided_by=DecidedBy.MODEL,
        state=DrawState.ANSWERED,
        verdict=Verdict.REJECT if is_wrong else Verdict.APPROVE,
    )


def test_each_answer_counts_for_as_many_comments_as_it_stands_for() -> None:
    draws = [drawn(1, 0.5, is_wrong=True), drawn(2, 0.1, is_wrong=False)]
    found = group(draws)
    assert (found.wrong, found.wrong_share and found.wrong_share.value) == (1, pytest.approx(2 / (2 + 10)))


COMMENTS, RUNS, SHARE = 3_000, 200, 0.5


def approvals(chance: random.Random) -> list[tuple[float, bool]]:
    """Scores below the threshold, and whether the approval is wrong: as often as the score says."""
    found = (min(0.39, chance.betavariate(0.5, 8)) for _ in range(COMMENTS))
    return [(score, chance.random() < score) for score in found]


def one_run(seed: int) -> tuple[Sequence[Draw], float]:
    chance, policy = random.Random(seed), Policy(LIMITS, review=Reviewing(learning_share=SHARE))  # noqa: S311 - a simulation
    came = approvals(chance)
    draws = []
    for number, (score, is_wrong) in enumerate(came):
        inclusion = learning_inclusion(policy, teaching({"toxicity": score}, LIMITS, 0.0))
        if chance.random() < inclusion:
            draws.append(drawn(number, inclusion, is_wrong=is_wrong))
    return draws, sum(is_wrong for _, is_wrong in came) / COMMENTS


def holds(found: tuple[float | None, float | None], truth: float) -> bool:
    low, high = found
    return (0.0 if low is None else low) <= truth <= (1.0 if high is None else high)


def test_the_weighted_estimate_covers_the_truth_and_the_naive_one_does_not() -> None:
    runs = [one_run(seed) for seed in range(RUNS)]
    weighted = [group(draws).wrong_share or Estimate(float("nan")) for draws, _ in runs]
    truths = [truth for _, truth in runs]
    naive = [clopper_pearson(sum(draw.is_wrong is True for draw in draws), len(draws)) for draws, _ in runs]
    least = int(stats.binom.ppf(0.001, RUNS, 0.95))
    assert sum(holds((each.low, each.high), truth) for each, truth in zip(weighted, truths, strict=True)) >= least
    bias = sum(each.value - truth for each, truth in zip(weighted, truths, strict=True)) / RUNS
    assert abs(bias) < 0.002
    assert sum(holds(each, truth) for each, truth in zip(naive, truths, strict=True)) < RUNS // 10


def test_the_shipped_thresholds_give_different_comments_different_chances() -> None:
    policy = Policy(DEFAULT.thresholds, review=Reviewing(learning_share=1.0))
    low = learning_inclusion(policy, teaching(dict.fromkeys(DEFAULT.thresholds, 0.0005), DEFAULT.thresholds, 0.0))
    near = 0.95 * (DEFAULT.thresholds["insult"].review_at or 0)
    high = learning_inclusion(
        policy, teaching({**dict.fromkeys(DEFAULT.thresholds, 0.0005), "insult": near}, DEFAULT.thresholds, 0.0)
    )
    assert EPS <= low < 0.3
    assert 0.9 < high <= 1

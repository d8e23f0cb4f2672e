"""The gate before a promotion: each check passes and fails where thresholds.md, section 8, says."""

import random

import pytest
from scipy import stats

from service.values.domain import Action
from service.values.gate import Gate, JudgedDecision, audits_check, coverage_check, evenly, target_checks
from service.values.statistics import mcnemar
from service.values.targets import Target, Targets

APPROVE, REJECT, REVIEW = Action.APPROVE, Action.REJECT, Action.REVIEW


@pytest.mark.parametrize(("now", "then", "passed"), [(0.9, 0.9, True), (0.9, 0.895, True), (0.9, 0.88, False)])
def test_coverage_may_fall_by_one_point(now: float, then: float, passed: bool) -> None:
    check = coverage_check(Gate(), now, then)
    assert check is not None
    assert check.passed is passed
    assert check.figures["challenger"] == then


def test_without_a_decision_of_people_coverage_is_not_known_and_does_not_pass() -> None:
    check = coverage_check(Gate(), None, None)
    assert check is not None
    assert not check.passed


@pytest.mark.parametrize(("champion", "challenger", "passed"), [(7, 18, False), (18, 7, True), (7, 12, True)])
def test_audits_stop_a_model_that_they_show_to_be_worse(champion: int, challenger: int, passed: bool) -> None:
    check = audits_check(Gate(), 100, champion, challenger, mcnemar(champion, challenger))
    assert check is not None
    assert check.passed is passed


def test_the_worked_example_of_paired_audits() -> None:
    check = audits_check(Gate(), 100, 7, 18, mcnemar(7, 18))
    assert check is not None
    assert check.figures["p_value"] == pytest.approx(0.0432853, rel=1e-5)


def test_without_audits_nothing_is_shown() -> None:
    check = audits_check(Gate(), 0, 0, 0, 1.0)
    assert check is not None
    assert not check.passed
    assert audits_check(Gate(worse_at=None), 0, 0, 0, 1.0) is None


def decided(
    n: int, action: Action, verdict: str, start: int = 0, inclusion: float | None = None
) -> list[JudgedDecision]:
    return [JudgedDecision(f"c-{verdict}-{number}", action, verdict, inclusion) for number in range(start, start + n)]


@pytest.mark.parametrize(
    ("right", "wrong", "passed"), [(368, 0, True), (367, 0, False), (554, 1, True), (553, 1, False)]
)
def test_a_target_takes_as_many_comments_as_the_exact_test_needs(right: int, wrong: int, passed: bool) -> None:
    """The smallest samples of thresholds.md, section 3, at alpha 0.01 and delta 0.025."""
    targets = Targets(max_wrong_approve=0.01, max_wrong_reject=0.05)
    judged = decided(right, APPROVE, "approve") + decided(wrong, APPROVE, "reject")
    first, second = target_checks(Gate(), targets, judged)
    assert (first.name, first.passed, first.figures["wrong"]) == ("max_wrong_approve", passed, wrong)
    assert (second.name, second.passed) == ("max_wrong_reject", False), "nothing was rejected, so nothing is shown"


def test_the_three_targets_count_what_they_are_about() -> None:
    judged = decided(10, APPROVE, "approve") + decided(3, APPROVE, "reject") + decided(5, REJECT, "reject", 50)
    judged += decided(2, REJECT, "approve", 50) + decided(4, REVIEW, "reject", 90)
    targets = Targets(max_wrong_approve=0.1, max_wrong_reject=0.1, max_missed=0.1)
    found = {
        each.name: (each.figures["comments"], each.figures["wrong"]) for each in target_checks(Gate(), targets, judged)
    }
    assert found == {Target.WRONG_APPROVE: (13, 3), Target.WRONG_REJECT: (7, 2), Target.MISSED: (12, 3)}
    assert list(target_checks(Gate(targets=False), targets, judged)) == []
    assert list(target_checks(Gate(), None, judged)) == []


def test_unequal_audits_are_thinned_to_equal_ones_and_the_same_each_time() -> None:
    rare = [JudgedDecision(f"a-{n}", APPROVE, "approve", 0.01) for n in range(200)]
    common = [JudgedDecision(f"b-{n}", APPROVE, "reject", None) for n in range(10_000)]
    found = evenly(rare + common)
    assert found == evenly(rare + common)
    assert [each for each in found if each.inclusion] == rare
    kept = len(found) - len(rare)
    assert stats.binomtest(kept, 10_000, 0.01).pvalue > 1e-4


def test_a_model_that_breaks_the_target_seldom_passes() -> None:
    """Traffic with known truth and unequal audits: at most delta plus three standard errors of 2,000 runs pass."""
    runs, delta, targets = 2_000, 0.05, Targets(max_wrong_approve=0.1)
    chance, passed = random.Random(17), 0  # noqa: S311 - a simulation
    for run in range(runs):
        judged = []
        for number in range(600):
            # What the champion doubts comes to a person anyway, and is wrong more often; in all, 10 % are wrong.
            doubted = chance.random() < 0.2
            inclusion = None if doubted else 0.5
            if inclusion is None or chance.random() < inclusion:
                is_wrong = chance.random() < (0.3 if doubted else 0.05)
                judged.append(
                    JudgedDecision(f"{run}-{number}", APPROVE, "reject" if is_wrong else "approve", inclusion)
                )
        passed += next(iter(target_checks(Gate(), targets, judged))).passed
    assert passed / runs <= delta + 3 * (delta * (1 - delta) / runs) ** 0.5

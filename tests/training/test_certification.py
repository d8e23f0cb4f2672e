"""The worked examples of the specification, and simulations of what a certificate promises."""

import re
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom

from training.certification import (
    fixed_sequence,
    hoeffding_bentkus,
    last_passed,
    p_values,
    sample_for_power,
    smallest_sample,
    upper_bounds,
)

DELTA = 0.025
# n, k, p, Hoeffding-Bentkus, upper bound
REJECTIONS = {
    0.98: (120, 1, 0.0155272, 0.0362861, 0.045556),
    0.95: (210, 3, 0.00618434, 0.0168108, 0.041179),
    0.92: (330, 7, 0.00635585, 0.0172770, 0.043215),
    0.90: (420, 12, 0.0219650, 0.0597071, 0.049376),
    0.85: (560, 24, 0.253721, 0.689685, 0.063099),
    0.80: (700, 41, 0.869026, 1.0, 0.078623),
}
APPROVALS = {
    0.02: (900, 1, 0.00119016, 0.00291297, 0.006175),
    0.05: (2000, 6, 0.000242522, 0.000659244, 0.006518),
    0.08: (3100, 17, 0.00436928, 0.0118769, 0.008766),
    0.10: (3800, 25, 0.0162268, 0.0441091, 0.009697),
    0.12: (4300, 37, 0.201553, 0.547878, 0.011841),
    0.15: (4900, 58, 0.910902, 1.0, 0.015275),
}


@pytest.mark.parametrize(("rows", "alpha"), [(REJECTIONS, 0.05), (APPROVALS, 0.01)])
def test_p_values_and_bounds_are_those_of_the_worked_example(
    rows: dict[float, tuple[int, int, float, float, float]], alpha: float
) -> None:
    for n, k, p, weaker, upper in rows.values():
        assert float(p_values(n, k, alpha)) == pytest.approx(p, rel=1e-5)
        assert hoeffding_bentkus(n, k, alpha) == pytest.approx(weaker, rel=1e-5)
        assert float(upper_bounds(n, k, DELTA)) == pytest.approx(upper, abs=1e-6)


@pytest.mark.parametrize(("rows", "alpha", "threshold"), [(REJECTIONS, 0.05, 0.90), (APPROVALS, 0.01, 0.10)])
def test_the_threshold_is_the_last_that_passed_before_the_first_failure(
    rows: dict[float, tuple[int, int, float, float, float]], alpha: float, threshold: float
) -> None:
    n, k = [row[0] for row in rows.values()], [row[1] for row in rows.values()]
    found = fixed_sequence(range(len(rows)), n, k, alpha, DELTA)
    assert found.chosen is not None
    assert list(rows)[found.chosen] == threshold
    assert len(found.steps) == found.chosen + 2, "what comes after the first failure is not tested"
    naive = max(place for place, (size, wrong) in enumerate(zip(n, k, strict=True)) if wrong / size <= alpha)
    assert naive == found.chosen + 1, "the largest region that looks good enough is not certified"


def test_weaker_tests_would_certify_less() -> None:
    rows = list(REJECTIONS.values())
    assert hoeffding_bentkus(rows[0][0], rows[0][1], 0.05) > DELTA
    assert all(p_values(n, k, 0.05) > DELTA / 6 for n, k, *_ in rows), "Bonferroni passes nothing"


def test_missed_violations_are_tested_among_the_violating_only() -> None:
    assert p_values([571] * 3, [0, 1, 2], 0.01) == pytest.approx([0.00321882, 0.0217839, 0.0752289], rel=1e-5)
    assert p_values([1200] * 2, [5, 6], 0.01) == pytest.approx([0.0198966, 0.0450583], rel=1e-5)
    assert float(upper_bounds(1200, 5, DELTA)) == pytest.approx(0.00969662, rel=1e-5)


def test_the_smallest_samples_are_those_of_the_specification() -> None:
    assert [smallest_sample(0.05, DELTA, k) for k in range(6)] == [72, 110, 142, 173, 202, 230]
    assert [smallest_sample(0.01, DELTA, k) for k in range(6)] == [368, 555, 720, 874, 1022, 1164]
    assert (smallest_sample(0.05, 0.05), smallest_sample(0.02, DELTA), smallest_sample(0.005, DELTA)) == (59, 183, 736)


def test_the_advice_on_more_labels_is_that_of_the_specification() -> None:
    advice = [sample_for_power(alpha, q, DELTA) for alpha, q in ((0.05, 0.02), (0.05, 0.03), (0.01, 0.003))]
    assert [*advice, sample_for_power(0.01, 0.005, DELTA)] == [312, 780, 1022, 2470]
    assert sample_for_power(0.01, 0.01, DELTA) is None, "no number of labels certifies what does not hold"


def test_the_table_in_the_docs_is_right() -> None:
    text = (Path(__file__).parents[2] / "docs" / "promises.md").read_text()
    rows = re.findall(r"^\| (0\.\d+) \| ([\d,]+) \| ([\d,]+) \|$", text, re.MULTILINE)
    found = {float(share): tuple(int(each.replace(",", "")) for each in numbers) for share, *numbers in rows[:3]}
    assert found == {
        alpha: (smallest_sample(alpha, DELTA), sample_for_power(alpha, alpha / 2, DELTA))
        for alpha in (0.05, 0.01, 0.005)
    }


def test_the_test_and_the_bound_agree() -> None:
    n = np.arange(1, 400)[:, None]
    k = np.arange(0, 30)[None]
    n, k = np.broadcast_arrays(n, k)
    there = k <= n
    passes = p_values(n, k, 0.05) <= DELTA
    assert (passes[there] == (upper_bounds(n, k, DELTA)[there] <= 0.05)).all()


def test_an_empty_region_never_passes() -> None:
    assert float(p_values(0, 0, 0.05)) == 1.0
    assert fixed_sequence((), (), (), 0.05, DELTA).chosen is None


@pytest.mark.parametrize(("alpha", "delta"), [(0, 0.1), (1, 0.1), (0.1, 0), (0.1, 0.51), (float("nan"), 0.1)])
def test_impossible_targets_are_refused(alpha: float, delta: float) -> None:
    with pytest.raises(ValueError, match="must lie between"):
        smallest_sample(alpha, delta)


RUNS = 2_000


def _draws(rng: np.random.Generator, sizes: NDArray[np.int_], truth: NDArray[np.float64]) -> NDArray[np.int_]:
    """Wrong decisions in nested regions: (RUNS, regions)."""
    more = np.diff(sizes, prepend=0)
    wrong_in = np.diff(sizes * truth, prepend=0.0) / more  # share among what each region adds
    return np.asarray(rng.binomial(more, wrong_in, size=(RUNS, len(sizes))).cumsum(axis=1))


@pytest.mark.parametrize(("alpha", "delta"), [(0.15, 0.05), (0.05, 0.025), (0.01, 0.025)])
def test_a_certified_bound_is_broken_in_at_most_delta_of_all_samples(alpha: float, delta: float) -> None:
    """The naive rule, which trusts the observed share, fails the same test."""
    sizes = (np.linspace(30, 300, 25) / alpha).astype(int)
    truth = np.linspace(0.4, 1.35, 25) * alpha  # true shares of wrong decisions, from safe to too bold
    wrong = _draws(np.random.default_rng(7), sizes, truth)
    chosen = last_passed(sizes, wrong, alpha, delta)
    looks_good = wrong / sizes <= alpha
    naive = np.where(looks_good.any(axis=1), len(sizes) - 1 - looks_good[:, ::-1].argmax(axis=1), -1)
    allowed = delta + 3 * np.sqrt(delta * (1 - delta) / RUNS)
    assert np.mean((chosen >= 0) & (truth[chosen] > alpha)) <= allowed
    assert np.mean((naive >= 0) & (truth[naive] > alpha)) > allowed
    assert np.mean(chosen >= 0) > 0.5, "it also certifies something"


def test_the_exact_test_uses_its_level_up_to_the_steps_of_the_binomial() -> None:
    n = 500
    wrong = np.random.default_rng(3).binomial(n, 0.05, size=100_000)
    level = np.mean(p_values(n, wrong, 0.05) <= 0.05)
    most = binom.cdf(binom.ppf(0.05, n, 0.05) - 1, n, 0.05)
    assert most * 0.9 < level <= 0.05


def test_conformal_risk_control_keeps_its_share_on_average_and_the_exact_test_in_nearly_every_sample() -> None:
    """Why `max_missed` is not chosen by it (Angelopoulos, Bates, Fisch, Lei, Schuster, arXiv 2208.02814)."""
    n, alpha = 1_000, 0.05
    limit = alpha * (n + 1) / n - 1 / n  # most of the sample that may be missed
    assert limit == pytest.approx(0.04905, rel=1e-12)
    # Scores of comments that break the rules: a threshold t misses a share of t.
    scores = np.sort(np.random.default_rng(5).random((RUNS, n)), axis=1)
    most = int(last_passed(np.full(n, n), np.arange(n), alpha, DELTA))
    conformal, bolder, exact = (scores[:, missed] for missed in (int(limit * n), int(limit * n) + 1, most))
    error = 3 * conformal.std() / np.sqrt(RUNS)
    assert conformal.mean() <= alpha + error < bolder.mean(), "with one more missed, not even on average"
    allowed = DELTA + 3 * np.sqrt(DELTA * (1 - DELTA) / RUNS)
    assert np.mean(exact > alpha) <= allowed < np.mean(conformal > alpha)

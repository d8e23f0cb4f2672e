"""The metrics of thresholds.md, sections 4 and 9, and their undefined cases."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from training import metrics
from training.metrics import Bin

Figure = Callable[[np.ndarray, np.ndarray], float]

P = np.array([0.05, 0.10, 0.15, 0.20, 0.35, 0.45, 0.55, 0.60, 0.80, 0.90])
Y = np.array([0, 0, 0, 1, 0, 1, 0, 1, 1, 1])
NOBODY = np.zeros(10, int)
# Section 9: overall ROC AUC 0.833333.
GROUPS_P = np.array([0.95, 0.90, 0.80, 0.40, 0.70, 0.30, 0.20, 0.10, 0.05, 0.85, 0.60, 0.92, 0.75, 0.35, 0.15])
GROUPS_Y = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0])


def random() -> np.random.Generator:
    return np.random.default_rng(7)


def test_brier_by_hand() -> None:
    assert metrics.brier(P, Y) == pytest.approx(0.16125)


def test_calibration_error_by_hand() -> None:
    assert metrics.calibration_error(metrics.reliability(P, Y, 5)) == pytest.approx(0.145)


def test_bins_are_right_open_and_the_last_is_closed() -> None:
    table = metrics.reliability(np.array([0.0, 0.2, 0.4, 1.0]), np.array([0, 1, 0, 1]), 5)
    assert table == [
        Bin(0.0, pytest.approx(0.2), 1, 0.0, 0),
        Bin(pytest.approx(0.2), pytest.approx(0.4), 1, 0.2, 1),
        Bin(pytest.approx(0.4), pytest.approx(0.6), 1, 0.4, 0),
        Bin(pytest.approx(0.8), 1.0, 1, 1.0, 1),
    ]


def test_a_reliability_table_counts_every_text_once() -> None:
    for table in (metrics.reliability(P, Y, 5), metrics.reliability_equal_mass(P, Y, 5)):
        assert sum(row.weight for row in table) == 10
        assert sum(row.weight * row.share_yes for row in table) == pytest.approx(5)


def test_bins_of_equal_mass_hold_the_same_number() -> None:
    assert [row.weight for row in metrics.reliability_equal_mass(P, Y, 5)] == [2] * 5


def test_equal_mass_with_one_score_for_all_is_one_bin() -> None:
    (row,) = metrics.reliability_equal_mass(np.full(4, 0.25), np.array([0, 0, 0, 1]), 15)
    assert (row.weight, row.mean_score, row.share_yes) == (4, 0.25, 0.25)


def test_log_loss_by_hand_and_at_the_ends() -> None:
    assert metrics.log_loss(np.array([0.5, 0.25]), np.array([1, 0])) == pytest.approx((np.log(2) - np.log(0.75)) / 2)
    assert 30 < metrics.log_loss(np.array([0.0]), np.array([1])) < 40


def test_weights_count_a_text_several_times() -> None:
    times = np.arange(1, 11)
    for figure in (metrics.brier, metrics.log_loss, metrics.roc_auc, metrics.average_precision):
        assert figure(P, Y, times) == pytest.approx(figure(P.repeat(times), Y.repeat(times)))


def test_auc_by_hand() -> None:
    assert metrics.roc_auc(GROUPS_P, GROUPS_Y) == pytest.approx(0.833333, rel=1e-6)


def test_a_tie_counts_half() -> None:
    assert metrics.roc_auc(np.array([0.3, 0.3, 0.3]), np.array([0, 1, 1])) == 0.5
    estimate = metrics.bootstrap_auc(np.full(8, 0.3), np.array([0, 1] * 4), 50, random())
    assert estimate == metrics.Estimate(0.5, 0.5, 0.5)


@pytest.mark.parametrize("answers", [NOBODY, NOBODY + 1])
def test_an_absent_answer_gives_no_figure_instead_of_nought(answers: np.ndarray) -> None:
    assert metrics.roc_auc(P, answers) is None
    assert metrics.bootstrap_auc(P, answers, 10, random()) is None


def test_average_precision_needs_a_yes() -> None:
    assert metrics.average_precision(P, NOBODY) is None
    assert metrics.bootstrap_average_precision(P, NOBODY, 10, random()) is None
    assert metrics.average_precision(P, NOBODY + 1) == 1


def test_an_interval_contains_its_value() -> None:
    scores, drawn = random().random((2, 300))
    answers = (drawn < scores).astype(int)
    for estimate in (
        metrics.bootstrap_auc(scores, answers, 500, random()),
        metrics.bootstrap_average_precision(scores, answers, 200, random()),
    ):
        assert estimate is not None
        assert 0 <= estimate.low < estimate.value < estimate.high <= 1


def test_an_interval_is_the_same_for_the_same_seed_only() -> None:
    def drawn(seed: int) -> metrics.Estimate | None:
        return metrics.bootstrap_auc(P, Y, 200, np.random.default_rng(seed))

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_an_interval_narrows_as_texts_are_added() -> None:
    few = metrics.bootstrap_auc(P, Y, 500, random())
    many = metrics.bootstrap_auc(np.tile(P, 50), np.tile(Y, 50), 500, random())
    assert few is not None
    assert many is not None
    assert many.high - many.low < (few.high - few.low) / 4


def plainly(figure: Figure, scores: np.ndarray, answers: np.ndarray, repeats: int) -> tuple[float, float]:
    """Resampled and sorted each time, by scikit-learn."""
    rng, groups = random(), [np.flatnonzero(answers == answer) for answer in (0, 1)]
    rows = (np.concatenate([rng.choice(group, len(group)) for group in groups]) for _ in range(repeats))
    low, high = np.quantile([figure(answers[at], scores[at]) for at in rows], (0.025, 0.975))
    return low, high


@pytest.mark.parametrize(
    ("quick", "figure"),
    [
        (metrics.bootstrap_auc, roc_auc_score),
        (metrics.bootstrap_average_precision, average_precision_score),
    ],
)
def test_the_quick_interval_is_the_plain_one(quick: Any, figure: Figure) -> None:
    """Read off the counts of ranks, the same but for chance."""
    scores, drawn = np.round(random().random((2, 400)), 2)
    answers = (drawn < scores).astype(int)
    found = quick(scores, answers, 4_000, random())
    assert found.value == pytest.approx(figure(answers, scores))
    assert (found.low, found.high) == pytest.approx(plainly(figure, scores, answers, 1_000), abs=0.006)


def test_weights_in_an_interval_count_a_text_several_times() -> None:
    """All alike, so that every resample is the whole."""
    scores, answers, weights = np.repeat([0.2, 0.8], 5), np.repeat([1, 0], 5), np.repeat([1.0, 3.0], 5)
    expected = average_precision_score(answers, scores, sample_weight=weights)
    estimate = metrics.bootstrap_average_precision(scores, answers, 50, random(), weights)
    assert estimate == metrics.Estimate(*[pytest.approx(expected)] * 3)


def test_the_mean_of_one_column_twice_is_that_column() -> None:
    scores, drawn = np.round(random().random((2, 400)), 2)
    answers = (drawn < scores).astype(int)
    twice = metrics.bootstrap_mean_auc(np.stack([scores] * 2, 1), np.stack([answers] * 2, 1), 2_000, random())
    once = metrics.bootstrap_auc(scores, answers, 2_000, random())
    assert once is not None
    assert twice.value == pytest.approx(once.value)
    # What is said twice is not known better. (Rows are drawn whole here, yes and no apart there.)
    assert (twice.low, twice.high) == pytest.approx((once.low, once.high), abs=0.008)


def test_a_resample_without_a_yes_is_passed_over() -> None:
    """Of one yes in twenty rows a third of the resamples has none."""
    scores, answers = np.linspace(0, 1, 20)[:, None], np.arange(20)[:, None] // 19
    assert metrics.bootstrap_mean_auc(scores, answers, 100, random()) == metrics.Estimate(1.0, 1.0, 1.0)

"""Metrics of scores: ranking, calibration, and confidence intervals.

Scores (n,) in [0, 1], answers (n,) 0 or 1, weights (n,) >= 0. A figure that needs both answers is None if one is
missing, never 0 (thresholds.md, section 11).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.metrics import average_precision_score, roc_auc_score

Numbers = NDArray[np.floating]
Answers = NDArray[np.integer]


# The service has the same class for its statistics, as part of its API: neither package imports the other.
@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its 95 % interval; without bounds if none were measured, as for a count."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Bin:
    """One row of a reliability table: the mean score and the observed share of yes."""

    low: float
    high: float
    weight: float
    mean_score: float
    share_yes: float


def roc_auc(scores: Numbers, answers: Answers, weights: Numbers | None = None) -> float | None:
    if len(np.unique(answers)) < 2:  # noqa: PLR2004 - yes and no
        return None
    return float(roc_auc_score(answers, scores, sample_weight=weights))


def effective_size(weights: Numbers) -> int:
    """How many equal weights are as precise as these: Kish, Survey Sampling, 1965. Their number if they are equal."""
    squares = float(np.square(weights, dtype=np.float64).sum())
    return round(float(weights.sum(dtype=np.float64)) ** 2 / squares) if squares else 0


def average_precision(scores: Numbers, answers: Answers, weights: Numbers | None = None) -> float | None:
    if not answers.any():
        return None
    return float(average_precision_score(answers, scores, sample_weight=weights))


def brier(scores: Numbers, answers: Answers, weights: Numbers | None = None) -> float:
    return float(np.average((scores - answers) ** 2, weights=weights))


def log_loss(scores: Numbers, answers: Answers, weights: Numbers | None = None) -> float:
    safe = np.clip(scores, 1e-15, 1 - 1e-15)
    return float(np.average(-np.where(answers == 1, np.log(safe), np.log(1 - safe)), weights=weights))


def reliability(scores: Numbers, answers: Answers, bins: int = 10, weights: Numbers | None = None) -> list[Bin]:
    """Bins of equal width, right-open, the last one closed; empty bins are left out."""
    edges = np.linspace(0, 1, bins + 1)
    return _binned(scores, answers, edges, weights)


def reliability_equal_mass(
    scores: Numbers, answers: Answers, bins: int = 10, weights: Numbers | None = None
) -> list[Bin]:
    """Bins with about the same number of texts, regardless of weight."""
    edges = np.unique(np.quantile(scores, np.linspace(0, 1, bins + 1)))
    return _binned(scores, answers, edges, weights)


def calibration_error(table: list[Bin]) -> float:
    """Expected calibration error: the weighted mean gap between mean score and observed share."""
    whole = sum(row.weight for row in table)
    return sum(row.weight * abs(row.mean_score - row.share_yes) for row in table) / whole


def bootstrap_auc(scores: Numbers, answers: Answers, repeats: int, rng: np.random.Generator) -> Estimate | None:
    """ROC AUC with an interval from a bootstrap that resamples positives and negatives separately."""
    value = roc_auc(scores, answers)
    if value is None:
        return None
    return _estimate(value, np.concatenate([_auc(yes, no) for yes, no in _resampled(scores, answers, repeats, rng)]))


def rounded(estimate: Estimate) -> Estimate:
    """Rounded to the four decimals of a report."""
    low, high = (None if bound is None else round(bound, 4) for bound in (estimate.low, estimate.high))
    return Estimate(round(estimate.value, 4), low, high)


def bootstrap_average_precision(
    scores: Numbers, answers: Answers, repeats: int, rng: np.random.Generator, weights: Numbers | None = None
) -> Estimate | None:
    """Average precision with an interval from the same bootstrap."""
    value = average_precision(scores, answers, weights)
    if value is None:
        return None
    drawn = _resampled(scores, answers, repeats, rng, weights)
    return _estimate(value, np.concatenate([_average_precision(yes, no) for yes, no in drawn]))


def bootstrap_mean_auc(
    scores: NDArray[np.floating], answers: NDArray[np.integer], repeats: int, rng: np.random.Generator
) -> Estimate:
    """The mean ROC AUC of the columns; both arrays are (n, columns), and each column has both answers.

    Whole rows are resampled: the columns are about the same texts, so their errors are correlated. A resample that
    leaves only one answer in a column is skipped.
    """
    count, columns = scores.shape
    ranks = np.stack([rankdata(scores[:, j], method="dense") - 1 for j in range(columns)]).astype(int)
    value = float(np.mean([roc_auc(scores[:, j], answers[:, j]) for j in range(columns)]))
    found = []
    for _ in range(repeats):
        times = np.bincount(rng.integers(count, size=count), minlength=count)
        counts = [
            [np.bincount(ranks[j], times * (answers[:, j] == answer))[None] for answer in (1, 0)]
            for j in range(columns)
        ]
        if all(yes.any() and no.any() for yes, no in counts):
            found.append(np.mean([_auc(yes, no)[0] for yes, no in counts]))
    return _estimate(value, np.array(found))


# Resamples are counted in batches with at most this many table cells: fast, in some tens of megabytes.
_CELLS = 1 << 20


def _resampled(
    scores: Numbers,
    answers: Answers,
    repeats: int,
    rng: np.random.Generator,
    weights: Numbers | None = None,
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """The weight of positives and negatives at each rank of score, lowest first; (resamples, ranks) each, in batches.

    Any ranking figure follows from these counts, so a thousand resamples need no sorting.
    """
    ranks = rankdata(scores, method="dense").astype(int) - 1
    size = int(ranks.max()) + 1
    whole = np.ones(len(scores)) if weights is None else weights
    groups = [np.flatnonzero(answers == answer) for answer in (1, 0)]
    step = max(1, _CELLS // max(size, len(scores)))
    for start in range(0, repeats, step):
        rows = min(step, repeats - start)
        yield tuple(_counted(ranks[group], whole[group], size, rows, rng) for group in groups)  # type: ignore[misc]


def _counted(
    ranks: NDArray[np.int_], weights: Numbers, size: int, rows: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    at = rng.integers(len(ranks), size=(rows, len(ranks))) if len(ranks) else np.zeros((rows, 0), int)
    cells = ranks[at] + size * np.arange(rows)[:, None]
    return np.asarray(np.bincount(cells.ravel(), weights[at].ravel(), rows * size).reshape(rows, size), float)


def _auc(yes: NDArray[Any], no: NDArray[Any]) -> NDArray[np.float64]:
    """For each resample the share of pairs in the right order; ties count half."""
    below = np.cumsum(no, axis=1) - no / 2
    wins = np.einsum("ij,ij->i", yes.astype(float), below)
    return np.asarray(wins / (yes.sum(axis=1) * no.sum(axis=1)))


def _average_precision(yes: NDArray[np.float64], no: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each resample, as in scikit-learn: the precision at each threshold times the recall that it adds."""
    above, wrong = (np.cumsum(each[:, ::-1], axis=1)[:, ::-1] for each in (yes, no))
    precision = np.divide(above, above + wrong, out=np.zeros_like(above), where=above > 0)
    return np.asarray((yes * precision).sum(axis=1) / yes.sum(axis=1))


def _estimate(value: float, drawn: NDArray[np.float64]) -> Estimate:
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Estimate(value, float(low), float(high))


def _binned(scores: Numbers, answers: Answers, edges: Numbers, weights: Numbers | None) -> list[Bin]:
    count = len(edges) - 1
    where = np.clip(np.searchsorted(edges, scores, side="right") - 1, 0, max(0, count - 1))
    whole = np.ones(len(scores)) if weights is None else weights
    rows = []
    for index in range(max(1, count)):
        chosen = where == index
        weight = float(whole[chosen].sum())
        if weight:
            mean, share = (float(np.average(each[chosen], weights=whole[chosen])) for each in (scores, answers))
            rows.append(Bin(float(edges[index]), float(edges[min(index + 1, count)]), weight, mean, share))
    return rows

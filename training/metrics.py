"""How good scores are: ranking, calibration, and how far a figure can be trusted.

Scores (n,) in [0, 1], answers (n,) 0 or 1, weights (n,) >= 0. Where a figure needs both answers and one is
absent it is None, never 0 (thresholds.md, section 11).
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


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its 95 % interval; no bounds where none were measured, as of a count."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Bin:
    """One row of a reliability table: what was said on average, and how often it was so."""

    low: float
    high: float
    weight: float
    mean_score: float
    share_yes: float


def roc_auc(scores: Numbers, answers: Answers, weights: Numbers | None = None) -> float | None:
    if len(np.unique(answers)) < 2:  # noqa: PLR2004 - yes and no
        return None
    return float(roc_auc_score(answers, scores, sample_weight=weights))


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
    """Bins of equal width, right-open, the last one closed; empty ones are left out."""
    edges = np.linspace(0, 1, bins + 1)
    return _binned(scores, answers, edges, weights)


def reliability_equal_mass(
    scores: Numbers, answers: Answers, bins: int = 10, weights: Numbers | None = None
) -> list[Bin]:
    """Bins that hold about the same number of texts, whatever they weigh."""
    edges = np.unique(np.quantile(scores, np.linspace(0, 1, bins + 1)))
    return _binned(scores, answers, edges, weights)


def calibration_error(table: list[Bin]) -> float:
    """Expected calibration error: the mean gap between what was said and what was, by weight."""
    whole = sum(row.weight for row in table)
    return sum(row.weight * abs(row.mean_score - row.share_yes) for row in table) / whole


def bootstrap_auc(scores: Numbers, answers: Answers, repeats: int, rng: np.random.Generator) -> Estimate | None:
    """ROC AUC with an interval from resampling yes and no apart."""
    value = roc_auc(scores, answers)
    if value is None:
        return None
    return _estimate(value, np.concatenate([_auc(yes, no) for yes, no in _resampled(scores, answers, repeats, rng)]))


def rounded(estimate: Estimate) -> Estimate:
    """To what is written down."""
    low, high = (None if bound is None else round(bound, 4) for bound in (estimate.low, estimate.high))
    return Estimate(round(estimate.value, 4), low, high)


def bootstrap_average_precision(
    scores: Numbers, answers: Answers, repeats: int, rng: np.random.Generator, weights: Numbers | None = None
) -> Estimate | None:
    """Average precision with an interval from resampling yes and no apart."""
    value = average_precision(scores, answers, weights)
    if value is None:
        return None
    drawn = _resampled(scores, answers, repeats, rng, weights)
    return _estimate(value, np.concatenate([_average_precision(yes, no) for yes, no in drawn]))


def bootstrap_mean_auc(
    scores: NDArray[np.floating], answers: NDArray[np.integer], repeats: int, rng: np.random.Generator
) -> Estimate:
    """The mean over the columns of their ROC AUC; both (n, columns), each column with both answers.

    Rows are resampled whole: the columns judge the same texts, so their errors go together. A resample that
    leaves a column with one answer is passed over.
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


# Resamples are counted together, as many as make a table of this many cells: quick, and some tens of megabytes.
_CELLS = 1 << 20


def _resampled(
    scores: Numbers,
    answers: Answers,
    repeats: int,
    rng: np.random.Generator,
    weights: Numbers | None = None,
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Weight of yes and of no at each rank of score, lowest first; (resamples, ranks) each, a few resamples at once.

    Any ranking figure is read off these counts, so that a thousand resamples take no sorting.
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
    """The share of pairs in the right order, ties half; by resample."""
    below = np.cumsum(no, axis=1) - no / 2
    wins = np.einsum("ij,ij->i", yes.astype(float), below)
    return np.asarray(wins / (yes.sum(axis=1) * no.sum(axis=1)))


def _average_precision(yes: NDArray[np.float64], no: NDArray[np.float64]) -> NDArray[np.float64]:
    """As scikit-learn has it: precision at each threshold by the recall that it adds; by resample."""
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

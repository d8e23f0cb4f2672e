"""How good scores are: ranking, calibration, and how far a figure can be trusted.

Scores (n,) in [0, 1], answers (n,) 0 or 1, weights (n,) >= 0. Where a figure needs both answers and one is
absent it is None, never 0 (thresholds.md, section 11).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.metrics import average_precision_score, roc_auc_score

Numbers = NDArray[np.floating]
Answers = NDArray[np.integer]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


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


def reliability_equal_mass(scores: Numbers, answers: Answers, bins: int = 10) -> list[Bin]:
    """Bins that hold about the same number of texts."""
    edges = np.unique(np.quantile(scores, np.linspace(0, 1, bins + 1)))
    return _binned(scores, answers, edges, None)


def calibration_error(table: list[Bin]) -> float:
    """Expected calibration error: the mean gap between what was said and what was, by weight."""
    whole = sum(row.weight for row in table)
    return sum(row.weight * abs(row.mean_score - row.share_yes) for row in table) / whole


def bootstrap_auc(scores: Numbers, answers: Answers, repeats: int, rng: np.random.Generator) -> Estimate | None:
    """ROC AUC with an interval from resampling yes and no apart.

    The value of one resample is read off the counts of each rank, so that a thousand of them take no sorting.
    """
    value = roc_auc(scores, answers)
    if value is None:
        return None
    ranks = rankdata(scores, method="dense").astype(int) - 1
    size = int(ranks.max()) + 1
    yes = np.bincount(ranks[answers == 1], minlength=size)
    no = np.bincount(ranks[answers == 0], minlength=size)
    drawn_yes = rng.multinomial(yes.sum(), yes / yes.sum(), repeats)
    drawn_no = rng.multinomial(no.sum(), no / no.sum(), repeats)
    below = np.cumsum(drawn_no, axis=1) - drawn_no
    wins = np.einsum("ij,ij->i", drawn_yes, below + drawn_no / 2)
    low, high = np.quantile(wins / (yes.sum() * no.sum()), (0.025, 0.975))
    return Estimate(value, float(low), float(high))


def bootstrap(
    statistic: Callable[[Numbers, Answers], float | None],
    scores: Numbers,
    answers: Answers,
    repeats: int,
    rng: np.random.Generator,
) -> Estimate | None:
    """Any statistic with an interval from resampling yes and no apart."""
    value = statistic(scores, answers)
    if value is None:
        return None
    groups = [np.flatnonzero(answers == answer) for answer in (0, 1)]
    found = []
    for _ in range(repeats):
        at = np.concatenate([rng.choice(group, len(group)) for group in groups if len(group)])
        again = statistic(scores[at], answers[at])
        if again is not None:
            found.append(again)
    low, high = np.quantile(found, (0.025, 0.975))
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

"""How well scores rank comments, with a weight for each. The tests compare with scikit-learn."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def roc_auc(scores: ArrayLike, truth: ArrayLike, weights: ArrayLike) -> float:
    """The probability that a positive scores higher than a negative; ties count half."""
    score, is_true, weight = _sorted(scores, truth, weights)
    starts = np.flatnonzero(np.r_[True, score[1:] != score[:-1]])
    true, false = (np.add.reduceat(np.where(is_true == wanted, weight, 0.0), starts) for wanted in (True, False))
    above = true.sum() - np.cumsum(true)
    return float(((above + true / 2) * false).sum() / (true.sum() * false.sum()))


def average_precision(scores: ArrayLike, truth: ArrayLike, weights: ArrayLike) -> float:
    """Precision averaged over recall, from the highest score to the lowest."""
    score, is_true, weight = (each[::-1] for each in _sorted(scores, truth, weights))
    ends = np.r_[score[1:] != score[:-1], True]
    true, all_of_them = np.cumsum(np.where(is_true, weight, 0.0))[ends], np.cumsum(weight)[ends]
    return float((np.diff(true, prepend=0.0) * true / all_of_them).sum() / true[-1])


def _sorted(scores: ArrayLike, truth: ArrayLike, weights: ArrayLike) -> tuple[NDArray[np.float64], ...]:
    """All three arrays, by ascending score."""
    score = np.asarray(scores, dtype=np.float64)
    order = np.argsort(score, kind="stable")
    return score[order], np.asarray(truth, dtype=np.float64)[order], np.asarray(weights, dtype=np.float64)[order]

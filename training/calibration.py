"""Turns fitted logits into calibrated probabilities, on texts that the weights were not fitted on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from classifier import LABELS
from training.examples import Examples

# A score is a probability at the base rates of this data set, whose row weights restore those of the original.
NATURAL = "jigsaw_toxic_train"
# With fewer answers of either kind a calibration would be noise.
FEWEST = 15
# An attribute's own logits are penalized this much less than those of the other attributes, which only correct it.
OWN = 30.0
# Inverse strength of the penalty on standardized logits; docs/experiments.md compares values.
REGULARISATION = 0.1
STEADINESS = 0.5


@dataclass(frozen=True, slots=True)
class Combination:
    """calibrated logits = fitted logits @ mixing + shift.

    `mixing` is (logits, attributes): first the logits of the bag of n-grams, then those of the network.
    """

    mixing: NDArray[np.float64]
    shift: NDArray[np.float64]

    def __call__(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        combined: NDArray[np.float64] = logits @ self.mixing + self.shift
        return combined


def combination(logits: NDArray[np.float64], examples: Examples) -> Combination:
    """Platt scaling (1999) of each attribute on the logits of both models, corrected by their logits of the others.

    Rare attributes gain most: they have few examples of their own, and the others have many. Fitted on natural text
    if that has both answers. Otherwise fitted on all texts and on the attribute's own logits alone; if that fails too,
    the result is the mean of the two logits. `logits`: (n, 2 x attributes).
    """
    is_natural = np.array([source == NATURAL for source in examples.sources])
    mixing, shift = np.tile(np.eye(len(LABELS)) / 2, (2, 1)), np.zeros(len(LABELS))
    for index in range(len(LABELS)):
        own = np.array([index, len(LABELS) + index])
        for usable, others in ((is_natural, True), (np.ones(len(is_natural), bool), False)):
            at, answers, shares = split(examples.labels[:, index], examples.weights * usable)
            if _are_enough(answers):
                column, moved = _fitted(logits[at], answers, shares, own, others=others)
                if column[own].sum() > 0:
                    mixing[:, index], shift[index] = column, moved
                    break
    return Combination(mixing, shift)


def platt(
    logits: NDArray[np.float64], labels: NDArray[np.float32], weights: NDArray[np.float32]
) -> tuple[float, float] | None:
    """Slope and intercept that fit (n,) logits to (n,) labels; None if the logits do not separate the answers."""
    at, answers, shares = split(labels, weights)
    if not _are_enough(answers):
        return None
    column, intercept = _fitted(logits[at, None], answers, shares, np.array([0]), others=False)
    return (float(column[0]), intercept) if column[0] > 0 else None


def adjustment(
    logits: NDArray[np.float64], labels: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Slopes and intercepts that fit calibrated logits (n, attributes) to the labels of another sample.

    A normal prior with standard deviation STEADINESS around slope 1 and intercept 0 keeps them near the identity: a few
    positive answers change little, and hundreds outweigh the prior.
    """
    slopes, intercepts = np.ones(logits.shape[1]), np.zeros(logits.shape[1])
    for index in range(logits.shape[1]):
        known = np.isfinite(labels[:, index])
        x, y = logits[known, index], labels[known, index].astype(np.float64)

        def loss(at: NDArray[np.float64], x: NDArray[np.float64] = x, y: NDArray[np.float64] = y) -> float:
            moved = at[0] * x + at[1]
            away = ((at[0] - 1) ** 2 + at[1] ** 2) / (2 * STEADINESS**2)
            return float((np.logaddexp(0, moved) - y * moved).sum() + away)

        slope, intercept = minimize(loss, np.array([1.0, 0.0]), method="BFGS").x
        if slope > 0:  # a negative slope would reverse the ranking
            slopes[index], intercepts[index] = slope, intercept
    return slopes, intercepts


def split(
    labels: NDArray[np.float32], weights: NDArray[np.float32]
) -> tuple[NDArray[np.intp], NDArray[np.int8], NDArray[np.float32]]:
    """Splits a label p into a yes of weight p and a no of weight 1 - p.

    Returns the positions of the rows used, their answers (0 or 1) and their weights; unknown labels are dropped.
    """
    known = np.isfinite(labels) & (weights > 0)
    yes, no = np.flatnonzero(known & (labels > 0)), np.flatnonzero(known & (labels < 1))
    answers = np.concatenate([np.ones(len(yes), np.int8), np.zeros(len(no), np.int8)])
    shares = np.concatenate([weights[yes] * labels[yes], weights[no] * (1 - labels[no])])
    return np.concatenate([yes, no]), answers, shares


def _are_enough(answers: NDArray[np.int8]) -> bool:
    return bool(min(np.count_nonzero(answers == 1), np.count_nonzero(answers == 0)) >= FEWEST)


def _fitted(
    logits: NDArray[np.float64],
    answers: NDArray[np.int8],
    shares: NDArray[np.float32],
    own: NDArray[np.intp],
    *,
    others: bool,
) -> tuple[NDArray[np.float64], float]:
    scale = 1 / np.maximum(logits.std(axis=0), 1e-6)
    if not others:
        scale[np.setdiff1d(np.arange(len(scale)), own)] = 0
    scale[own] *= OWN
    model = LogisticRegression(C=REGULARISATION, tol=1e-6, max_iter=1_000)
    model.fit(logits * scale, answers, sample_weight=shares)
    return model.coef_[0] * scale, float(model.intercept_[0])

"""From logits as fitted to probabilities that mean something, on texts that the weights have not seen."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from classifier import LABELS
from training.examples import Examples

# A score is a probability at the prevalence of this data set, whose weights restore the original's balance.
NATURAL = "jigsaw_toxic_train"
# Answers of each kind without which a calibration would be chance.
FEWEST = 15
# How much cheaper an attribute's own logits are than the others': they correct it, and do not replace it.
OWN = 30.0
# Inverse strength of the penalty on standardised logits; docs/experiments.md compares.
REGULARISATION = 0.1
STEADINESS = 0.5


@dataclass(frozen=True, slots=True)
class Combination:
    """calibrated logits = fitted logits @ mixing + shift.

    `mixing` is (logits, attributes): first come the logits of the bag of n-grams, then those of the network.
    """

    mixing: NDArray[np.float64]
    shift: NDArray[np.float64]

    def __call__(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        combined: NDArray[np.float64] = logits @ self.mixing + self.shift
        return combined


def combination(logits: NDArray[np.float64], examples: Examples) -> Combination:
    """Platt's sigmoid (1999) for each attribute on what both models say, corrected by what they say of the others.

    A rare attribute learns most from this: its own examples are few, and those of the others are many. On natural
    text where that has both answers; else on its own logits alone and all the text that there is, or their mean.
    `logits`: (n, 2 x attributes).
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
    """Slope and intercept that make (n,) logits fit (n,) labels; None where they do not tell the answers apart."""
    at, answers, shares = split(labels, weights)
    if not _are_enough(answers):
        return None
    column, intercept = _fitted(logits[at, None], answers, shares, np.array([0]), others=False)
    return (float(column[0]), intercept) if column[0] > 0 else None


def adjustment(
    logits: NDArray[np.float64], labels: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Slopes and intercepts that make calibrated logits (n, attributes) fit the labels of another sample.

    Drawn to leaving all as it is (slope 1, intercept 0) as if each stood there with a standard deviation of
    STEADINESS: a few positive answers move little, hundreds move what they must.
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
        if slope > 0:  # else it would turn the ranking round
            slopes[index], intercepts[index] = slope, intercept
    return slopes, intercepts


def split(
    labels: NDArray[np.float32], weights: NDArray[np.float32]
) -> tuple[NDArray[np.intp], NDArray[np.int8], NDArray[np.float32]]:
    """A share p of readers who say yes is a yes of weight p and a no of weight 1 - p.

    Returns the positions of the rows used, their answers (0 or 1) and their weights; unknown labels fall out.
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

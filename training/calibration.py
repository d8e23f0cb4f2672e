"""From logits as fitted to probabilities that mean something, on texts that the weights have not seen."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from classifier import LABELS
from training.examples import Examples

# A score is a probability at the prevalence of this data set, whose weights restore the original's balance.
NATURAL = "jigsaw_toxic_train"
# Answers of each kind without which a calibration would be chance.
FEWEST = 15
# How much cheaper an attribute's own logit is than the others': they correct it, and do not replace it.
OWN = 30.0
# Inverse strength of the penalty on standardised logits; docs/experiments.md compares.
REGULARISATION = 0.1


@dataclass(frozen=True, slots=True)
class Combination:
    """calibrated logits = fitted logits @ mixing + shift; `mixing` is (attributes fitted, attributes calibrated)."""

    mixing: NDArray[np.float64]
    shift: NDArray[np.float64]

    def __call__(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        combined: NDArray[np.float64] = logits @ self.mixing + self.shift
        return combined


def combination(logits: NDArray[np.float64], examples: Examples) -> Combination:
    """Platt's sigmoid (1999) for each attribute, corrected by what the other attributes' logits say.

    A rare attribute learns most from this: its own examples are few, and those of the others are many. On natural
    text where that has both answers; else Platt's alone on all that there is, or nothing.
    """
    is_natural = np.array([source == NATURAL for source in examples.sources])
    mixing, shift = np.eye(len(LABELS)), np.zeros(len(LABELS))
    for index in range(len(LABELS)):
        for usable, others in ((is_natural, True), (np.ones(len(is_natural), bool), False)):
            at, answers, shares = split(examples.labels[:, index], examples.weights * usable)
            if min(np.count_nonzero(answers == 1), np.count_nonzero(answers == 0)) >= FEWEST:
                column, shift[index] = _fitted(logits[at], answers, shares, index, others=others)
                if column[index] > 0:
                    mixing[:, index] = column
                    break
                shift[index] = 0
    return Combination(mixing, shift)


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


def _fitted(
    logits: NDArray[np.float64], answers: NDArray[np.int8], shares: NDArray[np.float32], own: int, *, others: bool
) -> tuple[NDArray[np.float64], float]:
    scale = 1 / np.maximum(logits.std(axis=0), 1e-6)
    if not others:
        scale[np.arange(len(scale)) != own] = 0
    scale[own] *= OWN
    model = LogisticRegression(C=REGULARISATION, tol=1e-6, max_iter=1_000)
    model.fit(logits * scale, answers, sample_weight=shares)
    return model.coef_[0] * scale, float(model.intercept_[0])

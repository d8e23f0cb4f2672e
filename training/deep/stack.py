"""Fits how much each of the two readers counts, by language and label, on texts that neither has seen.

The first step is the direction, as in training/direction.py.
How the deep reader's weight is split between the whole text and its worst part is fixed: few labeled comments hide a
harmful sentence among friendly ones, so the data cannot tell what the worst part is worth (docs/experiments.md).

Then Platt scaling on natural text makes the sum a probability, as in training/calibration.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier import LABELS
from classifier.deep.stack import INPUTS
from training.calibration import NATURAL, platt
from training.direction import direction

Floats = NDArray[np.float64]

# The share of the deep reader's weight that the whole text has; its worst part has the rest.
OF_WHOLE = 0.4
# A language with at least this many answers of each kind has weights of its own.
FEWEST_IN_LANGUAGE = 15
# The columns in use: the fast reader and the weighted mean of the deep one's logits; or the deep one alone, for a
# language in which we cannot tell what the fast one is worth.
_BOTH, _DEEP_ONLY = (0, 1), (1,)


@dataclass(frozen=True, slots=True)
class ReaderLogits:
    """Both readers' logits of n texts, (n, LABELS, INPUTS), and the texts' labels."""

    logits: Floats
    labels: NDArray[np.float32]
    weights: NDArray[np.float32]
    sources: NDArray[np.str_]
    languages: NDArray[np.str_]

    def of(self, chosen: NDArray[np.bool_]) -> "ReaderLogits":
        return ReaderLogits(
            self.logits[chosen],
            self.labels[chosen],
            self.weights[chosen],
            self.sources[chosen],
            self.languages[chosen],
        )


def stacked(data: ReaderLogits, languages: Sequence[str]) -> tuple[Floats, Floats]:
    """`stack` and `stack_bias` of classifier.deep.stack, a row for each of the languages, the first language first.

    In a language with too few answers only the deep reader counts, as it does in the first language.
    """
    first = languages[0]
    weights, bias = np.zeros((len(languages), len(LABELS), INPUTS)), np.zeros((len(languages), len(LABELS)))
    own = data.of(data.languages == first)
    for label in range(len(LABELS)):
        both = _fitted(own, label, _BOTH)
        alone = _fitted(own, label, _DEEP_ONLY)
        for row, language in enumerate(languages):
            weights[row, label], bias[row, label] = both if language == first else alone
            here = data.of(data.languages == language)
            if language != first and _are_enough(here, label):
                weights[row, label], bias[row, label] = _fitted(here, label, _BOTH)
    return weights, bias


def _are_enough(data: ReaderLogits, label: int) -> bool:
    known = data.labels[:, label][np.isfinite(data.labels[:, label])]
    answers = known > 0.5  # noqa: PLR2004 - the majority of readers
    return bool(min(np.count_nonzero(answers), np.count_nonzero(~answers)) >= FEWEST_IN_LANGUAGE)


def _fitted(data: ReaderLogits, label: int, used: tuple[int, ...]) -> tuple[Floats, float]:
    """Weights (INPUTS,) and bias."""
    fast, whole, highest = data.logits[:, label].T
    x = np.stack([fast, OF_WHOLE * whole + (1 - OF_WHOLE) * highest], axis=1)[:, list(used)]
    weights = direction(x, data.labels[:, label], data.sources)
    summed = x @ weights
    natural = data.sources == NATURAL
    usable = natural if _has_both(data.labels[natural, label]) else np.ones(len(summed), bool)
    found = platt(summed[usable], data.labels[usable, label], data.weights[usable])
    slope, intercept = found or (1.0, 0.0)
    of_deep = weights[-1] * np.array([OF_WHOLE, 1 - OF_WHOLE])
    return np.array([weights[0] if used == _BOTH else 0.0, *of_deep]) * slope, intercept


def _has_both(labels: NDArray[np.float32]) -> bool:
    answers = labels[np.isfinite(labels)] > 0.5  # noqa: PLR2004 - the majority of readers
    return bool(answers.any() and not answers.all())

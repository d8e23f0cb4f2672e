"""Fits how much each of the two readers counts, by language and label, on texts that neither has seen.

The first step is the direction: a logistic regression on the logits of both, with non-negative weights. Each data set
has its own intercept, since base rates differ, and a total mass that does not depend on its size, so that the largest
one does not dominate.
How the deep reader's weight is split between the whole text and its worst part is fixed: few labeled comments hide a
harmful sentence among friendly ones, so the data cannot tell what the worst part is worth (docs/experiments.md).

Then Platt scaling on natural text makes the sum a probability, as in training/calibration.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from classifier import LABELS
from classifier.deep.stack import INPUTS
from training.calibration import NATURAL, platt, split

Floats = NDArray[np.float64]

# The share of the deep reader's weight that the whole text has; its worst part has the rest.
OF_WHOLE = 0.4
# A data set with fewer answers of either kind is not used for the direction.
FEWEST = 20
# The precision of a normal prior around equal weights: with few answers both readers count about the same.
STEADINESS = 20.0
# The total mass of a data set, regardless of its size; natural text has several times that (docs/experiments.md).
MASS, NATURAL_MASS = 1_000.0, 4_000.0
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
    direction = _direction(data, label, x)
    summed = x @ direction
    natural = data.sources == NATURAL
    usable = natural if _has_both(data.labels[natural, label]) else np.ones(len(summed), bool)
    found = platt(summed[usable], data.labels[usable, label], data.weights[usable])
    slope, intercept = found or (1.0, 0.0)
    of_deep = direction[-1] * np.array([OF_WHOLE, 1 - OF_WHOLE])
    return np.array([direction[0] if used == _BOTH else 0.0, *of_deep]) * slope, intercept


def _has_both(labels: NDArray[np.float32]) -> bool:
    answers = labels[np.isfinite(labels)] > 0.5  # noqa: PLR2004 - the majority of readers
    return bool(answers.any() and not answers.all())


def _direction(data: ReaderLogits, label: int, x: Floats) -> Floats:
    """Non-negative weights of the columns of x, with sum 1."""
    rows, answers, masses, owners = _balanced(data, label)
    used = x.shape[1]
    begin = np.full(used, 1 / used)
    if used == 1 or not len(rows):
        return begin
    x = x[rows]
    groups = int(owners.max()) + 1

    def loss(at: Floats) -> tuple[float, Floats]:
        logits = x @ at[:used] + at[used:][owners]
        away = at[:used] - begin
        slope = masses * (expit(logits) - answers)
        gradient = np.concatenate([x.T @ slope + STEADINESS * away, np.bincount(owners, slope, groups)])
        value = masses @ (np.logaddexp(0, logits) - answers * logits) + STEADINESS / 2 * away @ away
        return float(value), gradient

    bounds = [(0, None)] * used + [(None, None)] * groups
    found = minimize(loss, np.concatenate([begin, np.zeros(groups)]), jac=True, bounds=bounds, method="L-BFGS-B").x
    weights = found[:used]
    return weights / weights.sum() if weights.sum() > 0 else begin


def _balanced(data: ReaderLogits, label: int) -> tuple[NDArray[np.intp], Floats, Floats, NDArray[np.intp]]:
    """Rows, answers, masses and data sets of the known labels; of data sets with both answers."""
    parts: list[tuple[NDArray[np.intp], Floats, Floats]] = []
    for source in sorted(set(data.sources.tolist())):
        here = np.flatnonzero(data.sources == source)
        at, answers, shares = split(data.labels[here, label], np.ones(len(here), np.float32))
        if min(np.count_nonzero(answers == 1), np.count_nonzero(answers == 0)) >= FEWEST:
            mass = NATURAL_MASS if source == NATURAL else MASS
            parts.append((here[at], answers.astype(np.float64), (shares / shares.sum() * mass).astype(np.float64)))
    none = np.zeros(0)
    return (
        np.concatenate([none.astype(np.intp), *(rows for rows, _, _ in parts)]),
        np.concatenate([none, *(answers for _, answers, _ in parts)]),
        np.concatenate([none, *(masses for _, _, masses in parts)]),
        np.repeat(np.arange(len(parts)), [len(rows) for rows, _, _ in parts]).astype(np.intp),
    )

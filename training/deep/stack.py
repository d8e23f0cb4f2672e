"""How much each of the two readers counts, by language and label, fitted on texts that neither has seen.

First the direction: a logistic regression on what both say, with weights that are not negative, an intercept for each
data set (they differ in how common a yes is), and every data set counting alike, so that the largest one does not
decide for all. What the deep reader says of the whole and of its worst part count alike: few labelled comments hide a
sentence among kind ones, so that they cannot tell what the worst part is worth.

Then Platt's sigmoid on natural text makes the sum a probability, as in training/calibration.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from classifier import LABELS
from classifier.deep.stack import SAID
from training.calibration import NATURAL, platt, split

Floats = NDArray[np.float64]

# Answers of each kind without which a data set says nothing about the direction.
FEWEST = 20
# A prior of one over each weight's variance, in rows of a data set: with few answers both readers count about alike.
STEADINESS = 20.0
# What a data set counts, however many rows it has.
MASS = 1_000.0
# A language has weights of its own from so many answers of each kind on.
FEWEST_IN_LANGUAGE = 15
# What is weighed: the fast reader and the mean of what the deep one says; the deep one alone, for a language that the
# fast one was not taught.
_BOTH, _DEEP_ONLY = (0, 1), (1,)


@dataclass(frozen=True, slots=True)
class Said:
    """What both readers say of n texts: (n, LABELS, SAID) logits, and what is known of them."""

    logits: Floats
    labels: NDArray[np.float32]
    weights: NDArray[np.float32]
    sources: NDArray[np.str_]
    languages: NDArray[np.str_]

    def of(self, chosen: NDArray[np.bool_]) -> "Said":
        return Said(
            self.logits[chosen],
            self.labels[chosen],
            self.weights[chosen],
            self.sources[chosen],
            self.languages[chosen],
        )


def stacked(said: Said, languages: Sequence[str], fast: Mapping[str, Sequence[str]]) -> tuple[Floats, Floats]:
    """`stack` and `stack_bias` of classifier.deep.stack, a row for each of the languages, the first language first.

    `fast`: the labels that the fast reader judges in each language; elsewhere the deep one is heard alone.
    """
    first = languages[0]
    weights, bias = np.zeros((len(languages), len(LABELS), SAID)), np.zeros((len(languages), len(LABELS)))
    own = said.of(said.languages == first)
    for label in range(len(LABELS)):
        both = _fitted(own, label, _BOTH)
        alone = _fitted(own, label, _DEEP_ONLY)
        for row, language in enumerate(languages):
            is_taught = language == first or LABELS[label] in fast.get(language, ())
            weights[row, label], bias[row, label] = both if language == first else alone
            here = said.of(said.languages == language)
            if language != first and _are_enough(here, label):
                weights[row, label], bias[row, label] = _fitted(here, label, _BOTH if is_taught else _DEEP_ONLY)
    return weights, bias


def _are_enough(said: Said, label: int) -> bool:
    known = said.labels[:, label][np.isfinite(said.labels[:, label])]
    answers = known > 0.5  # noqa: PLR2004 - what most readers said
    return bool(min(np.count_nonzero(answers), np.count_nonzero(~answers)) >= FEWEST_IN_LANGUAGE)


def _fitted(said: Said, label: int, used: tuple[int, ...]) -> tuple[Floats, float]:
    """Weights (SAID,) and bias."""
    fast, whole, highest = said.logits[:, label].T
    x = np.stack([fast, (whole + highest) / 2], axis=1)[:, list(used)]
    direction = _direction(said, label, x)
    summed = x @ direction
    natural = said.sources == NATURAL
    usable = natural if _has_both(said.labels[natural, label]) else np.ones(len(summed), bool)
    found = platt(summed[usable], said.labels[usable, label], said.weights[usable])
    slope, intercept = found or (1.0, 0.0)
    of_deep = direction[-1] / 2
    return np.array([direction[0] if used == _BOTH else 0.0, of_deep, of_deep]) * slope, intercept


def _has_both(labels: NDArray[np.float32]) -> bool:
    answers = labels[np.isfinite(labels)] > 0.5  # noqa: PLR2004 - what most readers said
    return bool(answers.any() and not answers.all())


def _direction(said: Said, label: int, x: Floats) -> Floats:
    """Weights of the columns of x, none negative, together 1."""
    rows, answers, masses, owners = _balanced(said, label)
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


def _balanced(said: Said, label: int) -> tuple[NDArray[np.intp], Floats, Floats, NDArray[np.intp]]:
    """Rows, answers, masses and data sets of what is known; each data set that has both answers has the same mass."""
    parts: list[tuple[NDArray[np.intp], Floats, Floats]] = []
    for source in sorted(set(said.sources.tolist())):
        here = np.flatnonzero(said.sources == source)
        at, answers, shares = split(said.labels[here, label], np.ones(len(here), np.float32))
        if min(np.count_nonzero(answers == 1), np.count_nonzero(answers == 0)) >= FEWEST:
            parts.append((here[at], answers.astype(np.float64), (shares / shares.sum() * MASS).astype(np.float64)))
    none = np.zeros(0)
    return (
        np.concatenate([none.astype(np.intp), *(rows for rows, _, _ in parts)]),
        np.concatenate([none, *(answers for _, answers, _ in parts)]),
        np.concatenate([none, *(masses for _, _, masses in parts)]),
        np.repeat(np.arange(len(parts)), [len(rows) for rows, _, _ in parts]).astype(np.intp),
    )

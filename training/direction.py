"""How much each of several logits of a text counts in their sum, learned from texts of several data sets.

A logistic regression with non-negative weights. Each data set has its own intercept, since base rates differ, and a
total mass that does not depend on its size, so that the largest one does not dominate.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from training.calibration import NATURAL, split

Floats = NDArray[np.float64]

# A data set with fewer answers of either kind is not used.
FEWEST = 20
# The precision of a normal prior around equal weights: with few answers all logits count about the same.
STEADINESS = 20.0
# The total mass of a data set, regardless of its size; natural text has several times that (docs/experiments.md).
MASS, NATURAL_MASS = 1_000.0, 4_000.0


def direction(x: Floats, labels: NDArray[np.float32], sources: NDArray[np.str_]) -> Floats:
    """Non-negative weights of the columns of x, with sum 1. x: (n, columns) logits; labels: (n,), NaN if unknown."""
    rows, answers, masses, owners = _balanced(labels, sources)
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
    weights: Floats = found[:used]
    return weights / weights.sum() if weights.sum() > 0 else begin


def _balanced(
    labels: NDArray[np.float32], sources: NDArray[np.str_]
) -> tuple[NDArray[np.intp], Floats, Floats, NDArray[np.intp]]:
    """Rows, answers, masses and data sets of the known labels; of data sets with both answers."""
    parts: list[tuple[NDArray[np.intp], Floats, Floats]] = []
    for source in sorted(set(sources.tolist())):
        here = np.flatnonzero(sources == source)
        at, answers, shares = split(labels[here], np.ones(len(here), np.float32))
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

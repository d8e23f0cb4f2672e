"""Logistic regression of several attributes at once; labels may be unknown, and data sets differ in base rates."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize
from sklearn.base import BaseEstimator, ClassifierMixin

# A data set's own intercept is penalised this much less than a weight.
INTERCEPT_PENALTY = 0.01


class MaskedLogistic(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """One weighted logistic regression for each column of the labels; their sums of losses are minimised together.

    `C`: as in scikit-learn, the inverse strength of the L2 penalty. `most_iterations`: of L-BFGS; stopping early is
    part of the regularisation, so running out of them is no fault. After `fit`: `coef_` (features, labels) float64 and
    `intercept_` (labels,).
    """

    def __init__(self, C: float = 4.0, most_iterations: int = 80) -> None:  # noqa: N803 - scikit-learn's name
        self.C = C
        self.most_iterations = most_iterations

    def fit(
        self,
        table: "sparse.csr_matrix",
        labels: NDArray[np.float32],
        sample_weight: NDArray[np.float32],
        groups: NDArray[np.intp] | None = None,
    ) -> "MaskedLogistic":
        """`labels`: (n, labels) in [0, 1], NaN where unknown. `groups`: (n,), from 0 on; group 0 has the intercept that
        `intercept_` tells, each other one its own, which is left out of the model: how often a data set says yes is
        its collector's choice, not a property of the words.
        """
        known = np.isfinite(labels)
        weights = (sample_weight[:, None] * known).astype(np.float32)
        weights /= np.maximum(weights.sum(axis=0), 1e-12)
        design = table if groups is None else _with_intercepts(table, groups)
        penalties = np.full(design.shape[1], 1.0)
        penalties[table.shape[1] :] = INTERCEPT_PENALTY
        total = np.maximum((sample_weight[:, None] * known).sum(axis=0), 1e-12)
        loss = _Loss(design, np.nan_to_num(labels), weights, penalties[:, None] / (self.C * total))
        found = minimize(
            loss,
            np.zeros(loss.size),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": self.most_iterations, "maxcor": 6},
        )
        coefficients, self.intercept_ = loss.parted(found.x)
        self.coef_ = coefficients[: table.shape[1]]
        return self

    def decision_function(self, table: "sparse.csr_matrix") -> NDArray[np.float64]:
        """Logits, (n, labels)."""
        logits: NDArray[np.float64] = table @ self.coef_ + self.intercept_
        return logits


class _Loss:
    """Penalised mean loss and its gradient at a flat vector: coefficients row by row, then intercepts."""

    def __init__(
        self,
        design: "sparse.csr_matrix",
        labels: NDArray[np.float32],
        weights: NDArray[np.float32],
        penalties: NDArray[np.float64],
    ) -> None:
        self._design = design
        self._transposed = design.T.tocsr()
        self._labels = labels
        self._weights = weights
        self._penalties = penalties.astype(np.float32)
        self._shape: tuple[int, int] = (int(design.shape[1]), labels.shape[1])

    @property
    def size(self) -> int:
        return (self._shape[0] + 1) * self._shape[1]

    def parted(self, at: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        cut = self._shape[0] * self._shape[1]
        return at[:cut].reshape(self._shape), at[cut:]

    def __call__(self, at: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        coefficients, intercepts = self.parted(at)
        small: NDArray[np.float32] = coefficients.astype(np.float32)
        logits = self._design @ small + intercepts
        losses = np.logaddexp(0, logits) - self._labels * logits
        slopes = ((1 / (1 + np.exp(-logits)) - self._labels) * self._weights).astype(np.float32)
        shrinking = self._penalties * small
        value = float((losses * self._weights).sum() + 0.5 * (shrinking * small).sum())
        gradient: Any = np.concatenate([(self._transposed @ slopes + shrinking).ravel(), slopes.sum(axis=0)])
        return value, gradient.astype(np.float64)


def _with_intercepts(table: "sparse.csr_matrix", groups: NDArray[np.intp]) -> "sparse.csr_matrix":
    rows = np.flatnonzero(groups > 0)
    shape = (len(groups), int(groups.max(initial=0)))
    ones = sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, groups[rows] - 1)), shape=shape)
    return sparse.hstack([table, ones], format="csr", dtype=np.float32)

"""Multi-label logistic regression with unknown labels and different base rates by data set."""

from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize
from sklearn.base import BaseEstimator, ClassifierMixin

# The penalty on a data set's own intercept, relative to that on a weight.
INTERCEPT_PENALTY = 0.01
# The least variance of a label's answers that its curvature is reckoned with: a rare label's logits vary, too.
LEAST_VARIANCE = 0.02


class MaskedLogistic(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """One weighted logistic regression for each column of the labels.

    `C`: as in scikit-learn, the inverse strength of the L2 penalty. `most_iterations`: of L-BFGS; by then all data sets
    are learned, and reaching the limit is fine. After `fit`: `coef_` (features, labels) float64 and `intercept_`
    (labels,).
    """

    def __init__(self, C: float = 4.0, most_iterations: int = 80, jobs: int = 1) -> None:  # noqa: N803 - scikit-learn's
        self.C = C
        self.most_iterations = most_iterations
        self.jobs = jobs

    def fit(
        self,
        table: "sparse.csr_matrix",
        labels: NDArray[np.float32],
        sample_weight: NDArray[np.float32],
        groups: NDArray[np.intp] | None = None,
    ) -> "MaskedLogistic":
        """`labels`: (n, labels) in [0, 1], NaN where unknown. `groups`: (n,), from 0 on.

        `intercept_` belongs to group 0. Every other group adds intercepts of its own, which are not part of the model:
        a data set's base rate is its collector's choice, not a property of the words.
        """
        occurring = np.unique(table.indices)
        design = _narrowed(table, occurring)
        penalties = np.ones(len(occurring))
        if groups is not None:
            design = _with_intercepts(design, groups)
            penalties = np.append(penalties, np.full(design.shape[1] - len(occurring), INTERCEPT_PENALTY))
        transposed = design.T.tocsr()
        # Threads: scipy releases the GIL while it multiplies, and the table is too large to copy.
        parts = np.array_split(np.arange(labels.shape[1]), min(self.jobs, labels.shape[1]))
        found = Parallel(n_jobs=len(parts), prefer="threads")(
            delayed(self._fit_part)(_Loss(design, transposed, labels[:, part], sample_weight, penalties, self.C))
            for part in parts
        )
        self.coef_ = np.zeros((table.shape[1], labels.shape[1]))
        self.coef_[occurring] = np.hstack([coefficients for coefficients, _ in found])[: len(occurring)]
        self.intercept_ = np.concatenate([intercepts for _, intercepts in found])
        return self

    def _fit_part(self, loss: "_Loss") -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        options = {"maxiter": self.most_iterations, "maxcor": 6}
        return loss.parted(minimize(loss, np.zeros(loss.size), jac=True, method="L-BFGS-B", options=options).x)

    def decision_function(self, table: "sparse.csr_matrix") -> NDArray[np.float64]:
        """Logits, (n, labels)."""
        logits: NDArray[np.float64] = table @ self.coef_ + self.intercept_
        return logits


class _Loss:
    """Penalized mean loss and its gradient at a flat vector: coefficients row by row, then intercepts.

    Each variable is scaled by the curvature of the loss along it, as far as that is known before fitting (the diagonal
    of the Hessian where every score is the base rate). Without this, L-BFGS learns what is frequent first: after 80
    iterations it still knew little of a language with few texts (docs/experiments.md).
    """

    def __init__(  # noqa: PLR0917 - all of one problem
        self,
        design: "sparse.csr_matrix",
        transposed: "sparse.csr_matrix",
        labels: NDArray[np.float32],
        sample_weight: NDArray[np.float32],
        penalties: NDArray[np.float64],
        C: float,  # noqa: N803 - scikit-learn's name
    ) -> None:
        weights = sample_weight[:, None] * np.isfinite(labels)
        totals = np.maximum(weights.sum(axis=0), 1e-12)
        self._design = design
        self._transposed = transposed
        self._labels = np.nan_to_num(labels)
        self._weights = (weights / totals).astype(np.float32)
        self._penalties = (penalties[:, None] / (C * totals)).astype(np.float32)
        self._shape: tuple[int, int] = (int(design.shape[1]), labels.shape[1])
        rates = (self._weights * self._labels).sum(axis=0)
        variances = np.maximum(rates * (1 - rates), LEAST_VARIANCE)
        self._scales = (1 / np.sqrt(_squared(transposed) @ (self._weights * variances) + self._penalties)).astype(
            np.float32
        )
        self._intercept_scales = 1 / np.sqrt(variances)

    @property
    def size(self) -> int:
        return (self._shape[0] + 1) * self._shape[1]

    def parted(self, at: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        cut = self._shape[0] * self._shape[1]
        return at[:cut].reshape(self._shape) * self._scales, at[cut:] * self._intercept_scales

    def __call__(self, at: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        coefficients, intercepts = self.parted(at)
        small: NDArray[np.float32] = coefficients.astype(np.float32)
        logits = self._design @ small + intercepts
        losses = np.logaddexp(0, logits) - self._labels * logits
        slopes = ((1 / (1 + np.exp(-logits)) - self._labels) * self._weights).astype(np.float32)
        shrinking = self._penalties * small
        value = float((losses * self._weights).sum() + 0.5 * (shrinking * small).sum())
        by_weight = (self._transposed @ slopes + shrinking) * self._scales
        gradient: Any = np.concatenate([by_weight.ravel(), slopes.sum(axis=0) * self._intercept_scales])
        return value, gradient.astype(np.float64)


def _squared(table: "sparse.csr_matrix") -> "sparse.csr_matrix":
    """The square of each entry."""
    return sparse.csr_matrix((table.data**2, table.indices, table.indptr), shape=table.shape)


def _narrowed(table: "sparse.csr_matrix", occurring: NDArray[np.intp]) -> "sparse.csr_matrix":
    """Only the columns that occur; in a quick run these are few."""
    position = np.zeros(table.shape[1], np.int32)
    position[occurring] = np.arange(len(occurring), dtype=np.int32)
    return sparse.csr_matrix(
        (table.data, position[table.indices], table.indptr), shape=(table.shape[0], len(occurring))
    )


def _with_intercepts(table: "sparse.csr_matrix", groups: NDArray[np.intp]) -> "sparse.csr_matrix":
    rows = np.flatnonzero(groups > 0)
    shape = (len(groups), int(groups.max(initial=0)))
    ones = sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, groups[rows] - 1)), shape=shape)
    return sparse.hstack([table, ones], format="csr", dtype=np.float32)

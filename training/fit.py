"""Examples in, a model in: one weighted logistic regression for each attribute over one shared table of features."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from classifier import LABELS
from classifier.kernel import WIDTH
from training.errors import DataUnusable
from training.examples import Examples
from training.features import count, document_frequency, inverse_document_frequency, matrix

# Out of training until the weights stand: what the calibration is fitted on.
CALIBRATION_FOLD = 2

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What docs/experiments.md found best. `regularisation`: scikit-learn's C; `least`: texts a feature must occur in."""

    bits: int = 19
    regularisation: float = 4.0
    least: int = 2
    most_iterations: int = 150
    jobs: int = -1
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Fitted:
    """The arrays of a model folder (classifier/folder.py)."""

    rows: NDArray[np.float16]
    bias: NDArray[np.float64]
    slope: NDArray[np.float64]
    intercept: NDArray[np.float64]

    @property
    def arrays(self) -> dict[str, NDArray[np.floating]]:
        return {"rows": self.rows, "bias": self.bias, "slope": self.slope, "intercept": self.intercept}


def fit(examples: Examples, recipe: Recipe, progress: Progress = lambda _: None) -> Fitted:
    """Fit on everything but the held-out fold and the test parts, which never come in.

    The calibration is fitted on a fold that the weights have not seen; then the weights are fitted again with it.
    """
    known = examples.training()
    progress("counting features")
    counted = count(known.texts, recipe.bits, recipe.jobs)
    idf = inverse_document_frequency(document_frequency(counted), len(known), recipe.least)
    progress("building the matrix")
    table = matrix(counted, idf)
    is_calibration = known.folds == CALIBRATION_FOLD
    before = _regressions(table, known, ~is_calibration, recipe, progress, "fitting for calibration")
    slope, intercept = _calibrations(table[is_calibration], known.where(is_calibration), before)
    after = _regressions(table, known, np.ones(len(known), bool), recipe, progress, "fitting")
    rows = np.zeros((1 << recipe.bits, WIDTH), np.float16)
    rows[:, 0] = idf
    for index, (weights, _) in enumerate(after):
        rows[:, 1 + index] = np.where(idf > 0, weights, 0)
    return Fitted(rows, np.array([bias for _, bias in after]), slope, intercept)


Regression = tuple[NDArray[np.float64], float]


def _regressions(
    table: "sparse.csr_matrix",
    examples: Examples,
    usable: NDArray[np.bool_],
    recipe: Recipe,
    progress: Progress,
    what: str,
) -> list[Regression]:
    # Threads: the matrix is large and lbfgs spends its time in scipy, which lets others run.
    found: list[Regression] = []
    work = Parallel(n_jobs=recipe.jobs, prefer="threads", return_as="generator")(
        delayed(_regression)(table, examples.labels[:, index], examples.weights * usable, recipe, attribute)
        for index, attribute in enumerate(LABELS)
    )
    for attribute, result in zip(LABELS, work, strict=True):
        progress(f"{what}: {attribute}")
        found.append(result)
    return found


def _regression(
    table: "sparse.csr_matrix",
    labels: NDArray[np.float32],
    weights: NDArray[np.float32],
    recipe: Recipe,
    attribute: str,
) -> Regression:
    at, answers, shares = split(labels, weights)
    if len(np.unique(answers)) < 2:  # noqa: PLR2004 - yes and no
        raise DataUnusable(f"{attribute}: the data hold no examples of both kinds; add a data set that has them")
    model = LogisticRegression(C=recipe.regularisation, max_iter=recipe.most_iterations, tol=1e-6)
    model.fit(table[at], answers, sample_weight=shares)
    return model.coef_[0].astype(np.float64), float(model.intercept_[0])


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


# A score is a probability at the prevalence of this data set, whose weights restore the original's balance.
NATURAL = "jigsaw_toxic_train"


def _calibrations(
    table: "sparse.csr_matrix", examples: Examples, regressions: list[Regression]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Slope and intercept of each attribute: calibrated logit = slope * logit + intercept (Platt 1999)."""
    is_natural = np.array([source == NATURAL for source in examples.sources])
    pairs = [
        _calibration(table @ weights + bias, examples.labels[:, index], examples.weights, is_natural)
        for index, (weights, bias) in enumerate(regressions)
    ]
    return np.array([slope for slope, _ in pairs]), np.array([intercept for _, intercept in pairs])


def _calibration(
    logits: NDArray[np.float64],
    labels: NDArray[np.float32],
    weights: NDArray[np.float32],
    is_natural: NDArray[np.bool_],
) -> tuple[float, float]:
    """On natural text where it has both answers, else on all that there is; unchanged when that has not either."""
    for chosen in (is_natural, np.ones(len(labels), bool)):
        at, answers, shares = split(labels, weights * chosen)
        if min(np.count_nonzero(answers == 1), np.count_nonzero(answers == 0)) >= FEWEST:
            model = LogisticRegression(C=1e6, tol=1e-8).fit(logits[at, None], answers, sample_weight=shares)
            # A negative slope would turn the scores round; that many examples can only say so by accident.
            return max(float(model.coef_[0, 0]), 1e-3), float(model.intercept_[0])
    return 1.0, 0.0


FEWEST = 15

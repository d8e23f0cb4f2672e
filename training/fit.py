"""Examples in, a model in: one weighted logistic regression for each attribute over one shared table of features."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from classifier import LABELS
from classifier.kernel import WIDTH
from training.errors import DataUnusable
from training.examples import Examples
from training.features import count, document_frequency, inverse_document_frequency, matrix
from training.regression import MaskedLogistic

# Out of training until the weights stand: what the calibration is fitted on.
CALIBRATION_FOLD = 2

Progress = Callable[[str], None]

# How often `fit` reports progress.
STEPS = 4

# Their base rates are ours; what moderators decided and what a user brings must be able to move everything.
OURS = frozenset(
    {"jigsaw_toxic_train", "wikipedia_debiasing_nontoxic", "spam_youtube", "spam_sms", "moderators", "own"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What docs/experiments.md found best. `regularisation`: C; `least`: texts a feature must be in."""

    bits: int = 19
    regularisation: float = 4.0
    least: int = 2
    most_iterations: int = 80
    jobs: int = 1
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
    _check_answers(known)
    is_calibration = known.folds == CALIBRATION_FOLD
    progress("fitting, a fold kept out for calibration")
    before = _regression(table[~is_calibration], known.where(~is_calibration), recipe)
    slope, intercept = _calibrations(before.decision_function(table[is_calibration]), known.where(is_calibration))
    progress("fitting")
    after = _regression(table, known, recipe)
    rows = np.zeros((1 << recipe.bits, WIDTH), np.float16)
    rows[:, 0] = idf
    rows[:, 1:] = np.where(idf[:, None] > 0, after.coef_, 0)
    return Fitted(rows, after.intercept_, slope, intercept)


def _regression(table: "sparse.csr_matrix", examples: Examples, recipe: Recipe) -> MaskedLogistic:
    model = MaskedLogistic(recipe.regularisation, recipe.most_iterations, recipe.jobs)
    return model.fit(table, examples.labels, examples.weights, groups(examples.sources))


def groups(sources: Sequence[str]) -> NDArray[np.intp]:
    """0 for the sources whose base rate is ours, each other source its own number."""
    foreign = {source: number for number, source in enumerate(sorted(set(sources) - OURS), start=1)}
    return np.array([foreign.get(source, 0) for source in sources], np.intp)


def _check_answers(examples: Examples) -> None:
    for index, attribute in enumerate(LABELS):
        _, answers, shares = split(examples.labels[:, index], examples.weights)
        if len(np.unique(answers[shares > 0])) < 2:  # noqa: PLR2004 - yes and no
            raise DataUnusable(f"{attribute}: the data hold no examples of both kinds; add a data set that has them")


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


# Answers of each kind without which a calibration would be chance.
FEWEST = 15

# A score is a probability at the prevalence of this data set, whose weights restore the original's balance.
NATURAL = "jigsaw_toxic_train"


def _calibrations(logits: NDArray[np.float64], examples: Examples) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Slope and intercept of each attribute: calibrated logit = slope * logit + intercept (Platt 1999)."""
    is_natural = np.array([source == NATURAL for source in examples.sources])
    pairs = [
        _calibration(logits[:, index], examples.labels[:, index], examples.weights, is_natural)
        for index in range(len(LABELS))
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

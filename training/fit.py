"""Examples in, a model in: one weighted logistic regression for each attribute over one shared table of features."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from classifier import LABELS
from classifier.kernel import WIDTH
from training.calibration import combination, split
from training.errors import DataUnusable
from training.examples import Examples
from training.features import count, document_frequency, inverse_document_frequency, matrix
from training.regression import MaskedLogistic

# Out of training until the calibration, which is fitted on them, stands.
CALIBRATION_FOLDS = (2, 4)

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

    The calibration is fitted on folds that the weights have not seen; then the weights are fitted again with it.
    """
    known = examples.training()
    progress("counting features")
    counted = count(known.texts, recipe.bits, recipe.jobs)
    idf = inverse_document_frequency(document_frequency(counted), len(known), recipe.least)
    progress("building the matrix")
    table = matrix(counted, idf)
    _check_answers(known)
    is_calibration = np.isin(known.folds, CALIBRATION_FOLDS)
    progress("fitting, two folds kept out for calibration")
    before = _regression(table[~is_calibration], known.where(~is_calibration), recipe)
    combined = combination(before.decision_function(table[is_calibration]), known.where(is_calibration))
    progress("fitting")
    after = _regression(table, known, recipe)
    rows = np.zeros((1 << recipe.bits, WIDTH), np.float16)
    rows[:, 0] = idf
    # A combination of linear models is linear, so it costs nothing when a comment is scored.
    rows[:, 1:] = np.where(idf[:, None] > 0, after.coef_ @ combined.mixing, 0)
    return Fitted(rows, combined(after.intercept_), np.ones(len(LABELS)), np.zeros(len(LABELS)))


def _regression(table: "sparse.csr_matrix", examples: Examples, recipe: Recipe) -> MaskedLogistic:
    model = MaskedLogistic(recipe.regularisation, recipe.most_iterations, recipe.jobs)
    return model.fit(table, examples.labels, examples.weights, groups(examples.sources))


def groups(sources: Sequence[str]) -> NDArray[np.intp]:
    """0 for the sources whose base rate is ours, each other source its own number."""
    foreign = {source: number for number, source in enumerate(sorted(set(sources) - OURS), start=1)}
    return np.array([foreign.get(source, 0) for source in sources], np.intp)


def never_yes(examples: Examples) -> list[str]:
    """Attributes that no text to be trained on has: nothing is learned of them, so a model does not judge them."""
    return [attribute for attribute, answers in _answers(examples.training()).items() if answers == {0}]


def _check_answers(examples: Examples) -> None:
    for attribute, answers in _answers(examples).items():
        if 0 not in answers:
            lacking = "every labelled text has it" if answers else "no text is labelled for it"
            raise DataUnusable(f"{attribute}: {lacking}; add a data set that says of some texts that they do not")


def _answers(examples: Examples) -> dict[str, set[int]]:
    """By attribute the answers that the examples hold: 0, 1, both or none."""
    found = {}
    for index, attribute in enumerate(LABELS):
        _, answers, shares = split(examples.labels[:, index], examples.weights)
        found[attribute] = set(answers[shares > 0].tolist())
    return found

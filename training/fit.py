"""Examples in, a model in: a bag of n-grams and a network that knows their order, taught together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy import sparse
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from classifier import LABELS
from classifier.kernel import WIDTH, Weights
from training.calibration import Combination, adjustment, combination, platt, split
from training.company import from_company
from training.datasets import is_written
from training.dilution import diluted
from training.distillation import distilled
from training.errors import DataUnusable
from training.examples import CALIBRATION_FOLDS, FIRST_LANGUAGE, FOLDS, Examples
from training.features import count, document_frequency, inverse_document_frequency, matrix
from training.network import Lesson, WordOrder
from training.quantise import rounded_columns
from training.regression import MaskedLogistic
from training.sequences import Sequences, sequences

Progress = Callable[[str], None]
Result = TypeVar("Result")

# So much more do rows of other sites count where weights are learnt than where scores are calibrated to what Jigsaw's
# readers said, who judge them hardly worse for it (docs/experiments.md).
ELSEWHERE = 3.0
# Root mean square of the numbers in a word's vector when training begins.
VECTOR_SIZE = 0.3

# How often `fit` reports progress.
STEPS = 6

# Their base rates are ours; what moderators decided and what a user brings must be able to move everything.
OURS = frozenset(
    {"jigsaw_toxic_train", "wikipedia_debiasing_nontoxic", "spam_youtube", "spam_sms", "moderators", "own"}
)
# An attribute is judged in another language where there are so many answers of each kind to calibrate on, and where the
# logits tell them apart this well (ROC AUC); less would be noise sold as a score.
FEWEST_IN_LANGUAGE, LEAST_AUC = 100, 0.7
# Judged as one, so that their base rate is one: help chats have no spam, and apart that alone would say all of them.
ONE_PLACE = {"ham_irc_ubuntu": "spam_webform_adamspd"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What docs/experiments.md found best. `regularisation`: C; `least`: texts a feature must be in."""

    bits: int = 19
    vector_bits: int = 18
    regularisation: float = 4.0
    least: int = 2
    most_iterations: int = 80
    epochs: int = 6
    jobs: int = 1
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Fitted:
    """The arrays of a model folder (classifier/kernel.py), and the attributes that it judges in each language.

    `kept_out`: the texts that it was calibrated on. `said`: (n, attributes) logits of them, before the calibration,
    from weights that have not seen them.
    """

    arrays: Mapping[str, NDArray[Any]]
    languages: Mapping[str, tuple[str, ...]]
    kept_out: Examples
    said: NDArray[np.float64]

    @property
    def calibrated(self) -> NDArray[np.float64]:
        """What the model says of the texts in `kept_out`, as logits, if all were in the first language."""
        found: NDArray[np.float64] = self.said * self.arrays["slope"][0] + self.arrays["intercept"][0]
        return found


@dataclass(frozen=True, slots=True)
class _Read:
    """What both models read of the same texts and at which weights, what the network is to learn, and where its vectors
    begin.
    """

    examples: Examples
    table: "sparse.csr_matrix"
    order: Sequences
    weights: NDArray[np.float32]
    lesson: Lesson
    vectors: NDArray[np.float32] | None

    def labelled(self, among: NDArray[np.bool_]) -> NDArray[np.intp]:
        """The others have said what they can: which words stand together."""
        return np.flatnonzero(among & np.isfinite(self.examples.labels).any(axis=1))


@dataclass(frozen=True, slots=True)
class _Both:
    bag: MaskedLogistic
    network: WordOrder

    def logits(self, read: _Read, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """(rows, 2 x attributes)."""
        return np.hstack(
            [self.bag.decision_function(read.table[rows]), self.network.decision_function(read.order, rows)]
        )


def fit(examples: Examples, recipe: Recipe, progress: Progress = lambda _: None) -> Fitted:
    """Fit on everything but the held-out fold and the test parts, which never come in.

    The calibration is fitted on folds that the weights have not seen; the weights that ship have seen them.
    """
    known = examples.training()
    _check_answers(known)
    progress("putting insults between harmless words")
    learnt = [fold for fold in range(FOLDS) if fold not in CALIBRATION_FOLDS]  # what is calibrated on stays as it came
    known = diluted(known, sorted(OURS), learnt, recipe.seed)
    progress("counting features")
    counted = count(known.texts, recipe.bits, recipe.jobs)
    idf = inverse_document_frequency(document_frequency(counted), len(known), recipe.least)
    progress("building the matrices")
    order = sequences(known.texts, recipe.vector_bits)
    own = groups(known.sources)
    weights = known.weights * np.where(own > 0, ELSEWHERE, 1).astype(np.float32)
    lesson, vectors = Lesson.of(known.labels, weights, own), from_company(order, VECTOR_SIZE, recipe.seed)
    read = _Read(known, matrix(counted, idf), order, weights, lesson, vectors)
    is_calibration = np.isin(known.folds, CALIBRATION_FOLDS)
    progress("teaching two networks what a third is to learn")
    read = replace(read, lesson=distilled(read.lesson, _teachers(~is_calibration, read, recipe), order))
    progress("fitting, once with two folds kept out for calibration and once with all")
    before, after = _fitted_apart((~is_calibration, np.ones(len(known), bool)), read, recipe)
    progress("calibrating")
    kept_out = np.flatnonzero(is_calibration)
    logits, judged = before.logits(read, kept_out), known.where(is_calibration)
    combined = combination(logits, judged)
    languages, slope, intercept = _by_language(combined(logits), judged)
    bias = combined(np.concatenate([after.bag.intercept_, after.network.layers_["output_bias"]]))
    arrays = {"bias": bias, "slope": slope, "intercept": intercept}
    arrays |= _bag(after.bag, combined, idf) | _network(after.network, combined)
    return Fitted(arrays, languages, judged, combined(logits))


def adjusted(fitted: Fitted, sample: Examples) -> Fitted:
    """The same, its first language calibrated for a sample that neither model has seen.

    Jigsaw's test comments were judged more strictly than those that it gave for training; docs/experiments.md.
    """
    scores = np.clip(Weights(fitted.arrays).score_many(sample.texts), 1e-12, 1 - 1e-12)
    slopes, intercepts = adjustment(np.log(scores / (1 - scores)), sample.labels)
    slope, intercept = fitted.arrays["slope"].copy(), fitted.arrays["intercept"].copy()
    intercept[0] = slopes * intercept[0] + intercepts
    slope[0] *= slopes
    return replace(fitted, arrays={**fitted.arrays, "slope": slope, "intercept": intercept})


def _teachers(among: NDArray[np.bool_], read: _Read, recipe: Recipe) -> list[WordOrder]:
    """Two that know different things: vectors that begin by their company judge Jigsaw better, others the news."""
    rows = read.labelled(among)

    def taught(seed: int, vectors: NDArray[np.float32] | None) -> WordOrder:
        return WordOrder(epochs=recipe.epochs, seed=seed).fit(read.order, read.lesson, rows, vectors)

    return _apart(recipe, [partial(taught, recipe.seed + 1, None), partial(taught, recipe.seed + 2, read.vectors)])


def _fitted_apart(parts: Sequence[NDArray[np.bool_]], read: _Read, recipe: Recipe) -> list[_Both]:
    return _apart(recipe, [partial(_fit_both, read.labelled(part), read, recipe) for part in parts])


def _apart(recipe: Recipe, works: Sequence[Callable[[], Result]]) -> list[Result]:
    """Each by a thread of its own: numpy and scipy let others run, and the matrices are too large to copy."""
    jobs = min(recipe.jobs, len(works))
    with threadpool_limits(max(1, recipe.jobs // jobs)):
        found: list[Result] = Parallel(n_jobs=jobs, prefer="threads")(delayed(work)() for work in works)
    return found


def _fit_both(rows: NDArray[np.intp], read: _Read, recipe: Recipe) -> _Both:
    bag = MaskedLogistic(recipe.regularisation, recipe.most_iterations)
    bag.fit(read.table[rows], read.examples.labels[rows], read.weights[rows], read.lesson.groups[rows])
    network = WordOrder(epochs=recipe.epochs, seed=recipe.seed)
    return _Both(bag, network.fit(read.order, read.lesson, rows, read.vectors))


def _bag(bag: MaskedLogistic, combined: Combination, idf: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
    """A combination of linear models is linear, so it costs nothing when a comment is scored."""
    weights = np.where(idf[:, None] > 0, bag.coef_ @ combined.mixing[: len(LABELS)], 0)
    rounded, steps = rounded_columns(weights)
    rows = np.empty((len(idf), WIDTH), np.uint8)
    rows[:, 0], rows[:, 1:] = idf, rounded.view(np.uint8)
    return {"rows": rows, "steps": steps}


def _network(network: WordOrder, combined: Combination) -> dict[str, NDArray[Any]]:
    mixing = combined.mixing[len(LABELS) :]
    rounded, steps = rounded_columns(network.vectors_)
    layers = {name: network.layers_[name] for name in ("filters", "filter_bias", "hidden", "hidden_bias")}
    output = (network.layers_["output"] @ mixing).astype(np.float32)
    return {"vectors": rounded, "vector_steps": steps.astype(np.float32), **layers, "output": output}


def _by_language(
    logits: NDArray[np.float64], examples: Examples
) -> tuple[dict[str, tuple[str, ...]], NDArray[np.float64], NDArray[np.float64]]:
    """The first language takes the logits as they are. Any other has slopes and intercepts of its own, and judges what
    they could be fitted for: its texts are other people's, gathered in another way.
    """
    languages = {FIRST_LANGUAGE: tuple(LABELS)}
    slopes, intercepts = [np.ones(len(LABELS))], [np.zeros(len(LABELS))]
    spoken = np.array(examples.languages)
    for language in sorted(set(spoken.tolist()) - {FIRST_LANGUAGE}):
        rows = np.flatnonzero(spoken == language)
        slope, intercept, judged = np.ones(len(LABELS)), np.zeros(len(LABELS)), []
        for index, attribute in enumerate(LABELS):
            labels = examples.labels[rows, index]
            found = platt(logits[rows, index], labels, examples.weights[rows])
            if found and _is_carried(logits[rows, index], labels):
                slope[index], intercept[index] = found
                judged.append(attribute)
        if judged:
            languages[language] = tuple(judged)
            slopes.append(slope)
            intercepts.append(intercept)
    return languages, np.array(slopes), np.array(intercepts)


def _is_carried(logits: NDArray[np.float64], labels: NDArray[np.float32]) -> bool:
    known = np.isfinite(labels)
    answers = labels[known] >= 0.5  # noqa: PLR2004 - the majority
    if min(np.count_nonzero(answers), np.count_nonzero(~answers)) < FEWEST_IN_LANGUAGE:
        return False
    return float(roc_auc_score(answers, logits[known])) >= LEAST_AUC


def groups(sources: Sequence[str]) -> NDArray[np.intp]:
    """0 for the sources whose base rate is ours, and for our own sentences; each other place its own number."""
    places = [ONE_PLACE.get(source, source) for source in sources]
    others = sorted(place for place in set(places) - OURS if not is_written(place))
    foreign = {place: number for number, place in enumerate(others, start=1)}
    return np.array([foreign.get(place, 0) for place in places], np.intp)


def never_yes(examples: Examples) -> list[str]:
    """Attributes that no text to be trained on has: nothing is learned of them, so a model does not judge them.

    Sentences of our own do not count: no score is calibrated on them.
    """
    known = examples.training()
    natural = known.where(np.array([not is_written(source) for source in known.sources], bool))
    return [attribute for attribute, answers in _answers(natural).items() if answers == {0}]


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

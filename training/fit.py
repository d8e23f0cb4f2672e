"""Fits the fast reader: a bag of n-grams and a convolutional network over the sequence of words."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.metrics import roc_auc_score

from classifier import LABELS
from classifier.fast import own_languages
from classifier.kernel import Weights
from training.calibration import Combination, adjustment, combination, platt, split
from training.datasets import is_written
from training.dilution import diluted
from training.distillation import distilled
from training.errors import DataUnusable
from training.examples import CALIBRATION_FOLDS, FIRST_LANGUAGE, FOLDS, Examples
from training.features import count, document_frequency, inverse_document_frequency, matrix
from training.machines import Machines, ThisMachine
from training.network import TrainingTargets, WordOrder
from training.own_bags import calibrated, own_bags
from training.quantize import quantized_columns, table_rows
from training.regression import MaskedLogistic
from training.sequences import Sequences, sequences
from training.word_vectors import cooccurrence_vectors

Progress = Callable[[str], None]

# Rows of other sites count this much more when weights are fitted than when scores are calibrated to Jigsaw's readers.
# It hardly changes the figures on Jigsaw (docs/experiments.md).
ELSEWHERE = 3.0
# Rows of other sites in English, and rows of other languages, count this much more still in the bag. The penalty is the
# same for all weights, so light rows taught it little (docs/experiments.md).
OTHER_SITES, OTHER_LANGUAGES = 3.0, 4.0
# Root mean square of the initial word vectors.
VECTOR_SIZE = 0.3

# The number of progress reports of `fit`.
STEPS = 6

# The sources whose base rates the model adopts; these include moderators' decisions and the user's own files, because
# those must be able to move the intercepts.
OURS = frozenset(
    {"jigsaw_toxic_train", "wikipedia_debiasing_nontoxic", "spam_youtube", "spam_sms", "moderators", "own"}
)
# An attribute is judged in another language only with this many answers of each kind to calibrate on, and with at least
# this ROC AUC of the logits.
FEWEST_IN_LANGUAGE, LEAST_AUC = 100, 0.7
# Sources that share an intercept: help chats have no spam, so an intercept of their own would explain all their labels.
ONE_PLACE = {"ham_irc_ubuntu": "spam_webform_adamspd"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Hyperparameters; see docs/experiments.md. `regularisation`: C. `least`: texts that a feature must occur in."""

    bits: int = 20
    vector_bits: int = 17
    regularisation: float = 2.0
    least: int = 2
    most_iterations: int = 80
    epochs: int = 6
    jobs: int = 1
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Fitted:
    """The arrays of a model folder (classifier/kernel.py), and the attributes that it judges in each language.

    `calibration_set`: the texts that it was calibrated on. `logits`: (n, attributes) their logits before calibration,
    by weights that were not fitted on them; in a language with a bag of its own those of the model and the bag.
    """

    arrays: Mapping[str, NDArray[Any]]
    languages: Mapping[str, tuple[str, ...]]
    calibration_set: Examples
    logits: NDArray[np.float64]

    @property
    def own(self) -> list[str]:
        """The languages with a bag of their own, whose arrays are among the others."""
        return own_languages(self.arrays)

    @property
    def calibrated(self) -> NDArray[np.float64]:
        """Calibrated logits of `calibration_set`, in a language without a bag of its own as if in the first one."""
        slope, intercept = self.arrays["slope"], self.arrays["intercept"]
        found: NDArray[np.float64] = self.logits * slope[0] + intercept[0]
        spoken = np.array(self.calibration_set.languages)
        rows = {language: row for row, language in enumerate(self.languages)}
        for language in self.own:
            here = spoken == language
            found[here] = self.logits[here]
            if (row := rows.get(language)) is not None:
                found[here] = self.logits[here] * slope[row] + intercept[row]
        return found


@dataclass(frozen=True, slots=True)
class _TrainingData:
    """The inputs of both models for the same texts.

    `table` and `weights` are for the bag of n-grams; `order`, `targets` and the initial `vectors` are for the network.
    """

    examples: Examples
    table: "sparse.csr_matrix"
    order: Sequences
    weights: NDArray[np.float32]
    targets: TrainingTargets
    vectors: NDArray[np.float32] | None

    def labeled_rows(self, among: NDArray[np.bool_]) -> NDArray[np.intp]:
        """Rows with any label; unlabeled texts only contribute to the initial word vectors."""
        return np.flatnonzero(among & np.isfinite(self.examples.labels).any(axis=1))


@dataclass(frozen=True, slots=True)
class _ModelPair:
    bag: MaskedLogistic
    network: WordOrder

    def logits(self, data: _TrainingData, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """(rows, 2 x attributes)."""
        return np.hstack(
            [self.bag.decision_function(data.table[rows]), self.network.decision_function(data.order, rows)]
        )


def fit(
    examples: Examples, recipe: Recipe, progress: Progress = lambda _: None, machines: Machines | None = None
) -> Fitted:
    """Fit on all examples except the held-out fold and the test parts, which are never used.

    The calibration is fitted on two folds with weights that have not seen them; the shipped weights have seen all.
    `machines` None: on this one.
    """
    machines = machines or ThisMachine()
    known = examples.training()
    _check_answers(known)
    progress("diluting harmful comments")
    folds = [fold for fold in range(FOLDS) if fold not in CALIBRATION_FOLDS]  # the calibration set stays natural
    comments, known = known, diluted(known, sorted(OURS), folds, recipe.seed)
    progress("counting features")
    with machines.spread():
        counted = count(known.texts, recipe.bits, recipe.jobs)
    idf = inverse_document_frequency(document_frequency(counted), len(known), recipe.least)
    progress("building the matrices")
    order = sequences(known.texts, recipe.vector_bits)
    group_of = groups(known.sources)
    weights = known.weights * np.where(group_of > 0, ELSEWHERE, 1).astype(np.float32)
    targets, vectors = (
        TrainingTargets.of(known.labels, weights, group_of),
        cooccurrence_vectors(order, VECTOR_SIZE, recipe.seed),
    )
    of_bag = _bag_weights(weights, known.languages, group_of)
    data = _TrainingData(known, matrix(counted, idf), order, of_bag, targets, vectors)
    is_calibration = np.isin(known.folds, CALIBRATION_FOLDS)
    parts = [data.labeled_rows(part) for part in (~is_calibration, np.ones(len(known), bool))]
    progress("training the two teacher networks, and the bags with and without the calibration folds")
    teachers, bags = _teachers_and_bags(parts, data, recipe, machines)
    data = replace(data, targets=distilled(data.targets, teachers, order))
    progress("training the networks with and without the calibration folds")
    networks = machines.each(
        [partial(_network_of, recipe, recipe.seed, order, data.targets, rows, data.vectors) for rows in parts],
        recipe.jobs,
    )
    before, after = (_ModelPair(bag, network) for bag, network in zip(bags, networks, strict=True))
    progress("calibrating")
    logits, judged = before.logits(data, np.flatnonzero(is_calibration)), known.where(is_calibration)
    combined = combination(logits, judged)
    own = own_bags(comments, combined(logits), machines, recipe.jobs)
    languages, slope, intercept = _by_language(own.logits, judged)
    bias = combined(np.concatenate([after.bag.intercept_, after.network.layers_["output_bias"]]))
    arrays = {"bias": bias, "slope": slope, "intercept": intercept}
    arrays |= _bag(after.bag, combined, idf) | _network(after.network, combined)
    arrays |= calibrated(own, [*languages], slope, intercept)
    return Fitted(arrays, languages, judged, own.logits)


def adjusted(fitted: Fitted, sample: Examples) -> Fitted:
    """The same model with its first language recalibrated on a sample that it was not trained on.

    Jigsaw's test comments were labeled more strictly than its training comments; docs/experiments.md.
    """
    scores = np.clip(Weights(fitted.arrays).score_many(sample.texts), 1e-12, 1 - 1e-12)
    slopes, intercepts = adjustment(np.log(scores / (1 - scores)), sample.labels)
    slope, intercept = fitted.arrays["slope"].copy(), fitted.arrays["intercept"].copy()
    intercept[0] = slopes * intercept[0] + intercepts
    slope[0] *= slopes
    return replace(fitted, arrays={**fitted.arrays, "slope": slope, "intercept": intercept})


def _teachers_and_bags(
    parts: Sequence[NDArray[np.intp]], data: _TrainingData, recipe: Recipe, machines: Machines
) -> tuple[list[WordOrder], list[MaskedLogistic]]:
    """Two different networks: initial co-occurrence vectors are better on Jigsaw, and random ones on news.

    They learn from the first of the `parts`; there is a bag for each.
    """
    without_calibration = parts[0]
    teachers = [
        partial(_network_of, recipe, recipe.seed + number, data.order, data.targets, without_calibration, vectors)
        for number, vectors in ((1, None), (2, data.vectors))
    ]
    bags = [
        partial(
            _bag_of,
            recipe,
            data.table[rows],
            data.examples.labels[rows],
            data.weights[rows],
            data.targets.groups[rows],
        )
        for rows in parts
    ]
    found: list[Any] = machines.each([*teachers, *bags], recipe.jobs)
    return found[: len(teachers)], found[len(teachers) :]


def _network_of(  # noqa: PLR0917 - passed on by position
    recipe: Recipe,
    seed: int,
    order: Sequences,
    targets: TrainingTargets,
    rows: NDArray[np.intp],
    vectors: NDArray[np.float32] | None,
) -> WordOrder:
    return WordOrder(epochs=recipe.epochs, seed=seed).fit(order, targets, rows, vectors)


def _bag_weights(
    weights: NDArray[np.float32], languages: Sequence[str], of_groups: NDArray[np.intp]
) -> NDArray[np.float32]:
    is_english = np.array(languages) == FIRST_LANGUAGE
    more = np.where(is_english, np.where(of_groups > 0, OTHER_SITES, 1), OTHER_LANGUAGES)
    return weights * more.astype(np.float32)


def _bag_of(
    recipe: Recipe,
    table: "sparse.csr_matrix",
    labels: NDArray[np.float32],
    weights: NDArray[np.float32],
    of_groups: NDArray[np.intp],
) -> MaskedLogistic:
    return MaskedLogistic(recipe.regularisation, recipe.most_iterations).fit(table, labels, weights, of_groups)


def _bag(bag: MaskedLogistic, combined: Combination, idf: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
    """The bag's weights with the combination folded in: it is linear, so it costs nothing at scoring time."""
    rows, steps = table_rows(idf, bag.coef_ @ combined.mixing[: len(LABELS)])
    return {"rows": rows, "steps": steps}


def _network(network: WordOrder, combined: Combination) -> dict[str, NDArray[Any]]:
    mixing = combined.mixing[len(LABELS) :]
    rounded, steps = quantized_columns(network.vectors_)
    layers = {name: network.layers_[name] for name in ("filters", "filter_bias", "hidden", "hidden_bias")}
    output = (network.layers_["output"] @ mixing).astype(np.float32)
    return {"vectors": rounded, "vector_steps": steps.astype(np.float32), **layers, "output": output}


def _by_language(
    logits: NDArray[np.float64], examples: Examples
) -> tuple[dict[str, tuple[str, ...]], NDArray[np.float64], NDArray[np.float64]]:
    """Slopes and intercepts by language.

    The first language uses the logits unchanged. Every other one has its own, because its texts come from other people
    and were collected in another way; it judges the attributes for which they could be fitted.
    """
    languages = {FIRST_LANGUAGE: tuple(LABELS)}
    slopes, intercepts = [np.ones(len(LABELS))], [np.zeros(len(LABELS))]
    language_of = np.array(examples.languages)
    for language in sorted(set(language_of.tolist()) - {FIRST_LANGUAGE}):
        rows = np.flatnonzero(language_of == language)
        slope, intercept, judged = np.ones(len(LABELS)), np.zeros(len(LABELS)), []
        for index, attribute in enumerate(LABELS):
            labels = examples.labels[rows, index]
            found = platt(logits[rows, index], labels, examples.weights[rows])
            if found and _is_separable(logits[rows, index], labels):
                slope[index], intercept[index] = found
                judged.append(attribute)
        if judged:
            languages[language] = tuple(judged)
            slopes.append(slope)
            intercepts.append(intercept)
    return languages, np.array(slopes), np.array(intercepts)


def _is_separable(logits: NDArray[np.float64], labels: NDArray[np.float32]) -> bool:
    known = np.isfinite(labels)
    answers = labels[known] >= 0.5  # noqa: PLR2004 - the majority
    if min(np.count_nonzero(answers), np.count_nonzero(~answers)) < FEWEST_IN_LANGUAGE:
        return False
    return float(roc_auc_score(answers, logits[known])) >= LEAST_AUC


def groups(sources: Sequence[str]) -> NDArray[np.intp]:
    """Intercept groups: 0 for the sources in OURS and for generated sentences; each other source has its own."""
    places = [ONE_PLACE.get(source, source) for source in sources]
    others = sorted(place for place in set(places) - OURS if not is_written(place))
    foreign = {place: number for number, place in enumerate(others, start=1)}
    return np.array([foreign.get(place, 0) for place in places], np.intp)


def never_yes(examples: Examples) -> list[str]:
    """Attributes without a positive training text: the model cannot learn them, so it does not judge them.

    Generated sentences do not count, since no score is calibrated on them.
    """
    known = examples.training()
    natural = known.where(np.array([not is_written(source) for source in known.sources], bool))
    return [attribute for attribute, answers in _answers(natural).items() if answers == {0}]


def _check_answers(examples: Examples) -> None:
    for attribute, answers in _answers(examples).items():
        if 0 not in answers:
            problem = "every labeled text has it" if answers else "no text is labeled for it"
            raise DataUnusable(f"{attribute}: {problem}; add a data set with texts that are labeled as not having it")


def _answers(examples: Examples) -> dict[str, set[int]]:
    """By attribute the answers that occur: 0, 1, both or none."""
    found = {}
    for index, attribute in enumerate(LABELS):
        _, answers, shares = split(examples.labels[:, index], examples.weights)
        found[attribute] = set(answers[shares > 0].tolist())
    return found

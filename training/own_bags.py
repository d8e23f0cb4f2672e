"""Fits a small bag of n-grams for a language on its own texts (classifier/fast.py, ADR 38).

A language gets one for the labels that it judges better with it: on the calibration folds, where neither the model nor
the bag has learned, how both are weighed is fitted on one half of the comments and tried on the other.
"""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier import LABELS
from classifier.fast import own_name, without_empty_columns
from training.calibration import platt
from training.datasets import is_written
from training.direction import direction
from training.examples import CALIBRATION_FOLDS, FIRST_LANGUAGE, Examples, is_first_half
from training.features import count, document_frequency, inverse_document_frequency, matrix
from training.machines import Machines
from training.metrics import roc_auc
from training.quantize import table_rows
from training.regression import MaskedLogistic

Floats = NDArray[np.float64]

# A table has as many rows as the comments have n-grams, rounded down to a power of two between these. With twice as
# many the ranking does not gain (docs/experiments.md).
LEAST_BITS, MOST_BITS = 12, 16
# In a table of this size hardly two n-grams of a language's comments share a row, so that they can be counted.
COUNTED_BITS = 22
# An n-gram that occurs in fewer texts is left out, as in scikit-learn's textbook pipeline.
LEAST_TEXTS = 2
# The regularization, with rows that weigh 1 (docs/experiments.md).
REGULARISATION, MOST_ITERATIONS = 3.0, 80
# What our own sentences in the language weigh together, relative to its comments. Without them a bag makes both readers
# worse on plain sentences; with more, on comments (docs/experiments.md).
WRITTEN = 0.15
# The answers of each kind that a label needs among the texts to learn from, and among those to weigh with.
LEARN_FROM, WEIGH_WITH = 100, 25
# The least gain in ROC AUC that is worth a table.
LEAST_GAIN = 0.01


@dataclass(frozen=True, slots=True)
class OwnBags:
    """`arrays`: of the languages' own bags, by their names in a model. `logits`: (n, LABELS) of the texts to weigh:
    those of model and bag together in a language with a bag, else those of the model.
    """

    arrays: dict[str, NDArray[Any]]
    languages: list[str]
    logits: Floats


@dataclass(frozen=True, slots=True)
class _Table:
    """`idf`: (rows,), `coefficients`: (rows, LABELS), `intercept`: (LABELS,)."""

    idf: NDArray[np.uint8]
    coefficients: Floats
    intercept: Floats

    def logits(self, texts: Sequence[str]) -> Floats:
        bits = len(self.idf).bit_length() - 1
        found: Floats = matrix(count(texts, bits, 1), self.idf) @ self.coefficients + self.intercept
        return found


@dataclass(frozen=True, slots=True)
class _Bag:
    """`share`, `scale`, `shift`: (LABELS,); logit = share * the model's + scale * the bag's + shift. A label that gains
    nothing has 1, 0, 0. `logits`: (n, LABELS) those of the texts to weigh with. `table` has learned from all comments.
    """

    share: Floats
    scale: Floats
    shift: Floats
    logits: Floats
    table: _Table


def own_bags(known: Examples, logits: Floats, machines: Machines, jobs: int) -> OwnBags:
    """`known`: the training texts. `logits`: (n, LABELS) the model's, before calibration, of those in the calibration
    folds, which it has not learned from.
    """
    language_of, is_weighed = np.array(known.languages), _is_comment(known) & np.isin(known.folds, CALIBRATION_FOLDS)
    at_calibration = np.cumsum(np.isin(known.folds, CALIBRATION_FOLDS)) - 1
    languages, works, places = [], [], []
    for language in sorted(set(known.languages) - {FIRST_LANGUAGE}):
        rows = np.flatnonzero(language_of == language)
        texts, weighed = known.at(rows), is_weighed[rows]
        labels = [label for label in range(len(LABELS)) if _are_enough(texts, label, weighed)]
        if labels:
            languages.append(language)
            places.append(at_calibration[rows[weighed]])
            works.append(partial(_bag_of, texts, weighed, labels, logits[places[-1]]))
    found = OwnBags({}, [], logits.copy())
    for language, at, bag in zip(languages, places, machines.each(works, jobs) if works else [], strict=True):
        if bag is not None:
            found.languages.append(language)
            found.logits[at] = bag.logits
            found.arrays.update({own_name(language, name): array for name, array in _arrays(bag).items()})
    return found


def calibrated(bags: OwnBags, languages: Sequence[str], slope: Floats, intercept: Floats) -> dict[str, NDArray[Any]]:
    """The arrays of bags whose logits are calibrated. `slope`, `intercept`: (languages, LABELS)."""
    found = dict(bags.arrays)
    for row, language in enumerate(languages):
        if language in bags.languages:
            for name in ("steps", "share", "bias"):
                key = own_name(language, name)
                found[key] = found[key] * slope[row]
            found[own_name(language, "bias")] += intercept[row]
    return found


def judged_among(own: Iterable[str], judged: Container[str]) -> list[str]:
    """The languages with a bag of their own that the model judges: what no reader judges needs no bag."""
    return [language for language in own if language in judged]


def _is_comment(texts: Examples) -> NDArray[np.bool_]:
    return np.array([not is_written(source) for source in texts.sources], bool)


def _are_enough(texts: Examples, label: int, is_weighed: NDArray[np.bool_]) -> bool:
    """Only comments count."""
    learned, labels = ~is_weighed & _is_comment(texts), texts.labels[:, label]
    return all(
        min(np.count_nonzero(some > 0.5), np.count_nonzero(some <= 0.5)) >= fewest  # noqa: PLR2004 - the majority
        for some, fewest in ((labels[learned], LEARN_FROM), (labels[is_weighed], WEIGH_WITH))
    )


def _bag_of(texts: Examples, is_weighed: NDArray[np.bool_], labels: Sequence[int], model: Floats) -> _Bag | None:
    """None: no label gains enough."""
    weighed, before = texts.where(is_weighed), _fitted(texts.where(~is_weighed), labels)
    said = before.logits(weighed.texts)
    share, scale, shift = np.ones(len(LABELS)), np.zeros(len(LABELS)), np.zeros(len(LABELS))
    for label in labels:
        both = np.column_stack([model[:, label], said[:, label]])
        if _gain(both, weighed, label) >= LEAST_GAIN:
            share[label], scale[label], shift[label] = _weights(both, weighed, label)
    if not scale.any():
        return None
    return _Bag(share, scale, shift, model * share + said * scale + shift, _fitted(texts, labels))


def _fitted(learned: Examples, labels: Sequence[int]) -> _Table:
    occurring = np.count_nonzero(document_frequency(count(learned.texts, COUNTED_BITS, 1)) >= LEAST_TEXTS)
    bits = min(max(int(occurring).bit_length() - 1, LEAST_BITS), MOST_BITS)
    counted = count(learned.texts, bits, 1)
    idf = inverse_document_frequency(document_frequency(counted), len(learned), LEAST_TEXTS)
    _, places = np.unique(learned.sources, return_inverse=True)
    bag = MaskedLogistic(REGULARISATION, MOST_ITERATIONS)
    bag.fit(matrix(counted, idf), learned.labels[:, labels], _row_weights(learned), places)
    coefficients, intercept = np.zeros((len(idf), len(LABELS))), np.zeros(len(LABELS))
    coefficients[:, labels], intercept[labels] = bag.coef_, bag.intercept_
    return _Table(idf, coefficients, intercept)


def _row_weights(texts: Examples) -> NDArray[np.float32]:
    """The comments' weights relative to the mean of their data set; our own sentences weigh WRITTEN of all comments."""
    _, places = np.unique(texts.sources, return_inverse=True)
    means = np.bincount(places, texts.weights) / np.bincount(places)
    weights = texts.weights / np.maximum(means, 1e-9)[places]
    is_comment = _is_comment(texts)
    written = float(weights[~is_comment].sum())
    weights[~is_comment] *= WRITTEN * float(weights[is_comment].sum()) / max(written, 1e-9)
    return weights.astype(np.float32)


def _weights(both: Floats, texts: Examples, label: int) -> tuple[float, float, float]:
    """What the model's and the bag's logit count, and the shift, so that their sum is calibrated."""
    weights = direction(both, texts.labels[:, label], np.array(texts.sources))
    slope, shift = platt(both @ weights, texts.labels[:, label], _row_weights(texts)) or (1.0, 0.0)
    return float(weights[0] * slope), float(weights[1] * slope), shift


def _gain(both: Floats, texts: Examples, label: int) -> float:
    """The mean gain in ROC AUC over the data sets and the two halves of the texts."""
    is_first, sources, found = is_first_half(texts), np.array(texts.sources), []
    for half in (is_first, ~is_first):
        weights = direction(both[half], texts.labels[half, label], sources[half])
        for source in sorted(set(texts.sources)):
            tried = ~half & (sources == source) & np.isfinite(texts.labels[:, label])
            answers = (texts.labels[tried, label] > 0.5).astype(np.int8)  # noqa: PLR2004 - the majority
            alone, together = roc_auc(both[tried, 0], answers), roc_auc(both[tried] @ weights, answers)
            if alone is not None and together is not None:
                found.append(together - alone)
    return float(np.mean(found)) if found else 0.0


def _arrays(bag: _Bag) -> dict[str, NDArray[Any]]:
    """The arrays of classifier.fast.OWN."""
    rows, steps = table_rows(bag.table.idf, bag.table.coefficients * bag.scale)
    steps = np.where(bag.scale == 0, 0, steps)
    return {
        "rows": without_empty_columns(rows, steps),
        "steps": steps,
        "bias": bag.table.intercept * bag.scale + bag.shift,
        "share": bag.share,
    }

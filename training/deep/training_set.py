"""Turns examples into the training set of the deep reader."""

import numpy as np
from numpy.typing import NDArray

from classifier.deep.tokenizer import Tokenizer
from classifier.deep.windows import tokens_of
from training import dilution
from training.deep.fit import MOST_PIECES, DeepTrainingSet
from training.examples import Examples
from training.fit import groups

# The fold that neither reader learns from, on which the weights of the two readers are fitted.
STACKING_FOLD = 4
# News comments, too few to hold some out: they only evaluate the deep reader. The fast reader trains on them
# (training/cross_validation.py).
EVALUATION_ONLY = frozenset({"fox_news_comments"})
# Diluted texts, as a share of the texts of a language, once for harmful and once for harmless texts; the most pieces of
# a diluted text, and the most texts around one.
DILUTED, LONGEST, MOST_AROUND = 0.1, 48, 8
SEED = 0
# The exponent that flattens the data sets' row weights, and the bounds of the result.
LEVEL, LEAST, MOST = 0.25, 0.5, 2.0


def training_set(examples: Examples, tokenizer: Tokenizer) -> DeepTrainingSet:
    """The labeled training texts, without those that evaluate the reader or fit its weight against the fast one."""
    training = examples.training()
    is_labeled = np.isfinite(training.labels).any(axis=1) & (training.weights > 0)
    is_excluded = np.array([source in EVALUATION_ONLY for source in training.sources], bool)
    known = training.where(is_labeled & ~is_excluded & (training.folds != STACKING_FOLD))
    pieces = [np.array(tokens_of(text, tokenizer).pieces, np.int32) for text in known.texts]
    found = DeepTrainingSet(pieces, known.labels, _flattened_weights(known), groups(known.sources))
    return _with_diluted(found, np.array(known.languages), np.random.default_rng(SEED))


def _with_diluted(data: DeepTrainingSet, languages: NDArray[np.str_], random: np.random.Generator) -> DeepTrainingSet:
    """Adds diluted texts: harmful ones among harmless ones of their language, and as many that are entirely harmless.

    They teach that a text is as harmful as its worst sentence, and that length alone is harmless.
    """
    lengths = np.array([len(text) for text in data.pieces])
    is_ours = (data.groups == 0) & (lengths <= LONGEST)
    is_harmful, is_harmless = dilution.harmful_and_harmless(data.labels)
    pieces, origins = [], []
    for language in sorted(set(languages.tolist())):
        here = is_ours & (languages == language)
        harmful, harmless = np.flatnonzero(here & is_harmful), np.flatnonzero(here & is_harmless)
        if min(len(harmful), len(harmless)) < dilution.FEWEST:
            continue
        count = round(DILUTED * np.count_nonzero(languages == language))
        for kind in (harmful, harmless):
            for text in random.choice(kind, count):
                pieces.append(_among(data.pieces, int(text), harmless, random))
                origins.append(text)
    at = np.array(origins, np.intp)
    return DeepTrainingSet(
        [*data.pieces, *pieces],
        np.concatenate([data.labels, data.labels[at]]),
        np.concatenate([data.weights, data.weights[at]]),
        np.concatenate([data.groups, data.groups[at]]),
    )


def _among(
    pieces: list[NDArray[np.int32]], text: int, harmless: NDArray[np.intp], random: np.random.Generator
) -> NDArray[np.int32]:
    """The pieces of a text with those of other texts before and after it, at most MOST_PIECES."""
    found, size = [pieces[text]], len(pieces[text])
    for other in random.choice(harmless, int(random.integers(1, MOST_AROUND + 1))):
        size += len(pieces[other])
        if size > MOST_PIECES:
            break
        found.insert(int(random.integers(len(found) + 1)), pieces[other])
    return np.concatenate(found)


def _flattened_weights(examples: Examples) -> NDArray[np.float32]:
    """Row weights near 1: the data sets' weights matter less to a reader that can tell them apart by their texts."""
    weights: NDArray[np.float32] = (examples.weights / np.median(examples.weights)) ** LEVEL
    return weights.clip(LEAST, MOST).astype(np.float32)

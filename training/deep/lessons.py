"""Examples as the deep reader learns from them."""

import numpy as np
from numpy.typing import NDArray

from classifier.deep.tokenizer import Tokenizer
from classifier.deep.windows import tokens_of
from training import dilution
from training.deep.fit import MOST_PIECES, Lessons
from training.examples import Examples
from training.fit import groups

# The fold that neither reader learns from, so that how much each of them counts can be fitted on it.
KEPT_OUT_FOLD = 4
# Comments under news, our own ground and too few to hold some out: they judge the deep reader, and teach only the fast
# one (training/cross_validation.py).
JUDGES = frozenset({"fox_news_comments"})
# This share of the texts of a language is put among others, once of harmful ones and once of harmless ones. They have
# at most LONGEST pieces, and at most MOST_AROUND others stand around one.
DILUTED, LONGEST, MOST_AROUND = 0.1, 48, 8
SEED = 0
# A row's weight, of the data set's, and its bounds.
LEVEL, LEAST, MOST = 0.25, 0.5, 2.0


def lessons(examples: Examples, tokenizer: Tokenizer) -> Lessons:
    """Of the texts of which anything is known, but for those that judge the reader or decide how much it counts."""
    learnt = examples.training()
    is_known = np.isfinite(learnt.labels).any(axis=1) & (learnt.weights > 0)
    is_judge = np.array([source in JUDGES for source in learnt.sources], bool)
    known = learnt.where(is_known & ~is_judge & (learnt.folds != KEPT_OUT_FOLD))
    pieces = [np.array(tokens_of(text, tokenizer).pieces, np.int32) for text in known.texts]
    taught = Lessons(pieces, known.labels, _levelled(known), groups(known.sources))
    return _with_diluted(taught, np.array(known.languages), np.random.default_rng(SEED))


def _with_diluted(taught: Lessons, languages: NDArray[np.str_], random: np.random.Generator) -> Lessons:
    """And once more some of the harmful texts, each among harmless ones of its language, and as many that are made of
    harmless ones alone: a text is as bad as its worst sentence, and is not bad for having many.
    """
    lengths = np.array([len(text) for text in taught.pieces])
    is_ours = (taught.groups == 0) & (lengths <= LONGEST)
    is_harmful, is_harmless = dilution.harmful_and_harmless(taught.labels)
    pieces, origins = [], []
    for language in sorted(set(languages.tolist())):
        here = is_ours & (languages == language)
        harmful, harmless = np.flatnonzero(here & is_harmful), np.flatnonzero(here & is_harmless)
        if min(len(harmful), len(harmless)) < dilution.FEWEST:
            continue
        count = round(DILUTED * np.count_nonzero(languages == language))
        for kind in (harmful, harmless):
            for text in random.choice(kind, count):
                pieces.append(_among(taught.pieces, int(text), harmless, random))
                origins.append(text)
    at = np.array(origins, np.intp)
    return Lessons(
        [*taught.pieces, *pieces],
        np.concatenate([taught.labels, taught.labels[at]]),
        np.concatenate([taught.weights, taught.weights[at]]),
        np.concatenate([taught.groups, taught.groups[at]]),
    )


def _among(
    pieces: list[NDArray[np.int32]], text: int, harmless: NDArray[np.intp], random: np.random.Generator
) -> NDArray[np.int32]:
    """The pieces of a text with those of others before and behind it, no more than are read in a step."""
    found, size = [pieces[text]], len(pieces[text])
    for other in random.choice(harmless, int(random.integers(1, MOST_AROUND + 1))):
        size += len(pieces[other])
        if size > MOST_PIECES:
            break
        found.insert(int(random.integers(len(found) + 1)), pieces[other])
    return np.concatenate(found)


def _levelled(examples: Examples) -> NDArray[np.float32]:
    """Weights near 1: how far data sets are trusted matters less to a reader that tells them apart by their texts."""
    levelled: NDArray[np.float32] = (examples.weights / np.median(examples.weights)) ** LEVEL
    return levelled.clip(LEAST, MOST).astype(np.float32)

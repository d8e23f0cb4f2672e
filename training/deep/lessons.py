"""Examples as the deep reader learns from them."""

import numpy as np
from numpy.typing import NDArray

from classifier.deep.tokenizer import Tokenizer
from classifier.deep.windows import tokens_of
from training.deep.fit import Lessons
from training.examples import Examples
from training.fit import groups

# The fold that neither reader learns from, so that their stack can be fitted on it.
KEPT_OUT_FOLD = 4
# Comments under news, our own ground and too few to hold some out: they judge the deep reader, and teach only the fast
# one (training/cross_validation.py).
JUDGES = frozenset({"fox_news_comments"})
# A row's weight, of the data set's, and its bounds.
LEVEL, LEAST, MOST = 0.25, 0.5, 2.0


def lessons(examples: Examples, tokenizer: Tokenizer) -> Lessons:
    """Of the texts of which anything is known and that no judge and no stack needs."""
    learnt = examples.training()
    is_known = np.isfinite(learnt.labels).any(axis=1) & (learnt.weights > 0)
    is_judge = np.array([source in JUDGES for source in learnt.sources], bool)
    known = learnt.where(is_known & ~is_judge & (learnt.folds != KEPT_OUT_FOLD))
    pieces = [np.array(tokens_of(text, tokenizer).pieces, np.int32) for text in known.texts]
    return Lessons(pieces, known.labels, _levelled(known), groups(known.sources))


def _levelled(examples: Examples) -> NDArray[np.float32]:
    """Weights near 1: how far data sets are trusted matters less to a reader that tells them apart by their texts."""
    levelled: NDArray[np.float32] = (examples.weights / np.median(examples.weights)) ** LEVEL
    return levelled.clip(LEAST, MOST).astype(np.float32)

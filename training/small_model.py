"""Trains a model of both readers in minutes, to measure what it does not learn without some of the texts.

Its deep reader has one network, whose encoder stays as published (training/deep/frozen.py): to fine-tune the other one
takes an hour.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier import LABELS
from classifier.deep.stack import Stack
from classifier.kernel import Weights
from training.examples import FIRST_LANGUAGE, Examples
from training.fit import Recipe, fit

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class SmallModel:
    """`rows`: the row of the stack for each language that it judges; the first one's serves all others."""

    fast: Weights
    stack: Stack
    rows: dict[str, int]

    def scores(self, texts: Examples) -> NDArray[np.float64]:
        """(texts, LABELS) probabilities; disguised words are read as written."""
        found = np.zeros((len(texts), len(LABELS)))
        spoken = np.array(texts.languages)
        for language in set(texts.languages):
            here = np.flatnonzero(spoken == language)
            some = [texts.texts[at] for at in here]
            deep, row = self.stack.reader.read_many(some), self.rows.get(language, self.rows[FIRST_LANGUAGE])
            found[here] = self.stack.scores(row, self.fast.score_many(some), deep)
        return found


def small_model(examples: Examples, recipe: Recipe, progress: Progress) -> SmallModel:
    """Both readers learn from the training texts of `examples`, and are weighed as `steward train` weighs them."""
    from training.deep.build import combine_readers, published_reader  # noqa: PLC0415 - PyTorch takes seconds

    fitted = fit(examples, recipe)
    reader = combine_readers(published_reader(examples, recipe.jobs, recipe.seed, progress), fitted, examples, None, ())
    return SmallModel(
        Weights(fitted.arrays), reader.stack, {each: row for row, each in enumerate(reader.described.languages)}
    )

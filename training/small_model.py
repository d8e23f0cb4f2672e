"""Trains a model in minutes, to measure what it does not learn without some of the texts.

If it has a deep reader, that has one network, whose encoder stays as published (training/deep/frozen.py): to fine-tune
the other one, too, would double the time.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.deep.stack import Stack
from classifier.kernel import Weights
from training.examples import FIRST_LANGUAGE, Examples
from training.fit import Recipe, fit

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class SmallModel:
    """`stack`: None without a deep reader. `rows`: the row of the stack for each language that both readers judge; the
    first one's serves all others.
    """

    fast: Weights
    stack: Stack | None
    rows: dict[str, int]

    def scores(self, texts: Examples) -> NDArray[np.float64]:
        """(texts, LABELS) probabilities; disguised words are read as written."""
        found = self.fast.score_many(texts.texts)
        if self.stack is None:
            return found
        deep = self.stack.reader.read_many(texts.texts)
        rows = [self.rows.get(language, self.rows[FIRST_LANGUAGE]) for language in texts.languages]
        for row in set(rows):
            here = np.flatnonzero(np.array(rows) == row)
            found[here] = self.stack.scores(row, found[here], deep[here])
        return found


def small_model(examples: Examples, recipe: Recipe, progress: Progress, *, both: bool) -> SmallModel:
    """Learns from the training texts of `examples`.

    Both readers are weighed as `steward train` weighs them, without its recalibration on Jigsaw's public sample.
    """
    if not both:
        return SmallModel(Weights(fit(examples, recipe).arrays), None, {})
    from training.deep.build import combine_readers, published_reader  # noqa: PLC0415 - PyTorch takes seconds

    fitted = fit(examples, recipe)
    reader = combine_readers(published_reader(examples, recipe.jobs, recipe.seed, progress), fitted, examples, None, ())
    return SmallModel(
        Weights(fitted.arrays), reader.stack, {each: row for row, each in enumerate(reader.described.languages)}
    )

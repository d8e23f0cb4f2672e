"""Combines the two readers: the weighted sum of their logits, by language and label, is the logit of the score."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from classifier.deep.kernel import LABELS
from classifier.deep.reader import DeepReader, WordShare

# The inputs: the fast reader's logit, the deep one's for the whole text, and the deep one's highest for a part.
INPUTS = 3
ARRAYS: Mapping[str, tuple[str, tuple[int | str, ...]]] = {
    "stack": ("<f8", ("languages", LABELS, INPUTS)),
    "stack_bias": ("<f8", ("languages", LABELS)),
}
# The fast reader's probabilities are clipped to this before they are converted back to logits.
_LEAST = 1e-9


class Stack:
    """`weights`: (languages, LABELS, INPUTS). `bias`: (languages, LABELS). Raises ValueError for other shapes."""

    def __init__(self, reader: DeepReader, weights: NDArray[np.float64], bias: NDArray[np.float64]) -> None:
        if weights.shape[1:] != (LABELS, INPUTS) or bias.shape != weights.shape[:2]:
            raise ValueError(
                f"the stack is {weights.shape} and {bias.shape}; it must be (languages, {LABELS}, {INPUTS})"
            )
        self.reader = reader
        self.weights, self._bias = weights, bias

    def score(self, language: int, text: str, fast: Sequence[float]) -> NDArray[np.float64]:
        """Probabilities (LABELS,).

        `fast`: the fast reader's scores of the text, calibrated for the first language, or with the language's own bag.
        """
        return self.scores(language, np.asarray(fast), self.reader.read(text))

    def scores(self, language: int, fast: NDArray[np.float64], deep: NDArray[np.floating]) -> NDArray[np.float64]:
        """Probabilities (..., LABELS) from the fast reader's (..., LABELS) and the deep one's logits (..., READ)."""
        weights = self.weights[language]
        logits = (
            logit(fast) * weights[:, 0]
            + deep[..., :LABELS] * weights[:, 1]
            + deep[..., LABELS:] * weights[:, 2]
            + self._bias[language]
        )
        found: NDArray[np.float64] = 1 / (1 + np.exp(-logits))
        return found

    def shares(self, language: int, text: str) -> list[WordShare]:
        """Each word's share in the logits of the scores, through the deep reader."""
        deep = self.weights[language][:, 1:].sum(axis=1)
        return [WordShare(start, end, logits * deep) for start, end, logits in self.reader.shares(text)]


def logit(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    p = np.clip(probabilities, _LEAST, 1 - _LEAST)
    found: NDArray[np.float64] = np.log(p / (1 - p))
    return found

"""Two readers, one score: what both say, weighed for each language and label, is the logit of a probability."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from classifier.deep.kernel import LABELS
from classifier.deep.reader import DeepReader, WordShare

# What is weighed: the fast reader, the deep one on the whole, and the highest that it says of a part.
SAID = 3
ARRAYS: Mapping[str, tuple[str, tuple[int | str, ...]]] = {
    "stack": ("<f8", ("languages", LABELS, SAID)),
    "stack_bias": ("<f8", ("languages", LABELS)),
}
# A probability of the fast reader is turned into a logit again; beyond this it is no more certain.
_LEAST = 1e-9


class Stack:
    """`weights`: (languages, LABELS, SAID). `bias`: (languages, LABELS). Raises ValueError for other shapes."""

    def __init__(self, reader: DeepReader, weights: NDArray[np.float64], bias: NDArray[np.float64]) -> None:
        if weights.shape[1:] != (LABELS, SAID) or bias.shape != weights.shape[:2]:
            raise ValueError(f"the stack is {weights.shape} and {bias.shape}; it must be (languages, {LABELS}, {SAID})")
        self.reader = reader
        self.weights, self._bias = weights, bias

    def score(self, language: int, text: str, fast: Sequence[float]) -> NDArray[np.float64]:
        """Probabilities (LABELS,). `fast`: what the fast reader says of the same text in the first language."""
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
        """What the deep reader's part of each word is in the logits of the scores."""
        deep = self.weights[language][:, 1:].sum(axis=1)
        return [WordShare(start, end, logits * deep) for start, end, logits in self.reader.shares(text)]


def logit(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    p = np.clip(probabilities, _LEAST, 1 - _LEAST)
    found: NDArray[np.float64] = np.log(p / (1 - p))
    return found

"""What the deep reader says of a text: a logit for each label of the whole, and the highest of its parts."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from classifier.deep.encoder import Encoder
from classifier.deep.kernel import LABELS, DeepWeights
from classifier.deep.windows import Tokens, tokens_of

# What `DeepReader.read` gives: the whole, then the highest of the parts.
READ = 2 * LABELS


class WordShare(NamedTuple):
    """By how much each label's logit falls without the word at [start, end) of the text."""

    start: int
    end: int
    logits: NDArray[np.float32]


class DeepReader:
    """Immutable, and safe to use from several threads at once."""

    def __init__(self, encoder: Encoder, weights: DeepWeights) -> None:
        self.encoder = encoder
        self._weights = weights

    def read(self, text: str) -> NDArray[np.float32]:
        """(READ,) logits, the labels in the order of the manifest. Any str is a text."""
        tokens = self._tokens(text)
        found = self._weights.logits(tokens.pieces, tokens.windows)
        return np.concatenate([found[0], found[1:].max(axis=0) if len(found) > 1 else found[0]])

    def read_many(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(texts, READ)."""
        rows = [self.read(text) for text in texts]
        return np.stack(rows) if rows else np.zeros((0, READ), np.float32)

    def shares(self, text: str) -> list[WordShare]:
        """Of the words in the part of the text that says most; none of the others moved the highest score."""
        tokens = self._tokens(text)
        start, end = self._worst(tokens)
        words = [word for word in tokens.words if start <= word[2] < word[3] <= end]
        if not words:
            return []
        pieces = tokens.pieces[start:end]
        whole = self._weights.logits(pieces, [(0, len(pieces))])[0]
        without = self._weights.without(pieces, [(first - start, last - start) for _, _, first, last in words])
        return [WordShare(word[0], word[1], whole - row) for word, row in zip(words, without, strict=True)]

    def _worst(self, tokens: Tokens) -> tuple[int, int]:
        if len(tokens.parts) == 1:
            return tokens.parts[0]
        found = self._weights.logits(tokens.pieces, tokens.parts)
        return tokens.parts[int(found.max(axis=1).argmax())]

    def _tokens(self, text: str) -> Tokens:
        return tokens_of(text, self.encoder.tokenizer)

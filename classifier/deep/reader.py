"""The deep reader: for each label the logit of the whole text, and the highest logit of its parts."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from classifier.deep.encoder import Encoder
from classifier.deep.kernel import LABELS, DeepWeights
from classifier.deep.windows import Tokens, tokens_of

# The size of `DeepReader.read`: the logits of the whole text, then the highest of its parts.
READ = 2 * LABELS
# The threads for many texts, and the texts that a thread takes at a time. More cores mean more processes.
_THREADS, _AT_A_TIME = 2, 32


class WordShare(NamedTuple):
    """The drop in each label's logit without the word at [start, end) of the text."""

    start: int
    end: int
    logits: NDArray[np.float32]


class DeepReader:
    """Immutable and thread-safe."""

    def __init__(self, encoder: Encoder, weights: DeepWeights) -> None:
        self.encoder = encoder
        self._weights = weights

    def read(self, text: str) -> NDArray[np.float32]:
        """(READ,) logits, with the labels in the order of the manifest. Accepts any str."""
        tokens = self._tokens(text)
        found = self._weights.logits(tokens.pieces, tokens.windows)
        return np.concatenate([found[0], found[1:].max(axis=0) if len(found) > 1 else found[0]])

    def read_many(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(texts, READ). Two threads share many texts, since the kernel releases the GIL."""
        if len(texts) <= _AT_A_TIME:
            return self._rows(texts)
        slices = [texts[at : at + _AT_A_TIME] for at in range(0, len(texts), _AT_A_TIME)]
        with ThreadPoolExecutor(_THREADS, "deep-reader") as threads:
            return np.concatenate([*threads.map(self._rows, slices)])

    def _rows(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = [self.read(text) for text in texts]
        return np.stack(rows) if rows else np.zeros((0, READ), np.float32)

    def shares(self, text: str) -> list[WordShare]:
        """The shares of the words in the highest-scoring part; no other word affects the highest score."""
        tokens = self._tokens(text)
        start, end = self._worst(tokens)
        words = [word for word in tokens.words if start <= word[2] < word[3] <= end]
        if not words:
            return []
        pieces = tokens.pieces[start:end]
        # The first entry leaves nothing out, so that one call also gives the logits of the whole part.
        left_out = [(0, 0), *((first - start, last - start) for _, _, first, last in words)]
        whole, *without = self._weights.without(pieces, left_out)
        return [WordShare(word[0], word[1], whole - row) for word, row in zip(words, without, strict=True)]

    def _worst(self, tokens: Tokens) -> tuple[int, int]:
        if len(tokens.parts) == 1:
            return tokens.parts[0]
        found = self._weights.logits(tokens.pieces, tokens.parts)
        return tokens.parts[int(found.max(axis=1).argmax())]

    def _tokens(self, text: str) -> Tokens:
        return tokens_of(text, self.encoder.tokenizer)

"""The deep reader: for each label the logit of the whole text, and the highest logit of its parts.

It has one or several networks over the same table, whose logits are added up: they make different errors, and the sum
makes fewer than each (ADR 36).
"""

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from classifier.deep.encoder import Encoder
from classifier.deep.kernel import ARRAYS, LABELS, DeepWeights
from classifier.deep.windows import Tokens, tokens_of

# The size of `DeepReader.read`: the logits of the whole text, then the highest of its parts.
READ = 2 * LABELS
MOST_NETWORKS = 2
# The threads for many texts, and the texts that a thread takes at a time. More cores mean more processes.
_THREADS, _AT_A_TIME = 2, 32


class WordShare(NamedTuple):
    """The drop in each label's logit without the word at [start, end) of the text."""

    start: int
    end: int
    logits: NDArray[np.float32]


class DeepReader:
    """Immutable and thread-safe."""

    def __init__(self, encoder: Encoder, networks: Sequence[DeepWeights]) -> None:
        self.encoder = encoder
        self._networks = tuple(networks)

    @classmethod
    def of(cls, encoder: Encoder, arrays: Mapping[str, NDArray[Any]]) -> "DeepReader":
        """From the arrays of a model's deep reader; other arrays are ignored. Raises ValueError if they do not fit."""
        networks = [{name: arrays[prefix(at) + name] for name in ARRAYS} for at in range(count_networks(arrays))]
        return cls(encoder, [DeepWeights(each, encoder.codes, encoder.steps) for each in networks])

    def read(self, text: str) -> NDArray[np.float32]:
        """(READ,) logits, with the labels in the order of the manifest. Accepts any str."""
        tokens = self._tokens(text)
        found = self._logits(tokens.pieces, tokens.windows)
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
        whole, *without = _sum([each.without(pieces, left_out) for each in self._networks])
        return [WordShare(word[0], word[1], whole - row) for word, row in zip(words, without, strict=True)]

    def _worst(self, tokens: Tokens) -> tuple[int, int]:
        if len(tokens.parts) == 1:
            return tokens.parts[0]
        found = self._logits(tokens.pieces, tokens.parts)
        return tokens.parts[int(found.max(axis=1).argmax())]

    def _logits(self, pieces: Sequence[int], windows: Sequence[tuple[int, int]]) -> NDArray[np.float32]:
        return _sum([each.logits(pieces, windows) for each in self._networks])

    def _tokens(self, text: str) -> Tokens:
        return tokens_of(text, self.encoder.tokenizer)


def prefix(network: int) -> str:
    """What the names of the arrays of a network begin with. `network`: from 0."""
    return f"network{network + 1}_" if network else ""


def count_networks(arrays: Collection[str]) -> int:
    """How many networks a deep reader with these arrays has."""
    return max(1, sum(prefix(at) + "project" in arrays for at in range(MOST_NETWORKS)))


def _sum(logits: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    first, *others = logits
    for each in others:
        first += each
    return first

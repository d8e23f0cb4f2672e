"""Texts as token sequences, from the same kernel that serves the model."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from classifier.kernel import tokens

# Longer texts are truncated in training: the rest teaches little that is new and costs as much.
LONGEST = 400


@dataclass(frozen=True, slots=True)
class Sequences:
    """n texts: text i is `tokens[starts[i]:starts[i + 1]]`, row numbers of `table`.

    `table`: (distinct tokens, 2**bits) float32; a token's vector is its row times the n-gram vectors.
    """

    starts: NDArray[np.int64]
    tokens: NDArray[np.int32]
    table: "sparse.csr_matrix"

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        return np.diff(self.starts)

    def padded(self, texts: NDArray[np.intp]) -> NDArray[np.int32]:
        """(texts, longest length); padded with -1."""
        lengths = self.lengths[texts]
        found = np.full((len(texts), max(1, int(lengths.max(initial=1)))), -1, np.int32)
        is_token = np.arange(found.shape[1]) < lengths[:, None]
        found[is_token] = np.concatenate([self.tokens[self.starts[text] : self.starts[text + 1]] for text in texts])
        return found


def sequences(texts: Sequence[str], bits: int) -> Sequences:
    numbers: dict[int, int] = {}
    read, starts, rows, lengths = [], [0], [], []
    for text in texts:
        keys, ends, found = tokens(text, bits)
        begins = np.concatenate([[0], ends[:-1]]) if len(ends) else ends
        for key, begin, end in zip(keys[:LONGEST].tolist(), begins.tolist(), ends.tolist(), strict=False):
            if key not in numbers:
                numbers[key] = len(numbers)
                rows.append(found[begin:end])
                lengths.append(end - begin)
            read.append(numbers[key])
        starts.append(len(read))
    shares = np.repeat(1 / np.maximum(lengths, 1), lengths).astype(np.float32)
    columns = np.concatenate(rows).astype(np.int32) if rows else np.zeros(0, np.int32)
    table = sparse.csr_matrix((shares, columns, np.concatenate([[0], np.cumsum(lengths)])), (len(lengths), 1 << bits))
    return Sequences(np.array(starts), np.array(read, np.int32), table)

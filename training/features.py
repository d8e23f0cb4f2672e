"""Texts as a sparse feature matrix, from the same kernel that serves the model."""

from collections.abc import Sequence

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy import sparse

from classifier.kernel import BLOCK_BIT, features

CHUNK = 2_000
MOST_STEPS = 255


class FeatureCounts:
    """Distinct features of n texts: `rows` (the highest bit is the block) and `counts`, text by text."""

    def __init__(
        self, starts: NDArray[np.int64], rows: NDArray[np.uint32], counts: NDArray[np.uint32], bits: int
    ) -> None:
        self.starts = starts
        self.rows = rows
        self.counts = counts
        self.bits = bits

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def table_rows(self) -> NDArray[np.uint32]:
        return self.rows & np.uint32((1 << self.bits) - 1)


def count(texts: Sequence[str], bits: int, jobs: int) -> FeatureCounts:
    chunks = [texts[at : at + CHUNK] for at in range(0, len(texts), CHUNK)]
    parts = Parallel(n_jobs=jobs)(delayed(_count_chunk)(chunk, bits) for chunk in chunks)
    lengths = np.concatenate([lengths for lengths, _, _ in parts]) if parts else np.zeros(0, np.int64)
    return FeatureCounts(
        np.concatenate([[0], np.cumsum(lengths)]),
        np.concatenate([rows for _, rows, _ in parts]),
        np.concatenate([counts for _, _, counts in parts]),
        bits,
    )


def document_frequency(counted: FeatureCounts, weights: NDArray[np.float32] | None = None) -> NDArray[np.float64]:
    """The number of texts that each table row occurs in, shape (2**bits,)."""
    per_entry = None if weights is None else np.repeat(weights, np.diff(counted.starts))
    return np.bincount(counted.table_rows, per_entry, minlength=1 << counted.bits).astype(np.float64)


def inverse_document_frequency(frequency: NDArray[np.float64], texts: int, least: int) -> NDArray[np.uint8]:
    """1 + ln((1 + n) / (1 + df)), as in scikit-learn, quantized to bytes: the largest value is 255.

    0 for a row that occurs in fewer than `least` texts. The scale does not matter, since each block is normalized to
    length 1.
    """
    idf = 1 + np.log((1 + texts) / (1 + frequency))
    kept = np.where(frequency >= least, idf, 0)
    steps: NDArray[np.uint8] = np.rint(kept * (MOST_STEPS / max(kept.max(), 1))).astype(np.uint8)
    return steps


def matrix(counted: FeatureCounts, idf: NDArray[np.uint8]) -> "sparse.csr_matrix":
    """The sum of a text's blocks, each normalized to length 1: (n, 2**bits) float32."""
    values = (1 + np.log(counted.counts)) * idf.astype(np.float64)[counted.table_rows]
    text_of = np.repeat(np.arange(len(counted)), np.diff(counted.starts))
    segment = text_of * 2 + (counted.rows >> BLOCK_BIT)
    norms = np.sqrt(np.bincount(segment, values * values, minlength=2 * len(counted)))
    norms[norms == 0] = 1
    found = sparse.csr_matrix(
        ((values / norms[segment]).astype(np.float32), counted.table_rows.astype(np.int32), counted.starts),
        shape=(len(counted), 1 << counted.bits),
    )
    found.sum_duplicates()
    found.eliminate_zeros()
    return found


def _count_chunk(texts: Sequence[str], bits: int) -> tuple[NDArray[np.int64], NDArray[np.uint32], NDArray[np.uint32]]:
    found = [features(text, bits) for text in texts]
    return (
        np.array([len(rows) for rows, _ in found], np.int64),
        np.concatenate([rows for rows, _ in found]),
        np.concatenate([counts for _, counts in found]),
    )

"""Initial word vectors from word co-occurrence, without any labels.

The matrix of positive pointwise mutual information between neighboring words is factorized, as in Levy and Goldberg
2014, "Neural word embedding as implicit matrix factorization". Then n-gram vectors are fitted whose means approximate
the word vectors, so that a rare word begins near words with a similar spelling.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from classifier.kernel import DIM
from training.sequences import Sequences

Floats = NDArray[np.float32]

# The number of words in the matrix, and how often a word must occur.
MOST_WORDS, LEAST_OFTEN = 30_000, 5
# With fewer words there is too little co-occurrence to learn from.
FEWEST_WORDS = 500
# Tokens on either side; nearer ones count more.
WINDOW = 4
# Exponent of the context frequencies: without it, rare words get too much weight as context (Levy et al. 2015).
SMOOTHING = 0.75
# Extra directions and iterations of the randomized factorization (Halko et al. 2011).
BEYOND, ROUNDS = 16, 3
# Fitting n-gram vectors: the cap on a word's frequency, the ridge penalty, and steps of conjugate gradients.
OFTEN, RIDGE, STEPS = 10_000, 0.01, 15


def cooccurrence_vectors(read: Sequences, size: float, seed: int = 0) -> Floats | None:
    """N-gram vectors, (2**bits, DIM), for word vectors of root mean square `size`; None if there are few words."""
    often = np.bincount(read.tokens, minlength=read.table.shape[0])
    words = np.argsort(-often, kind="stable")[:MOST_WORDS]
    words = words[often[words] >= LEAST_OFTEN]
    if len(words) < FEWEST_WORDS:
        return None
    vectors = _factors(_association(_neighbours(read, words)), np.random.default_rng(seed))
    vectors *= size / np.sqrt(np.mean(vectors * vectors))
    weights = np.sqrt(np.minimum(often[words], OFTEN)).astype(np.float32)
    return _spread(read.table[words], vectors, weights / weights.mean())


def _neighbours(read: Sequences, words: NDArray[np.intp]) -> "sparse.csr_matrix":
    """Co-occurrence counts, (words, words), symmetric."""
    place = np.full(read.table.shape[0], -1)
    place[words] = np.arange(len(words))
    word, text_of = place[read.tokens], np.repeat(np.arange(len(read)), read.lengths)
    found = sparse.csr_matrix((len(words), len(words)), dtype=np.float32)
    for distance in range(1, WINDOW + 1):
        one, other = word[:-distance], word[distance:]
        is_pair = (text_of[:-distance] == text_of[distance:]) & (one >= 0) & (other >= 0)
        near = np.full(np.count_nonzero(is_pair), (WINDOW + 1 - distance) / WINDOW, np.float32)
        found += sparse.coo_matrix((near, (one[is_pair], other[is_pair])), found.shape).tocsr()
    return (found + found.T).tocsr()


def _association(near: "sparse.csr_matrix") -> "sparse.csr_matrix":
    """Positive pointwise mutual information."""
    each = np.asarray(near.sum(axis=1)).ravel()
    as_company = each**SMOOTHING / np.sum(each**SMOOTHING)
    pairs = near.tocoo()
    information = np.log(pairs.data / (each[pairs.row] * as_company[pairs.col]))
    kept = information > 0
    places = (pairs.row[kept], pairs.col[kept])
    return sparse.csr_matrix((information[kept].astype(np.float32), places), near.shape)


def _factors(table: "sparse.csr_matrix", random: np.random.Generator) -> Floats:
    """Left singular vectors times the square roots of their singular values, (words, DIM)."""
    basis = random.normal(size=(table.shape[1], DIM + BEYOND)).astype(np.float32)
    for _ in range(ROUNDS):
        basis, _ = np.linalg.qr(table.T @ np.linalg.qr(table @ basis)[0])
    left, values, _ = np.linalg.svd(table @ basis, full_matrices=False)
    found: Floats = (left[:, :DIM] * np.sqrt(values[:DIM])).astype(np.float32)
    return found


def _spread(parts: "sparse.csr_matrix", vectors: Floats, weights: Floats) -> Floats:
    """The rows for which `parts @ rows` is nearest to the vectors in weighted least squares, by conjugate gradients."""
    found = np.zeros((parts.shape[1], vectors.shape[1]), np.float32)
    left = parts.T @ (weights[:, None] * vectors)
    way, length = left.copy(), (left * left).sum(axis=0)
    for _ in range(STEPS):
        image = parts.T @ (weights[:, None] * (parts @ way)) + np.float32(RIDGE) * way
        step = length / np.maximum((way * image).sum(axis=0), 1e-20)
        found += step * way
        left -= step * image
        before, length = length, (left * left).sum(axis=0)
        way = left + length / np.maximum(before, 1e-20) * way
    return found

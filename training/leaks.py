"""Sentences of held-out texts that come back into training by way of another data set.

ParaDetox, for one, is made of sentences of Jigsaw comments, some of them from fold 1 or from the test.
"""

import re
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from training.examples import HELD_OUT_FOLD, TEST, Examples

# So many words in a row are a quotation, not chance (8 to 13 in Brown et al. 2020, arXiv 2005.14165, appendix C).
SHINGLE = 8
# Fewer different words than this are no sentence: somebody shouts one word over and over.
_FEWEST_DIFFERENT = 5
# The challenge's own test: it was parted from the rest by its publisher, and others' figures rest on that.
_PARTED_FROM = {"jigsaw_toxic_test_public": "jigsaw_toxic_train"}

_WORD = re.compile(r"\w+")
# Any odd number with well-mixed bits: 2**64 over the golden ratio (Knuth, volume 3, section 6.4).
_FACTOR = 0x9E3779B97F4A7C15


def without_leaks(training: Examples, held_out: Examples) -> Examples:
    """Without the rows that share SHINGLE words in a row with a held-out text of another data set.

    A data set's own split is its publisher's business. Rows that no training run sees stay where they are, so
    that `training` may be all there is.
    """
    shingles, rows = _shingles(training.texts)
    known, owners = _shingles(held_out.texts)
    is_known = np.isin(shingles, known)
    shingles, rows = shingles[is_known], rows[is_known]
    is_shared = np.isin(known, shingles)
    known, owners = known[is_shared], owners[is_shared]
    theirs, ours = _origins(held_out.sources)[owners], _origins(training.sources)[rows]
    is_leak = np.zeros(len(training), bool)
    for origin in set(ours.tolist()):
        mine = ours == origin
        is_leak[rows[mine][np.isin(shingles[mine], known[theirs != origin])]] = True
    is_unseen = (training.folds == HELD_OUT_FOLD) | (training.folds == TEST)
    return training.where(~is_leak | is_unseen)


def _origins(sources: Sequence[str]) -> NDArray[np.str_]:
    return np.array([_PARTED_FROM.get(source, source) for source in sources], np.str_)


def _shingles(texts: Sequence[str]) -> tuple[NDArray[np.uint64], NDArray[np.intp]]:
    """Hashes of all runs of SHINGLE words, and the position of the text that each stands in."""
    hashes: dict[str, int] = {}
    words: list[int] = []
    counts = []
    for text in texts:
        found = _WORD.findall(text.casefold())
        counts.append(len(found))
        words.extend([hashes[word] if word in hashes else hashes.setdefault(word, _hash(word)) for word in found])
    flat, owner = np.array(words, np.uint64), np.repeat(np.arange(len(texts)), counts)
    if len(flat) < SHINGLE:
        return flat[:0], owner[:0]
    windows = np.lib.stride_tricks.sliding_window_view(flat, SHINGLE)
    runs = np.zeros(len(windows), np.uint64)
    for at in range(SHINGLE):
        runs = runs * np.uint64(_FACTOR) + windows[:, at]
    is_sentence = (owner[: len(runs)] == owner[SHINGLE - 1 :]) & _is_varied(windows)
    return runs[is_sentence], owner[: len(runs)][is_sentence]


def _is_varied(windows: NDArray[np.uint64]) -> NDArray[np.bool_]:
    different = np.ones(len(windows), np.int8)
    for at in range(1, SHINGLE):
        different += ~np.any(windows[:, :at] == windows[:, at : at + 1], axis=1)
    return different >= _FEWEST_DIFFERENT


def _hash(word: str) -> int:
    return int.from_bytes(blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest())

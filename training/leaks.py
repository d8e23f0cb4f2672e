"""Held-out texts that come back into training: whole, or by the sentence by way of another data set.

ParaDetox, for one, is made of sentences of Jigsaw comments, some of them from fold 1 or from the test.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
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

# Marks and pictures: the vowels of Hindi are marks, and most emoji are "other symbols".
_KEPT = frozenset({"Mc", "Mn", "So"})
_AS_PICTURE = "\ufe0f"  # asks for an emoji's coloured form
_WORD = re.compile(r"\w+")
# Any odd number with well-mixed bits: 2**64 over the golden ratio (Knuth, volume 3, section 6.4).
_FACTOR = 0x9E3779B97F4A7C15


def without_leaks(training: Examples, held_out: Examples) -> Examples:
    """Without the rows that say the same as a held-out text, whatever their spaces, signs and capitals, and without
    those that share SHINGLE words in a row with one of another data set.

    Held out is also what no training run sees of `training`, which may so be all there is; those rows stay where they
    are, and are only compared as a whole. What a data set quotes across its own split is its publisher's business.
    """
    is_unseen = np.isin(training.folds, (HELD_OUT_FOLD, TEST))
    sayings = [_saying(text) for text in training.texts]
    known_sayings = {saying for saying, unseen in zip(sayings, is_unseen, strict=True) if unseen}
    known_sayings.update(map(_saying, held_out.texts))
    is_leak = np.array([saying in known_sayings for saying in sayings], bool) | _is_quotation(training, held_out)
    return training.where(~is_leak | is_unseen)


class _Kept(dict[int, str | None]):
    """By its number what is left of a character: of letters, digits and pictures all, for an emoji may turn a text."""

    def __missing__(self, number: int) -> str | None:
        character = chr(number)
        is_kept = character.isalnum() or (unicodedata.category(character) in _KEPT and character != _AS_PICTURE)
        return self.setdefault(number, character if is_kept else None)


_kept = _Kept()


def _saying(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return folded.translate(_kept) or "".join(folded.split())


def _is_quotation(training: Examples, held_out: Examples) -> NDArray[np.bool_]:
    found = np.zeros(len(training), bool)
    known, owners = _shingles(held_out.texts, only_varied=True)
    shingles, rows = _shingles(training.texts)
    is_known = np.isin(shingles, known)
    shingles, rows = shingles[is_known], rows[is_known]
    if not len(shingles):
        return found
    theirs, ours = _origins(held_out.sources)[owners], _origins(training.sources)[rows]
    # Of each shingle the first and the last origin: it is another's where one of them is not its own.
    order = np.lexsort((theirs, known))
    known, theirs = known[order], theirs[order]
    first = np.searchsorted(known, shingles, "left")
    last = np.searchsorted(known, shingles, "right") - 1
    found[rows[(theirs[first] != ours) | (theirs[last] != ours)]] = True
    return found


def _origins(sources: Sequence[str]) -> NDArray[np.int64]:
    """A number for each, the same in every call."""
    return np.array([_numbered(_PARTED_FROM.get(source, source)) for source in sources], np.int64)


@cache
def _numbered(origin: str) -> int:
    return _hash(origin) >> 1


def _shingles(texts: Sequence[str], *, only_varied: bool = False) -> tuple[NDArray[np.uint64], NDArray[np.intp]]:
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
    is_sentence = owner[: len(runs)] == owner[SHINGLE - 1 :]
    if only_varied:
        is_sentence &= _is_varied(windows)
    return runs[is_sentence], owner[: len(runs)][is_sentence]


def _is_varied(windows: NDArray[np.uint64]) -> NDArray[np.bool_]:
    different = np.ones(len(windows), np.int8)
    for at in range(1, SHINGLE):
        different += ~np.any(windows[:, :at] == windows[:, at : at + 1], axis=1)
    return different >= _FEWEST_DIFFERENT


def _hash(word: str) -> int:
    return int.from_bytes(blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest())

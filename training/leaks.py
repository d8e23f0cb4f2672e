"""Finds held-out texts that leak into training: duplicates, and quotations in another data set.

ParaDetox, for example, consists of sentences from Jigsaw comments, some of them from fold 1 or from the test part.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from training.examples import HELD_OUT_FOLD, TEST, Examples

# This many equal words in a row are a quotation, not chance (8 to 13 in Brown et al. 2020, arXiv 2005.14165,
# appendix C).
SHINGLE = 8
# With fewer different words it is not a sentence, but a few words repeated over and over.
_FEWEST_DIFFERENT = 5
# The challenge's own test: its publisher made this split, and published figures depend on it.
_SPLIT_FROM = {"jigsaw_toxic_test_public": "jigsaw_toxic_train"}

# Unicode categories that are kept besides letters and digits: Hindi vowels are marks, most emoji are "other symbols".
_KEPT = frozenset({"Mc", "Mn", "So"})
_VARIATION_SELECTOR = "\ufe0f"  # selects an emoji's colored form
_WORD = re.compile(r"\w+")
# Any odd number with well-mixed bits: 2**64 over the golden ratio (Knuth, volume 3, section 6.4).
_FACTOR = 0x9E3779B97F4A7C15


def without_leaks(training: Examples, held_out: Examples) -> Examples:
    """Without the duplicates of held-out texts, whatever their spaces, punctuation and case, and without quotations.

    A quotation shares SHINGLE words in a row with a held-out text of another data set; quotations across a data set's
    own split are left, since its publisher made that split. The rows of `training` that no training run sees also count
    as held out, but only for duplicates, and they are never removed. So `training` may be all the data there is.
    """
    is_unseen = np.isin(training.folds, (HELD_OUT_FOLD, TEST))
    keys = [key(text) for text in training.texts]
    held_out_keys = {key for key, unseen in zip(keys, is_unseen, strict=True) if unseen}
    held_out_keys.update(map(key, held_out.texts))
    is_leak = np.array([key in held_out_keys for key in keys], bool) | _is_quotation(training, held_out)
    return training.where(~is_leak | is_unseen)


class _KeptCharacters(dict[int, str | None]):
    """A table for str.translate that keeps letters, digits and emoji; an emoji can reverse the meaning of a text."""

    def __missing__(self, number: int) -> str | None:
        character = chr(number)
        is_kept = character.isalnum() or (unicodedata.category(character) in _KEPT and character != _VARIATION_SELECTOR)
        return self.setdefault(number, character if is_kept else None)


_kept_characters = _KeptCharacters()


def key(text: str) -> str:
    """Equal for texts that differ only in spaces, punctuation and case."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return folded.translate(_kept_characters) or "".join(folded.split())


def _is_quotation(training: Examples, held_out: Examples) -> NDArray[np.bool_]:
    found = np.zeros(len(training), bool)
    known, owners = _shingles(held_out.texts, only_varied=True)
    shingles, rows = _shingles(training.texts)
    is_known = np.isin(shingles, known)
    shingles, rows = shingles[is_known], rows[is_known]
    if not len(shingles):
        return found
    theirs, ours = _origins(held_out.sources)[owners], _origins(training.sources)[rows]
    # The first and the last origin of each shingle: it is a quotation if one of them differs from its own.
    order = np.lexsort((theirs, known))
    known, theirs = known[order], theirs[order]
    first = np.searchsorted(known, shingles, "left")
    last = np.searchsorted(known, shingles, "right") - 1
    found[rows[(theirs[first] != ours) | (theirs[last] != ours)]] = True
    return found


def _origins(sources: Sequence[str]) -> NDArray[np.int64]:
    """A stable number for each source."""
    return np.array([_numbered(_SPLIT_FROM.get(source, source)) for source in sources], np.int64)


@cache
def _numbered(origin: str) -> int:
    return _hash(origin) >> 1


def _shingles(texts: Sequence[str], *, only_varied: bool = False) -> tuple[NDArray[np.uint64], NDArray[np.intp]]:
    """Hashes of all runs of SHINGLE words, and the position of the text that contains each."""
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

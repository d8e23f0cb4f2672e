"""The same model said slowly and plainly, in scikit-learn's terms: what the kernel is held to.

Written from the definition at the top of _kernel.c, one rule at a time, in double precision. Serving never imports it.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.pipeline import Pipeline

from classifier.normalise import read

SHORTEST, LONGEST = 2, 5
MASK = 0xFFFFFFFF
# Offset basis and prime of 32-bit FNV-1a; the other two seeds start the hashes of pairs and of n-grams.
WORD_SEED, PRIME = 0x811C9DC5, 0x01000193
PAIR_SEED, CHARACTER_SEED = 0x2F0B4C47, 0x6A09E667
WORDS, CHARACTERS = 0, 1

Feature = tuple[int, int]  # block, hash


class HashedCounts(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Texts to a sparse matrix of damped counts, (n, 2 * 2**bits): the rows of words, then those of characters."""

    def __init__(self, bits: int) -> None:
        self.bits = bits

    def fit(self, _texts: Sequence[str], _labels: object = None) -> "HashedCounts":
        return self

    def transform(self, texts: Sequence[str]) -> sparse.csr_matrix:
        size = 1 << self.bits
        bags = [Counter(block * size + mixed(code) % size for block, code in features(read(text))) for text in texts]
        starts = np.cumsum([0, *(len(bag) for bag in bags)])
        columns = np.array([column for bag in bags for column in bag], np.int64)
        values = np.array([1 + np.log(count) for bag in bags for count in bag.values()], np.float64)
        return sparse.csr_matrix((values, columns, starts), shape=(len(bags), 2 * size))


class CalibratedLogistic(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Logistic regression of each label on tf-idf whose two blocks have length one, each then calibrated by a sigmoid.

    `rows`: (2**bits, 1 + labels), inverse document frequencies and weights as stored; the blocks share them.
    """

    def __init__(self, rows: NDArray[Any], bias: NDArray[Any], slope: NDArray[Any], intercept: NDArray[Any]) -> None:
        self.rows = rows
        self.bias = bias
        self.slope = slope
        self.intercept = intercept

    def fit(self, _counts: sparse.csr_matrix, _labels: object = None) -> "CalibratedLogistic":
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict_proba(self, counts: sparse.csr_matrix) -> NDArray[np.float64]:
        table = np.asarray(self.rows, np.float64)
        size = len(table)
        logits = np.tile(np.asarray(self.bias, np.float64), (counts.shape[0], 1))
        for block in (WORDS, CHARACTERS):
            weighted = counts[:, block * size : (block + 1) * size] @ sparse.diags(table[:, 0])
            lengths = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)))
            logits += (weighted @ table[:, 1:]) / np.where(lengths > 0, lengths, 1)
        probabilities: NDArray[np.float64] = 1 / (1 + np.exp(-(self.slope * logits + self.intercept)))
        return probabilities


def pipeline(rows: NDArray[Any], bias: NDArray[Any], slope: NDArray[Any], intercept: NDArray[Any]) -> Pipeline:
    """The whole model as a scikit-learn pipeline: texts to probabilities."""
    bits = len(rows).bit_length() - 1
    return Pipeline([("counts", HashedCounts(bits)), ("scores", CalibratedLogistic(rows, bias, slope, intercept))])


def features(normal: str) -> Iterator[Feature]:
    """Every feature of a normalised text, as often as it occurs."""
    text = shortened(normal)
    yield from word_features(text)
    for run in runs(text):
        yield from character_features(run)


def shortened(text: str) -> str:
    """A code point counts at most twice in a row."""
    kept: list[str] = []
    for character in text:
        if kept[-2:] != [character, character]:
            kept.append(character)
    return "".join(kept)


def word_features(text: str) -> Iterator[Feature]:
    before: int | None = None
    for word in words(text):
        code = hashed(WORD_SEED, word)
        yield WORDS, code
        if before is not None:
            yield WORDS, (mixed(before) + PAIR_SEED & MASK) ^ code
        before = code


def character_features(run: str) -> Iterator[Feature]:
    padded = f" {run} "
    for start in range(len(padded)):
        for end in range(start + SHORTEST, min(start + LONGEST, len(padded)) + 1):
            yield CHARACTERS, hashed(CHARACTER_SEED, padded[start:end])


def words(text: str) -> Iterator[str]:
    """Runs of letters and digits, and single symbols."""
    word = ""
    for character in text:
        if is_letter(character):
            word += character
            continue
        if word:
            yield word
            word = ""
        if is_symbol(character):
            yield character
    if word:
        yield word


def runs(text: str) -> Iterator[str]:
    """What stands between blanks."""
    parted = "".join(" " if is_blank(character) else character for character in text).split(" ")
    yield from (run for run in parted if run)


def is_blank(character: str) -> bool:
    return character <= " " or character == "\u00a0"


def is_symbol(character: str) -> bool:
    return "\u2000" <= character <= "\u2bff" or "\u3000" <= character <= "\u303f" or character >= "\U0001f000"


def is_letter(character: str) -> bool:
    if character < "\u0080":
        return character.isalnum() or character == "'"
    return character >= "\u00c0" and not is_symbol(character)


def hashed(seed: int, text: str) -> int:
    code = seed
    for character in text:
        code = (code ^ ord(character)) * PRIME & MASK
    return code


def mixed(code: int) -> int:
    """The finaliser of MurmurHash3 (Appleby), 32 bits."""
    code ^= code >> 16
    code = code * 0x85EBCA6B & MASK
    code ^= code >> 13
    code = code * 0xC2B2AE35 & MASK
    return code ^ code >> 16

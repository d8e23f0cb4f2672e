"""A slow and simple reference implementation of the model for scikit-learn; the kernel is tested against it.

It follows the definition at the top of _kernel.c rule by rule, in double precision. Serving never imports it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin

from classifier.kernel import DIM, LABELS, TAPS
from classifier.normalize import read

SHORTEST, LONGEST = 2, 5
SHORTEST_GRAM, LONGEST_GRAM = 3, 5
# In tokens: a feature marks texts with fewer than FEW, and the network ignores those after MOST_TOKENS.
FEW, MOST_TOKENS = 6, 4096
LAYERS = ("filters", "filter_bias", "hidden", "hidden_bias", "output")
MASK = 0xFFFFFFFF
# Offset basis and prime of 32-bit FNV-1a; the other seeds start hashes of pairs, n-grams, tokens and their n-grams.
WORD_SEED, PRIME = 0x811C9DC5, 0x01000193
PAIR_SEED, CHARACTER_SEED = 0x2F0B4C47, 0x6A09E667
TOKEN_SEED, GRAM_SEED = 0x3C6EF372, 0xA54FF53A
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


class Reference(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """The whole model as a scikit-learn classifier: texts to probabilities.

    `arrays`: as kernel.ARRAYS names them, as stored. `language`: a row of `slope` and `intercept`.
    """

    def __init__(self, arrays: Mapping[str, NDArray[Any]], language: int = 0) -> None:
        self.arrays = arrays
        self.language = language

    def fit(self, _texts: Sequence[str], _labels: object = None) -> "Reference":
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def decision_function(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Logits, (n, labels), before the calibration."""
        bits = len(self.arrays["rows"]).bit_length() - 1
        of_network = np.array([self._network(text) for text in texts]).reshape(-1, LABELS)
        logits: NDArray[np.float64] = self._bag(HashedCounts(bits).transform(texts)) + of_network
        return logits

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        slope, intercept = self.arrays["slope"][self.language], self.arrays["intercept"][self.language]
        probabilities: NDArray[np.float64] = 1 / (1 + np.exp(-(slope * self.decision_function(texts) + intercept)))
        return probabilities

    def _bag(self, counts: sparse.csr_matrix) -> NDArray[np.float64]:
        """Linear in tf-idf; each of the two blocks is normalized to length 1, and they share the table."""
        idf = self.arrays["rows"][:, 0].astype(np.float64)
        weights = self.arrays["rows"][:, 1:].view(np.int8) * self.arrays["steps"]
        logits = np.tile(self.arrays["bias"], (counts.shape[0], 1))
        for block in (WORDS, CHARACTERS):
            weighted = counts[:, block * len(idf) : (block + 1) * len(idf)] @ sparse.diags(idf)
            lengths = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)))
            logits += (weighted @ weights) / np.where(lengths > 0, lengths, 1)
        return logits

    def _network(self, text: str) -> NDArray[np.float64]:
        """Filters over three tokens at a time, pooled, and two layers (Kim 2014), in double precision."""
        layers = {name: np.asarray(self.arrays[name], np.float64) for name in LAYERS}
        x = np.array([self._vector(token) for token in tokens(shortened(read(text)))]).reshape(-1, DIM)
        n = len(x)
        around = np.pad(x, ((1, 1), (0, 0)))
        sums = layers["filter_bias"] + sum(around[tap : tap + n] @ layers["filters"][tap] for tap in range(TAPS))
        on = np.maximum(sums, 0)
        pooled = np.concatenate(
            [
                on.max(axis=0, initial=0),
                on.sum(axis=0) / max(n, 1),
                x.sum(axis=0) / np.sqrt(max(n, 1)),
                [np.log1p(n) / 3, n < FEW],
            ]
        )
        hidden = np.maximum(pooled @ layers["hidden"] + layers["hidden_bias"], 0)
        logits: NDArray[np.float64] = hidden @ layers["output"]
        return logits

    def _vector(self, token: str) -> NDArray[np.float64]:
        rows = [mixed(code) % len(self.arrays["vectors"]) for code in token_features(token)]
        steps = self.arrays["vector_steps"].astype(np.float64)
        vector: NDArray[np.float64] = self.arrays["vectors"][rows].astype(np.float64).mean(axis=0) * steps
        return vector


def features(normal: str) -> Iterator[Feature]:
    """Every feature of a normalized text, as often as it occurs."""
    text = shortened(normal)
    yield from word_features(text)
    for run in runs(text):
        yield from character_features(run)


def shortened(text: str) -> str:
    """Limits repeats of a code point to two."""
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


def tokens(text: str) -> list[str]:
    """Runs of letters and digits, and every other code point that is not a blank."""
    found: list[str] = []
    is_open = False
    for character in text:
        if is_letter(character) and is_open:
            found[-1] += character
        elif not is_blank(character):
            found.append(character)
        is_open = is_letter(character)
    return found[:MOST_TOKENS]


def token_features(token: str) -> Iterator[int]:
    """Hashes of the token and of its n-grams, padded with one blank on each side."""
    yield hashed(TOKEN_SEED, token)
    padded = f" {token} "
    for start in range(len(token) if len(token) > 1 else 0):
        for end in range(start + SHORTEST_GRAM, min(start + LONGEST_GRAM, len(padded)) + 1):
            yield hashed(GRAM_SEED, padded[start:end])


def runs(text: str) -> Iterator[str]:
    """The runs of characters between blanks."""
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
    """The 32-bit finalizer of MurmurHash3 (Appleby)."""
    code ^= code >> 16
    code = code * 0x85EBCA6B & MASK
    code ^= code >> 13
    code = code * 0xC2B2AE35 & MASK
    return code ^ code >> 16

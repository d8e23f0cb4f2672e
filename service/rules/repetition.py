"""Fingerprints of a text, by which Redis counts how often the same text, a similar one, or the same link came.

Texts are normalized first: case, accents and disguises go, digits become one class, a link becomes its domain. Two
texts are near if one of their fingerprints is equal. Each is the hash of several minima over the hashed shingles of a
text, so it is equal with the probability that the minima are (Broder, "On the resemblance and containment of
documents", 1997), and Redis needs one exact look-up for each.
"""

import re
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from hashlib import blake2b
from itertools import accumulate
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from classifier.homoglyphs import fold_homoglyphs
from service.rules.links import LinkKind, TextLink, find_links, registered_domain, target_of
from service.rules.readings import is_spaceless

# With fewer letters texts are equal by chance.
SHORT_LETTERS = 12
WORDS_OF_SHINGLE, CHARACTERS_OF_SHINGLE = 2, 5
# How many fingerprints, and how many minima each of them has. docs/experiments.md compares other numbers.
FINGERPRINTS, MINIMA = 6, 2
# Shingles with fewer letters are common phrases. They count only in texts with fewer than LEAST_SHINGLES others.
LETTERS_OF_SHINGLE, LEAST_SHINGLES = 13, 3
MOST_LINKS = 10
# What is read of a text: what spam says stands at its start, and a long text has enough of it.
MOST_CHARACTERS = 4_096
_HASH_BYTES = 9
_NUMBER = re.compile(r"[0-9]+")
# ASCII in small letters, with one digit for all, and spaces for what is neither.
_WORDS_ONLY = (
    bytes(
        ord("0") if chr(each).isdigit() else ord(chr(each).lower()) if chr(each).isalpha() else 32
        for each in range(128)
    )
    + b" " * 128
)
_NO_WORD = re.compile(r"[\W_]+")


class Fingerprints(NamedTuple):
    """`exact`: of the whole text. `near`: see above; empty for a short text. `links`: of the targets of its links.

    `is_short`: the text has fewer than SHORT_LETTERS letters, so `exact` says little.
    """

    exact: str
    near: tuple[str, ...]
    links: tuple[str, ...]
    is_short: bool


def _odd(name: str) -> NDArray[np.uint64]:
    """Odd numbers that are the same for good: fingerprints are kept in Redis, and compared by other processes."""
    digests = [blake2b(f"{name} {at}".encode(), digest_size=8).digest() for at in range(FINGERPRINTS * MINIMA)]
    return np.array([int.from_bytes(each, "little") | 1 for each in digests], np.uint64)[:, None]


_FACTORS, _ADDED = _odd("factor"), _odd("added")
_HIGH, _BETWEEN = np.uint64(32), np.uint64(0x9E3779B97F4A7C15)


def fingerprints(text: str, *, with_near: bool = True) -> Fingerprints:
    """Accepts any str. Equal in each process and release that normalizes alike. `with_near`: takes most of the time."""
    return fingerprints_with(text, find_links(text), with_near=with_near)


def fingerprints_with(text: str, links: tuple[TextLink, ...], *, with_near: bool = True) -> Fingerprints:
    """For a text whose links are known."""
    words = _normalized(text, [registered_domain(each.host) for each in links], links)
    joined = " ".join(words)
    letters = len(joined) - len(words) + 1
    is_short = letters < SHORT_LETTERS
    targets = dict.fromkeys(target_of(each) for each in links[:MOST_LINKS] if each.kind is not LinkKind.EMAIL)
    return Fingerprints(
        _hash(joined or " ".join(text.split())),
        # An attacker changes the address from copy to copy.
        _near(_normalized(text, [""] * len(links), links) if links else words) if with_near and not is_short else (),
        tuple(map(_hash, filter(None, targets))),
        is_short,
    )


def _normalized(text: str, shown_as: Sequence[str], links: Sequence[TextLink]) -> list[str]:
    """The words; of scripts that write no spaces between words the letters. `shown_as`: what each link becomes."""
    pieces, done = [], 0
    for link, shown in zip(links, shown_as, strict=True):
        pieces += [text[done : link.start], " ", _NO_WORD.sub("", shown), " "]
        done = link.end
    shown = "".join([*pieces, text[done:]]) if links else text
    shown = shown[:MOST_CHARACTERS]
    if shown.isascii():
        read_as = shown.encode().translate(_WORDS_ONLY).decode()
        return (_NUMBER.sub("0", read_as) if "0" in read_as else read_as).split()
    words = _NO_WORD.sub(" ", _NUMBER.sub("0", fold_homoglyphs(shown))).split()
    return [part for word in words for part in (word if any(map(is_spaceless, word)) else (word,))]


def _near(words: list[str]) -> tuple[str, ...]:
    if not words:
        return ()
    hashes = np.array([crc32(word.encode("utf-8", "replace")) for word in words], np.uint64)
    if _is_spaceless(words):
        minima = _minima(_shingles(hashes, CHARACTERS_OF_SHINGLE))
    else:
        shingles = _shingles(hashes, WORDS_OF_SHINGLE)
        letters = _sums([len(word) for word in words], len(words) - len(shingles) + 1)
        telling = shingles[letters >= LETTERS_OF_SHINGLE]
        minima = _minima(telling if len(telling) >= LEAST_SHINGLES else shingles)
    raw = minima.astype("<u4").tobytes()
    return tuple(_written(raw[at : at + 4 * MINIMA]) for at in range(0, len(raw), 4 * MINIMA))


def _sums(values: list[int], length: int) -> NDArray[np.int64]:
    """Of each run of so many."""
    until = np.array([0, *accumulate(values)], np.int64)
    found: NDArray[np.int64] = until[length:] - until[:-length]
    return found


def _is_spaceless(words: list[str]) -> bool:
    """Whether most of them are letters of a script without spaces."""
    return 2 * sum(len(word) == 1 and is_spaceless(word) for word in words if not word.isascii()) > len(words)


def _shingles(hashes: NDArray[np.uint64], length: int) -> NDArray[np.uint64]:
    """A hash of each run of so many words."""
    length = min(length, len(hashes))
    count = len(hashes) - length + 1
    found = np.zeros(count, np.uint64)
    for at in range(length):
        found = found * _BETWEEN + hashes[at : at + count]
    return found


def _minima(shingles: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The smallest value of each hash function."""
    found: NDArray[np.uint64] = ((shingles * _FACTORS + _ADDED) >> _HIGH).min(axis=1)
    return found


def _hash(value: str) -> str:
    return _written(blake2b(value.encode("utf-8", "replace"), digest_size=_HASH_BYTES).digest())


def _written(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")

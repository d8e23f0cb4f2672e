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
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from classifier.homoglyphs import fold_homoglyphs
from service.rules.links import LinkKind, TextLink, find_links, registered_domain, target_of
from service.rules.readings import SPACELESS, is_spaceless

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
# Of a fingerprint with two minima of 4 bytes: a multiple of 3, so that its Base64 ends with it.
_PADDED = 9
_NUMBER = re.compile(r"[0-9]+")
# ASCII in small letters, with one digit for all, and spaces for what is neither.
_WORDS_ONLY = (
    bytes(
        ord("0") if chr(each).isdigit() else ord(chr(each).lower()) if chr(each).isalpha() else 32
        for each in range(128)
    )
    + b" " * 128
)
_NO_WORD, _WORD = re.compile(r"[\W_]+"), re.compile(r"[^\W_]+")


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
    folded = _NUMBER.sub("0", fold_homoglyphs(shown))
    words = _WORD.findall(folded)
    if not SPACELESS.search(folded):
        return words
    return [part for word in words for part in (word if any(map(is_spaceless, word)) else (word,))]


def _near(words: list[str]) -> tuple[str, ...]:
    if not words:
        return ()
    joined = " ".join(words)
    is_ascii, raw = joined.isascii(), joined.encode("utf-8", "replace").split(b" ")
    hashes = np.fromiter(map(crc32, raw), np.uint64, len(raw))
    if not is_ascii and _is_spaceless(words, joined):
        return _written_all(_minima(_shingles(hashes, CHARACTERS_OF_SHINGLE)))
    shingles = _shingles(hashes, WORDS_OF_SHINGLE)
    letters = np.fromiter(map(len, raw if is_ascii else words), np.int64, len(raw))
    if len(words) > 1:
        letters = letters[:-1] + letters[1:]
    telling = shingles[letters >= LETTERS_OF_SHINGLE]
    return _written_all(_minima(telling if len(telling) >= LEAST_SHINGLES else shingles))


def _is_spaceless(words: list[str], joined: str) -> bool:
    """Whether most of them are letters of a script without spaces."""
    if not SPACELESS.search(joined):
        return False
    return 2 * sum(len(word) == 1 and is_spaceless(word) for word in words if not word.isascii()) > len(words)


def _shingles(hashes: NDArray[np.uint64], length: int) -> NDArray[np.uint64]:
    """A hash of each run of so many words."""
    length = min(length, len(hashes))
    count = len(hashes) - length + 1
    found = hashes[:count]
    for at in range(1, length):
        found = found * _BETWEEN + hashes[at : at + count]
    return found


def _minima(shingles: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The smallest value of each hash function: the upper half of the product."""
    values = shingles * _FACTORS
    values += _ADDED
    found: NDArray[np.uint64] = np.minimum.reduce(values, axis=1)
    return found >> _HIGH


def _written_all(minima: NDArray[np.uint64]) -> tuple[str, ...]:
    """MINIMA of them in each fingerprint, encoded together: a fingerprint of 8 bytes and a 0 has 12 characters."""
    rows = np.zeros((FINGERPRINTS, _PADDED), np.uint8)
    rows[:, : 4 * MINIMA] = minima.astype("<u4").view(np.uint8).reshape(FINGERPRINTS, 4 * MINIMA)
    written = urlsafe_b64encode(rows.tobytes()).decode()
    return tuple(written[at : at + 11] for at in range(0, len(written), 12))


def _hash(value: str) -> str:
    return _written(blake2b(value.encode("utf-8", "replace"), digest_size=_HASH_BYTES).digest())


def _written(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")

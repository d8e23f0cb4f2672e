"""Groups texts that are nearly the same: the copies that people judge once and again."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from training.leaks import key

# Texts of which at least this share of their pairs of words is common are copies (Jaccard).
LEAST_COMMON = 0.8
# With fewer pairs of words, one word more or less is another text, so only equal texts are copies.
FEWEST_PAIRS = 4
# MinHash in bands (Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, section 3.4): 20 bands of 4 rows find
# 99.99 % of the pairs with Jaccard 0.8.
BANDS, ROWS = 20, 4
# With how many texts of the same band a text is compared, the last ones. Texts that share a template, but are no
# copies, would all be compared with each other.
MOST_COMPARED = 32
_WORD = re.compile(r"\w+")
_MULTIPLIERS = np.random.default_rng(0).integers(1, 2**63, BANDS * ROWS, np.uint64) | np.uint64(1)

# Hashes of the pairs of neighboring words, each once, in order.
Pairs = NDArray[np.uint64]


def clusters(texts: Sequence[str]) -> list[int]:
    """For each text the position of the first text of its group. A text without copies is alone in its group."""
    return grouped(len(texts), _copies(texts))


def grouped(count: int, pairs: Iterable[tuple[int, int]]) -> list[int]:
    """For each of `count` positions the first one of its group; a group is what the pairs connect."""
    leaders = list(range(count))

    def leader(place: int) -> int:
        while leaders[place] != place:
            leaders[place] = leaders[leaders[place]]
            place = leaders[place]
        return place

    for one, other in pairs:
        first, second = sorted((leader(one), leader(other)))
        leaders[second] = first
    return [leader(place) for place in range(count)]


def _copies(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Pairs of copies, not all of a group, but enough to connect it."""
    first_equal: dict[str, int] = {}
    pairs: dict[int, Pairs] = {}
    for place, text in enumerate(texts):
        known = first_equal.setdefault(key(text), place)
        if known != place:
            yield known, place
        elif len(found := _pairs(text)) >= FEWEST_PAIRS:
            pairs[place] = found
    yield from _similar(pairs)


def _similar(pairs: Mapping[int, Pairs]) -> Iterator[tuple[int, int]]:
    """Pairs of texts with LEAST_COMMON. Band by band, so that the texts of one band are in memory at once."""
    least = np.array([_least(each) for each in pairs.values()], np.uint64).reshape(len(pairs), BANDS, ROWS)
    for band in range(BANDS):
        first_similar: dict[bytes, list[int]] = defaultdict(list)
        for place, row in zip(pairs, least[:, band], strict=True):
            near = first_similar[row.tobytes()]
            same = next((other for other in near if _are_alike(pairs[place], pairs[other])), None)
            if same is not None:
                yield same, place
                continue
            near.append(place)
            del near[:-MOST_COMPARED]


def _pairs(text: str) -> Pairs:
    words = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    hashed = {
        int.from_bytes(blake2b(f"{one} {other}".encode("utf-8", "surrogatepass"), digest_size=8).digest())
        for one, other in pairwise(words)
    }
    return np.sort(np.fromiter(hashed, np.uint64, len(hashed)))


def _least(pairs: Pairs) -> NDArray[np.uint64]:
    """The MinHash: (BANDS * ROWS,)."""
    found: NDArray[np.uint64] = (pairs[:, None] * _MULTIPLIERS).min(axis=0)
    return found


def _are_alike(one: Pairs, other: Pairs) -> bool:
    fewer, more = sorted((len(one), len(other)))
    if fewer < LEAST_COMMON * more:
        return False
    common = len(np.intersect1d(one, other, assume_unique=True))
    return common >= LEAST_COMMON * (len(one) + len(other) - common)

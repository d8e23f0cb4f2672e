"""Normalizes text one code point at a time, and maps offsets back.

Each code point is replaced by its plain form regardless of its neighbors, so that offsets map back exactly and the time
is linear. The kernel shortens long repeats.
"""

import sys
import unicodedata
from collections.abc import Callable
from threading import Lock

import numpy as np
from numpy.typing import NDArray

# Far more than any language uses; bounds the memory that hostile texts can take.
MOST_REMEMBERED = 65_536

# The most code points that one may decompose to: an Arabic ligature of a whole sentence has 18 letters in three bytes,
# and must not cost six times as much as plain text of its length.
MOST_UNFOLDED = 3
# From this many characters on the tables are faster than str.translate.
_LONG = 512
_FIRST_ROOM = 1_024


class _Remembered(dict[int, str]):
    """Code point -> its reading."""

    def __init__(self, reading: Callable[[str], str]) -> None:
        super().__init__()
        self._reading = reading

    def __missing__(self, code_point: int) -> str:
        found = self._reading(chr(code_point))
        if len(self) < MOST_REMEMBERED:
            self[code_point] = found
        return found


class Folding:
    """Replaces each code point by its reading, which is computed once; thread-safe."""

    def __init__(self, reading: Callable[[str], str]) -> None:
        self._remembered = _Remembered(reading)
        # Tables of all code points, for long texts; only pages in use take memory. `_starts`: the reading's position in
        # the pool. `_lengths`: its length plus one, since 0 means not computed yet.
        self._lengths = np.zeros(sys.maxunicode + 1, np.uint8)
        self._starts = np.zeros(sys.maxunicode + 1, np.uint32)
        self._pool = np.zeros(_FIRST_ROOM, np.uint32)
        self._used = 0
        self._lock = Lock()

    def of(self, code_point: int) -> str:
        return self._remembered[code_point]

    def read(self, text: str) -> str:
        if len(text) < _LONG or text.isascii():
            return text.translate(self._remembered)
        return self._read_all(code_points(text)).tobytes().decode("utf-32-le", "surrogatepass")

    def lengths(self, text: NDArray[np.uint32]) -> NDArray[np.uint8]:
        """The length of each code point's reading."""
        found: NDArray[np.uint8] = self._lengths[text]
        if not found.all():
            self._learn(text[found == 0])
            found = self._lengths[text]
        found -= 1
        return found

    def _read_all(self, text: NDArray[np.uint32]) -> NDArray[np.uint32]:
        lengths = self.lengths(text)
        starts = self._starts[text]
        if lengths.max() <= 1:
            only: NDArray[np.uint32] = self._pool[starts[lengths == 1]]
            return only
        ends = np.cumsum(lengths, dtype=np.int64)
        first = np.repeat(starts - (ends - lengths), lengths)
        found: NDArray[np.uint32] = self._pool[first + np.arange(len(first))]
        return found

    def _learn(self, met: NDArray[np.uint32]) -> None:
        with self._lock:
            for code_point in np.unique(met).tolist():
                found = code_points(self.of(code_point))
                if self._used + len(found) > len(self._pool):
                    self._pool = np.concatenate([self._pool, np.zeros_like(self._pool)])
                self._pool[self._used : self._used + len(found)] = found
                self._starts[code_point] = self._used
                self._used += len(found)
                self._lengths[code_point] = len(found) + 1  # last, because other threads read without the lock


def code_points(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def _reading(character: str) -> str:
    # Decompose, case-fold and decompose again: some capitals (mathematical, with a dot above) need both.
    folded = unicodedata.normalize("NFKD", character).casefold()
    unfolded = folded if folded == character else unicodedata.normalize("NFKD", folded)
    return "".join(" " if each.isspace() else each for each in unfolded if not _is_dropped(each))[:MOST_UNFOLDED]


# Invisible, although letters or symbols by category: Hangul fillers (both NFKD forms), and the empty Braille cell.
_BLANKS = "\u115f\u1160\u3164\uffa0\u2800"


def _is_dropped(character: str) -> bool:
    """Accents and enclosing marks, invisible characters (zero-width, bidi, variation selectors, tags), and controls."""
    category = unicodedata.category(character)
    return (
        category in ("Mn", "Me", "Cf", "Cs") or (category == "Cc" and not character.isspace()) or character in _BLANKS
    )


_FOLDING = Folding(_reading)


def read(text: str) -> str:
    """The normalized text. Accepts any str, also lone surrogates."""
    return _FOLDING.read(text)


def lengths(text: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """The length of the reading of each code point."""
    return _FOLDING.lengths(text)


def origins(text: str) -> list[int]:
    """For each code point of `read(text)`: its index in `text`."""
    return [index for index, character in enumerate(text) for _ in _FOLDING.of(ord(character))]

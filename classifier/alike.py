"""The second reading of a code point: the ASCII letter that it looks like, or the word that it is said for."""

import sys
import unicodedata
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from classifier.confusables import LOOK_ALIKES
from classifier.normalise import Folding, code_points, lengths, read
from classifier.spoken import SAID

# What masks a letter, and what is a mark though it looks like another.
_MASKS = "\u2733\u2734\u2736\u2660\u2663\u2665\u2666\u2764\u25a1\u25cb\u2b1b\u2b1c"
_MASKS += "\u2022\u25cf\u25a0\u25aa\u2588\u2591\u2592\u2593\u2217\u2731\u2732\u273b\u2605\u2606\u204e\u066d\u00b7\u30fb"
_MARKS = {"\u2757": "!", "\u2755": "!", "\u203c": "!", "\u00a1": "!", "\U0001f4b2": "$", "\U0001f4b0": "$"}


def _table() -> dict[str, str]:
    found = {each: letter for letter, alike in LOOK_ALIKES.items() for each in alike}
    found |= dict.fromkeys(_MASKS, "*") | _MARKS
    return found | {each: f" {words} " for each, words in SAID.items()}


_TABLE = _table()
_FOLDING = Folding(lambda character: _TABLE.get(character) or read(character))


def read_alike(text: str) -> str:
    """The text as it looks. Any str; the same as classifier.normalise.read where nothing looks like something else."""
    return _FOLDING.read(text)


def alike_origins(text: str) -> list[int]:
    """For each code point of `read_alike(text)`: the index in `text` of the one that it came from."""
    return [index for index, character in enumerate(text) for _ in _FOLDING.of(ord(character))]


# As in _marks.h: what is known of a code point; the lower eight bits name a script.
_LATIN, _SEVERAL = 1, 0xFF
_LOOKS, _REGIONAL, _ALPHA, _DIGIT, _WORD = 0x100, 0x200, 0x400, 0x800, 0x1000
_ASKED = 0x8000
_FIRST_REGIONAL, _LAST_REGIONAL = "\U0001f1e6", "\U0001f1ff"


class _Known:
    """What is known of each code point, found out when a text first holds it."""

    def __init__(self) -> None:
        # Memory is touched only where a code point was met.
        self._of_source = np.zeros(sys.maxunicode + 1, np.uint16)
        self._of_look = np.zeros(sys.maxunicode + 1, np.uint16)
        self._scripts = {"LATIN": _LATIN}
        self._lock = Lock()

    def of_source(self, code_points: NDArray[np.uint32]) -> NDArray[np.uint16]:
        """Its script, and whether it looks like something else."""
        found = self._of_source[code_points]
        if not found.all():
            with self._lock:
                for each in np.unique(code_points[found == 0]).tolist():
                    self._ask_source(each)
            found = self._of_source[code_points]
        return found

    def of_look(self, code_points: NDArray[np.uint32]) -> NDArray[np.uint16]:
        """Whether it is a letter or a digit."""
        found = self._of_look[code_points]
        if not found.all():
            for each in np.unique(code_points[found == 0]).tolist():
                self._of_look[each] = _ASKED | _shape(chr(each))
            found = self._of_look[code_points]
        return found

    def _ask_source(self, code_point: int) -> None:
        plain, alike = read(chr(code_point)), read_alike(chr(code_point))
        scripts = {unicodedata.name(each, "").split(" ")[0] for each in plain if each.isalpha()}
        found = _ASKED | _LOOKS * (plain != alike) | _REGIONAL * (_FIRST_REGIONAL <= chr(code_point) <= _LAST_REGIONAL)
        if len(scripts) > 1:
            found |= _SEVERAL
        for script in scripts if len(scripts) == 1 else ():
            found |= self._scripts.setdefault(script, min(len(self._scripts) + 1, _SEVERAL - 1))
        self._of_source[code_point] = found


_KNOWN = _Known()


@dataclass(frozen=True, slots=True)
class Looked:
    """What is known of each code point of what a text looks like.

    `about`: what _marks.h names. `starts`, `ends`: of the code point that it came from, in the plain reading.
    `of_plain`: the same as `about` of the plain reading, which looks like nothing else.
    """

    about: NDArray[np.uint16]
    of_plain: NDArray[np.uint16]
    starts: NDArray[np.uint32]
    ends: NDArray[np.uint32]


def look(text: str, plain: str, alike: str) -> Looked:
    """Of a text that is not all ASCII, with what classifier.normalise and `read_alike` read in it."""
    sent = code_points(text)
    plain_shares, shares = lengths(sent), _FOLDING.lengths(sent)
    ends = np.cumsum(plain_shares, dtype=np.uint32)
    about = np.repeat(_KNOWN.of_source(sent), shares) | _KNOWN.of_look(code_points(alike))
    starts = np.repeat(ends - plain_shares, shares)
    return Looked(about, _KNOWN.of_look(code_points(plain)), starts, np.repeat(ends, shares))


def _shape(character: str) -> int:
    return (
        _ALPHA * character.isalpha() | _DIGIT * character.isdigit() | _WORD * (character.isalnum() or character == "_")
    )

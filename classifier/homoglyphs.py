"""Folds homoglyphs: a code point becomes the ASCII letter that it looks like, or the word that an emoji stands for."""

import sys
import unicodedata
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from classifier.confusables import LOOK_ALIKES
from classifier.emoji_words import EMOJI_WORDS
from classifier.normalize import Folding, code_points, lengths, read

# Symbols that mask a letter, and symbols that stand for an ASCII punctuation mark.
_MASKS = "\u2733\u2734\u2736\u2660\u2663\u2665\u2666\u2764\u25a1\u25cb\u2b1b\u2b1c"
_MASKS += "\u2022\u25cf\u25a0\u25aa\u2588\u2591\u2592\u2593\u2217\u2731\u2732\u273b\u2605\u2606\u204e\u066d\u00b7\u30fb"
_MARKS = {"\u2757": "!", "\u2755": "!", "\u203c": "!", "\u00a1": "!", "\U0001f4b2": "$", "\U0001f4b0": "$"}


def _table() -> dict[str, str]:
    found = {each: letter for letter, alike in LOOK_ALIKES.items() for each in alike}
    found |= dict.fromkeys(_MASKS, "*") | _MARKS
    return found | {each: f" {words} " for each, words in EMOJI_WORDS.items()}


_TABLE = _table()
_FOLDING = Folding(lambda character: _TABLE.get(character) or read(character))


def fold_homoglyphs(text: str) -> str:
    """The text with homoglyphs folded. Accepts any str; without homoglyphs it equals classifier.normalize.read."""
    return _FOLDING.read(text)


def homoglyph_origins(text: str) -> list[int]:
    """For each code point of `fold_homoglyphs(text)`: its index in `text`."""
    return [index for index, character in enumerate(text) for _ in _FOLDING.of(ord(character))]


# The property bits of _marks.h; the lower eight bits are the script.
_LATIN, _SEVERAL = 1, 0xFF
_LOOKS, _REGIONAL, _ALPHA, _DIGIT, _WORD = 0x100, 0x200, 0x400, 0x800, 0x1000
_ASKED = 0x8000
_FIRST_REGIONAL, _LAST_REGIONAL = "\U0001f1e6", "\U0001f1ff"


class _PropertyTable:
    """Properties of code points, computed when a text first contains them."""

    def __init__(self) -> None:
        # The system allocates only the pages of code points that occur.
        self._of_source = np.zeros(sys.maxunicode + 1, np.uint16)
        self._of_look = np.zeros(sys.maxunicode + 1, np.uint16)
        self._scripts = {"LATIN": _LATIN}
        self._lock = Lock()

    def of_source(self, code_points: NDArray[np.uint32]) -> NDArray[np.uint16]:
        """The script, and whether the code point is a homoglyph."""
        found = self._of_source[code_points]
        if not found.all():
            with self._lock:
                for each in np.unique(code_points[found == 0]).tolist():
                    self._ask_source(each)
            found = self._of_source[code_points]
        return found

    def of_look(self, code_points: NDArray[np.uint32]) -> NDArray[np.uint16]:
        """Whether the code point is a letter or a digit."""
        found = self._of_look[code_points]
        if not found.all():
            for each in np.unique(code_points[found == 0]).tolist():
                self._of_look[each] = _ASKED | _shape(chr(each))
            found = self._of_look[code_points]
        return found

    def _ask_source(self, code_point: int) -> None:
        plain, alike = read(chr(code_point)), fold_homoglyphs(chr(code_point))
        scripts = {unicodedata.name(each, "").split(" ")[0] for each in plain if each.isalpha()}
        found = _ASKED | _LOOKS * (plain != alike) | _REGIONAL * (_FIRST_REGIONAL <= chr(code_point) <= _LAST_REGIONAL)
        if len(scripts) > 1:
            found |= _SEVERAL
        for script in scripts if len(scripts) == 1 else ():
            found |= self._scripts.setdefault(script, min(len(self._scripts) + 1, _SEVERAL - 1))
        self._of_source[code_point] = found


_PROPERTIES = _PropertyTable()


@dataclass(frozen=True, slots=True)
class TextProperties:
    """Properties of each code point of a text with homoglyphs folded.

    `about`: the bits of _marks.h. `starts`, `ends`: the position of its source in the plain reading. `of_plain`: the
    same as `about` for the plain reading, which has no homoglyphs.
    """

    about: NDArray[np.uint16]
    of_plain: NDArray[np.uint16]
    starts: NDArray[np.uint32]
    ends: NDArray[np.uint32]


def text_properties(text: str, plain: str, alike: str) -> TextProperties:
    """For a text that is not all ASCII, with its readings by classifier.normalize and `fold_homoglyphs`."""
    sent = code_points(text)
    plain_shares, shares = lengths(sent), _FOLDING.lengths(sent)
    ends = np.cumsum(plain_shares, dtype=np.uint32)
    looks = _PROPERTIES.of_look(code_points(alike))
    about = np.repeat(_PROPERTIES.of_source(sent), shares) | looks
    starts = np.repeat(ends - plain_shares, shares)
    of_plain = looks if plain == alike else _PROPERTIES.of_look(code_points(plain))
    return TextProperties(about, of_plain, starts, np.repeat(ends, shares))


def _shape(character: str) -> int:
    return (
        _ALPHA * character.isalpha() | _DIGIT * character.isdigit() | _WORD * (character.isalnum() or character == "_")
    )

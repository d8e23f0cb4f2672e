"""Normalizes one whitespace-separated chunk of a text to the characters of the deep reader's vocabulary.

Emoji become their names, HTML entities are decoded, URLs lose their paths, and words in capitals become lower case.
Each chunk is independent of the others, so that results can be cached. The time is linear in its length: no expression
backtracks.
"""

import re
import unicodedata
from collections.abc import Collection
from typing import Final

from classifier.entities import unescaped

# A URL is represented by its host; the rest is noise.
_ADDRESS = re.compile(r"(https?://[^/?#\s<>()\[\]\"']{1,120})[/?#][^\s<>()\[\]\"']*", re.IGNORECASE)
# Repeats of a letter are limited to three.
_DRAWN_OUT = re.compile(r"(.)\1{3,}")
_SHORTEST_SHOUTED = 3
# Longer character names are descriptions, not names.
_LONGEST_NAME = 60
_MOST_REMEMBERED = 16_384
# Regional indicators and tags: the first, the last, and the ASCII character of the first.
_SHIFTED = ((0x1F1E6, 0x1F1FF, ord("A")), (0xE0020, 0xE007E, ord(" ")))
# Common names, for code points whose Unicode name is misleading or missing.
_CALLED: Final = {
    0x1F595: "middle finger",
    0x1F52A: "kitchen knife",
    0x1F9D5: "woman in headscarf",
    0x1F54B: "kaaba",
    0x1F54D: "synagogue",
    0x2764: "heart",
    0x2665: "heart",
    0x1F602: "laughing",
    0x1F923: "laughing",
    0x1F621: "angry face",
    0x1F92C: "swearing face",
    0x1F44D: "thumbs up",
    0x1F44E: "thumbs down",
    0x1F64F: "folded hands",
    0x1F3F3: "flag",
    0x1F3F4: "flag",
    0x1F3FF: "dark skin",
}
_QUOTES = {ord(mark): ascii_ for mark, ascii_ in zip("\u2018\u2019\u201c\u201d\u201e\u2032", "''\"\"\"'", strict=True)}


class ChunkNormalizer:
    """Normalizes chunks for a vocabulary; thread-safe.

    `alphabet`: the characters that the vocabulary has pieces for.
    """

    def __init__(self, alphabet: Collection[str]) -> None:
        self._table = _Readable(alphabet)

    def __call__(self, chunk: str) -> str:
        """The chunk in characters of the alphabet; it may contain blanks or be empty. Accepts any str."""
        if "&" in chunk and ";" in chunk:
            chunk = unescaped(chunk)
        if "://" in chunk:
            chunk = _ADDRESS.sub(r"\1", chunk)
        if not chunk.isascii():
            chunk = unicodedata.normalize("NFC", chunk).translate(self._table)
        if len(chunk) >= _SHORTEST_SHOUTED:
            if chunk.isupper():
                chunk = chunk.lower()
            chunk = _DRAWN_OUT.sub(r"\1\1\1", chunk)
        return chunk


class _Readable(dict[int, str]):
    """Code point -> itself if it is in the alphabet, else its name, or the letter without accents."""

    def __init__(self, alphabet: Collection[str]) -> None:
        super().__init__(_QUOTES)
        self._alphabet = frozenset(alphabet)

    def __missing__(self, code_point: int) -> str:
        found = self._read(code_point)
        if len(self) < _MOST_REMEMBERED:
            self[code_point] = found
        return found

    def _read(self, code_point: int) -> str:
        character = chr(code_point)
        if code_point in _CALLED:
            return f" {_CALLED[code_point]} "
        if character in self._alphabet or character.isspace():
            return character
        for low, high, first in _SHIFTED:  # flags are made of these
            if low <= code_point <= high:
                return chr(first + code_point - low)
        unfolded = unicodedata.normalize("NFKC", character)
        if unfolded != character and all(each in self._alphabet or each.isspace() for each in unfolded):
            return unfolded
        return self._named(character, unicodedata.category(character))

    def _named(self, character: str, category: str) -> str:
        if category[0] in "MC":  # marks and invisible characters
            return ""
        if category[0] == "L" or category[0] == "N":
            plain = [each for each in unicodedata.normalize("NFKD", character) if each in self._alphabet]
            return "".join(plain) or character
        name = unicodedata.name(character, "").lower()
        if name.startswith("emoji modifier"):  # other skin tones
            return ""
        return f" {name} " if 0 < len(name) <= _LONGEST_NAME else character

"""The readings of a text in which words are found, and where they come from.

One has only words, with spaces for all that stands between them. The other has tokens, with one space around each. A
token is a word of letters and digits, or one sign. Letters are normalized as by classifier.normalize, so case, width
and accents make no difference. Hyphens and apostrophes separate words like white space. Scripts that write no spaces
between words have one token for each letter, with its marks, so that a word of them is found anywhere.
"""

import re
import unicodedata
from bisect import bisect
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from classifier.normalize import MOST_UNFOLDED, Folding, code_points, read

# Stands before a mark that belongs to the letter before it. No reading has this control character otherwise.
_JOINED = "\x08"
_SPACE = 32
# Signs of ASCII, which get their spaces by str.replace: str.translate is quick only where it replaces one by one.
_SIGNS = '!"#$%&()*+,./:;<=>?@[\\]^{|}~'
_LAST_ASCII = 127
_SHARES = np.array([3 if chr(each) in _SIGNS else 1 for each in range(_LAST_ASCII + 1)])
_APOSTROPHES = "'`\u00b4\u2018\u2019\u02bc\u2032"

# First and last code points of Thai and Lao, Tibetan, Myanmar, Khmer, kana with their half-width forms, and Han.
_SPACELESS = (
    *(0x0E00, 0x0EFF, 0x0F00, 0x0FFF, 0x1000, 0x109F, 0x1780, 0x17FF, 0x3005, 0x3007, 0x3040, 0x30FF),
    *(0x31F0, 0x31FF, 0x3400, 0x4DBF, 0x4E00, 0x9FFF, 0xF900, 0xFAFF, 0xFF66, 0xFF9F, 0x20000, 0x3FFFF),
)
_HANGUL = (0xAC00, 0xD7A3)
# Marks that make another letter of the one before: vowels of the scripts of South Asia, and voiced kana.
_MARKS = (0x0900, 0x1AAF, 0x3099, 0x309A, 0xA800, 0xABFF)


# What stands between a letter of a spaceless script, or a mark, and a mark that belongs to it; other marks stand alone.
_LETTER = "".join(f"{chr(first)}-{chr(last)}" for first, last in zip(_SPACELESS[::2], _SPACELESS[1::2], strict=True))
SPACELESS = re.compile(f"[{_LETTER}]")
_LOOSE = re.compile(f"(?<=[{_LETTER}\\u3099\\u309a]) {_JOINED}|{_JOINED}")
_SPACES = re.compile(r" +")


def _is_within(ranges: tuple[int, ...], character: str) -> bool:
    at = bisect(ranges, ord(character))
    return at % 2 == 1 or (at > 0 and ranges[at - 1] == ord(character))


def is_spaceless(character: str) -> bool:
    """Whether its script writes no spaces between words."""
    return _is_within(_SPACELESS, character)


def _letters(character: str, *, keeps_case: bool) -> str:
    if _is_within(_HANGUL, character):
        return character
    unfolded = unicodedata.normalize("NFKD", character)
    if any(_is_within(_MARKS, each) and unicodedata.category(each)[0] == "M" for each in unfolded):
        return unfolded[:MOST_UNFOLDED]
    if not keeps_case:
        return read(character)
    return "".join(" " if each.isspace() else each for each in unfolded if read(each))[:MOST_UNFOLDED]


def _separated(character: str) -> str:
    category = unicodedata.category(character)
    if character == " " or category in {"Pd", "Pc"} or character in _APOSTROPHES:
        return " "
    if category[0] == "M":
        return f"{_JOINED}{character} " if is_spaceless(character) else character
    if (character.isalnum() and not is_spaceless(character)) or character in _SIGNS:
        return character
    return f" {character} "


def _folding(*, keeps_case: bool) -> Folding:
    return Folding(lambda each: "".join(map(_separated, _letters(each, keeps_case=keeps_case))))


_FOLDINGS = {keeps_case: _folding(keeps_case=keeps_case) for keeps_case in (False, True)}


def _word_folding(*, keeps_case: bool) -> Folding:
    return Folding(
        lambda each: "".join(letter if is_of_word(letter) else " " for letter in _letters(each, keeps_case=keeps_case))
    )


_WORD_FOLDINGS = {keeps_case: _word_folding(keeps_case=keeps_case) for keeps_case in (False, True)}


def is_of_word(character: str) -> bool:
    """Whether a normalized character belongs to words, and not to a script without spaces between them."""
    return (character.isalnum() or unicodedata.category(character)[0] == "M") and not is_spaceless(character)


def words(text: str, *, keeps_case: bool = False) -> str:
    """The words, and a space for each other character, with one more at both ends. Accepts any str."""
    return f" {_WORD_FOLDINGS[keeps_case].read(text)} "


def word_origins(text: str, *, keeps_case: bool = False) -> Sequence[int]:
    """For each code point of `words(text)`: its index in `text`."""
    last = max(len(text) - 1, 0)
    if text.isascii() and text.isprintable():
        return range(-1, len(text) + 1)
    lengths = _WORD_FOLDINGS[keeps_case].lengths(code_points(text))
    return [0, *np.repeat(np.arange(len(text)), lengths).tolist(), last]


def tokens(text: str, *, keeps_case: bool = False) -> str:
    """The tokens, with one space around each. Accepts any str."""
    found = " ".join(("", *_apart(_FOLDINGS[keeps_case].read(text)).split(), ""))
    return _LOOSE.sub("", found) if _JOINED in found else found


def _apart(reading: str) -> str:
    for each in _SIGNS:
        if each in reading:
            reading = reading.replace(each, f" {each} ")
    return reading


def token_origins(text: str, *, keeps_case: bool = False) -> NDArray[np.int64]:
    """For each code point of `tokens(text)`: its index in `text`."""
    folding = _FOLDINGS[keeps_case]
    read_as = folding.read(text)
    origins = np.repeat(np.arange(len(text)), folding.lengths(code_points(text)))
    lengths = _SHARES[np.minimum(code_points(read_as), _LAST_ASCII)]
    origins = np.concatenate([[0], np.repeat(origins, lengths), [max(len(text) - 1, 0)]])
    read_as = f" {_apart(read_as)} "
    is_space = code_points(read_as) == _SPACE
    kept = np.concatenate([[True], ~(is_space[1:] & is_space[:-1])])
    origins = np.asarray(origins[kept], np.int64)
    if _JOINED not in read_as:
        return origins
    dropped = np.zeros(len(origins), bool)
    for loose in _LOOSE.finditer(_SPACES.sub(" ", read_as)):
        dropped[loose.start() : loose.end()] = True
    return np.delete(origins, np.flatnonzero(dropped))

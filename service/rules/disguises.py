"""Finds the parts of a text that may be disguised words, and what they may be read as.

Signs of a disguise are letters of another script, digits and signs among letters, letters that are repeated three times
or more, and single letters with something between them. Only the chunks that have such a sign are read again:

* signs between letters go, unless all parts are ordinary words: "f.u.ck", but not "pen.is";
* white space goes between single letters only: "f u c k", but not "pen is" or "class it";
* digits and signs become the letters that they stand for, and homoglyphs the letters that they look like;
* repeated letters become one, and are counted.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from re2 import _re2

import classifier
from classifier.confusables import LOOK_ALIKES
from classifier.homoglyphs import fold_homoglyphs, homoglyph_origins
from classifier.normalize import Folding, origins, read
from classifier.words import parsed

# A letter that stands this often in a row is no mistake.
DRAWN_OUT = 3
_LEET = {"0": "o", "2": "z", "3": "e", "4": "a", "5": "s", "6": "g", "7": "t", "8": "b", "9": "g", "@": "a", "$": "s"}
_LEET |= {"+": "t"}
# These stand for two letters; all of a chunk are read as the same one.
_STROKES = "1!|"
_MEANT = [_LEET | dict.fromkeys(_STROKES, letter) for letter in "il"]
_LEET_SIGNS = frozenset("@$+!|")
# Signs that may stand for a letter at the ends of a chunk.
_AT_ENDS = "@$"
_APOSTROPHES = frozenset("'\u2019 ")
_FEWEST_SINGLES = 3
_MOST_SPACES = 3
_QUANTITY = re.compile(r"\d++(?:st|nd|rd|th|er|am|pm|s|k|m|b|bn|km|kg|mm|cm|lb|lbs|x|h|g|gb|mb|tb|d|p|f|c|v|w|kw)?")
_ADDRESS = ("://", "www.")
_PUNCTUATION = "\"'()[]{}.,:;!?*-~\u2026"
_DIGITS_OR_SIGNS = re.compile(r"[0-9@$!|+]")
_LETTERS = re.compile(r"[a-z\x02\x80-\xff]+")
# Words among this many of the commonest ones are ordinary; of words of two letters only among fewer.
_COMMONEST, _COMMONEST_OF_TWO, _TWO = 8_000, 1_000, 2


@lru_cache(maxsize=1)
def ordinary_words() -> frozenset[str]:
    """Common words that mostly occur in harmless texts, of the model that ships."""
    file = classifier.SHIPPED / "words.txt"
    words = parsed(file.read_bytes()).plain[:_COMMONEST] if file.exists() else ()
    return frozenset(each for at, each in enumerate(words) if len(each) > _TWO or at < _COMMONEST_OF_TWO)


# A text's shape has one Latin-1 character for each code point. A letter of Latin is itself without case and accents.
# Others are told apart by what they are: letters of other scripts with and without case, letters that look like Latin
# ones, and signs that do.
_CASED, _CASELESS, _ALIKE, _FEW, _MANY = 0x80, 0xA0, 0xC0, 0x20, 0x40
_ALIKE_SIGN, _INVISIBLE = "\x02", "\x01"
_IS_ALIKE = frozenset("".join(LOOK_ALIKES.values()))
_IS_LETTER = r"a-z\x02\x80-\xff"


def _shape_of(character: str) -> str:
    plain = read(character)
    if character.isascii() or plain[:1].isascii():
        return plain[:1] or _INVISIBLE
    if character in "\u2019\u02bc":
        return "'"
    if character in _IS_ALIKE:
        return chr(_ALIKE + ord(character) % _MANY) if character.isalpha() else _ALIKE_SIGN
    if character.isalpha() or character.isnumeric() or not character.isprintable():
        is_cased = character.lower() != character.upper()
        return chr((_CASED if is_cased else _CASELESS) + ord(character) % _FEW)
    return "."


_SHAPES = Folding(_shape_of)


def _compiled(*alternatives: str) -> "_re2.RE2":
    options = _re2.RE2.Options()
    options.encoding, options.log_errors, options.never_capture = _re2.RE2.Options.Encoding.LATIN1, False, True
    return _re2.RE2("|".join(alternatives).encode("latin-1"), options)


def _signs() -> tuple[str, ...]:
    letter, one = f"[{_IS_LETTER}]", f"[{_IS_LETTER}0-9@$!|]"
    other = f"[^{_IS_LETTER}0-9]"
    repeated = [*range(ord("a"), ord("z") + 1), *range(_CASED, _ALIKE + _MANY)]
    return (
        *(rf"\x{each:02x}{{{DRAWN_OUT}}}" for each in repeated),
        rf"{letter}[^{_IS_LETTER}' ][^{_IS_LETTER} ]{{0,2}}{letter}",
        f"[@$0-9]{letter}",
        f"{letter}[@$0-9]",
        f"(?:^|{other}){one}{other}{{1,3}}{one}{other}{{1,3}}{one}(?:$|{other})",
    )


_MIXED = r"[a-z][\x80-\x9f\xc0-\xff]", r"[\x80-\x9f\xc0-\xff][a-z]", r"\x02[a-z\x02]", r"[a-z]\x02"
_IN_ASCII = _compiled(*_signs())
# In a text of another script a word of look-alikes is an ordinary word, unless it has Latin letters too.
_IN_OTHERS = _compiled(*_signs(), *_MIXED)
_IN_LATIN = _compiled(*_signs(), *_MIXED, r"[\xc0-\xff]")
_IS_MIXED = re.compile("|".join(_MIXED))
_ANCHOR = _re2.RE2.Anchor.UNANCHORED
_LATIN, _FOREIGN = bytes(range(ord("a"), ord("z") + 1)), bytes(range(_CASED, 256))
# Single letters, with signs between them.
_SINGLES = re.compile(
    rf"[^{_IS_LETTER}0-9]*+[{_IS_LETTER}0-9@$!|](?:[^{_IS_LETTER}0-9]++[{_IS_LETTER}0-9])*+[^{_IS_LETTER}0-9]*+"
)
_NEXT = re.compile(rf" {{1,{_MOST_SPACES}}}([^ ]+)")
_WIDE = re.compile(r"\s{2,}")
# What stands between signs, where digits and signs are replaced by what they stand for.
_PARTS = re.compile(r"(?:[^\W_]|[^\x00-\x7f])+")
_REPEATED = re.compile(r"(.)\1+")
# ASCII in small letters, with spaces for all white space.
_BLANKS = b"\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f"
_LOWER = bytes(range(256)).lower().translate(bytes.maketrans(_BLANKS, b" " * len(_BLANKS)))
_TABLES = {
    (meant["1"], keeps_signs): str.maketrans({each: meant[each] for each in meant if each.isdigit() or keeps_signs})
    for meant in _MEANT
    for keeps_signs in (False, True)
}


class Letters(NamedTuple):
    """A run of equal letters: how many, and the indexes in the text of the first and the last."""

    letter: str
    times: int
    first: int
    last: int


class DisguisedWord(NamedTuple):
    """What a chunk, or a part of it, may be read as. `is_bent`: signs went, or letters were replaced."""

    letters: tuple[Letters, ...]
    is_bent: bool

    @property
    def skeleton(self) -> str:
        return "".join([each.letter for each in self.letters])


class DisguisedChunk(NamedTuple):
    """A part of the text that may be disguised. `is_spaced`: single letters with white space between them. `is_mixed`:
    letters of more than one script.
    """

    start: int
    end: int
    raw: str
    is_spaced: bool
    is_mixed: bool

    def glance(self) -> str:
        """All skeletons that `readings` may have, with spaces around them; quick, and with some more."""
        plain, alike = read(self.raw), fold_homoglyphs(self.raw)
        found = list(_glanced(plain))
        if alike != plain:
            found += _glanced(alike)
        return _REPEATED.sub(r"\1", f" {' '.join(found)} ")

    def readings(self) -> Iterator[tuple[DisguisedWord, ...]]:
        """What may be meant: one word, or several."""
        plain, alike = read(self.raw), fold_homoglyphs(self.raw)
        sources = [(plain, origins(self.raw), self.is_mixed)]
        if plain != alike:
            sources.append((alike, homoglyph_origins(self.raw), True))
        for letters, indexes, is_bent in sources:
            for meant, kept in _meant(letters):
                parts = _parts(letters, [self.start + each for each in indexes], meant, kept, is_bent=is_bent)
                yield from _joined(parts, is_spaced=self.is_spaced)


def disguised_chunks(text: str) -> Iterator[DisguisedChunk]:
    """In the order of the text. Accepts any str."""
    raw, expression = _shape(text)
    at = expression.Match(_ANCHOR, raw, 0, len(raw))[0][0]
    if at < 0:
        return
    shape = raw.decode("latin-1")
    while at >= 0:
        start, end, is_spaced = _chunk_at(shape, at)
        if is_spaced or not _is_harmless(shape, start, end):
            yield DisguisedChunk(
                start, end, text[start:end], is_spaced, _IS_MIXED.search(shape, start, end) is not None
            )
        at = expression.Match(_ANCHOR, raw, end, len(raw))[0][0] if end < len(raw) else -1


def _shape(text: str) -> "tuple[bytes, _re2.RE2]":
    """And what tells signs of disguises in it."""
    if text.isascii():
        return text.encode().translate(_LOWER), _IN_ASCII
    raw = _SHAPES.read(text).encode("latin-1")
    latin, foreign = (len(raw) - len(raw.translate(None, some)) for some in (_LATIN, _FOREIGN))
    return raw, _IN_LATIN if latin > foreign else _IN_OTHERS


def _chunk_at(shape: str, at: int) -> tuple[int, int, bool]:
    """What stands between white space around a sign; of single letters also those behind."""
    while shape[at] == " ":
        at += 1
    start = shape.rfind(" ", 0, at) + 1
    end = shape.find(" ", at)
    end = len(shape) if end < 0 else end
    is_spaced = False
    if _SINGLES.fullmatch(shape, start, end):
        while (ahead := _NEXT.match(shape, end)) and _SINGLES.fullmatch(ahead[1]):
            end, is_spaced = ahead.end(), True
    return start, end, is_spaced


def _is_harmless(shape: str, start: int, end: int) -> bool:
    """A quantity, an address, or ordinary words with signs between them, as nearly all that look disguised are."""
    chunk = shape[start:end]
    if any(each in chunk for each in _ADDRESS) or _QUANTITY.fullmatch(chunk.strip(_PUNCTUATION)):
        return True
    return _DIGITS_OR_SIGNS.search(chunk) is None and ordinary_words().issuperset(_LETTERS.findall(chunk))


class _Letter(NamedTuple):
    letter: str
    at: int
    is_bent: bool


_Part = list[_Letter]


def _meant(letters: str) -> Iterator[tuple[dict[str, str], frozenset[str]]]:
    """What digits and signs may stand for, and which signs do."""
    for meant in _MEANT if any(each in letters for each in _STROKES) else _MEANT[:1]:
        yield meant, frozenset()
        if not _LEET_SIGNS.isdisjoint(letters):
            yield meant, _LEET_SIGNS


def _glanced(letters: str) -> Iterator[str]:
    for meant, signs in _meant(letters):
        parts = _PARTS.findall(letters.translate(_TABLES[meant["1"], bool(signs)]))
        joined = "".join(parts)
        yield from parts
        yield joined
        yield joined[1:]
        yield from ("".join(some) for is_single, some in groupby(parts, lambda each: len(each) == 1) if is_single)
        if " " in letters:
            yield from (
                "".join(_PARTS.findall(some))
                for some in _WIDE.split(letters.translate(_TABLES[meant["1"], bool(signs)]))
            )


def _parts(
    letters: str, indexes: Sequence[int], meant: dict[str, str], signs: frozenset[str], *, is_bent: bool
) -> list[tuple[str, _Part]]:
    """What stands between signs, each with what stands before it. `signs`: those that stand for a letter."""
    ends = [at for at, each in enumerate(letters) if each.isalnum() or each in _AT_ENDS]
    found: list[tuple[str, _Part]] = []
    part: _Part = []
    gap = ""
    for at in range(ends[0], ends[-1] + 1) if ends else ():
        each = letters[at]
        replaced = meant.get(each) if each.isdigit() or each in signs else None
        if replaced is None and not _is_letter(each):
            gap, part = (gap + each if not part else each), []
            continue
        if not part:
            found.append((gap, part))
            gap = ""
        part.append(_Letter(replaced or each, indexes[at], is_bent or replaced is not None))
    return found


def _is_letter(character: str) -> bool:
    return character.isalnum() or not character.isascii()


def _joined(parts: list[tuple[str, _Part]], *, is_spaced: bool) -> Iterator[tuple[DisguisedWord, ...]]:
    singles = [len(part) == 1 for _, part in parts]
    if is_spaced:
        yield from _spaced(parts)
    elif len(parts) == 1 or not _is_joinable(parts):
        yield tuple(_word(part) for _, part in parts)
    else:
        yield (_word([each for _, part in parts for each in part], is_bent=True),)
        if not all(singles) and sum(singles) >= _FEWEST_SINGLES:
            yield tuple(_runs_of_singles(parts))


def _is_joinable(parts: list[tuple[str, _Part]]) -> bool:
    if all(len(part) == 1 for _, part in parts):
        return True
    if all(_APOSTROPHES.issuperset(gap) for gap, _ in parts[1:]):
        return False  # he'll
    ordinary = ordinary_words()
    return any(len(part) == 1 or "".join([each.letter for each in part]) not in ordinary for _, part in parts)


def _spaced(parts: list[tuple[str, _Part]]) -> Iterator[tuple[DisguisedWord, ...]]:
    """Where some gaps are wider, words end there."""
    words: list[_Part] = []
    is_wide = [len(gap) > 1 and gap.isspace() for gap, _ in parts]
    splits = not all(is_wide[1:])
    for at, (_, part) in enumerate(parts):
        if at == 0 or (splits and is_wide[at]):
            words.append([])
        words[-1].extend(part)
    yield tuple(_word(word, is_bent=True) for word in words)
    if len(words) == 1 and words[0][0].letter in "ai":  # I f u c k
        yield (_word(words[0][1:], is_bent=True),)


def _runs_of_singles(parts: list[tuple[str, _Part]]) -> Iterator[DisguisedWord]:
    for is_single, some in groupby(parts, lambda each: len(each[1]) == 1):
        if is_single:
            yield _word([each for _, part in some for each in part], is_bent=True)
        else:
            yield from (_word(part) for _, part in some)


def _word(part: Iterable[_Letter], *, is_bent: bool = False) -> DisguisedWord:
    part = list(part)
    runs = (list(run) for _, run in groupby(part, itemgetter(0)))
    letters = tuple(Letters(run[0].letter, len(run), run[0].at, run[-1].at) for run in runs)
    return DisguisedWord(letters, is_bent or any(each.is_bent for each in part))

"""The words in one chunk between blanks, taken out of their disguise."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from classifier.lexicon import Lexicon

# A word, and the evidence that it is disguised (see Found).
Reading = tuple[str, float]
# A harmful word that somebody hid; a harmless one that nobody spells so by chance; what may be a slip.
ENOUGH, HALF, NONE = 1.0, 0.5, 0.0

# What may stand around a word, and is no letter there.
EDGES = ".,;:?\"'()[]{}<>~`^-=/\\\u2013\u2014\u2018\u2019\u201c\u201d\u00ab\u00bb\u201e"
BEFORE, BEHIND = EDGES + "#", EDGES + "!"
_BEHIND = "!1?" + EDGES
# What is written for a letter, and what is written between letters.
_LETTERS: dict[int, str | int | None] = {
    **str.maketrans("01345789@$!|+(<#26", "oieastbgasiitcchzg"),
    **dict.fromkeys(map(ord, "-./,:;&_\\'\"=~^[]{}>)?*%`\u2013\u2014\u2018\u2019")),
}
# What nobody writes within a word but in the place of a letter.
_STAND_IN = re.compile(r"[0-9@$!|+(<#]")
_COMPOUND = re.compile(r"[a-z]+[a-z0-9@$!]*[0-9@$!][a-z0-9@$!]*[a-z]")
_ATE = {**_LETTERS, ord("8"): "ate"}
_KEPT = {**_LETTERS, ord("'"): "'"}
# Prices have digits only; "@$$" has none of either.
_LETTER = re.compile(r"[a-z]|@.*\$|\$.*@")
_PART = re.compile(r"[^-./,:;&_\\'\"=~^\[\]{}<>)?*\u2013\u2014\u2018\u2019]+")
_ORDINARY_PART = re.compile(r"[^-|+&(./,:;&_\\'\"=~^\[\]{}<>)?*\u2013\u2014\u2018\u2019]+")
_SHOUTED = re.compile(r"(?:!1|1!)[!1?]*\Z")  # who lets go of the shift key
_POSSESSIVE = re.compile("['\u2019]s\\Z")
# The press writes sh-- and f---.
_CENSORED = re.compile(r"[a-z]{2,3}[-_]{2,4}|[a-z][-_]{3,5}")
_DIGITS = str.maketrans("013457", "oieast")
_MASKS = str.maketrans("#%&@$!?+-._\u2013\u2014\u00d7", "*" * 14)
_SURE_MASKS = frozenset("*#%@$&")
_STARS = re.compile(r"\*+")
_NUMBER_AT_AN_END = re.compile(r"\d+[a-z]+|[a-z]+\d+")
_DRAWN_OUT = re.compile(r"(.)\1{2,}")
# Money, mentions, brackets, and parts of names and numbers: no letters unless what they make harms.
_OTHERWISE = re.compile(r"^\$\d|^@|^\(|\($|[-/_.:;,]")
_ORDINAL = re.compile(r"\d+(?:st|nd|rd|th|s|am|pm|px|em|km|kg|mb|gb|m|k)")
_ADDRESS = re.compile(
    r"://|^www\.|[^@]@[^@]*\.|^[\w-]*/[\w/-]*\.|\.(?:com|org|net|edu|gov|info|html?|php|jpe?g|png|gif|svg|pdf)\b"
)
# A longer chunk is no word in disguise, unless it is written letter by letter.
_LONGEST = 40
# Harmful words shorter than the first, plain ones shorter than the second, and words that differ by i and l only and
# are shorter than the third prove nothing.
_SURE, _PLAIN, _TOLD = 3, 4, 6
_FEWEST_LETTERS = 3


@dataclass(frozen=True, slots=True)
class Found:
    """A known word that stands at [start, end) in disguise. `evidence`: that there is one at all; 1 is enough."""

    start: int
    end: int
    word: str
    evidence: float


def words_in(chunk: str, lexicon: Lexicon, *, is_alike: bool = False) -> list[Found]:
    """In the order of the chunk; none where nothing is disguised. `is_alike`: some letters only look like these."""
    offset, core = _core(chunk, lexicon)
    if is_alike and (alike := lexicon.best(lexicon.exact(core) or _around_harm(core, lexicon))):
        return [Found(offset, offset + len(core), alike, _evidence(alike, lexicon, HALF))]
    if censored := _censored(chunk, lexicon):
        return [Found(0, len(chunk), censored, ENOUGH)]
    if not _LETTER.search(core) or _is_ordinary(core, lexicon) or _ADDRESS.search(core):
        return []
    found = _found(core, lexicon)
    return [replace(each, start=offset + each.start, end=offset + each.end) for each in found]


def _evidence(word: str, lexicon: Lexicon, otherwise: float) -> float:
    if word in lexicon.harmful:
        return ENOUGH if word in lexicon.telling else NONE
    return otherwise if word in lexicon.known else ENOUGH


def _censored(chunk: str, lexicon: Lexicon) -> str | None:
    if not _CENSORED.fullmatch(chunk) or chunk.rstrip("-_") in lexicon.standing:
        return None
    word = lexicon.masked(chunk.translate(_MASKS))
    return word if word in lexicon.harmful else None


def _core(chunk: str, lexicon: Lexicon) -> tuple[int, str]:
    """Where the word begins, and the word without the marks around it."""
    core = chunk.rstrip(_BEHIND)
    if core.strip(BEFORE) not in lexicon.known and not _SHOUTED.search(chunk):
        core = chunk.rstrip(BEHIND)
    offset = len(core) - len(core.lstrip(BEFORE))
    core = core[offset:]
    if core in lexicon.known or chunk.count("(") != 1 or ")" in chunk:
        return offset, core
    if chunk[offset + len(core) :].startswith("("):  # a bracket that nothing closes may be a c
        core += "("
    if offset and chunk[offset - 1] == "(":
        return offset - 1, "(" + core
    return offset, core


def _is_ordinary(core: str, lexicon: Lexicon) -> bool:
    """A known word, emphasised or owning something, or a compound of such words and numbers."""
    if core in lexicon.known or core.strip("*_") in lexicon.known:
        return core not in lexicon.aliases
    if core.isalpha() or "*" in core:
        return False
    if _ORDINAL.fullmatch(core):
        return True
    parts = _ORDINARY_PART.findall(_POSSESSIVE.sub("", core))
    return all(
        part in lexicon.standing or part.isdigit() or (len(part) >= _PLAIN and lexicon.is_whole(part)) for part in parts
    )


def _found(core: str, lexicon: Lexicon) -> list[Found]:
    if core.isalpha():
        return _as_whole(core, misspelt(core, lexicon))
    parts = [match.span() for match in _PART.finditer(core)]
    if sum(end - start == 1 for start, end in parts) >= max(_FEWEST_LETTERS, 0.7 * len(parts)):
        places = [at for start, end in parts for at in range(start, end)]
        if found := letter_by_letter([(at, core[at]) for at in places], lexicon):
            return found
    if len(core) <= _LONGEST and (found := _as_whole(core, _with_symbols(core, lexicon))):
        return found
    if len(parts) > 1:
        return [each for start, end in parts for each in _in_part(core[start:end], start, lexicon)]
    return []


def _in_part(part: str, start: int, lexicon: Lexicon) -> list[Found]:
    if part in lexicon.known or len(part) > _LONGEST or not _LETTER.search(part):
        return []
    found = _drawn_out(part, lexicon) if part.isalpha() else _with_symbols(part, lexicon)
    return [replace(each, start=start, end=start + len(part)) for each in _as_whole(part, found)]


def _as_whole(core: str, read: Reading | None) -> list[Found]:
    return [Found(0, len(core), *read)] if read else []


def misspelt(letters: str, lexicon: Lexicon) -> Reading | None:
    """A word that was stretched, or two letters of it swapped; `letters` itself is no known word, or an alias."""
    if letters in lexicon.aliases:
        return lexicon.aliases[letters], ENOUGH
    if len(letters) > _LONGEST or not letters.isascii() or len(letters) < _PLAIN:
        return None
    if found := _drawn_out(letters, lexicon):
        return found
    word = lexicon.best(lexicon.swapped(letters))
    return (word, _evidence(word, lexicon, NONE)) if word else None


def _drawn_out(letters: str, lexicon: Lexicon) -> Reading | None:
    word = lexicon.best(lexicon.stretched(letters))
    if word is None or len(word) < _SURE:
        return None
    # "bails" is a word, though one may read "balls"; "woop" may be a slip, and "wooop" is none.
    is_sure = len(word) >= (_PLAIN if len(letters) > len(word) else _TOLD) or _DRAWN_OUT.search(letters)
    return word, _evidence(word, lexicon, NONE) if is_sure else NONE


def _with_symbols(core: str, lexicon: Lexicon) -> Reading | None:
    found = {
        word: evidence for word in _spelled(core, lexicon) if (evidence := _proof(core, word, lexicon)) is not None
    }
    if (not any(found.values()) or "*" in core) and (masked := _masked(core, lexicon)):
        found.setdefault(masked, _evidence(masked, lexicon, NONE))
    word = lexicon.best(list(found))
    return (word, found[word]) if word else None


def _spelled(core: str, lexicon: Lexicon) -> list[str]:
    """Words that it spells with digits and symbols for letters, and symbols between letters."""
    if "'" in core and (owned := core.translate(_KEPT)) in lexicon.known:
        return [owned]
    letters = core.translate(_LETTERS)
    found = lexicon.stretched(letters) if letters.isascii() and letters.isalpha() else []
    if "*" in core:  # a letter is missing there, more likely than not
        found = [word for word in found if len(word) > _PLAIN]
    if "8" in core and (hated := core.translate(_ATE)) in lexicon.known:
        found = [*found, hated]
    return found if found or not _COMPOUND.fullmatch(core) else _around_harm(letters, lexicon)


def _around_harm(letters: str, lexicon: Lexicon) -> list[str]:
    """The letters themselves, though no known word, if one that harms is part of it."""
    is_word = letters.isascii() and letters.isalpha() and len(letters) <= _LONGEST
    return [letters] if is_word and lexicon.holds_harmful(letters, _PLAIN) else []


def _proof(core: str, word: str, lexicon: Lexicon) -> float | None:
    """The evidence that digits are letters here; None where they surely are not: in sizes, dates, names of models."""
    kept = _DRAWN_OUT.sub(r"\1", core)
    digits = sum(each.isdigit() for each in kept)
    letters = sum("a" <= each <= "z" for each in kept)
    if (len(word) <= _SURE or word not in lexicon.known) and digits > letters:
        return None
    if word not in lexicon.harmful and _OTHERWISE.search(core):
        return None if "(" in core else NONE
    is_clear = (
        _STAND_IN.search(core) is not None
        and len(word) >= _SURE
        and digits <= letters + 1
        and not _NUMBER_AT_AN_END.fullmatch(core)
    )
    return _evidence(word, lexicon, (ENOUGH if len(word) > _SURE else HALF) if is_clear else NONE)


def _masked(core: str, lexicon: Lexicon) -> str | None:
    """The harmful word that has something else in the place of some letters."""
    if core[0] == core[-1] == "*" or core[0] == "@":  # emphasis; a mention
        return None
    pattern = core.translate(_DIGITS).translate(_MASKS)
    seen = sum("a" <= each <= "z" for each in pattern)
    hidden = pattern.count("*")
    if not hidden or seen + hidden != len(pattern) or len(pattern) < _SURE:
        return None
    if _SURE_MASKS.isdisjoint(core):
        is_inside = pattern[0] != "*" != pattern[-1]
        word = lexicon.masked(pattern) if is_inside and len(pattern) >= _PLAIN and hidden <= seen else None
        return word if word in lexicon.harmful else None
    is_initial = seen == 1 and (pattern[0] == "*" or core.count("*") < 2)  # noqa: PLR2004
    if is_initial or (len(pattern) == _SURE and "*" not in core):  # R&D, 5%x
        return None
    if found := lexicon.masked(pattern):
        return found
    return _miscounted(core, lexicon)


def _miscounted(core: str, lexicon: Lexicon) -> str | None:
    """Few count the stars that they put in the place of letters."""
    stars = _STARS.findall(core)
    if len(stars) != 1 or not core.replace(stars[0], "").isalpha() or len(core) - len(stars[0]) <= _SURE:
        return None
    lengths = sorted(range(1, 6), key=lambda length: abs(length - len(stars[0])))
    tried = (lexicon.masked(core.replace(stars[0], "*" * length)) for length in lengths)
    return next((word for word in tried if word), None)


def letter_by_letter(placed: Sequence[tuple[int, str]], lexicon: Lexicon) -> list[Found]:
    """The words that single letters spell, one of them harmful. `placed`: each character, and where it stands."""
    spelled = [(at, letter) for at, each in placed if (letter := each.translate(_LETTERS))]
    letters = "".join(letter for _, letter in spelled)
    sure = sum(each.isalpha() for _, each in placed)
    if not letters.isascii() or not letters.isalpha() or not sure:
        return []
    word = lexicon.best(lexicon.stretched(letters))
    if word is not None and (2 * sure >= len(placed) or len(word) > _SURE):
        return [Found(spelled[0][0], spelled[-1][0] + 1, word, _evidence(word, lexicon, NONE))]
    if 2 * sure < len(placed):
        return []
    spans = lexicon.parted(letters)
    is_all_known = all(letters[start:end] in lexicon.known for start, end in spans)
    shortest = _SURE if is_all_known else _PLAIN
    if not any(end - start >= shortest and letters[start:end] in lexicon.telling for start, end in spans):
        return []
    return [
        Found(spelled[start][0], spelled[end - 1][0] + 1, letters[start:end], ENOUGH if start == 0 else NONE)
        for start, end in spans
    ]

"""Disguises words the way people do to get past a filter, to measure a model's robustness.

These follow what people are seen to do, not what classifier/unmask.py can undo.
"""

import random
import re
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType

Disguise = Callable[[str, random.Random], str]

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
# Words of one letter are not disguised.
_SHORTEST = 2

_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad"
_ACCENTS = "\u0300\u0301\u0302\u0303\u0308\u030a\u0323\u0331\u0335\u0336\u0337"
_HOMOGLYPHS = {
    "a": "\u0430\u0251\u03b1",
    "b": "\u042c\u0184\u1d6c",
    "c": "\u0441\u03f2\u217d",
    "d": "\u0501\u0257\u217e",
    "e": "\u0435\u0454\u212e",
    "f": "\u0192\u0493\ua799",
    "g": "\u0261\u0581\u01e5",
    "h": "\u04bb\u0570\u0127",
    "i": "\u0456\u03b9\u0131",
    "j": "\u0458\u03f3",
    "k": "\u043a\u03ba\u0199",
    "l": "\u04cf\u01c0\u0142",
    "m": "\u043c\u217f\u1d0d",
    "n": "\u0578\u0274\u03b7",
    "o": "\u043e\u03bf\u0585",
    "p": "\u0440\u03c1\u01bf",
    "q": "\u051b\u0566",
    "r": "\u0433\u0280\u027c",
    "s": "\u0455\ua731\u01bd",
    "t": "\u0442\u03c4\u1d1b",
    "u": "\u057d\u03c5\u028b",
    "v": "\u03bd\u0475\u1d20",
    "w": "\u051d\u0461\u0561",
    "x": "\u0445\u03c7",
    "y": "\u0443\u03b3\u04af",
    "z": "\u1d22\u01b6",
}
_LEET = {
    "a": "4@",
    "b": "8",
    "c": "(",
    "e": "3",
    "g": "9",
    "i": "1!",
    "l": "1|",
    "o": "0",
    "s": "5$",
    "t": "7+",
    "z": "2",
}
_VOWELS = frozenset("aeiou")
# The first letters of four Unicode alphabets; NFKC maps some of these to Latin and not the others.
_FULL_WIDTH, _BOLD, _SQUARED, _REGIONAL = 0xFF41, 0x1D41A, 0x1F170, 0x1F1E6


def disguised(text: str, kind: str, rng: random.Random, hidden: Collection[str] | None = None) -> str:
    """The text with some of its words disguised and the rest unchanged. `kind`: one of KINDS.

    `hidden`: the words to disguise, in lower case; None: all of two letters or more. The same arguments and the same
    state of `rng` give the same text.
    """

    def replaced(match: re.Match[str]) -> str:
        word = match[0]
        is_hidden = len(word) >= _SHORTEST and (hidden is None or word.lower() in hidden)
        return KINDS[kind](word, rng) if is_hidden else word

    return _WORD.sub(replaced, text)


def _zero_width(word: str, rng: random.Random) -> str:
    return _between(word, lambda: rng.choice(_INVISIBLE) if rng.random() < 0.6 else "", rng)  # noqa: PLR2004 - a share


def _accents(word: str, rng: random.Random) -> str:
    return "".join(letter + "".join(rng.choices(_ACCENTS, k=rng.randint(0, 2))) for letter in word)


def _homoglyph(word: str, rng: random.Random) -> str:
    return _some_replaced(word, _HOMOGLYPHS, rng)


def _leet(word: str, rng: random.Random) -> str:
    return _some_replaced(word, _LEET, rng)


def _spaced(word: str, _rng: random.Random) -> str:
    return " ".join(word)


def _split(word: str, rng: random.Random) -> str:
    at = rng.randint(1, len(word) - 1)
    return f"{word[:at]} {word[at:]}"


def _dotted(word: str, rng: random.Random) -> str:
    return rng.choice(".-").join(word)


def _inserted(word: str, rng: random.Random) -> str:
    """One or two symbols within the word: fu.ck, id*i*ot."""
    mark = rng.choice(".-_*~'/,")
    for _ in range(rng.randint(1, 2)):
        at = rng.randint(1, len(word) - 1)
        word = word[:at] + mark + word[at:]
    return word


def _stars(word: str, rng: random.Random) -> str:
    """f**k, sh*t, s***: the middle, the first vowel, or all but the first letter of a short word."""
    mark = rng.choice("****#-_")
    vowel = next((at for at, letter in enumerate(word[1:], 1) if letter.lower() in _VOWELS), 1)
    way = rng.random()
    if way < 0.5:  # noqa: PLR2004 - a share
        return word[:vowel] + mark + word[vowel + 1 :]
    if way < 0.85 or len(word) > 5:  # noqa: PLR2004 - a share
        return word[0] + mark * (len(word) - 2) + word[-1] if len(word) > _SHORTEST else word[0] + mark
    return word[0] + "*" * (len(word) - 1)


def _stretched(word: str, rng: random.Random) -> str:
    chosen = set(rng.sample(range(len(word)), rng.randint(1, min(2, len(word)))))
    return "".join(letter * (rng.randint(3, 7) if at in chosen else 1) for at, letter in enumerate(word))


def _doubled(word: str, rng: random.Random) -> str:
    at = rng.randrange(len(word))
    return word[: at + 1] + word[at:]


def _swapped(word: str, rng: random.Random) -> str:
    """Swaps two neighboring inner letters, which leaves the word readable."""
    if len(word) < 4:  # noqa: PLR2004 - no inner letters to swap
        return word
    at = rng.randint(1, len(word) - 3)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def _full_width(word: str, _rng: random.Random) -> str:
    return _alphabet(word, _FULL_WIDTH)


def _mathematical(word: str, _rng: random.Random) -> str:
    return _alphabet(word, _BOLD)


def _emoji_letters(word: str, rng: random.Random) -> str:
    """One letter or all of them as squared letters or regional indicators."""
    first = rng.choice((_SQUARED, _REGIONAL))
    if rng.random() < 0.5:  # noqa: PLR2004 - a share
        # A zero-width space keeps two regional indicators from forming a flag.
        return "\u200b".join(_alphabet(letter, first) for letter in word)
    at = rng.randrange(len(word))
    return word[:at] + _alphabet(word[at], first) + word[at + 1 :]


def _leet_dotted(word: str, rng: random.Random) -> str:
    return _dotted(_leet(word, rng), rng)


def _leet_stretched(word: str, rng: random.Random) -> str:
    return _stretched(_leet(word, rng), rng)


KINDS: Mapping[str, Disguise] = MappingProxyType(
    {
        "zero_width": _zero_width,
        "accents": _accents,
        "full_width": _full_width,
        "mathematical": _mathematical,
        "homoglyph": _homoglyph,
        "emoji_letters": _emoji_letters,
        "leet": _leet,
        "spaced": _spaced,
        "split": _split,
        "dotted": _dotted,
        "inserted": _inserted,
        "stars": _stars,
        "stretched": _stretched,
        "doubled": _doubled,
        "swapped": _swapped,
        "leet_dotted": _leet_dotted,
        "leet_stretched": _leet_stretched,
    }
)


def _alphabet(word: str, first: int) -> str:
    """The ASCII letters of the word from the alphabet that begins at `first`."""
    return "".join(
        chr(first + ord(each.lower()) - ord("a")) if each.isascii() and each.isalpha() else each for each in word
    )


def _some_replaced(word: str, table: Mapping[str, str], rng: random.Random) -> str:
    """Replaces each letter in `table` with probability one half, and at least one of them."""
    able = [at for at, letter in enumerate(word) if letter.lower() in table]
    if not able:
        return word
    chosen = {at for at in able if rng.random() < 0.5} | {rng.choice(able)}  # noqa: PLR2004 - a share
    return "".join(rng.choice(table[letter.lower()]) if at in chosen else letter for at, letter in enumerate(word))


def _between(word: str, mark: Callable[[], str], rng: random.Random) -> str:
    """Puts `mark` between the letters, in at least one place."""
    sure = rng.randint(1, len(word) - 1)
    return "".join((mark() or "\u200b" if at == sure else mark() if at else "") + each for at, each in enumerate(word))

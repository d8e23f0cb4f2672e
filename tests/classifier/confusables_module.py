"""Writes classifier/confusables.py from Unicode's own table: python tests/classifier/confusables_module.py"""

import json
import re
import string
import sys
import unicodedata
from pathlib import Path

import confusable_homoglyphs

from classifier.normalize import read

PATH = Path(__file__).parents[2] / "classifier" / "confusables.py"
LETTERS_AND_DIGITS = frozenset(string.ascii_lowercase + string.digits)
WIDTH = 120

# What a letter is by its own name: struck through, hooked, small capitals, and the letters among the emoji.
NAMED = re.compile(
    r"(?:LATIN (?:SMALL|CAPITAL) LETTER|LATIN LETTER SMALL CAPITAL|NEGATIVE (?:CIRCLED|SQUARED) LATIN CAPITAL LETTER|"
    r"CROSSED NEGATIVE SQUARED LATIN CAPITAL LETTER|REGIONAL INDICATOR SYMBOL LETTER) ([A-Z])(?: WITH .*)?"
)
# Alike to a person, though not in Unicode's table: small forms of Cyrillic and Greek capitals that are in it, currency
# signs and marks that generators of "fancy text" take for letters, and emoji that show one.
BY_EYE = {
    "a": "\u20b3\u2200\u0e04\u03bb",
    "b": "\u0432\u03b2\u20bf\u0e3f",
    "c": "\u00a9\u20b5\u20ac\u0188",
    "d": "\u20ab\u2202\u0e54",
    "e": "\u2211\u0258\u0259\u01dd\u03b5\u0454\u0437",
    "f": "\u20a3\u0493",
    "g": "\u20b2",
    "h": "\u043d\u0267",
    "k": "\u043a\u03ba\u20ad",
    "l": "\u00a3\u20a4\u026c",
    "m": "\u043c\u20a5",
    "n": "\u03b7\u0438\u043f\u03c0\u20a6",
    "o": "\u03b8\u0e4f\u2b55\u00a4\u03c3",
    "p": "\u20b1\u00fe\u01bf",
    "r": "\u00ae\u044f\u0433",
    "s": "\u00a7\u20b4\u0e23",
    "t": "\u0442\u03c4\u2020\u20ae\u271d",
    "u": "\u00b5\u03bc\u0446\u03c5",
    "w": "\u20a9\u03c9\u0448\u0449\u0e1f",
    "x": "\u00d7\u2716\u274c\u274e",
    "y": "\u0447\u03b3",
}


def table() -> dict[str, str]:
    """Code point -> the one ASCII letter or digit that it looks like, where classifier.normalize does not say it."""
    stored = Path(confusable_homoglyphs.__file__).with_name("confusables.json")
    look_alikes = json.loads(stored.read_text(encoding="utf-8"))
    found: dict[str, str] = {}
    for letter, each in BY_EYE.items():
        found |= dict.fromkeys(each, letter)
    for character, alike in look_alikes.items():
        # The table's prototype of 1 is l, and that of 0 is O: an ASCII character is left what it is.
        for prototype in (read(each["c"]) for each in alike):
            if len(character) == 1 and prototype in LETTERS_AND_DIGITS and character not in found:
                found[character] = prototype
    for code_point in range(0x80, sys.maxunicode + 1):
        if named := NAMED.fullmatch(unicodedata.name(chr(code_point), "")):
            found.setdefault(chr(code_point), named[1].lower())
    for capital in [each for each, letter in found.items() if letter == "l" and found.get(each.lower()) == "i"]:
        found[capital] = "i"  # The table takes a capital I for an l.
    return {each: letter for each, letter in sorted(found.items()) if not each.isascii() and not read(each).isascii()}


def module() -> str:
    by_letter: dict[str, list[str]] = {}
    for character, letter in table().items():
        by_letter.setdefault(letter, []).append(_escaped(character))
    lines = [
        '"""Code points that look like an ASCII letter or digit. Made by tests/classifier/confusables_module.py.',
        "",
        "From Unicode's confusables (https://www.unicode.org/reports/tr39/) by way of confusable_homoglyphs,",
        "from the names of Unicode's letters, and from a short list by eye. A test compares.",
        '"""',
        "",
        "LOOK_ALIKES = {",
        *(line for letter in sorted(by_letter) for line in _entry(letter, by_letter[letter])),
        "}",
    ]
    return "\n".join(lines) + "\n"


def _escaped(character: str) -> str:
    return f"\\u{ord(character):04x}" if ord(character) < 0x10000 else f"\\U{ord(character):08x}"


def _entry(letter: str, escaped: list[str]) -> list[str]:
    """As ruff formats it."""
    whole = f'    "{letter}": "{"".join(escaped)}",'
    if len(whole) <= WIDTH:
        return [whole]
    lines, line = [], ""
    for each in escaped:
        if len(line) + len(each) + 10 > WIDTH:
            lines.append(line)
            line = ""
        line += each
    return [f'    "{letter}": (', *(f'        "{line}"' for line in [*lines, line]), "    ),"]


if __name__ == "__main__":
    PATH.write_text(module(), encoding="utf-8")

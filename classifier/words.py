"""The words that a model knows, which are what a disguise can be taken off to."""

import re
from dataclasses import dataclass

# A list of words is read into memory whole.
MOST_BYTES = 1_048_576
SHORTEST, LONGEST = 2, 24
_WORD = re.compile(rf"(?=[a-z']{{{SHORTEST},{LONGEST}}}\n)[a-z]+(?:'[a-z]+)*\n")


@dataclass(frozen=True, slots=True)
class Words:
    """All in the form that classifier.normalise gives, ASCII letters and apostrophes; no word is in both.

    `harmful`: those that stand in harmful texts above all, the most telling first. `plain`: the others that
    are common enough to be known, the most common first.
    """

    harmful: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()


def packed(words: Words) -> bytes:
    """A word a line, the harmful ones first, then an empty line, then the others."""
    return "".join(f"{word}\n" for word in (*words.harmful, "", *words.plain)).encode("ascii")


def parsed(raw: bytes) -> Words:
    """Raises ValueError, which says where, for anything that `packed` does not write."""
    if len(raw) > MOST_BYTES:
        raise ValueError(f"has more than {MOST_BYTES} bytes")
    lines = raw.decode("ascii").splitlines(keepends=True)
    if lines.count("\n") != 1:
        raise ValueError("must have one empty line, behind the harmful words")
    at = lines.index("\n")
    for number, line in enumerate(lines):
        if number != at and not _WORD.fullmatch(line):
            raise ValueError(f"has no word in line {number + 1}")
    if len(set(lines)) != len(lines):
        raise ValueError("has a word twice")
    return Words(tuple(line[:-1] for line in lines[:at]), tuple(line[:-1] for line in lines[at + 1 :]))

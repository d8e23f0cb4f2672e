"""A model's vocabulary: the words that disguises can be resolved to."""

import re
from dataclasses import dataclass

# The whole list is read into memory, so its size is bounded.
MOST_BYTES = 1_048_576
SHORTEST, LONGEST = 2, 24
_WORD = re.compile(r"(?=[a-z']{2,24}\n)[a-z]++(?:'[a-z]++)*+\n")
_WORDS = re.compile(r"(?:(?=[a-z']{2,24}\n)[a-z]++(?:'[a-z]++)*+\n)*+")


@dataclass(frozen=True, slots=True)
class Words:
    """Normalized words of ASCII letters and apostrophes; no word is in both lists.

    `harmful`: words that occur mostly in harmful texts, the most indicative first. `plain`: other common words, the
    most common first.
    """

    harmful: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()


def packed(words: Words) -> bytes:
    """One word on each line: the harmful ones, an empty line, and the others."""
    return "".join(f"{word}\n" for word in (*words.harmful, "", *words.plain)).encode("ascii")


def parsed(raw: bytes) -> Words:
    """Raises ValueError naming the line for anything that `packed` does not write."""
    if len(raw) > MOST_BYTES:
        raise ValueError(f"has more than {MOST_BYTES} bytes")
    lines = raw.decode("ascii").splitlines(keepends=True)
    if lines.count("\n") != 1:
        raise ValueError("must have one empty line, after the harmful words")
    at = lines.index("\n")
    if not all(_WORDS.fullmatch("".join(part)) for part in (lines[:at], lines[at + 1 :])):
        first = next(number for number, line in enumerate(lines) if number != at and not _WORD.fullmatch(line))
        raise ValueError(f"has no word in line {first + 1}")
    if len(set(lines)) != len(lines):
        raise ValueError("has a duplicate word")
    return Words(tuple(line[:-1] for line in lines[:at]), tuple(line[:-1] for line in lines[at + 1 :]))

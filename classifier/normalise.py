"""One code point at a time: what disguises and decorates is taken off, and where each came from is known.

Each code point is replaced by what it stands for, whatever its neighbours, so that offsets map back exactly
and the time is linear. Long repeats are the kernel's business.
"""

import unicodedata


# Far more than any language uses, and a bound on what hostile texts can make us remember.
MOST_REMEMBERED = 65_536


class _Folded(dict[int, str]):
    """Code point -> its reading: compatibility forms unfolded, accents and invisible characters gone, lower case."""

    def __missing__(self, code_point: int) -> str:
        found = _reading(chr(code_point))
        if len(self) < MOST_REMEMBERED:
            self[code_point] = found
        return found


def _reading(character: str) -> str:
    # Unfolding, lower-casing and unfolding again: some capitals (mathematical, with a dot above) need both.
    unfolded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", character).casefold())
    return "".join(" " if each.isspace() else each for each in unfolded if not _is_dropped(each))


def _is_dropped(character: str) -> bool:
    """Combining accents, and what has no ink: zero-width, bidi controls, variation selectors, tags, soft hyphens."""
    return (
        "\u0300" <= character <= "\u036f"
        or "\ufe00" <= character <= "\ufe0f"
        or character == "\u034f"
        or unicodedata.category(character) in ("Cf", "Cs")
        or 0xE0100 <= ord(character) <= 0xE01EF
    )


_FOLDED = _Folded()


def read(text: str) -> str:
    """The text as it is judged. Any str, lone surrogates too."""
    return text.lower() if text.isascii() else text.translate(_FOLDED)


def origins(text: str) -> list[int]:
    """For each code point of `read(text)`: the index in `text` of the one that it came from."""
    if text.isascii():
        return list(range(len(text)))
    return [index for index, character in enumerate(text) for _ in _FOLDED[ord(character)]]

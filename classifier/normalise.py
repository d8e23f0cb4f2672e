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


# Letters by category, blank by design: Hangul fillers (both NFKD forms of them), and the empty Braille cell.
_BLANK_LETTERS = "\u115f\u1160\u3164\uffa0\u2800"


def _is_dropped(character: str) -> bool:
    """Accents and enclosing marks, what has no ink (zero-width, bidi, variation selectors, tags), and controls."""
    category = unicodedata.category(character)
    return (
        category in ("Mn", "Me", "Cf", "Cs")
        or (category == "Cc" and not character.isspace())
        or character in _BLANK_LETTERS
    )


_FOLDED = _Folded()


def read(text: str) -> str:
    """The text as it is judged. Any str, lone surrogates too."""
    return text.translate(_FOLDED)


def origins(text: str) -> list[int]:
    """For each code point of `read(text)`: the index in `text` of the one that it came from."""
    return [index for index, character in enumerate(text) for _ in _FOLDED[ord(character)]]

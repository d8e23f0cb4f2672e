"""What a disguised text says: each disguised word taken back to the word that the model knows."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from classifier.alike import alike_origins, look, read_alike
from classifier.disguises import Disguises, Word
from classifier.lexicon import Lexicon
from classifier.normalise import origins, read
from classifier.spoken import as_meant
from classifier.words import Words


@dataclass(frozen=True, slots=True)
class Unmasked:
    """`reading`: in the form that classifier.normalise.read gives."""

    reading: str
    _text: str
    _words: NDArray[np.int64]

    @property
    def origins(self) -> list[int]:
        """For each code point of the reading the index in the text as sent.

        The first and the last of a word are those of its disguise.
        """
        plain = origins(self._text)
        alike = plain if self._text.isascii() else alike_origins(self._text)
        found: list[int] = []
        done = last = 0
        for each in map(Word._make, self._words.tolist()):
            found.extend([last] if each.is_apart else plain[done : each.from_])
            first, last, steps = alike[each.start], alike[each.end - 1], max(each.length - 1, 1)
            found.extend(first + (last - first) * at // steps for at in range(each.length))
            done = each.to
        return found + plain[done:]


class Unmasker:
    """Immutable, and safe to use from several threads at once."""

    def __init__(self, words: Words, *, has_quick_look: bool = True) -> None:
        """`has_quick_look`: False to read each text thoroughly, which takes longer and finds the same."""
        self._disguises = Disguises(Lexicon(words), has_quick_look=has_quick_look)

    def __call__(self, text: str, plain: str | None = None) -> Unmasked | None:
        """None where nothing is disguised. Any str, lone surrogates too. `plain`: its reading, if it is at hand."""
        if text.isascii():
            if not self._disguises.may_be_in_ascii(text):  # as of nearly every comment
                return None
            plain = read(text) if plain is None else plain
            found = self._disguises.find(plain, plain, None)
        else:
            plain = read(text) if plain is None else plain
            text = as_meant(text)
            alike = read_alike(text)
            if alike == plain and not self._disguises.may_be_in(alike):
                return None
            found = self._disguises.find(plain, alike, look(text, plain, alike))
        return Unmasked(found[0], text, found[1]) if found else None


@lru_cache(maxsize=1)
def unmasker(words: Words) -> Unmasker:
    """The one made last, for the same words: it takes longer to make than all else that a model is loaded from."""
    return Unmasker(words)

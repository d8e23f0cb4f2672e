"""Undoes obfuscation: replaces each disguised word by the word that the model knows."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from classifier.disguises import Disguises, Word
from classifier.emoji_words import mark_aimed_emoji
from classifier.homoglyphs import fold_homoglyphs, homoglyph_origins, text_properties
from classifier.lexicon import Lexicon
from classifier.normalize import origins, read
from classifier.words import Words


@dataclass(frozen=True, slots=True)
class Unmasked:
    """`reading`: the unmasked text, normalized like classifier.normalize.read."""

    reading: str
    _text: str
    _words: NDArray[np.int64]

    @property
    def origins(self) -> list[int]:
        """For each code point of the reading its index in the text as sent.

        The first and last letters of a word map to the ends of its disguise.
        """
        plain = origins(self._text)
        alike = plain if self._text.isascii() else homoglyph_origins(self._text)
        found: list[int] = []
        done = last = 0
        for each in map(Word._make, self._words.tolist()):
            found.extend([last] if each.is_apart else plain[done : each.from_])
            first, last, steps = alike[each.start], alike[each.end - 1], max(each.length - 1, 1)
            found.extend(first + (last - first) * at // steps for at in range(each.length))
            done = each.to
        return found + plain[done:]


class Unmasker:
    """Immutable and thread-safe."""

    def __init__(self, words: Words, *, has_quick_look: bool = True) -> None:
        """`has_quick_look`: False skips the prefilter, which is slower and gives the same result."""
        self._disguises = Disguises(Lexicon(words), has_quick_look=has_quick_look)

    def __call__(self, text: str, plain: str | None = None) -> Unmasked | None:
        """None if nothing is disguised. Accepts any str. `plain`: its reading, if already computed."""
        if text.isascii():
            if not self._disguises.may_be_in_ascii(text):  # true of nearly every comment
                return None
            plain = read(text) if plain is None else plain
            found = self._disguises.find(plain, plain, None)
        else:
            plain = read(text) if plain is None else plain
            text = mark_aimed_emoji(text)
            alike = fold_homoglyphs(text)
            if alike == plain and not self._disguises.may_be_in(alike):
                return None
            found = self._disguises.find(plain, alike, text_properties(text, plain, alike))
        return Unmasked(found[0], text, found[1]) if found else None


@lru_cache(maxsize=1)
def unmasker(words: Words) -> Unmasker:
    """Caches the last one, since building it takes longer than the rest of loading a model."""
    return Unmasker(words)

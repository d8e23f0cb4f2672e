"""Undoes obfuscation: removes HTML tags, names emoji of people, separates joined words, replaces disguised words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from classifier.compounds import Compounds, separated
from classifier.disguises import Disguises, Word
from classifier.emoji_names import name_emoji
from classifier.emoji_words import mark_aimed_emoji
from classifier.homoglyphs import fold_homoglyphs, homoglyph_origins, text_properties
from classifier.lexicon import Lexicon
from classifier.names_and_codes import NamesAndCodes
from classifier.normalize import origins, read
from classifier.spelled_out import SpelledOut
from classifier.tags import without_tags
from classifier.words import Words

_NO_WORDS = np.zeros((0, len(Word._fields)), np.int64)


@dataclass(frozen=True, slots=True)
class Unmasked:
    """`reading`: the unmasked text, normalized like classifier.normalize.read.

    `is_plainer`: whether only letters of harmless words were joined, so that the text as sent says nothing more.
    """

    reading: str
    _text: str
    _words: NDArray[np.int64]
    # For each code point of `_text` its index in the text as sent, if joined words were separated or tags removed.
    _sent: Callable[[], Sequence[int]] | None = None
    is_plainer: bool = False

    @property
    def origins(self) -> list[int]:
        """For each code point of the reading its index in the text as sent.

        The first and last letters of a word map to the ends of its disguise.
        """
        return self._in_text if self._sent is None else _looked_up(self._sent(), self._in_text)

    def made_of(self, sent: Callable[[], Sequence[int]]) -> "Unmasked":
        """The same for another text that this one's was made of. `sent`: for each code point its index in that text."""
        before = self._sent
        return replace(self, _sent=sent if before is None else lambda: _looked_up(sent(), before()), is_plainer=False)

    @property
    def _in_text(self) -> list[int]:
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
        self._compounds = Compounds(words)
        self._names_and_codes = NamesAndCodes(words)
        self._spelled_out = SpelledOut(words)

    def __call__(self, text: str, plain: str | None = None, *, joins: bool = False) -> Unmasked | None:
        """None if nothing is disguised. Accepts any str.

        `plain`: its reading, if already computed. `joins`: whether to separate words that are written together, and to
        name emoji, which only works in the language of the vocabulary.
        """
        bare = without_tags(text) if "<" in text else None
        if bare is None:
            return self._without_markup(text, plain, joins=joins)
        found = self._without_markup(bare.text, None, joins=joins)
        return (found or Unmasked(read(bare.text), bare.text, _NO_WORDS)).made_of(bare.sent)

    def _without_markup(self, text: str, plain: str | None, *, joins: bool) -> Unmasked | None:
        named = name_emoji(text) if joins and not text.isascii() else None
        if named is None:
            return self._separated(text, plain, joins=joins)
        found = self._separated(named.text, None, joins=joins)
        return (found or Unmasked(read(named.text), named.text, _NO_WORDS)).made_of(named.sent)

    def _separated(self, text: str, plain: str | None, *, joins: bool) -> Unmasked | None:
        spaces = self._compounds.spaces(text) if joins else []
        if not spaces:
            return self._undisguised(text, plain)
        apart, sent = separated(text, spaces)
        found = self._undisguised(apart, None) or Unmasked(read(apart), apart, _NO_WORDS)
        return found.made_of(lambda: sent)

    def _undisguised(self, text: str, plain: str | None) -> Unmasked | None:
        if text.isascii():
            if not self._disguises.may_be_in_ascii(text):  # true of nearly every comment
                return None
            plain = alike = read(text) if plain is None else plain
        else:
            plain = read(text) if plain is None else plain
            text = mark_aimed_emoji(text)
            alike = fold_homoglyphs(text)
            if alike == plain and not self._disguises.may_be_in(alike):
                return None
        found = self._found(text, plain, alike)
        if found and (covered := self._names_and_codes.covered(text)) != text:
            found = self._found(covered, plain, read(covered) if text.isascii() else fold_homoglyphs(covered))
        if found:
            return Unmasked(found[0], text, found[1])
        joined = self._spelled_out.joined(plain) if alike == plain else None
        return Unmasked(joined[0], text, joined[1], is_plainer=True) if joined else None

    def _found(self, text: str, plain: str, alike: str) -> tuple[str, NDArray[np.int64]] | None:
        return self._disguises.find(plain, alike, None if text.isascii() else text_properties(text, plain, alike))


def _looked_up(places: Sequence[int], each: Sequence[int]) -> list[int]:
    return [places[at] for at in each]


@lru_cache(maxsize=1)
def unmasker(words: Words) -> Unmasker:
    """Caches the last one, which models with the same words share."""
    return Unmasker(words)

"""Looks up known words by what a disguise leaves of them."""

import math
import re
from collections.abc import Sequence

from classifier.words import Words

# Two-letter words of English; any other two letters next to a fragment are a fragment too.
TWO_LETTERS = frozenset(
    """
    ad ah am an as at be by do eh ex go ha he hi if in is it la ma me mr ms my no of oh ok on or pa pm re so to tv uk
    um un up us vs we ye yo
    """.split()  # noqa: SIM905 - so many are easier to read in a text
)
# A name and common words of other languages that are a typing error away from a harmful word of English.
_ELSEWHERE = frozenset({"brian", "folos", "poisson", "poissons", "queres", "seht", "snakke", "sont", "vreme"})
# Words among this many of the most common ones are never joined with their neighbors.
_COMMONEST, _COMMON_SHORT = 8_000, 1_500
_SHORT_LENGTH = 2
# Plain words that a mask may hide; and the rank from which harmful words may be mere pieces of others.
_MASKABLE = 2_000
RARE = 400
_TELLING = 3
_SHORTEST_SPLIT = 4
# An alias's word must rank this many times higher among the harmful words.
_MUCH = 4
# Alternative spellings of letters.
_SPELLINGS = (("v", "u"), ("ph", "f"), ("z", "s"), ("k", "ck"), ("kk", "ck"), ("cc", "ck"), ("q", "g"), ("y", "i"))
# A letter repeated this often is not a typo.
_DRAWN_OUT = 3
_REPEATED = re.compile(r"(.)\1+")
_RUN = re.compile(r"(.)\1*")
# A small l, a capital i, a one and a bar look the same.
_STROKES = str.maketrans("l", "i")


class Lexicon:
    """Immutable lookup tables of words."""

    def __init__(self, words: Words) -> None:
        listed = [*words.harmful, *words.plain]
        self.harmful = {word: rank for rank, word in enumerate(words.harmful)}
        # Rarer harmful words of three letters are pieces, slang and typos, which nearly anything resembles.
        self.telling = frozenset(word for word, rank in self.harmful.items() if len(word) > _TELLING or rank < RARE)
        self.known = frozenset(listed) | {"a", "i"}
        commonest = {word for word in words.plain[:_COMMONEST] if len(word) > _SHORT_LENGTH}
        commonest |= {word for word in words.plain[:_COMMON_SHORT] if len(word) == _SHORT_LENGTH}
        self.standing = commonest | TWO_LETTERS | _ELSEWHERE | {"a", "i"}
        # All words; those that are not in the model's vocabulary are last.
        self.ordered = listed + sorted(self.standing.difference(listed))
        # The cost of reading a run of letters as these words.
        self.costs = {word: math.log(rank + 10) for rank, word in enumerate(words.plain)}
        self.costs |= {word: math.log(rank + 10) for word, rank in self.harmful.items()}
        self.costs |= dict.fromkeys("ai", math.log(10))
        self.maskable = [*words.harmful, *words.plain[:_MASKABLE]]
        self._by_skeleton = _grouped(listed)
        self.aliases = self._aliases(words.harmful)
        # Not mere pieces of a word: some rarer harmful words are pieces of masked and split words.
        self.whole = self.known.difference(words.harmful[RARE:])
        # Words that need no thorough look. A short rare word does, because it may be a piece of a split word.
        long = {word for word in self.known if len(word) > _SHORTEST_SPLIT}
        self.ordinary = long.union(self.standing, words.harmful[:RARE]).difference(self.aliases)

    def _aliases(self, harmful: Sequence[str]) -> dict[str, str]:
        """Harmful words that are themselves common disguises of much more indicative ones."""
        found = {}
        alike = {word for group in self._by_skeleton.values() if len(group) > 1 for word in group}
        for rank, word in enumerate(harmful):
            if word in _ELSEWHERE:
                continue
            tried = [*self.swapped(word), *(word.replace(*each) for each in _SPELLINGS if each[0] in word)]
            tried += self.stretched(word) if word in alike else []
            better = min(tried, key=lambda each: self.harmful.get(each, rank), default=word)
            if self.harmful.get(better, rank) * _MUCH < rank:
                found[word] = better
        return found

    def stretched(self, letters: str) -> list[str]:
        """Words that become `letters` if letters are repeated, or i and l are interchanged."""
        skeleton = _skeleton(letters)
        group = self._by_skeleton.get(skeleton) or ((skeleton,) if skeleton in self.known else ())
        if not group:
            return []
        runs = _runs(letters)
        found = [word for word in group if all(a >= b for a, b in zip(runs, _runs(word), strict=True))]
        if max(runs) >= _DRAWN_OUT:
            return found
        # "wilt" is not "wit" with an i too many: its l is an l.
        plain = _REPEATED.sub(r"\1", letters)
        return [word for word in found if len(word) == len(letters) or _REPEATED.sub(r"\1", word) == plain]

    def swapped(self, letters: str) -> list[str]:
        """Words that become `letters` if two neighboring inner letters are swapped."""
        tried = (letters[:at] + letters[at + 1] + letters[at] + letters[at + 2 :] for at in range(1, len(letters) - 2))
        return [word for word in tried if word in self.known]


def _skeleton(letters: str) -> str:
    return _REPEATED.sub(r"\1", letters.translate(_STROKES))


def _runs(letters: str) -> list[int]:
    return [len(run[0]) for run in _RUN.finditer(letters.translate(_STROKES))]


def _grouped(words: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Words by skeleton, without those that are their own skeleton and share it with no other word.

    All skeletons are computed in one string; they are separated by line feeds, which are never doubled.
    """
    found: dict[str, tuple[str, ...]] = {}
    for skeleton, word in zip(_skeleton("\n".join(words)).split("\n"), words, strict=bool(words)):
        found[skeleton] = (*found.get(skeleton, ()), word)
    return {skeleton: group for skeleton, group in found.items() if group != (skeleton,)}

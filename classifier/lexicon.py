"""Looks up known words by what a disguise leaves of them."""

import math
import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

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
# Those that are words.
_LETTERS = frozenset("ai")
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
    """Immutable tables of words. Arrays have an entry for each word of `ordered`.

    Every process that loads a model builds them, so numpy does what is to be done for each word.
    """

    def __init__(self, words: Words) -> None:
        listed, harmful = [*words.harmful, *words.plain], len(words.harmful)
        number_of = dict(zip(listed, range(len(listed)), strict=True))
        always = TWO_LETTERS | _ELSEWHERE | _LETTERS
        # All words: the harmful ones, the plain ones, and those that are not in the model's vocabulary.
        self.ordered = listed + sorted(always.difference(number_of))
        self.harmful = harmful
        number_of |= zip(self.ordered[len(listed) :], range(len(listed), len(self.ordered)), strict=True)
        number = np.arange(len(self.ordered))
        self.lengths = np.fromiter(map(len, self.ordered), np.int64, len(self.ordered))
        self.is_known = number < len(listed)
        self.is_known[[number_of[letter] for letter in _LETTERS]] = True
        is_harmful = number < harmful
        # Rarer harmful words of three letters are pieces, slang and typos, which nearly anything resembles.
        self.is_telling = is_harmful & ((self.lengths > _TELLING) | (number < RARE))
        # A word of more letters than two may be rarer.
        rank = np.where(is_harmful | ~self.is_known, _COMMONEST, number - harmful)
        self.is_standing = (rank < _COMMONEST) & (self.lengths > _SHORT_LENGTH)
        self.is_standing |= (rank < _COMMON_SHORT) & (self.lengths == _SHORT_LENGTH)
        self.is_standing[[number_of[word] for word in always]] = True
        # The cost of reading a run of letters as each of them; infinity: never.
        self.costs = np.full(len(self.ordered), np.inf)
        ranked = costs_of_ranks(max(harmful, len(words.plain)))
        self.costs[:harmful], self.costs[harmful : len(listed)] = ranked[:harmful], ranked[: len(words.plain)]
        self.costs[[number_of[letter] for letter in _LETTERS]] = math.log(10)
        # The numbers of the words that a mask may hide, the best first.
        self.maskable = number[: min(harmful + _MASKABLE, len(listed))]
        # By the numbers of words.
        self.aliases = _aliases(words.harmful)
        # Not mere pieces of a word: some rarer harmful words are pieces of masked and split words.
        self.is_whole = self.is_known & ~(is_harmful & (number >= RARE))
        # Words that need no thorough look. A short rare word does, because it may be a piece of a split word.
        self.is_ordinary = (self.is_known & (self.lengths > _SHORTEST_SPLIT)) | self.is_standing
        self.is_ordinary |= is_harmful & (number < RARE)
        self.is_ordinary[[*self.aliases]] = False


@lru_cache(maxsize=4)
def costs_of_ranks(count: int) -> NDArray[np.float64]:
    """What it costs, in nats, to read letters as the word of each rank, the most common first."""
    return np.array([math.log(rank) for rank in range(10, count + 10)])


def _aliases(harmful: Sequence[str]) -> dict[int, int]:
    """Harmful words that are themselves common disguises of much more indicative ones, by rank."""
    found = {}
    rank_of = {word: rank for rank, word in enumerate(harmful)}
    alike = _sharing(_skeletons(harmful), harmful)
    shuffled = _sharing(["".join([word[0], *sorted(word[1:-1]), word[-1]]) for word in harmful], harmful)
    for rank, word in enumerate(harmful):
        if word in _ELSEWHERE:
            continue
        tried = [word.replace(*each) for each in _SPELLINGS if each[0] in word]
        tried += _stretched(word, alike[word]) if word in alike else []
        tried += _swapped(word) if word in shuffled else []
        better = min([rank_of[each] for each in tried if each in rank_of], default=rank)
        if better * _MUCH < rank:
            found[rank] = better
    return found


def _stretched(letters: str, group: Sequence[str]) -> list[str]:
    """The words of a group that become `letters` if letters are repeated, or i and l are interchanged.

    `group`: words with the same skeleton.
    """
    runs = _runs(letters)
    found = [word for word in group if all(a >= b for a, b in zip(runs, _runs(word), strict=True))]
    if max(runs) >= _DRAWN_OUT:
        return found
    # "wilt" is not "wit" with an i too many: its l is an l.
    plain = _REPEATED.sub(r"\1", letters)
    return [word for word in found if len(word) == len(letters) or _REPEATED.sub(r"\1", word) == plain]


def _swapped(letters: str) -> list[str]:
    """What becomes `letters` if two neighboring inner letters are swapped."""
    return [letters[:at] + letters[at + 1] + letters[at] + letters[at + 2 :] for at in range(1, len(letters) - 2)]


def _runs(letters: str) -> list[int]:
    return [len(run[0]) for run in _RUN.finditer(letters.translate(_STROKES))]


def _skeletons(words: Sequence[str]) -> list[str]:
    """The letters of each word without repeats.

    All are computed in one string; they are separated by line feeds, which are never doubled.
    """
    return _REPEATED.sub(r"\1", "\n".join(words).translate(_STROKES)).split("\n") if words else []


def _sharing(keys: Sequence[str], words: Sequence[str]) -> dict[str, list[str]]:
    """The words with the same key, for each word that shares its key with another."""
    by_key: dict[str, list[str]] = {}
    for key, word in zip(keys, words, strict=True):
        by_key.setdefault(key, []).append(word)
    return {word: group for group in by_key.values() if len(group) > 1 for word in group}

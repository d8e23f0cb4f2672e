"""Joins letters that stand apart, if all of them spell harmless words: "T H A N K  Y O U", "t.h.a.n.k.s".

Such a text may be scored as these words and not as it stands, because both readers rate single letters as abuse. An
author can hide nothing in this way: the words get the scores that they get where they are written plainly, the rest of
the text stays, and nothing is joined if any single letter of the text does not belong to such a word, or if the letters
and the words beside them contain a harmful word.
"""

import math
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from classifier.disguises import Word
from classifier.lexicon import RARE, TWO_LETTERS, costs_of_ranks
from classifier.words import Words

# Letters with spaces between them, or in one chunk with the same mark between them.
_RUN = re.compile(
    r"(?<!\S)[a-z](?: {1,3}[a-z](?![^\s.,;:!?]))+"
    r"|(?<![\w.*-])[a-z](?=([._*-]))(?:\1[a-z](?!\w))+"
)
# Three letters apart, which is quicker to see than a run.
_SOME = re.compile(r"\b[a-z][ ._*-]{1,3}[a-z][ ._*-]{1,3}[a-z]")
# A letter or digit alone, which belongs to no word if it is not one itself.
_SINGLE = re.compile(r"(?<!\S)\w(?![^\s.,;:!?'\")*_-])")
_GOES_ON = re.compile(r"[._*-]\w")
_ALONE = frozenset("ai")
_BESIDE = re.compile(r"[a-z]+")
_NEAR = 32
# The letters of a run at least, and of all runs of a text at most.
_FEWEST, _MOST_LETTERS = 3, 200
_LONGEST, _TELLING = 24, 3
# A longer harmful word is no mere piece of another one ("therapist"), nor is any if the words are not told apart.
_LONGEST_PIECE = 4
# Letters without wider gaps are several words only if these have so many letters on average, not counting "a" and "i",
# and are common: "put a mad re" is Spanish. A word costs the logarithm of its rank and this much, in nats; a run of
# letters may cost so much for each of them.
_LETTERS, _EACH, _MOST_COST = 3.0, 1.0, 2.2


class SpelledOut:
    """Immutable and thread-safe."""

    def __init__(self, words: Words) -> None:
        ranked = (costs_of_ranks(len(words.plain)) + _EACH).tolist()
        self._costs = dict(zip(words.plain, ranked, strict=True))
        for word in [word for word in words.plain if len(word) < _TELLING and word not in TWO_LETTERS]:
            del self._costs[word]
        self._costs |= dict.fromkeys(_ALONE, math.log(10) + _EACH)
        self._telling = frozenset(
            word
            for rank, word in enumerate(words.harmful)
            if len(word) > _TELLING or (len(word) == _TELLING and rank < RARE)
        )

    def joined(self, reading: str) -> tuple[str, NDArray[np.int64]] | None:
        """The reading with the letters joined, and the words as rows of Word; None if it has none, or others too.

        `reading`: the text after classifier.normalize.
        """
        if not _SOME.search(reading):
            return None
        runs = [run for run in _RUN.finditer(reading) if _letters_in(run) >= _FEWEST]
        if not 0 < sum(map(_letters_in, runs)) <= _MOST_LETTERS:
            return None
        pieces: list[str] = []
        rows: list[Word] = []
        done = 0
        for run in runs:
            words = self._words(reading, run)
            if words is None or not _stand_alone(reading[done : run.start()]):
                return None
            for at, places in enumerate(words):
                start, end = places[0], places[-1] + 1
                is_apart = bool(at and run[1])
                pieces += [" " if is_apart else reading[done:start], "".join([reading[each] for each in places])]
                rows.append(Word(start, end, len(places), start, end, int(is_apart)))
                done = end
        if not _stand_alone(reading[done:]):
            return None
        return "".join([*pieces, reading[done:]]), np.array(rows, np.int64)

    def _words(self, reading: str, run: re.Match[str]) -> list[Sequence[int]] | None:
        """The places of the letters of each word, in order; None if they are not all harmless words."""
        if run[1] and _GOES_ON.match(reading, run.end()):
            return None
        found: list[Sequence[int]] = []
        # The words around the run, and those in it; and which of them are certain to be one word.
        words = _BESIDE.findall(reading[max(0, run.start() - _NEAR) : run.start()])[-1:]
        whole = [True] * len(words)
        for group in _groups([at for at in range(run.start(), run.end()) if reading[at].isalpha()]):
            letters = "".join([reading[at] for at in group])
            parts = list(pairwise(self._parted(letters)))
            if not parts:
                return None
            found += [group[start:end] for start, end in parts]
            words += [letters[start:end] for start, end in parts]
            whole += [letters in self._costs] * len(parts)
        behind = _BESIDE.findall(reading[run.end() : run.end() + _NEAR])[:1]
        return None if self._is_harm_among(words + behind, [*whole, True]) else found

    def _is_harm_among(self, words: Sequence[str], whole: Sequence[bool]) -> bool:
        """Whether the letters of all words hold a harmful word that is not a mere piece of one, as in "night"."""
        letters = "".join(words)
        word_at = [at for at, word in enumerate(words) for _ in word]
        return any(
            letters[start:end] in self._telling
            and not (
                word_at[start] == word_at[end - 1]
                and whole[word_at[start]]
                and end - start <= _LONGEST_PIECE
                and end - start < len(words[word_at[start]])
            )
            for start, end in _parts(letters, _TELLING)
        )

    def _parted(self, letters: str) -> list[int]:
        """The likeliest words: where each begins, and the end of the last; [] if no words are likely."""
        best = [0.0] + [math.inf] * len(letters)
        begins = [0] * (len(letters) + 1)
        for start, end in _parts(letters, 1):
            cost = best[start] + self._costs.get(letters[start:end], math.inf)
            if cost < best[end]:
                best[end], begins[end] = cost, start
        if best[-1] == math.inf:
            return []
        ends = [len(letters)]
        while ends[-1]:
            ends.append(begins[ends[-1]])
        lengths = [start - end for start, end in pairwise(ends) if start - end > 1]
        is_likely = best[-1] <= _MOST_COST * len(letters) and sum(lengths) >= _LETTERS * len(lengths)
        return ends[::-1] if is_likely or letters in self._costs else []


def _groups(places: Sequence[int]) -> list[list[int]]:
    """The places of letters, parted at gaps that are wider than others."""
    narrow = min(b - a for a, b in pairwise(places))
    groups = [[places[0]]]
    for last, at in pairwise(places):
        if at - last > narrow:
            groups.append([])
        groups[-1].append(at)
    return groups


def _letters_in(run: re.Match[str]) -> int:
    """At most: there may be several spaces between two letters."""
    return (run.end() - run.start()) // 2 + 1


def _parts(letters: str, shortest: int) -> Iterator[tuple[int, int]]:
    for start in range(len(letters)):
        for end in range(start + shortest, min(start + _LONGEST, len(letters)) + 1):
            yield start, end


def _stand_alone(between: str) -> bool:
    """Whether all single letters and digits here are words."""
    return all(found[0] in _ALONE for found in _SINGLE.finditer(between))

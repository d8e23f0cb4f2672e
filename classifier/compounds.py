"""Finds words that are written together, as in hashtags and user names, and where spaces belong between them."""

import math
import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from classifier.lexicon import TWO_LETTERS, costs_of_ranks
from classifier.words import Words

# "HangThem", "hangthem"; "stop_hating_us" too, in texts with an underscore.
_RUN = re.compile(r"[A-Za-z]{7,}")
_RUN_MARKED = re.compile(r"[A-Za-z]+(?:_[A-Za-z]+)+|[A-Za-z]{7,}")
# What stands before and after a run in an address.
_IN_ADDRESS, _GOES_ON = frozenset("./:=?&%-"), re.compile(r"[/=]|[.]\w")
# A longer run is no word that people write. A text has few of these, or they are not for reading.
_LONGEST, _MOST_TRIED = 64, 16
_MOST_REMEMBERED = 16_384
TAGS = frozenset("@#")
MARKS = TAGS | {"_"}
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
# Without capitals fewer words are too ambiguous: "penistone" is a town.
_FEWEST_JOINED = 3
# Of what a run may consist: of words with so many letters, if they are known at all; else of common ones.
_LONG, _COMMON, _LONGEST_PART, _TWO = 5, 6_000, 15, 2
# A word costs the logarithm of its rank and this much, in nats; a harmful one more, because they are ranked apart. A
# run may cost so much for each of its letters.
_EACH, _HARMFUL, _MOST_COST = 1.0, 2.0, 2.2
# The fewest letters of a word on average, not counting "a" and "i".
_LETTERS = 3.2


class Compounds:
    """Immutable and thread-safe."""

    def __init__(self, words: Words) -> None:
        self._known = frozenset((*words.harmful, *words.plain))
        ranked = (costs_of_ranks(max(len(words.harmful), len(words.plain))) + _EACH).tolist()
        costs = {
            word: cost
            for word, cost in zip(words.plain, ranked, strict=False)
            if len(word) >= _LONG or word in TWO_LETTERS
        }
        shorter = zip(words.plain[:_COMMON], ranked, strict=False)
        costs |= {word: cost for word, cost in shorter if _TWO < len(word) < _LONG}
        for word in [word for word in costs if "'" in word]:
            del costs[word]
        costs |= {word: cost + _HARMFUL for word, cost in zip(words.harmful, ranked, strict=False) if len(word) > _TWO}
        plurals = {f"{word}s": cost + _EACH for word, cost in costs.items() if len(word) >= _LONG}
        # Most runs of a site are names that come again.
        self._remembered = lru_cache(maxsize=_MOST_REMEMBERED)(self._starts)
        self._costs = {**plurals, **costs, "a": math.log(10) + _EACH}

    def spaces(self, text: str) -> list[int]:
        """Where in the text a space belongs before a letter, in order. It takes the place of one of MARKS before it."""
        found: list[int] = []
        tried = 0
        for run in (_RUN_MARKED if "_" in text else _RUN).finditer(text):
            word, start = run[0], run.start()
            if word in self._known or word.lower() in self._known or len(word) > _LONGEST:
                continue
            if (tried := tried + 1) > _MOST_TRIED:
                break
            if text[start - 1 : start] in _IN_ADDRESS or _GOES_ON.match(text, run.end()):
                continue
            starts = [start + at for at in self._remembered(word)]
            # Both readers take the first word of "#hang them" for a name.
            is_tag = starts and text[start - 1 : start] in TAGS
            found += [start, *starts] if is_tag else starts
        return found

    def _starts(self, run: str) -> tuple[int, ...]:
        """The start of each word of a run but the first."""
        return self._joined(run.lower()) if run.isalpha() and (run.islower() or run.isupper()) else self._parts(run)

    def _parts(self, run: str) -> tuple[int, ...]:
        """The same for a run of parts with capitals or underscores between them."""
        marks = {each.start() for each in _CAPITAL.finditer(run)} | {
            at + 1 for at, each in enumerate(run) if each == "_"
        }
        found: list[int] = []
        for start, end in pairwise([0, *sorted(marks), len(run)]):
            found += [start, *(start + at for at in self._joined(run[start:end].rstrip("_").lower()))]
        return tuple(found[1:])

    def _joined(self, letters: str) -> tuple[int, ...]:
        """The starts of the cheapest words but the first; () if no words are likely. `letters`: lower case."""
        best = [math.inf] * (len(letters) + 1)
        begins = [0] * (len(letters) + 1)
        best[0] = 0.0
        # "I" only begins a run: within one, it is part of an ending.
        if letters.startswith("i"):
            best[1] = math.log(10) + _EACH
        for start, here in enumerate(best):
            if here == math.inf:
                continue
            for end in range(start + 1, min(start + _LONGEST_PART, len(letters)) + 1):
                cost = here + self._costs.get(letters[start:end], math.inf)
                if cost < best[end]:
                    best[end], begins[end] = cost, start
        starts = [begins[-1]]
        while starts[-1]:
            starts.append(begins[starts[-1]])
        edges = [*reversed(starts), len(letters)]
        is_likely = letters not in self._known and best[-1] <= _MOST_COST * len(letters) and _are_words(edges)
        return tuple(edges[1:-1]) if is_likely else ()


def separated(text: str, spaces: Sequence[int]) -> tuple[str, list[int]]:
    """The text with these spaces (Compounds.spaces), and for each code point of it its index in `text`."""
    pieces, sent = [], []
    edges = [0, *spaces, len(text)]
    for start, end in pairwise(edges):
        is_marked = 0 < end < len(text) and text[end - 1] in MARKS
        pieces.append(f"{text[start : end - is_marked]} ")
        sent += [*range(start, end - is_marked), end - 1 if is_marked else end]
    return "".join(pieces)[:-1], sent[:-1]


def _are_words(edges: list[int]) -> bool:
    """Whether there are enough words, and these are not mere syllables ("can cell a to")."""
    lengths = [end - start for start, end in pairwise(edges)]
    letters = sum(lengths) - lengths.count(1)
    return (
        len(lengths) >= _FEWEST_JOINED and lengths[-1] > 1 and letters >= _LETTERS * (len(lengths) - lengths.count(1))
    )

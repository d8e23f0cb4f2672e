"""Finds the terms of all word lists of a policy in one pass over the text, also where they are disguised.

The automaton looks for whole words: a term that stands for a word has a space at both ends, one that stands for a stem
only before it, and one that may be a part of a word has none. Phrases, signs, and scripts without spaces between words
are looked for among the tokens of the text (see readings.py), but only if the text has a word or a sign of theirs.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick

from service.rules.readings import is_of_word, token_origins, tokens, word_origins, words
from service.rules.terms import Hit, Owner, Term, Terms, bounded, terms_of
from service.rules.unmasking import Unmasking

# Terms that end at the same place of a text; more of one list say nothing new, but cost time for each.
MOST_NESTED = 8


__all__ = ["Found", "Term", "Terms", "WordFinder", "is_findable", "terms_of"]


class Found(NamedTuple):
    """A term in the text, from `start` to before `end`, in code points of the text as sent."""

    start: int
    end: int
    term: str


def is_findable(text: str) -> bool:
    """Whether a term has anything that can be found: it is not only white space, hyphens or apostrophes."""
    return tokens(text) != " "


class WordFinder:
    """Immutable and thread-safe. Takes about a second to build for 50,000 terms."""

    def __init__(self, all_terms: Sequence[Terms]) -> None:
        self._plain = [
            _Plain(numbered, keeps_case=keeps_case)
            for keeps_case in (False, True)
            if (numbered := [(at, each) for at, each in enumerate(all_terms) if each.keeps_case is keeps_case])
        ]
        unmasked = [(at, each) for at, each in enumerate(all_terms) if each.unmasks and not each.keeps_case]
        self._unmasking = Unmasking(unmasked) if unmasked else None

    def find(self, text: str) -> Mapping[int, tuple[Found, ...]]:
        """By the number of the terms, in the order of the text; without those of which nothing is found."""
        hits: list[Hit] = []
        for plain in self._plain:
            hits += plain.hits(text)
        if self._unmasking:
            hits += self._unmasking.hits(text)
        return _without_exceptions(hits) if hits else {}


class _Plain:
    """Looks for terms as they stand in the text."""

    def __init__(self, numbered: Sequence[tuple[int, Terms]], *, keeps_case: bool) -> None:
        self._keeps_case = keeps_case
        of_words: defaultdict[str, list[Owner]] = defaultdict(list)
        of_tokens: defaultdict[str, list[Owner]] = defaultdict(list)
        keys: set[str] = set()
        for number, terms in numbered:
            for pattern, owner in _without_nested(list(_patterns(number, terms))):
                is_word = " " not in pattern.strip(" ") and all(map(is_of_word, pattern.strip(" ")))
                if is_word:
                    of_words[pattern].append(owner)
                else:
                    of_tokens[pattern].append(owner)
                    keys.add(_key(pattern))
        self._signs = frozenset(key for key in keys if len(key) == 1 and not is_of_word(key))
        patterns = list(dict.fromkeys([*of_words, *sorted(keys - self._signs)]))
        self._owners = [tuple(of_words.get(each, ())) for each in patterns]
        self._keys = frozenset(number for number, each in enumerate(patterns) if each in keys)
        self._of_words = AhoCorasick(patterns, store_patterns=False)
        self._token_owners = [tuple(some) for some in of_tokens.values()]
        self._of_tokens = AhoCorasick(list(of_tokens), store_patterns=False) if of_tokens else None

    def hits(self, text: str) -> Iterator[Hit]:
        keeps_case = self._keeps_case
        read_as = words(text, keeps_case=keeps_case)
        matches = self._of_words.find_matches_as_indexes(read_as, overlapping=True)
        if matches:
            yield from _placed(matches, self._owners, read_as, word_origins(text, keeps_case=keeps_case))
        if self._of_tokens is None or not (self._has_sign(text) or any(each[0] in self._keys for each in matches)):
            return
        read_as = tokens(text, keeps_case=keeps_case)
        matches = self._of_tokens.find_matches_as_indexes(read_as, overlapping=True)
        if matches:
            origins = token_origins(text, keeps_case=keeps_case).tolist()
            yield from _placed(matches, self._token_owners, read_as, origins)

    def _has_sign(self, text: str) -> bool:
        """Whether the text may have a sign of a term; of other texts than ASCII only its reading would tell."""
        return bool(self._signs) and (not text.isascii() or any(each in text for each in self._signs))


def _placed(
    matches: Iterable[tuple[int, int, int]], owners: Sequence[Sequence[Owner]], read_as: str, origins: Sequence[int]
) -> Iterator[Hit]:
    for number, first, last in matches:
        start, end = first + (read_as[first] == " "), last - (read_as[last - 1] == " ")
        for owner in owners[number]:
            yield owner, origins[start], origins[end - 1] + 1


def _key(pattern: str) -> str:
    """What a text must have in which the pattern may be found: a sign, or the longest word with the spaces around."""
    parts = pattern.strip(" ").split(" ")
    for part in parts:
        if not is_of_word(part[0]):
            return part[0]
    at = max(range(len(parts)), key=lambda each: len(parts[each]))
    before = " " if at > 0 or pattern[0] == " " else ""
    behind = " " if at < len(parts) - 1 or pattern[-1] == " " else ""
    return f"{before}{parts[at]}{behind}"


def _patterns(number: int, terms: Terms) -> Iterator[tuple[str, Owner]]:
    for term in terms.terms:
        read_as = tokens(term.text, keeps_case=terms.keeps_case)
        if read_as != " ":
            yield bounded(read_as, term.match), Owner(number, term.text, term.is_exception)


def _without_nested(patterns: list[tuple[str, Owner]]) -> Iterator[tuple[str, Owner]]:
    """Drops a term that ends in many others of the same list: where it is found, they are."""
    all_patterns = {pattern for pattern, owner in patterns if not owner.is_exception}
    shortest = min(map(len, all_patterns), default=0)
    for pattern, owner in patterns:
        nested = sum(pattern[at:] in all_patterns for at in range(1, len(pattern) - shortest + 1))
        if nested < MOST_NESTED or owner.is_exception:
            yield pattern, owner


def _without_exceptions(hits: Iterable[Hit]) -> dict[int, tuple[Found, ...]]:
    by_terms: defaultdict[int, set[Found]] = defaultdict(set)
    excepted: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for owner, start, end in hits:
        if owner.is_exception:
            excepted[owner.terms].append((start, end))
        else:
            by_terms[owner.terms].add(Found(start, end, owner.text))
    found = {}
    for number, some in by_terms.items():
        kept = list(_uncovered(sorted(some), sorted(excepted[number])))
        if kept:
            found[number] = tuple(kept)
    return found


def _uncovered(found: list[Found], spans: list[tuple[int, int]]) -> Iterator[Found]:
    """Those that lie within no span. Both are in order."""
    at, furthest = 0, 0
    for each in found:
        while at < len(spans) and spans[at][0] <= each.start:
            furthest = max(furthest, spans[at][1])
            at += 1
        if each.end > furthest:
            yield each

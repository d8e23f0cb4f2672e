"""Finds the terms of all word lists of a policy in one pass over the text, also where they are disguised.

The automaton looks for whole tokens: a term that stands for a word has a space at both ends, one that stands for a
stem only before it, and one that may be a part of a word has none (see readings.py).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick

from classifier.homoglyphs import fold_homoglyphs
from service.rules.disguises import DRAWN_OUT, Chunk, Letters, Word, disguised_chunks
from service.rules.readings import is_spaceless, token_origins, tokens
from service.values.rules import Match

# Terms that end at the same place of a text; more of one list say nothing new, but cost time for each.
MOST_NESTED = 8
# Different terms that are equal without repeated letters, as "ass" and "as".
MOST_ALIKE = 8
# A shorter term is too easily found in what only looks disguised.
SHORTEST_DISGUISED = 3


class Term(NamedTuple):
    """`is_exception`: where it stands, no other term of the same terms is found inside of it."""

    text: str
    match: Match = Match.WORD
    is_exception: bool = False


class Terms(NamedTuple):
    """What a condition looks for. `unmasks`: also disguised. `keeps_case`: capitals count, and nothing is unmasked."""

    terms: tuple[Term, ...]
    unmasks: bool = True
    keeps_case: bool = False


class Found(NamedTuple):
    """A term in the text, from `start` to before `end`, in code points of the text as sent."""

    start: int
    end: int
    term: str


class _Owner(NamedTuple):
    terms: int
    text: str
    is_exception: bool


_Hit = tuple[_Owner, int, int]
Owners = tuple[_Owner, ...]


def is_findable(text: str) -> bool:
    """Whether a term has anything that can be found: it is not only white space, hyphens or apostrophes."""
    return tokens(text) != " "


class WordFinder:
    """Immutable and thread-safe. Takes about a second to build for 50,000 terms."""

    def __init__(self, all_terms: Sequence[Terms]) -> None:
        self._plain = [
            _Automaton(numbered, keeps_case=keeps_case)
            for keeps_case in (False, True)
            if (numbered := [(at, each) for at, each in enumerate(all_terms) if each.keeps_case is keeps_case])
        ]
        unmasked = [(at, each) for at, each in enumerate(all_terms) if each.unmasks and not each.keeps_case]
        self._disguised = _Disguised(unmasked) if unmasked else None

    def find(self, text: str) -> Mapping[int, tuple[Found, ...]]:
        """By the number of the terms, in the order of the text; without those of which nothing is found."""
        hits: list[_Hit] = []
        for automaton in self._plain:
            hits += automaton.hits(text)
        if self._disguised:
            hits += self._disguised.hits(text)
        return _without_exceptions(hits) if hits else {}


class _Automaton:
    def __init__(self, numbered: Sequence[tuple[int, Terms]], *, keeps_case: bool) -> None:
        self._keeps_case = keeps_case
        owners: defaultdict[str, list[_Owner]] = defaultdict(list)
        for number, terms in numbered:
            for pattern, owner in _without_nested(list(_patterns(number, terms))):
                owners[pattern].append(owner)
        self._owners = [tuple(some) for some in owners.values()]
        self._automaton = AhoCorasick(list(owners), store_patterns=False)

    def hits(self, text: str) -> Iterator[_Hit]:
        read_as = tokens(text, keeps_case=self._keeps_case)
        matches = self._automaton.find_matches_as_indexes(read_as, overlapping=True)
        if not matches:
            return
        origins = token_origins(text, keeps_case=self._keeps_case)
        for number, first, last in matches:
            start, end = _trimmed(read_as, first, last)
            span = int(origins[start]), int(origins[end - 1]) + 1
            for owner in self._owners[number]:
                yield owner, *span


def _patterns(number: int, terms: Terms) -> Iterator[tuple[str, _Owner]]:
    for term in terms.terms:
        read_as = tokens(term.text, keeps_case=terms.keeps_case)
        if read_as != " ":
            yield _bounded(read_as, term.match), _Owner(number, term.text, term.is_exception)


def _bounded(read_as: str, match: Match) -> str:
    """With the spaces that the match asks for. `read_as` has one at both ends."""
    if match is Match.WORD:
        return read_as
    return read_as[:-1] if match is Match.STEM else read_as[1:-1]


def _trimmed(read_as: str, start: int, end: int) -> tuple[int, int]:
    return start + (read_as[start] == " "), end - (read_as[end - 1] == " ")


def _without_nested(patterns: list[tuple[str, _Owner]]) -> Iterator[tuple[str, _Owner]]:
    """Drops a term that ends in many others of the same list: where it is found, they are."""
    all_patterns = {pattern for pattern, owner in patterns if not owner.is_exception}
    shortest = min(map(len, all_patterns), default=0)
    for pattern, owner in patterns:
        nested = sum(pattern[at:] in all_patterns for at in range(1, len(pattern) - shortest + 1))
        if nested < MOST_NESTED or owner.is_exception:
            yield pattern, owner


def _without_exceptions(hits: Iterable[_Hit]) -> dict[int, tuple[Found, ...]]:
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


class _Variant(NamedTuple):
    """The letters of a term: how many of each stand in a row; and who looks for it."""

    counts: tuple[int, ...]
    owners: list[_Owner]


class _Disguised:
    """Looks for the terms among what disguised chunks may be read as, without repeated letters."""

    def __init__(self, numbered: Sequence[tuple[int, Terms]]) -> None:
        variants: defaultdict[str, dict[tuple[int, ...], list[_Owner]]] = defaultdict(dict)
        self._of_phrases: set[str] = set()
        for number, terms in numbered:
            for term in terms.terms:
                owner = _Owner(number, term.text, term.is_exception)
                # A word of another script is also met with Latin letters that look like its own.
                for words in {tuple(tokens(each).split()) for each in (term.text, fold_homoglyphs(term.text))}:
                    if _can_be_disguised(words):
                        for joined in sorted({" ".join(words), "".join(words)}):
                            _add(variants, f" {joined} ", term.match, owner)
                        self._of_phrases.update(map(_skeleton, words if len(words) > 1 else ()))
        self._variants = [[_Variant(*each) for each in some.items()] for some in variants.values()]
        self._automaton = AhoCorasick(list(variants), store_patterns=False)

    def hits(self, text: str) -> Iterator[_Hit]:
        chunks = list(disguised_chunks(text))
        of_phrases = []
        for chunk in chunks:
            for words in chunk.readings:
                yield from self._in_words(words)
                if self._of_phrases and not self._of_phrases.isdisjoint([word.skeleton for word in words]):
                    of_phrases.append((chunk, words))
        if of_phrases:
            yield from self._in_words(list(_around(text, of_phrases)))

    def _in_words(self, words: Sequence[Word]) -> Iterator[_Hit]:
        """`words`: neighbors in the text. Finds terms of which a part is disguised."""
        read_as = f" {' '.join([word.skeleton for word in words])} "
        matches = self._automaton.find_matches_as_indexes(read_as, overlapping=True)
        if not matches:
            return
        letters: list[Letters | None] = [each for word in words for each in (*word.letters, None)]
        bent = [word.is_bent for word in words for _ in (*word.letters, None)]
        for number, first, last in matches:
            start, end = _trimmed(read_as, first, last)
            some = letters[start - 1 : end - 1]
            counts = [each.times if each else 0 for each in some]
            if any(bent[start - 1 : end - 1]) or max(counts) >= DRAWN_OUT:
                span = next(e.first for e in some if e), next(e.last for e in reversed(some) if e) + 1
                for variant in self._variants[number]:
                    if all(map(_stands_for, counts, variant.counts)):
                        for owner in variant.owners:
                            yield owner, *span


def _stands_for(count: int, asked: int) -> bool:
    """So "fuuuck" stands for "fuck", but "good" does not for "god"."""
    return count == asked or (count >= DRAWN_OUT and count > asked)


def _around(text: str, chunks: Iterable[tuple[Chunk, Sequence[Word]]]) -> Iterator[Word]:
    """All words of the text, with those of the chunks in their places."""
    done = 0
    for chunk, words in chunks:
        if chunk.start >= done:
            yield from _ordinary(text, done, chunk.start)
            yield from words
            done = chunk.end
    yield from _ordinary(text, done, len(text))


def _ordinary(text: str, start: int, end: int) -> Iterator[Word]:
    read_as, origins = tokens(text[start:end]), token_origins(text[start:end])
    at = 1
    for token in read_as.split():
        letters = []
        for letter, run in groupby(token):
            count = len(list(run))
            letters.append(Letters(letter, count, start + int(origins[at]), start + int(origins[at + count - 1])))
            at += count
        at += 1
        yield Word(tuple(letters), is_bent=False)


def _can_be_disguised(words: Sequence[str]) -> bool:
    letters = "".join(words)
    return len(letters) >= SHORTEST_DISGUISED and letters.isalpha() and not any(map(is_spaceless, letters))


def _skeleton(letters: str) -> str:
    return "".join([letter for letter, _ in groupby(letters)])


def _add(
    variants: defaultdict[str, dict[tuple[int, ...], list[_Owner]]], read_as: str, match: Match, owner: _Owner
) -> None:
    pattern = _bounded(read_as, match)
    counts = tuple(0 if letter == " " else len(list(run)) for letter, run in groupby(read_as[1:-1]))
    alike = variants[_skeleton(pattern)]
    if counts in alike or len(alike) < MOST_ALIKE:
        alike.setdefault(counts, []).append(owner)

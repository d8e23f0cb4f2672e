"""Finds terms in what disguised chunks of a text may be read as (see disguises.py)."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick

from classifier.homoglyphs import fold_homoglyphs
from service.rules.disguises import DRAWN_OUT, DisguisedChunk, DisguisedWord, Letters, disguised_chunks
from service.rules.readings import is_spaceless, token_origins, tokens
from service.rules.terms import Hit, Owner, Terms, bounded
from service.values.rules import Match

# Different terms that are equal without repeated letters, as "ass" and "as".
MOST_ALIKE = 8
# A shorter term is too easily found in what only looks disguised.
SHORTEST = 3
_REPEATED = re.compile(r"(.)\1+")


class _Variant(NamedTuple):
    """The letters of a term: how many of each stand in a row; and who looks for it."""

    counts: tuple[int, ...]
    owners: list[Owner]


class Unmasking:
    """Immutable and thread-safe. Terms and texts are compared without repeated letters, which are then counted."""

    def __init__(self, numbered: Sequence[tuple[int, Terms]]) -> None:
        variants: defaultdict[str, dict[tuple[int, ...], list[Owner]]] = defaultdict(dict)
        self._of_phrases: set[str] = set()
        for number, terms in numbered:
            for term in terms.terms:
                owner = Owner(number, term.text, term.is_exception)
                for words in _spellings(term.text):
                    for joined in {" ".join(words), "".join(words)}:
                        _add(variants, f" {joined} ", term.match, owner)
                    self._of_phrases.update(map(_skeleton, words if len(words) > 1 else ()))
        self._variants = [[_Variant(*each) for each in some.items()] for some in variants.values()]
        self._automaton = AhoCorasick(list(variants), store_patterns=False)
        glances = {*variants, *(f" {each} " for each in self._of_phrases)}
        self._glances = AhoCorasick(glances, store_patterns=False)

    def hits(self, text: str) -> Iterator[Hit]:
        of_phrases = []
        for chunk in disguised_chunks(text):
            if not self._glances.find_matches_as_indexes(chunk.glance()):
                continue
            for words in chunk.readings():
                yield from self._in_words(words)
                if self._of_phrases and not self._of_phrases.isdisjoint([word.skeleton for word in words]):
                    of_phrases.append((chunk, words))
        if of_phrases:
            yield from self._in_words(list(_around(text, of_phrases)))

    def _in_words(self, words: Sequence[DisguisedWord]) -> Iterator[Hit]:
        """`words`: neighbors in the text. Finds terms of which a part is disguised."""
        read_as = f" {' '.join([word.skeleton for word in words])} "
        matches = self._automaton.find_matches_as_indexes(read_as, overlapping=True)
        if not matches:
            return
        letters: list[Letters | None] = [each for word in words for each in (*word.letters, None)]
        bent = [word.is_bent for word in words for _ in (*word.letters, None)]
        for number, first, last in matches:
            start, end = first + (read_as[first] == " "), last - (read_as[last - 1] == " ")
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


def _around(text: str, chunks: Iterable[tuple[DisguisedChunk, Sequence[DisguisedWord]]]) -> Iterator[DisguisedWord]:
    """All words of the text, with those of the chunks in their places."""
    done = 0
    for chunk, words in chunks:
        if chunk.start >= done:
            yield from _ordinary(text, done, chunk.start)
            yield from words
            done = chunk.end
    yield from _ordinary(text, done, len(text))


def _ordinary(text: str, start: int, end: int) -> Iterator[DisguisedWord]:
    read_as, origins = tokens(text[start:end]), token_origins(text[start:end])
    at = 1
    for token in read_as.split():
        letters = []
        for letter, run in groupby(token):
            count = len(list(run))
            letters.append(Letters(letter, count, start + int(origins[at]), start + int(origins[at + count - 1])))
            at += count
        at += 1
        yield DisguisedWord(tuple(letters), is_bent=False)


def _spellings(term: str) -> Iterator[Sequence[str]]:
    """Its words. One of another script is also met with Latin letters that look like its own."""
    if term.isascii() and term.isalpha():
        if len(term) >= SHORTEST:
            yield (term.lower(),)
        return
    for words in {tuple(tokens(each).split()) for each in (term, fold_homoglyphs(term))}:
        letters = "".join(words)
        if len(letters) >= SHORTEST and letters.isalpha() and not any(map(is_spaceless, letters)):
            yield words


def _skeleton(letters: str) -> str:
    return _REPEATED.sub(r"\1", letters)


def _add(
    variants: defaultdict[str, dict[tuple[int, ...], list[Owner]]], read_as: str, match: Match, owner: Owner
) -> None:
    pattern = _skeleton(bounded(read_as, match))
    letters = read_as[1:-1]
    alike = variants[pattern]
    if len(pattern.strip(" ")) == len(letters):
        counts = tuple([0 if letter == " " else 1 for letter in letters])
    else:
        counts = tuple(0 if letter == " " else len(list(run)) for letter, run in groupby(letters))
    if counts in alike or len(alike) < MOST_ALIKE:
        alike.setdefault(counts, []).append(owner)

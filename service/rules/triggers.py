"""Which of many rules may hold for a comment: rules are found by what must be true of it, not tried one by one."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from service.rules.links import suffixes
from service.rules.seen import Seen

# What happens, and with what. The rarer it is, the fewer rules are tried: that is the order of the kinds.
Trigger = tuple[Any, ...]
WORDS, PATTERN, ARTICLE, DOMAIN, LINKS = "words", "pattern", "article", "domain", "links"
SECTION, SCORE, CAPITALS, LANGUAGE, PUBLISHED, SHORTER, LONGER = (
    *("section", "score", "capitals", "language", "published", "shorter", "longer"),
)
_KINDS = (WORDS, PATTERN, ARTICLE, DOMAIN, LINKS, SECTION, SCORE, CAPITALS, LANGUAGE, PUBLISHED, SHORTER, LONGER)
_RANKS = {kind: rank for rank, kind in enumerate(_KINDS)}

Triggers = frozenset[Trigger]


def rarest(some: Sequence[Triggers]) -> Triggers:
    return min(some, key=lambda triggers: (max(_RANKS[each[0]] for each in triggers), len(triggers)))


class Index:
    """`triggers`: of each rule; None: it may always hold. `always`: the numbers of these. `kinds`: of triggers."""

    def __init__(self, triggers: Sequence[Triggers | None]) -> None:
        found: defaultdict[Trigger, list[int]] = defaultdict(list)
        self.always: Sequence[int] = [number for number, each in enumerate(triggers) if each is None]
        for number, some in enumerate(triggers):
            for each in some or ():
                found[each].append(number)
        self._rules = dict(found)
        self.kinds = {each[0] for each in found}
        self._scores: defaultdict[str, list[tuple[float, float, Trigger]]] = defaultdict(list)
        for each in found:
            if each[0] == SCORE:
                self._scores[each[1]].append((each[2], each[3], each))
        for rows in self._scores.values():
            rows.sort(key=lambda row: row[:2])
        self._thresholds = {
            kind: sorted(each[1] for each in found if each[0] == kind) for kind in (LONGER, SHORTER, CAPITALS)
        }
        ways: tuple[tuple[Callable[[Seen], Iterable[Trigger]], set[str]], ...] = (
            (self._of_words, {WORDS}),
            (self._of_patterns, {PATTERN}),
            (self._of_links, {LINKS, DOMAIN}),
            (self._of_scores, {SCORE}),
            (self._of_article, {ARTICLE, SECTION, PUBLISHED}),
            (self._of_language, {LANGUAGE}),
            (self._of_text, {LONGER, SHORTER, CAPITALS}),
        )
        # Of a comment is only asked what some rule waits for.
        self._sources = tuple(happened for happened, kinds in ways if not kinds.isdisjoint(self.kinds))

    def possible(self, seen: Seen) -> Sequence[int]:
        """Numbers of the rules that may hold, or stay open, in their order."""
        rules = self._rules
        found = [rules[each] for happened in self._sources for each in happened(seen) if each in rules]
        if not found:
            return self.always
        return sorted({*self.always, *(number for some in found for number in some)})

    def _of_words(self, seen: Seen) -> Iterator[Trigger]:
        for number in seen.words:
            yield WORDS, number

    def _of_patterns(self, seen: Seen) -> Iterator[Trigger]:
        for number in seen.patterns:
            yield PATTERN, number

    def _of_scores(self, seen: Seen) -> Iterator[Trigger]:
        for attribute in self._scores:
            yield from self._of_score(attribute, seen)

    def _of_article(self, seen: Seen) -> Iterator[Trigger]:
        article = seen.facts.article
        if article is not None:
            yield ARTICLE, article.id
            yield SECTION, article.section
            if article.published_at is not None:
                yield (PUBLISHED,)

    def _of_language(self, seen: Seen) -> Iterator[Trigger]:
        yield LANGUAGE, seen.facts.language

    def _of_links(self, seen: Seen) -> Sequence[Trigger]:
        if not seen.links:
            return ()
        if DOMAIN not in self.kinds:
            return ((LINKS,),)
        return [(LINKS,), *((DOMAIN, domain) for link in seen.links for domain in suffixes(link.host))]

    def _of_score(self, attribute: str, seen: Seen) -> Iterator[Trigger]:
        """All, if there is no score: then the rules cannot be decided, and say so."""
        rows = self._scores[attribute]
        score = seen.score(attribute)
        if score is None:
            yield from (each for _, _, each in rows)
            return
        for least, below, each in rows:
            if least > score:
                return
            if score < below:
                yield each

    def _of_text(self, seen: Seen) -> Iterator[Trigger]:
        length = len(seen.facts.text)
        if LONGER in self.kinds:
            some = self._thresholds[LONGER]
            yield from ((LONGER, each) for each in some[: bisect_left(some, length)])
        if SHORTER in self.kinds:
            some = self._thresholds[SHORTER]
            yield from ((SHORTER, each) for each in some[bisect_right(some, length) :])
        if CAPITALS in self.kinds:
            some = self._thresholds[CAPITALS]
            yield from ((CAPITALS, each) for each in some[: bisect_left(some, seen.capitals)])

"""Which of many rules may hold for a comment: rules are found by what must be true of it, not tried one by one."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
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
    """`triggers`: of each rule; None: it may always hold."""

    def __init__(self, triggers: Sequence[Triggers | None]) -> None:
        found: defaultdict[Trigger, list[int]] = defaultdict(list)
        self._always = [number for number, each in enumerate(triggers) if each is None]
        for number, some in enumerate(triggers):
            for each in some or ():
                found[each].append(number)
        self._rules = dict(found)
        self._kinds = {each[0] for each in found}
        self._scores: defaultdict[str, list[tuple[float, float, Trigger]]] = defaultdict(list)
        for each in found:
            if each[0] == SCORE:
                self._scores[each[1]].append((each[2], each[3], each))
        for rows in self._scores.values():
            rows.sort(key=lambda row: row[:2])
        self._thresholds = {
            kind: sorted(each[1] for each in found if each[0] == kind) for kind in (LONGER, SHORTER, CAPITALS)
        }

    def possible(self, seen: Seen) -> Sequence[int]:
        """Numbers of the rules that may hold, or stay open, in their order."""
        rules = self._rules
        found = [rules[each] for each in self._happened(seen) if each in rules]
        if not found:
            return self._always
        return sorted({*self._always, *(number for some in found for number in some)})

    def _happened(self, seen: Seen) -> Iterator[Trigger]:
        kinds = self._kinds
        for number in seen.words:
            yield WORDS, number
        for number in seen.patterns:
            yield PATTERN, number
        if LINKS in kinds or DOMAIN in kinds:
            yield from self._of_links(seen)
        for attribute in self._scores:
            yield from self._of_score(attribute, seen)
        article = seen.facts.article
        if article is not None:
            yield ARTICLE, article.id
            yield SECTION, article.section
            if article.published_at is not None:
                yield (PUBLISHED,)
        yield LANGUAGE, seen.facts.language
        yield from self._of_text(seen)

    def _of_links(self, seen: Seen) -> Iterator[Trigger]:
        if seen.links:
            yield (LINKS,)
        for link in seen.links if DOMAIN in self._kinds else ():
            for domain in suffixes(link.host):
                yield DOMAIN, domain

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
        if LONGER in self._kinds:
            some = self._thresholds[LONGER]
            yield from ((LONGER, each) for each in some[: bisect_left(some, length)])
        if SHORTER in self._kinds:
            some = self._thresholds[SHORTER]
            yield from ((SHORTER, each) for each in some[bisect_right(some, length) :])
        if CAPITALS in self._kinds:
            some = self._thresholds[CAPITALS]
            yield from ((CAPITALS, each) for each in some[: bisect_left(some, seen.capitals)])

"""Compiles one condition into a function that decides it for a comment, as far as that goes without Redis.

The function returns True, False, or an expression that stays open: a list that MessagePack can carry and a Lua script
evaluates. `["all", e, ...]`, `["any", e, ...]`, `["not", e]`, and what Redis counts: `["new", seconds]`,
`["approved_below", n]`, `["rejected_share_above", share, days]`, `["rejected_at_least", n, days]`, `["status", status,
...]`, `["velocity", by, more_than, s]`, `["duplicate", match, of, at_least, s]`. MISSING stands for what cannot be
decided at all.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from msgspec import UNSET

from service.rules.links import Kind, Link, find_links, is_under, normalized_domain
from service.rules.patterns import Spans
from service.rules.words import Found
from service.values.domain import Article, Author
from service.values.rules import (
    ArticleCondition,
    AuthorCondition,
    AuthorStatus,
    Condition,
    DuplicateCondition,
    LinksCondition,
    ScoreCondition,
    TextCondition,
    TimeCondition,
    VelocityCondition,
    WordsCondition,
)

Expression = list[Any]
Value = bool | Expression
MISSING: Expression = ["missing"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a comment before Redis is asked.

    `language`: ISO 639-1, or empty. `scores`: by attribute; empty if the text was not scored.
    """

    text: str
    language: str
    scores: Mapping[str, float]
    author: Author | None
    article: Article | None
    now: datetime


@dataclass(slots=True, eq=False)
class Seen:
    """A comment while its rules are decided. Each text is read at most once."""

    facts: Facts
    words: Mapping[int, tuple[Found, ...]]
    patterns: Mapping[int, Spans]
    _links: tuple[Link, ...] | None = None
    _capitals: float | None = None
    _local: dict[str, datetime] = field(default_factory=dict)

    @property
    def links(self) -> tuple[Link, ...]:
        if self._links is None:
            self._links = find_links(self.facts.text)
        return self._links

    @property
    def capitals(self) -> float:
        """The share of capitals among the letters."""
        if self._capitals is None:
            letters = sum(map(str.isalpha, self.facts.text))
            self._capitals = sum(map(str.isupper, self.facts.text)) / letters if letters else 0.0
        return self._capitals

    def local(self, zone: str) -> datetime:
        if zone not in self._local:
            self._local[zone] = self.facts.now.astimezone(zone_named(zone))
        return self._local[zone]

    @property
    def has_author(self) -> bool:
        author = self.facts.author
        return author is not None and author.id is not None


Decide = Callable[[Seen], Value]
# Where the text fits a condition, and the list whose term is there.
Places = Callable[[Seen], Sequence[tuple[Found, str]]]


class Compiled(NamedTuple):
    """`decide`: see above. `cost`: cheap ones are decided first. `places`: where the text fits the condition.

    `triggers`: the condition can only hold, or stay open, if one of these happens; None: it always can. `counts`: what
    Redis counts for it.
    """

    decide: Decide
    cost: int
    triggers: frozenset[object] | None = None
    places: tuple[Places, ...] = ()
    counts: frozenset[tuple[object, ...]] = frozenset()


LINKS = "links"
_CHEAP, _COUNTED, _READ = 0, 1, 2


def zone_named(name: str) -> ZoneInfo:
    """Raises ValueError or KeyError for an unknown one; remembered by zoneinfo itself."""
    return ZoneInfo(name)


def _all(parts: Sequence[Compiled]) -> Compiled:
    decides = [each.decide for each in sorted(parts, key=lambda each: each.cost)]

    def decide(seen: Seen) -> Value:
        still_open: list[Value] = []
        for each in decides:
            value = each(seen)
            if value is False:
                return False
            if value is not True:
                still_open.append(value)
        return _one_or("all", still_open) if still_open else True

    known = [each.triggers for each in parts if each.triggers is not None]
    return _combined(decide, parts, min(known, key=len) if known else None)


def _any(parts: Sequence[Compiled]) -> Compiled:
    decides = [each.decide for each in sorted(parts, key=lambda each: each.cost)]

    def decide(seen: Seen) -> Value:
        still_open: list[Value] = []
        for each in decides:
            value = each(seen)
            if value is True:
                return True
            if value is not False:
                still_open.append(value)
        return _one_or("any", still_open) if still_open else False

    known = [each.triggers for each in parts if each.triggers is not None]
    return _combined(decide, parts, frozenset[object]().union(*known) if len(known) == len(parts) else None)


def _not(part: Compiled) -> Compiled:
    def decide(seen: Seen) -> Value:
        value = part.decide(seen)
        return not value if isinstance(value, bool) else ["not", value]

    return Compiled(decide, part.cost, counts=part.counts)


def _one_or(operator: str, some: list[Value]) -> Value:
    return some[0] if len(some) == 1 else [operator, *some]


def _combined(decide: Decide, parts: Sequence[Compiled], triggers: frozenset[object] | None) -> Compiled:
    return Compiled(
        decide,
        max(each.cost for each in parts),
        triggers,
        tuple(place for each in parts for place in each.places),
        frozenset[tuple[object, ...]]().union(*(each.counts for each in parts)),
    )


class Compiler:
    """`words`, `patterns`: the number of each words condition (None: its list is missing) and pattern. `attributes`:
    those that have scores.
    """

    def __init__(
        self,
        words: Callable[[WordsCondition], int | None],
        patterns: Mapping[str, int],
        attributes: Collection[str],
    ) -> None:
        self._words, self._patterns, self._attributes = words, patterns, frozenset(attributes)

    def condition(self, when: Condition) -> Compiled:
        if when.all is not UNSET:
            return _all([self.condition(each) for each in when.all])
        if when.any is not UNSET:
            return _any([self.condition(each) for each in when.any])
        if when.not_ is not UNSET:
            return _not(self.condition(when.not_))
        return self._leaf(when)

    def _leaf(self, when: Condition) -> Compiled:
        if when.words is not UNSET:
            return self._of_words(when.words)
        if when.pattern is not UNSET:
            return _of_pattern(self._patterns[when.pattern])
        if when.score is not UNSET and when.score.attribute not in self._attributes:
            return Compiled(lambda _: MISSING, _CHEAP)
        return _of_facts(when)

    def _of_words(self, words: WordsCondition) -> Compiled:
        number = self._words(words)
        if number is None:
            return Compiled(lambda _: MISSING, _COUNTED)
        return Compiled(
            lambda seen: number in seen.words,
            _READ,
            frozenset({("words", number)}),
            (lambda seen: [(each, words.list or "") for each in seen.words.get(number, ())],),
        )


def _of_pattern(number: int) -> Compiled:
    def places(seen: Seen) -> Sequence[tuple[Found, str]]:
        return [(Found(start, end, ""), "") for start, end in seen.patterns.get(number, ())]

    return Compiled(lambda seen: number in seen.patterns, _READ, frozenset({("pattern", number)}), (places,))


def _of_facts(when: Condition) -> Compiled:
    ways: tuple[tuple[Any, Callable[[Any], Compiled]], ...] = (
        (when.links, _of_links),
        (when.score, lambda score: Compiled(_score(score), _CHEAP)),
        (when.author, _of_author),
        (when.article, lambda article: Compiled(_article(article), _CHEAP)),
        (when.velocity, _of_velocity),
        (when.duplicate, _of_duplicate),
        (when.text, lambda text: Compiled(_text(text), _CHEAP)),
        (when.time, lambda time: Compiled(_time(time), _CHEAP)),
    )
    return next(compiled(asked) for asked, compiled in ways if asked is not UNSET)


def _of_links(links: LinksCondition) -> Compiled:
    fits = _fits(links)
    least = links.at_least or 1

    def places(seen: Seen) -> Sequence[tuple[Found, str]]:
        found = [(Found(each.start, each.end, ""), "") for each in seen.links if fits(each)]
        return found if len(found) >= least else []

    return Compiled(lambda seen: sum(map(fits, seen.links)) >= least, _READ, frozenset({LINKS}), (places,))


def _fits(links: LinksCondition) -> Callable[[Link], bool]:
    kinds = {Kind.EMAIL: links.email, Kind.PHONE: links.phone}
    wanted = {kind for kind, asked in kinds.items() if asked} or {Kind.URL, Kind.BARE}
    allowed, denied = (frozenset(map(normalized_domain, some)) for some in (links.domains, links.not_domains))

    def fits(link: Link) -> bool:
        return (
            link.kind in wanted
            and (not allowed or is_under(link.host, allowed))
            and not (denied and is_under(link.host, denied))
            and links.shortener in {None, link.is_shortened}
            and links.punycode in {None, link.is_international}
            and links.bare in {None, link.kind is Kind.BARE}
        )

    return fits


def _score(score: ScoreCondition) -> Decide:
    """MISSING if there is no such score: what was not judged must not be approved."""
    attribute = score.attribute
    least = 0.0 if score.at_least is None else score.at_least
    below = float("inf") if score.below is None else score.below

    def decide(seen: Seen) -> Value:
        value = seen.facts.scores.get(attribute)
        return MISSING if value is None or not 0 <= value <= 1 else least <= value < below

    return decide


def _of_author(author: AuthorCondition) -> Compiled:
    parts = []
    if author.new is not None:
        parts.append(_counted(["new", author.new], ("new",), is_of_strangers=True))
    if author.approved_below is not None:
        parts.append(_counted(["approved_below", author.approved_below], ("approved",), is_of_strangers=True))
    if author.rejected_share_above is not None:
        share = ["rejected_share_above", author.rejected_share_above, author.days]
        parts.append(_counted(share, ("rejected", author.days), is_of_strangers=False))
    if author.rejected_at_least is not None:
        strikes = ["rejected_at_least", author.rejected_at_least, author.days]
        parts.append(_counted(strikes, ("rejected", author.days), is_of_strangers=False))
    if author.status:
        is_active = AuthorStatus.ACTIVE in author.status
        status = ["status", *(each.value for each in author.status)]
        parts.append(_counted(status, ("status",), is_of_strangers=is_active))
    if author.trusted is not None:
        trusted = _trusted()
        parts.append(trusted if author.trusted else _not(trusted))
    return _all(parts)


def _counted(expression: Expression, count: tuple[object, ...], *, is_of_strangers: bool) -> Compiled:
    """What Redis knows of an author. `is_of_strangers`: whether it holds for somebody without an id."""
    return Compiled(
        lambda seen: expression if seen.has_author else is_of_strangers, _COUNTED, counts=frozenset({count})
    )


def _trusted() -> Compiled:
    expression = ["status", AuthorStatus.TRUSTED.value]

    def decide(seen: Seen) -> Value:
        author = seen.facts.author
        if author is None:
            return False
        return True if author.trusted else expression if author.id is not None else False

    return Compiled(decide, _COUNTED, counts=frozenset({("status",)}))


def _article(article: ArticleCondition) -> Decide:
    ids, sections, older_than_s = frozenset(article.ids), frozenset(article.section), article.older_than_s

    def decide(seen: Seen) -> Value:
        of = seen.facts.article
        if of is None:
            return False
        if (ids and of.id not in ids) or (sections and of.section not in sections):
            return False
        if older_than_s is None:
            return True
        return of.published_at is not None and (seen.facts.now - of.published_at).total_seconds() > older_than_s

    return decide


def _of_velocity(velocity: VelocityCondition) -> Compiled:
    by = velocity.by
    expression = ["velocity", by, velocity.more_than, velocity.s]

    def decide(seen: Seen) -> Value:
        if by == "author" and not seen.has_author:
            return False
        if by == "article" and (seen.facts.article is None or seen.facts.article.id is None):
            return False
        return expression

    return Compiled(decide, _COUNTED, counts=frozenset({("velocity", by, velocity.s)}))


def _of_duplicate(duplicate: DuplicateCondition) -> Compiled:
    of = duplicate.of
    expression = ["duplicate", duplicate.match, of, duplicate.at_least, duplicate.s]
    return Compiled(
        lambda seen: expression if of == "site" or seen.has_author else False,
        _COUNTED,
        counts=frozenset({("duplicate", duplicate.match, of, duplicate.s)}),
    )


def _text(text: TextCondition) -> Decide:
    languages, capitals = frozenset(text.language), text.capitals_above
    least = -1 if text.longer_than is None else text.longer_than
    most = float("inf") if text.shorter_than is None else text.shorter_than

    def decide(seen: Seen) -> Value:
        return (
            least < len(seen.facts.text) < most
            and (not languages or seen.facts.language in languages)
            and (capitals is None or seen.capitals > capitals)
        )

    return decide


def _time(time: TimeCondition) -> Decide:
    weekdays = frozenset(time.weekdays)
    first, last = time.hours or (0, 24)

    def decide(seen: Seen) -> Value:
        local = seen.local(time.zone)
        within = first <= local.hour < last if first < last else local.hour >= first or local.hour < last
        return within and (not weekdays or local.isoweekday() in weekdays)

    return decide

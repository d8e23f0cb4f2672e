"""Compiles one condition into a function that decides it for a comment, as far as that goes without Redis.

The function returns True, False, or an expression that stays open: a tuple that MessagePack can carry and a Lua script
evaluates. `("all", e, ...)`, `("any", e, ...)`, `("not", e)`, and what Redis counts: `("new", seconds)`,
`("approved_below", n)`, `("rejected_share_above", share, days)`, `("rejected_at_least", n, days)`, `("status", status,
...)`, `("velocity", by, more_than, s)`, `("duplicate", match, of, at_least, s)`. MISSING stands for what cannot be
decided at all.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from msgspec import UNSET

from service.rules.combining import (
    CHEAP,
    COUNTED,
    MISSING,
    READ,
    Compiled,
    Decide,
    Expression,
    Value,
    all_of,
    any_of,
    not_of,
)
from service.rules.links import LinkKind, TextLink, is_under, normalized_domain
from service.rules.seen import Seen
from service.rules.triggers import (
    ARTICLE,
    CAPITALS,
    DOMAIN,
    LANGUAGE,
    LINKS,
    LONGER,
    PATTERN,
    PUBLISHED,
    SCORE,
    SECTION,
    SHORTER,
    WORDS,
    Triggers,
)
from service.rules.words import Found
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

# The place of what is found, and not in the text.
NOWHERE = -1


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
        self._leaves: dict[Condition, Compiled] = {}

    def condition(self, when: Condition) -> Compiled:
        if when.all is not UNSET:
            return all_of([self.condition(each) for each in when.all])
        if when.any is not UNSET:
            return any_of([self.condition(each) for each in when.any])
        if when.not_ is not UNSET:
            return not_of(self.condition(when.not_))
        # Equal conditions are one, and what it finds in a text is found once.
        if when not in self._leaves:
            self._leaves[when] = self._leaf(when)
        return self._leaves[when]

    def _leaf(self, when: Condition) -> Compiled:
        if when.words is not UNSET:
            return self._of_words(when.words)
        if when.pattern is not UNSET:
            return _of_pattern(self._patterns[when.pattern])
        if when.score is not UNSET and when.score.attribute not in self._attributes:
            return Compiled(lambda _: MISSING, CHEAP)
        return _of_facts(when)

    def _of_words(self, words: WordsCondition) -> Compiled:
        number = self._words(words)
        if number is None:
            return Compiled(lambda _: MISSING, COUNTED)
        if words.places != ("text",):
            return _of_words_elsewhere(number, words)
        return Compiled(
            lambda seen: number in seen.words,
            READ,
            frozenset({(WORDS, number)}),
            (lambda seen: [(each, words.list or "") for each in seen.words.get(number, ())],),
        )


def _of_words_elsewhere(number: int, words: WordsCondition) -> Compiled:
    """What is found in a name or an address has no place: offsets are of the text."""

    def places(seen: Seen) -> Sequence[tuple[Found, str]]:
        return [
            (each if place == "text" else each._replace(start=NOWHERE, end=NOWHERE), words.list or "")
            for place in words.places
            for each in seen.words_at(place).get(number, ())
        ]

    return Compiled(lambda seen: any(number in seen.words_at(place) for place in words.places), READ, places=(places,))


def _of_pattern(number: int) -> Compiled:
    def places(seen: Seen) -> Sequence[tuple[Found, str]]:
        return [(Found(start, end, ""), "") for start, end in seen.patterns.get(number, ())]

    return Compiled(lambda seen: number in seen.patterns, READ, frozenset({(PATTERN, number)}), (places,))


def _of_facts(when: Condition) -> Compiled:
    ways: tuple[tuple[Any, Callable[[Any], Compiled]], ...] = (
        (when.links, _of_links),
        (when.score, _of_score),
        (when.author, _of_author),
        (when.article, lambda article: Compiled(_article(article), CHEAP, _article_triggers(article))),
        (when.velocity, _of_velocity),
        (when.duplicate, _of_duplicate),
        (when.text, lambda text: Compiled(_text(text), CHEAP, _text_triggers(text))),
        (when.time, lambda time: Compiled(_time(time), CHEAP)),
    )
    return next(compiled(asked) for asked, compiled in ways if asked is not UNSET)


def _of_links(links: LinksCondition) -> Compiled:
    fits = _fits(links)
    least = links.at_least or 1

    def fitting(seen: Seen) -> Sequence[TextLink]:
        if fits not in seen.fitting:
            seen.fitting[fits] = [each for each in seen.links if fits(each)]
        return seen.fitting[fits]

    def places(seen: Seen) -> Sequence[tuple[Found, str]]:
        some = fitting(seen)
        return [(Found(each.start, each.end, ""), "") for each in some] if len(some) >= least else []

    triggers = Triggers((DOMAIN, normalized_domain(each)) for each in links.domains) or Triggers({(LINKS,)})
    return Compiled(lambda seen: len(fitting(seen)) >= least, READ, triggers, (places,))


def _fits(links: LinksCondition) -> Callable[[TextLink], bool]:
    kinds = {LinkKind.EMAIL: links.email, LinkKind.PHONE: links.phone}
    wanted = {kind for kind, asked in kinds.items() if asked} or {LinkKind.URL, LinkKind.BARE}
    allowed, denied = (frozenset(map(normalized_domain, some)) for some in (links.domains, links.not_domains))

    def fits(link: TextLink) -> bool:
        return (
            link.kind in wanted
            and (not allowed or is_under(link.host, allowed))
            and not (denied and is_under(link.host, denied))
            and links.shortener in {None, link.is_shortened}
            and links.punycode in {None, link.is_international}
            and links.bare in {None, link.kind is LinkKind.BARE}
        )

    return fits


def _of_score(score: ScoreCondition) -> Compiled:
    """MISSING if there is no such score: what was not judged must not be approved."""
    attribute = score.attribute
    least = 0.0 if score.at_least is None else score.at_least
    below = float("inf") if score.below is None else score.below

    def decide(seen: Seen) -> Value:
        value = seen.score(attribute)
        return MISSING if value is None else least <= value < below

    return Compiled(decide, CHEAP, Triggers({(SCORE, attribute, least, below)}))


def _of_author(author: AuthorCondition) -> Compiled:
    parts = []
    if author.new is not None:
        parts.append(_counted(("new", author.new), ("new",), is_of_strangers=True))
    if author.approved_below is not None:
        parts.append(_counted(("approved_below", author.approved_below), ("approved",), is_of_strangers=True))
    if author.rejected_share_above is not None:
        share = ("rejected_share_above", author.rejected_share_above, author.days)
        parts.append(_counted(share, ("rejected", author.days), is_of_strangers=False))
    if author.rejected_at_least is not None:
        strikes = ("rejected_at_least", author.rejected_at_least, author.days)
        parts.append(_counted(strikes, ("rejected", author.days), is_of_strangers=False))
    if author.status:
        is_active = AuthorStatus.ACTIVE in author.status
        status = ("status", *(each.value for each in author.status))
        parts.append(_counted(status, ("status",), is_of_strangers=is_active))
    if author.trusted is not None:
        trusted = _trusted()
        parts.append(trusted if author.trusted else not_of(trusted))
    return all_of(parts)


def _counted(expression: Expression, count: tuple[object, ...], *, is_of_strangers: bool) -> Compiled:
    """What Redis knows of an author. `is_of_strangers`: whether it holds for somebody without an id."""
    return Compiled(
        lambda seen: expression if seen.has_author else is_of_strangers,
        COUNTED,
        counts=frozenset({count}),
        is_steady=True,
    )


def _trusted() -> Compiled:
    expression = ("status", AuthorStatus.TRUSTED.value)

    def decide(seen: Seen) -> Value:
        author = seen.facts.author
        if author is None:
            return False
        return True if author.trusted else expression if author.id is not None else False

    return Compiled(decide, COUNTED, counts=frozenset({("status",)}))


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


def _article_triggers(article: ArticleCondition) -> Triggers:
    if article.ids:
        return Triggers((ARTICLE, each) for each in article.ids)
    return Triggers((SECTION, each) for each in article.section) or Triggers({(PUBLISHED,)})


def _of_velocity(velocity: VelocityCondition) -> Compiled:
    by = velocity.by
    expression = ("velocity", by, velocity.more_than, velocity.s)

    def decide(seen: Seen) -> Value:
        if by == "author" and not seen.has_author:
            return False
        if by == "article" and not seen.has_article:
            return False
        if by == "network" and not seen.facts.network:
            return False
        return expression

    return Compiled(decide, COUNTED, counts=frozenset({("velocity", by, velocity.s)}), is_steady=True)


def _of_duplicate(duplicate: DuplicateCondition) -> Compiled:
    of = duplicate.of
    expression = ("duplicate", duplicate.match, of, duplicate.at_least, duplicate.s)
    return Compiled(
        lambda seen: expression if of == "site" or seen.has_author else False,
        COUNTED,
        counts=frozenset({("duplicate", duplicate.match, of, duplicate.s)}),
        is_steady=True,
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


def _text_triggers(text: TextCondition) -> Triggers | None:
    """All fields must fit, so one is enough: the one that fits least often."""
    if text.language:
        return Triggers((LANGUAGE, each) for each in text.language)
    for kind, asked in ((CAPITALS, text.capitals_above), (SHORTER, text.shorter_than), (LONGER, text.longer_than)):
        if asked is not None:
            return Triggers({(kind, asked)})
    return None


def _time(time: TimeCondition) -> Decide:
    weekdays = frozenset(time.weekdays)
    first, last = time.hours or (0, 24)

    def decide(seen: Seen) -> Value:
        local = seen.local(time.zone)
        within = first <= local.hour < last if first < last else local.hour >= first or local.hour < last
        return within and (not weekdays or local.isoweekday() in weekdays)

    return decide

"""A comment while its rules are decided."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from service.rules.links import TextLink, find_links
from service.rules.patterns import Spans
from service.rules.words import Found, WordFinder
from service.values.domain import Article, Author


class Facts(Struct, frozen=True):
    """What is known of a comment before Redis is asked.

    `language`: ISO 639-1, or empty. `scores`: by attribute; empty if the text was not scored. `email`: of the author.
    `network`: a keyed hash. Both are empty if they were not sent.
    """

    text: str
    language: str
    scores: Mapping[str, float]
    author: Author | None
    article: Article | None
    now: datetime
    email: str = ""
    network: str = ""

    def at(self, place: str) -> str:
        """What stands in a place where words are looked for."""
        return {"email": self.email, "name": (self.author and self.author.name) or ""}.get(place, self.text)

    @property
    def named(self) -> tuple[bool, bool, bool]:
        """Whether it is known of which author, article and network it is."""
        author, article = self.author, self.article
        return (
            author is not None and author.id is not None,
            article is not None and article.id is not None,
            self.network != "",
        )


class Seen(Struct, eq=False):
    """What is found in a comment while its rules are decided. `fitting`: the links that fit each condition on links.

    `words`: in the text. `finder`: finds them elsewhere.
    """

    facts: Facts
    words: Mapping[int, tuple[Found, ...]]
    patterns: Mapping[int, Spans]
    finder: WordFinder | None = None
    fitting: dict[object, Sequence[TextLink]] = {}
    _elsewhere: dict[str, Mapping[int, tuple[Found, ...]]] = {}
    _links: tuple[TextLink, ...] | None = None
    _capitals: float | None = None
    _local: dict[str, datetime] = {}

    def words_at(self, place: str) -> Mapping[int, tuple[Found, ...]]:
        if place == "text":
            return self.words
        if place not in self._elsewhere:
            said = self.facts.at(place)
            self._elsewhere[place] = self.finder.find(said) if said and self.finder else {}
        return self._elsewhere[place]

    @property
    def links(self) -> tuple[TextLink, ...]:
        if self._links is None:
            self._links = find_links(self.facts.text)
        return self._links

    @property
    def known_links(self) -> tuple[TextLink, ...] | None:
        """None: nobody has asked for them."""
        return self._links

    @property
    def capitals(self) -> float:
        """The share of capitals among the letters."""
        if self._capitals is None:
            self._capitals = _share_of_capitals(self.facts.text)
        return self._capitals

    def local(self, zone: str) -> datetime:
        if zone not in self._local:
            self._local[zone] = self.facts.now.astimezone(ZoneInfo(zone))
        return self._local[zone]

    def score(self, attribute: str) -> float | None:
        """None: there is none, or it cannot be a probability."""
        score = self.facts.scores.get(attribute)
        return score if score is not None and 0 <= score <= 1 else None

    @property
    def has_author(self) -> bool:
        return self.facts.named[0]

    @property
    def has_article(self) -> bool:
        return self.facts.named[1]


_CAPITALS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _share_of_capitals(text: str) -> float:
    if text.isascii():
        raw = text.encode()
        capitals = len(raw) - len(raw.translate(None, _CAPITALS))
        letters = len(raw) - len(raw.translate(None, _CAPITALS + _CAPITALS.lower()))
    else:
        letters, capitals = sum(map(str.isalpha, text)), sum(map(str.isupper, text))
    return capitals / letters if letters else 0.0

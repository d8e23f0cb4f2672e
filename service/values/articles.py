"""The status of articles and sections, which people set, often for a time, and what it asks of new comments."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

import msgspec

from service.values.domain import Action, Article
from service.values.policy import Decision, Policy, Thresholds, decide
from service.values.rules import RuleAction


class ArticleStatus(StrEnum):
    """Premoderated: a person looks at each comment. Heated: people look from lower scores on. Closed: rejected."""

    OPEN = "open"
    PREMODERATED = "premoderated"
    HEATED = "heated"
    CLOSED = "closed"


class PlaceKind(StrEnum):
    ARTICLE = "article"
    SECTION = "section"


class Place(NamedTuple):
    """Where comments stand: an article, by the site's id, or a section, by its name. As text: the name in Redis."""

    kind: PlaceKind
    name: str

    def __str__(self) -> str:
        return f"{self.kind.value}:{self.name}"


# What a status asks for. Heated asks for nothing itself: it changes from which score on the model asks for a person.
ACTIONS = {ArticleStatus.CLOSED: RuleAction.REJECT, ArticleStatus.PREMODERATED: RuleAction.PREMODERATE}
# In the order of rules.lua.
IN_FORCE = (ArticleStatus.CLOSED, ArticleStatus.PREMODERATED, ArticleStatus.HEATED)


def code_of(kind: PlaceKind, status: ArticleStatus) -> str:
    """The code of the reason, such as article_closed."""
    return f"{kind.value}_{status.value}"


ARTICLE_CLOSED = code_of(PlaceKind.ARTICLE, ArticleStatus.CLOSED)
ARTICLE_HEATED = code_of(PlaceKind.ARTICLE, ArticleStatus.HEATED)
SECTION_HEATED = code_of(PlaceKind.SECTION, ArticleStatus.HEATED)


def places_of(article: Article | None) -> tuple[Place, ...]:
    """Where a comment on this article stands."""
    if article is None:
        return ()
    names = ((PlaceKind.ARTICLE, article.id), (PlaceKind.SECTION, article.section))
    return tuple(Place(kind, name) for kind, name in names if name)


def calmer(policy: Policy) -> Policy:
    """The policy while an article is heated: people look from a part of each first threshold on.

    What is rejected automatically stays the same.
    """
    return msgspec.structs.replace(
        policy,
        thresholds={name: _calmer(limits, policy.review.heated_factor) for name, limits in policy.thresholds.items()},
    )


def _calmer(limits: Thresholds, factor: float) -> Thresholds:
    first = limits.reject_at if limits.review_at is None else limits.review_at
    return limits if first is None else Thresholds(round(first * factor, 6), limits.reject_at)


def held_if_heated(scores: Mapping[str, float], policy: Policy) -> Decision | None:
    """What becomes of an approved comment if its article is heated; None: it is approved all the same.

    Its one reason is the score that is furthest above its threshold.
    """
    lacking = frozenset(policy.thresholds).difference(scores)
    found = decide(scores, calmer(policy), lacking)
    reasons = [each for each in found.reasons if each.score is not None]
    if found.action is not Action.REVIEW or not reasons:
        return None
    most = max(reasons, key=lambda each: (each.score or 0.0) / (each.review_at or 1.0))
    return Decision(Action.REVIEW, (msgspec.structs.replace(most, code=ARTICLE_HEATED),))

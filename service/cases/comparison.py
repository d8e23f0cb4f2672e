"""Compares two models on comments decided by the site's moderators: which would have been wrong more often."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Annotated

import numpy as np
from msgspec import Meta, Struct

import classifier
from service.cases.model_files import ALL_SITES
from service.cases.models import Models
from service.cases.scores import DECIMALS
from service.store import Store
from service.store.base import Label
from service.values.domain import YES_FROM, Action
from service.values.gate import JudgedDecision
from service.values.policy import Policy, Thresholds, decide_scored
from service.values.ranking import average_precision, roc_auc
from service.values.statistics import mcnemar

# Texts that a thread scores in one go.
AT_ONCE = 200
# With fewer examples on either side no ranking metric is given (thresholds.md, section 9).
LEAST_EXAMPLES = 30


class Outcome(Struct, frozen=True):
    """What a model would have decided under the policy. Shares are weighted and refer to all comments."""

    rejected: int
    approved: int
    to_people: int
    wrong_rejections: int
    wrong_approvals: int
    automated_share: float | None
    wrong_rejection_share: float | None
    wrong_approval_share: float | None


class Pairs(Struct, frozen=True):
    """Comments that exactly one of the two models would have decided wrongly.

    `p_value`: probability of a split at least as uneven if both are equally good (McNemar's exact test, two-sided).
    """

    comments: int
    only_champion_wrong: int
    only_challenger_wrong: int
    p_value: float


class Ranking(Struct, frozen=True):
    """How well a model separates comments with an attribute from those without; null: too few of either.

    `agreement`: share of the comments on the right side of the policy's first threshold; null without a threshold.
    """

    auc: float | None
    average_precision: float | None
    agreement: float | None


class AttributeComparison(Struct, frozen=True):
    comments: int
    positive: int
    champion: Ranking
    challenger: Ranking


class Comparison(Struct, frozen=True, kw_only=True):
    """Two models on the newest comments that people of this site decided, both under the current policy.

    People mostly see comments that the champion doubts. This sample is biased in favor of the challenger, because
    comments that the champion decides with confidence, and rightly, are missing. So shares and rankings weight each
    blind audit by the number of comments that it represents. `audited` is the fair test; without audits no figure here
    holds for all comments.
    """

    champion: str
    challenger: str
    policy: str
    comments: int
    audits: Annotated[int, Meta(description="How many of them are blind audits.")]
    outcomes: dict[str, Outcome]
    audited: Annotated[Pairs, Meta(description="Blind audits only: a fair sample of the champion's decisions.")]
    everything: Annotated[
        Pairs, Meta(description="All comments that people decided: mostly those that the champion doubted.")
    ]
    attributes: dict[str, AttributeComparison]


class Comparisons:
    """Runs one comparison at a time, because each loads a second model and keeps a thread busy."""

    def __init__(self, store: Store, models: Models, policy: Callable[[str], Policy]) -> None:
        self._store = store
        self._models = models
        self._policy = policy
        self._one_at_a_time = asyncio.Lock()

    async def compare(
        self, site: str, challenger: str, champion: str | None, last: int, own: str = ALL_SITES
    ) -> Comparison:
        """`champion`: None for the model in use of the site `own`. Raises NotFound and ModelUnusable."""
        return (await self._sides(site, challenger, champion, last, own))[0]

    async def judged(
        self, site: str, challenger: str, last: int, own: str = ALL_SITES
    ) -> tuple[Comparison, list[JudgedDecision]]:
        """Against the model in use, with what the challenger would have done with each comment."""
        comparison, labels, actions = await self._sides(site, challenger, None, last, own)
        pairs = zip(labels, actions, strict=True)
        return comparison, [JudgedDecision(each.id, action, each.decision, each.inclusion) for each, action in pairs]

    async def _sides(
        self, site: str, challenger: str, champion: str | None, last: int, own: str
    ) -> tuple[Comparison, Sequence[Label], Sequence[Action]]:
        async with self._one_at_a_time:
            policy = self._policy(site)
            first = self._models.of(own) if champion is None else await self._models.opened(champion, own)
            second = await self._models.opened(challenger, own)
            labels = [each for each in await self._store.labels.newest(site, last) if not _is_chosen(each)]
            sides = [await _judged(model, labels, policy) for model in (first, second)]
            found = await asyncio.to_thread(_compared, (first.version, second.version), policy, labels, sides)
            return found, labels, sides[1].actions


def _is_chosen(label: Label) -> bool:
    """Drawn because two models differ, or because it is doubtful: no sample of all comments."""
    return label.source == "shadow" or label.learning_inclusion is not None


class _Side(Struct, frozen=True):
    """The scores and decisions of one model for each comment."""

    scores: list[Mapping[str, float]]
    actions: list[Action]


async def _judged(model: classifier.Model, labels: Sequence[Label], policy: Policy) -> _Side:
    side = _Side([], [])
    for start in range(0, len(labels), AT_ONCE):
        some = await asyncio.to_thread(_side, model, labels[start : start + AT_ONCE], policy)
        side.scores.extend(some.scores)
        side.actions.extend(some.actions)
    return side


def _side(model: classifier.Model, labels: Sequence[Label], policy: Policy) -> _Side:
    languages = [classifier.language_of(label.text, label.language, model.languages) for label in labels]
    scores = _scores(model, labels, languages)
    each = zip(labels, languages, scores, strict=True)
    return _Side(scores, [would_do(model, label.text, language, found, policy) for label, language, found in each])


def would_do(model: classifier.Model, text: str, language: str, scores: Mapping[str, float], policy: Policy) -> Action:
    """By the policy's own thresholds: no certificate is about a model that was never in use."""
    if not scores:
        return Action.REVIEW  # the model does not judge the language
    return decide_scored(
        scores,
        policy,
        language=language,
        is_measured=language not in model.transferred,
        is_evident=partial(classifier.is_evident_spam, text),
        lacking=frozenset(model.labels).difference(scores),
    ).action


def _scores(model: classifier.Model, labels: Sequence[Label], languages: Sequence[str]) -> list[Mapping[str, float]]:
    """Scores of each label; empty if the model does not judge the language."""
    found: list[Mapping[str, float]] = [{}] * len(labels)
    for language, names in model.languages.items():
        places = [place for place, each in enumerate(languages) if each == language]
        if places:
            rows = np.round(model.score_many([labels[place].text for place in places], language=language), DECIMALS)
            for place, row in zip(places, rows.tolist(), strict=True):
                found[place] = dict(zip(names, row, strict=True))
    return found


def _compared(versions: tuple[str, str], policy: Policy, labels: Sequence[Label], sides: Sequence[_Side]) -> Comparison:
    champion, challenger = versions
    wrong = [[_is_wrong(*pair) for pair in zip(side.actions, labels, strict=True)] for side in sides]
    audits = [place for place, label in enumerate(labels) if label.inclusion]
    return Comparison(
        champion=champion,
        challenger=challenger,
        policy=str(policy),
        comments=len(labels),
        audits=len(audits),
        outcomes={
            name: _outcome(side.actions, labels) for name, side in zip(("champion", "challenger"), sides, strict=True)
        },
        audited=_pairs([[each[place] for place in audits] for each in wrong]),
        everything=_pairs(wrong),
        attributes=dict(_by_attribute(policy, labels, sides)),
    )


def _is_wrong(action: Action, label: Label) -> bool:
    """Decided automatically, and differently from the person. Sending a comment to review is never wrong."""
    return action is not Action.REVIEW and action != label.decision


def _weight(label: Label) -> float:
    """How many comments a label represents: an audit the inverse of its probability, any other label one."""
    return 1 / label.inclusion if label.inclusion else 1.0


def _outcome(actions: Sequence[Action], labels: Sequence[Label]) -> Outcome:
    total = sum(map(_weight, labels))

    def those(action: Action, *, wrong: bool = False) -> list[Label]:
        pairs = zip(actions, labels, strict=True)
        return [label for each, label in pairs if each is action and (not wrong or _is_wrong(each, label))]

    def share(found: Sequence[Label]) -> float | None:
        return sum(map(_weight, found)) / total if total else None

    rejected, approved = those(Action.REJECT), those(Action.APPROVE)
    wrong_rejections, wrong_approvals = those(Action.REJECT, wrong=True), those(Action.APPROVE, wrong=True)
    return Outcome(
        rejected=len(rejected),
        approved=len(approved),
        to_people=len(labels) - len(rejected) - len(approved),
        wrong_rejections=len(wrong_rejections),
        wrong_approvals=len(wrong_approvals),
        automated_share=share([*rejected, *approved]),
        wrong_rejection_share=share(wrong_rejections),
        wrong_approval_share=share(wrong_approvals),
    )


def _pairs(wrong: Sequence[Sequence[bool]]) -> Pairs:
    first, second = wrong
    only_first = sum(one and not other for one, other in zip(first, second, strict=True))
    only_second = sum(other and not one for one, other in zip(first, second, strict=True))
    return Pairs(len(first), only_first, only_second, mcnemar(only_first, only_second))


def _by_attribute(
    policy: Policy, labels: Sequence[Label], sides: Sequence[_Side]
) -> "list[tuple[str, AttributeComparison]]":
    """Compares on the comments whose label names the attribute and for which both models score it."""
    found = []
    for attribute in sorted({name for label in labels for name in label.labels}):
        places = [
            place
            for place, label in enumerate(labels)
            if attribute in label.labels and all(attribute in side.scores[place] for side in sides)
        ]
        truth = [labels[place].labels[attribute] >= YES_FROM for place in places]
        weights = [_weight(labels[place]) for place in places]
        limits = policy.thresholds.get(attribute, Thresholds())
        rankings = [
            _ranking([side.scores[place][attribute] for place in places], truth, weights, limits) for side in sides
        ]
        found.append((attribute, AttributeComparison(len(places), sum(truth), *rankings)))
    return found


def _ranking(scores: Sequence[float], truth: Sequence[bool], weights: Sequence[float], limits: Thresholds) -> Ranking:
    first = min((at for at in (limits.review_at, limits.reject_at) if at is not None), default=None)
    agreement = None
    if first is not None and weights:
        right = [(score >= first) is is_true for score, is_true in zip(scores, truth, strict=True)]
        agreement = float(np.average(right, weights=weights))
    if min(sum(truth), len(truth) - sum(truth)) < LEAST_EXAMPLES:
        return Ranking(None, None, agreement)
    return Ranking(roc_auc(scores, truth, weights), average_precision(scores, truth, weights), agreement)

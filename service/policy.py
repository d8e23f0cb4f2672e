"""Scores -> decision. The only place a threshold is compared."""

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct

from service.domain import Action, Probability, Reason, Urgency, Why


class Thresholds(Struct, frozen=True, forbid_unknown_fields=True):
    """From `review_at` on a person looks, from `reject_at` on the comment is rejected; null: never.

    A score equal to a threshold has reached it.
    """

    review_at: Probability | None = None
    reject_at: Probability | None = None


class Policy(Struct, frozen=True, forbid_unknown_fields=True):
    """What a site wants done at which score. Versions count up from 1 for each site."""

    thresholds: Annotated[dict[str, Thresholds], Meta(max_length=64, description="By attribute.")]
    name: str = "default"
    version: int = 1

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


class Decision(Struct, frozen=True):
    action: Action
    reasons: tuple[Reason, ...]


def decide(scores: Mapping[str, float], policy: Policy) -> Decision:
    """Choose the most severe action that any attribute asks for.

    `scores` maps attribute to probability. A missing or impossible score (NaN included) of an attribute
    that has thresholds goes to a person, whatever the others say: what we cannot judge is never approved,
    and a rejection needs a judgement too.
    """
    unscored = tuple(
        Reason("unscored", attribute) for attribute in policy.thresholds if not 0 <= scores.get(attribute, -1) <= 1
    )
    if unscored or not policy.thresholds:
        return Decision(Action.REVIEW, unscored or (Reason("unscored"),))
    asked: dict[Action, list[str]] = {Action.REJECT: [], Action.REVIEW: [], Action.APPROVE: []}
    for attribute, limits in policy.thresholds.items():
        asked[_action(scores[attribute], limits)].append(attribute)
    action = next(action for action, attributes in asked.items() if attributes)
    reasons = tuple(_reason(action, attribute, scores, policy) for attribute in asked[action])
    return Decision(action, (max(reasons, key=_closeness),) if action is Action.APPROVE else reasons)


def _action(score: float, limits: Thresholds) -> Action:
    if limits.reject_at is not None and score >= limits.reject_at:
        return Action.REJECT
    if limits.review_at is not None and score >= limits.review_at:
        return Action.REVIEW
    return Action.APPROVE


_CODES = {
    Action.REJECT: "score_in_reject_band",
    Action.REVIEW: "score_in_review_band",
    Action.APPROVE: "score_below_review_band",
}


def _reason(action: Action, attribute: str, scores: Mapping[str, float], policy: Policy) -> Reason:
    limits = policy.thresholds[attribute]
    return Reason(_CODES[action], attribute, scores[attribute], limits.review_at, limits.reject_at)


def _closeness(reason: Reason) -> float:
    """How near an approved score came to its first threshold: 0 far away, just below 1 almost there."""
    return (reason.score or 0.0) / (reason.review_at or reason.reject_at or 1.0)


MINUTE_MS = 60_000

# Time until a person should have looked, by what the comment may be (review-queue.md section 7: classes P0 to P3).
SLA_MS = {
    "threat": 15 * MINUTE_MS,
    "severe_toxicity": 60 * MINUTE_MS,
    "identity_attack": 60 * MINUTE_MS,
    "spam": 24 * 60 * MINUTE_MS,
}
DEFAULT_SLA_MS = 6 * 60 * MINUTE_MS


def urgency(reasons: tuple[Reason, ...]) -> Urgency:
    """How soon a person should look at what `decide` sent to review for `reasons`."""
    sla_ms = min((SLA_MS.get(reason.attribute or "", DEFAULT_SLA_MS) for reason in reasons), default=DEFAULT_SLA_MS)
    if any(reason.score is None for reason in reasons):
        return Urgency(Why.UNSCORED, 1.0, sla_ms)
    return Urgency(Why.UNCERTAIN, round(max(_depth(reason) for reason in reasons), 4), sla_ms)


def _depth(reason: Reason) -> float:
    """Where in its review band a score lies: 0 at `review_at`, 1 at `reject_at`."""
    low, high = reason.review_at or 0.0, 1.0 if reason.reject_at is None else reason.reject_at
    return min(1.0, max(0.0, ((reason.score or 0.0) - low) / (high - low))) if high > low else 1.0


# What a site gets until it sets its own; docs/policies.md says why.
DEFAULT = Policy(
    {
        "toxicity": Thresholds(0.30, 0.98),
        "severe_toxicity": Thresholds(0.30, 0.80),
        "identity_attack": Thresholds(0.20, 0.80),
        "insult": Thresholds(0.30, 0.95),
        "profanity": Thresholds(0.50, 0.97),
        "threat": Thresholds(0.20, 0.90),
        "spam": Thresholds(0.50, 0.95),
    }
)

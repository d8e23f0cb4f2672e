"""Scores -> decision. The only place a threshold is compared."""

import math
from collections.abc import Callable, Collection, Mapping
from typing import Annotated, NamedTuple

from msgspec import UNSET, Meta, Struct, UnsetType

from service.values.approvals import TwoPeople
from service.values.domain import Action, LanguageCode, Probability, Reason
from service.values.dsa import Dsa
from service.values.gate import Gate
from service.values.recommended_rules import RECOMMENDED_RULES
from service.values.review_settings import Reviewing
from service.values.rules import ListName, ListUse, Rule
from service.values.site_settings import Protocols
from service.values.strikes import Strikes, Trust
from service.values.targets import Certificate, Suspended, Targets


class Thresholds(Struct, frozen=True, forbid_unknown_fields=True):
    """From `review_at` on a person looks, from `reject_at` on the comment is rejected; null: never.

    A score equal to a threshold has reached it.
    """

    review_at: Probability | None = None
    reject_at: Probability | None = None


class InLanguage(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a site wants in one language."""

    reject: Annotated[
        bool,
        Meta(
            description="Reject automatically although the model was never measured in this language; else a person "
            "looks at what it would have rejected."
        ),
    ] = False


class Policy(Struct, frozen=True, forbid_unknown_fields=True):
    """What a site wants done at which score, and by whom. Versions count up from 1 for each site."""

    thresholds: Annotated[dict[str, Thresholds], Meta(max_length=64, description="By attribute.")]
    name: str = "default"
    version: int = 1
    review: Reviewing = Reviewing()
    languages: Annotated[dict[LanguageCode, InLanguage], Meta(max_length=64, description="By ISO 639-1 code.")] = {}
    protocols: Protocols = Protocols()
    rules: tuple[Rule, ...] = ()
    lists: dict[ListName, ListUse] = {}
    strikes: Strikes | None = None
    trust: Trust | None = None
    keep_ban_on_erase: bool = False
    # Unset, these are not written, so that a policy without them stays readable for earlier releases.
    dsa: Annotated[Dsa | UnsetType, Meta(description="Statements of reasons.")] = UNSET
    targets: Targets | UnsetType = UNSET
    certificate: Annotated[
        Certificate | UnsetType, Meta(description="Which thresholds keep the targets, and how that was tested.")
    ] = UNSET
    suspended: Annotated[
        tuple[Suspended, ...] | UnsetType, Meta(description="Sides that the watch has stopped; a person resumes them.")
    ] = UNSET

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"

    gate: Annotated[Gate | UnsetType, Meta(description="What a model must show before a promotion.")] = UNSET
    two_people: Annotated[TwoPeople | UnsetType, Meta(description="What takes a second person.")] = UNSET

    @property
    def second_person(self) -> TwoPeople:
        """What takes a second person; nothing, unless the site says so."""
        return TwoPeople() if self.two_people is UNSET else self.two_people

    @property
    def keep_rejected_s(self) -> int:
        """For how long at least the text of a rejected comment is kept, so that its author can complain."""
        return self.dsa.complaint_days * 86_400 if self.dsa is not UNSET and self.dsa.in_scope else 0


class Decision(Struct, frozen=True):
    action: Action
    reasons: tuple[Reason, ...]


# Kinds of toxicity: a text that has one is toxic too, so toxicity is at least as probable. If a language has no score
# for one of them, the score of toxicity replaces it.
KINDS_OF_TOXICITY = frozenset({"severe_toxicity", "identity_attack", "insult", "profanity", "threat"})

# The one attribute that may go unjudged if a language lacks it, because it is a nuisance and not harmful.
MAY_GO_UNJUDGED = frozenset({"spam"})

LANGUAGE_NOT_SUPPORTED = "language_not_supported"
LANGUAGE_NOT_MEASURED = "language_not_measured"


def decide(scores: Mapping[str, float], policy: Policy, lacking: Collection[str] = ()) -> Decision:
    """Choose the most severe action that any attribute asks for.

    `scores` maps attribute to probability. A missing or impossible score (NaN included) of an attribute
    that has thresholds goes to a person, whatever the others say: what we cannot judge is never approved,
    and a rejection needs a judgement too.

    `lacking`: attributes that the model judges, but not in this comment's language. Toxicity stands in for those
    that are kinds of it: from their first threshold on a person looks. Those that may go unjudged do.
    """
    closest = None if lacking else _closest_below(scores, policy.thresholds)
    return Decision(Action.APPROVE, (closest,)) if closest is not None else _decided(scores, policy, lacking)


def _closest_below(scores: Mapping[str, float], thresholds: Mapping[str, Thresholds]) -> Reason | None:
    """A fast path for most comments: if every score is below its first threshold, the reason that came closest.

    None: any other comment, or an attribute has fewer than two thresholds. `_decided` gives the same result in five
    times the time, which matters compared with scoring.
    """
    closest, most = "", -1.0
    for attribute, limits in thresholds.items():
        score, first = scores.get(attribute, math.nan), limits.review_at
        if not first or limits.reject_at is None or not (0 <= score < first and score < limits.reject_at):
            return None
        if score / first > most:
            closest, most = attribute, score / first
    if not closest:
        return None
    limits = thresholds[closest]
    return Reason(_CODES[Action.APPROVE], closest, scores[closest], limits.review_at, limits.reject_at)


def _decided(scores: Mapping[str, float], policy: Policy, lacking: Collection[str]) -> Decision:
    checks = [
        _check(attribute, limits, scores, lacking)
        for attribute, limits in policy.thresholds.items()
        if not (attribute in lacking and attribute in MAY_GO_UNJUDGED)
    ]
    unscored = tuple(Reason("unscored", check.attribute) for check in checks if not 0 <= check.score <= 1)
    if unscored or not checks:
        return Decision(Action.REVIEW, unscored or (Reason("unscored"),))
    asked: dict[Action, list[_Check]] = {Action.REJECT: [], Action.REVIEW: [], Action.APPROVE: []}
    for check in checks:
        asked[_action(check.score, check.limits)].append(check)
    action = next(action for action, checks in asked.items() if checks)
    reasons = tuple(_reason(action, check) for check in asked[action])
    return Decision(action, (max(reasons, key=_closeness),) if action is Action.APPROVE else reasons)


def reached(scores: Mapping[str, float], policy: Policy, *, doubtful: bool) -> frozenset[str]:
    """The attributes whose own score asks for a rejection, or with `doubtful` at least for a person."""
    asked = (Action.REVIEW, Action.REJECT) if doubtful else (Action.REJECT,)
    limits = policy.thresholds
    return frozenset(name for name, p in scores.items() if name in limits and _action(p, limits[name]) in asked)


def is_blatant(action: Action, scores: Mapping[str, float], discard_at: float | None) -> bool:
    """Whether a comment may be thrown away without anybody seeing it: rejected, and spam for certain."""
    return action is Action.REJECT and discard_at is not None and scores.get("spam", 0.0) >= discard_at


# Where `likelihood` puts the two thresholds.
LOOKED_AT, REJECTED = 0.5, 0.9
# The highest value at which a person looks.
MOST_LOOKED_AT = round(REJECTED - 1e-6, 6)


def likelihood(scores: Mapping[str, float], policy: Policy, lacking: Collection[str] = ()) -> float:
    """How close a comment is to rejection by this policy, in [0, 1]: the result of `decide` as one number.

    Below 0.5 the comment is approved, from 0.5 a person looks, from 0.9 it is rejected; between, the attribute that is
    furthest on says how far it is from one threshold to the next. So it never falls when a score rises. It is
    no probability: it says what the policy does, not what a moderator would. Six decimals, rounded down, so that
    no number claims a threshold that was not reached.
    """
    decision = decide(scores, policy, lacking)
    if any(reason.code == "unscored" for reason in decision.reasons):
        return LOOKED_AT
    checks = [_check(attribute, limits, scores, lacking) for attribute, limits in policy.thresholds.items()]
    return max(_way(check.score, check.limits) for check in checks if check.score >= 0)


def _way(score: float, limits: Thresholds) -> float:
    """The position of a score: below the first threshold, between both, or above."""
    low, high = limits.review_at, limits.reject_at
    if high is not None and score >= high:
        return _between(REJECTED, 1.0, score, high, 1.0)
    if low is not None and score >= low:
        return min(_between(LOOKED_AT, REJECTED, score, low, 1.0 if high is None else high), _below(REJECTED))
    first = low if low is not None else high
    return 0.0 if first is None else min(_between(0.0, LOOKED_AT, score, 0.0, first), _below(LOOKED_AT))


def _between(lowest: float, highest: float, score: float, start: float, end: float) -> float:
    way = (score - start) / (end - start) if end > start else 0.0
    return math.floor((lowest + (highest - lowest) * way) * 1e6) / 1e6


def _below(bound: float) -> float:
    return round(bound - 1e-6, 6)


def set_aside(language: str) -> Decision:
    """The decision on a comment in a language that the model does not judge."""
    return Decision(Action.REVIEW, (Reason(LANGUAGE_NOT_SUPPORTED, language=language),))


SPAM_NOT_EVIDENT = "spam_not_evident"
NOT_CERTIFIED = "not_certified"  # the policy has a target, and no certificate of it is in force


def unless_evident(decision: Decision, is_evident: Callable[[float], bool]) -> Decision:
    """The decision, but a person looks at what only its score for spam would reject, where the text has too little
    evidence of it. `is_evident`: whether it has enough, given the score.
    """
    if decision.action is not Action.REJECT or any(reason.attribute != "spam" for reason in decision.reasons):
        return decision
    if all(is_evident(reason.score or 0.0) for reason in decision.reasons):
        return decision
    return Decision(Action.REVIEW, (*decision.reasons, Reason(SPAM_NOT_EVIDENT, "spam")))


def unless_measured(decision: Decision, language: str, policy: Policy) -> Decision:
    """The decision on a comment in a language that the model was never measured in: a person looks at what it would
    have rejected, unless the site wants it otherwise.
    """
    if decision.action is not Action.REJECT or policy.languages.get(language, InLanguage()).reject:
        return decision
    return Decision(Action.REVIEW, (*decision.reasons, Reason(LANGUAGE_NOT_MEASURED, language=language)))


def decide_scored(
    scores: Mapping[str, float],
    policy: Policy,
    *,
    language: str,
    is_measured: bool,
    is_evident: Callable[[float], bool],
    lacking: Collection[str] = (),
) -> Decision:
    """All that the automatic step says of a comment that has scores: what they ask for, unless a rejection is one that
    only a person may make. Of a comment without scores see `set_aside`.
    """
    decision = decide(scores, policy, lacking)
    if not is_measured:
        decision = unless_measured(decision, language, policy)
    return unless_evident(decision, is_evident)


class _Check(NamedTuple):
    """A score (NaN: none) and the thresholds that it is held against."""

    attribute: str
    score: float
    limits: Thresholds
    stands_in: bool = False


def _check(attribute: str, limits: Thresholds, scores: Mapping[str, float], lacking: Collection[str]) -> _Check:
    if attribute not in lacking or attribute not in KINDS_OF_TOXICITY:
        return _Check(attribute, scores.get(attribute, math.nan), limits)
    first = min((at for at in (limits.review_at, limits.reject_at) if at is not None), default=None)
    return _Check(attribute, scores.get("toxicity", math.nan), Thresholds(review_at=first), stands_in=True)


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


def _reason(action: Action, check: _Check) -> Reason:
    code = "toxicity_stands_in" if check.stands_in else _CODES[action]
    return Reason(code, check.attribute, check.score, check.limits.review_at, check.limits.reject_at)


def _closeness(reason: Reason) -> float:
    """How near an approved score came to its first threshold: 0 far away, just below 1 almost there."""
    return (reason.score or 0.0) / (reason.review_at or reason.reject_at or 1.0)


# What a site gets until it sets its own; docs/policies.md says why.
DEFAULT = Policy(
    {
        "toxicity": Thresholds(0.55, 0.98),
        "severe_toxicity": Thresholds(0.20, 0.98),
        "identity_attack": Thresholds(0.65, 0.98),
        "insult": Thresholds(0.2, 0.98),
        "profanity": Thresholds(0.45, 0.98),
        "threat": Thresholds(0.07, 0.98),
        "spam": Thresholds(0.45, 0.98),
    },
    rules=RECOMMENDED_RULES,
)


def default_thresholds(known: Collection[str]) -> dict[str, Thresholds]:
    """Those of the attributes that the model has."""
    return {name: limits for name, limits in DEFAULT.thresholds.items() if name in known}

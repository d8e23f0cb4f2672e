"""Decision -> whether a person should look at the comment, why, and how soon."""

from service.values.domain import Action, Doubling, Reason, Urgency, Why
from service.values.policy import LANGUAGE_NOT_SUPPORTED, NOT_CERTIFIED, Decision, Policy
from service.values.review_settings import OTHER, SOON, Reviewing
from service.values.rules import RULE, RULE_UNAVAILABLE

MINUTE_MS = 60_000

# Time until a person should have looked, by what the comment may be (review-queue.md section 7: classes P0 to P3).
SLA_MS = {
    "threat": 15 * MINUTE_MS,
    "severe_toxicity": 60 * MINUTE_MS,
    "identity_attack": 60 * MINUTE_MS,
    "spam": 24 * 60 * MINUTE_MS,
}
DEFAULT_SLA_MS = 6 * 60 * MINUTE_MS
# Class P0: what may not wait. A wrong rejection there costs most, so double review covers all of them.
MOST_URGENT_MS = 15 * MINUTE_MS
# What many people see, or what somebody asked for: class P1.
SOON_MS = 60 * MINUTE_MS


def attention(decision: Decision, policy: Policy, section: str | None, draw: float) -> Urgency | None:
    """Whether a person should review the decision, why and how soon; None: no review.

    `draw` is uniform in [0, 1) and belongs to the comment: it picks the audits and the double reviews, each with
    exactly the probability that the policy names.
    """
    review = policy.review
    if decision.action is Action.REVIEW:
        found = urgency(decision.reasons, review)
        sla_ms = min(found.sla_ms, soon_ms(review)) if section in review.urgent_sections else found.sla_ms
        double = None
        if draw < review.double_review:
            double = Doubling.DRAWN
        elif review.double_review and sla_ms <= MOST_URGENT_MS:
            double = Doubling.REJECTS
        return Urgency(found.why, found.priority, sla_ms, double)
    share = audit_share(decision.action, policy)
    if draw >= share:
        return None
    # Of the ordinary class, so that its due time does not give it away.
    sla_ms = sla_ms_of(None, review)
    sla_ms = min(sla_ms, soon_ms(review)) if section in review.urgent_sections else sla_ms
    return Urgency(Why.AUDIT, 0.5, sla_ms, inclusion=share)


def audit_share(action: Action, policy: Policy) -> float:
    """The probability that an automatic decision is drawn for a blind audit."""
    if action is Action.REVIEW:
        return 0.0
    review = policy.review
    return (review.audit_approved if action is Action.APPROVE else review.audit_rejected) or 0.0


_OF_RULES = frozenset({RULE, RULE_UNAVAILABLE})
BY_RULE = Decision(Action.REVIEW, (Reason(RULE),))
_AS_BY_DEFAULT = Reviewing()


def sla_ms_of(attribute: str | None, review: Reviewing) -> int:
    """The time until a person should have looked at what may have this attribute."""
    for name in (attribute, OTHER):
        if name in review.due_s:
            return review.due_s[name] * 1000
        if name in SLA_MS:
            return SLA_MS[name]
    return DEFAULT_SLA_MS


def soon_ms(review: Reviewing) -> int:
    """The same of what many people see, or what somebody asked for."""
    return review.due_s[SOON] * 1000 if SOON in review.due_s else SOON_MS


def urgency(reasons: tuple[Reason, ...], review: Reviewing = _AS_BY_DEFAULT) -> Urgency:
    """How soon a person should look at what `decide` sent to review for `reasons`."""
    if reasons == (Reason(NOT_CERTIFIED),):  # the model would have approved it
        return Urgency(Why.UNCERTAIN, 0.0, sla_ms_of(None, review))
    reasons = tuple(reason for reason in reasons if reason.code != NOT_CERTIFIED)
    sla_ms = min((sla_ms_of(each.attribute, review) for each in reasons), default=sla_ms_of(None, review))
    if any(reason.code == LANGUAGE_NOT_SUPPORTED for reason in reasons):
        return Urgency(Why.LANGUAGE_NOT_SUPPORTED, 1.0, sla_ms)
    if all(reason.code in _OF_RULES for reason in reasons):
        return Urgency(Why.RULE, 0.5, sla_ms)
    if any(reason.score is None for reason in reasons):
        return Urgency(Why.UNSCORED, 1.0, sla_ms)
    return Urgency(Why.UNCERTAIN, round(max(_depth(reason) for reason in reasons), 4), sla_ms)


def _depth(reason: Reason) -> float:
    """Where in its review band a score lies: 0 at `review_at`, 1 at `reject_at`."""
    low, high = reason.review_at or 0.0, 1.0 if reason.reject_at is None else reason.reject_at
    return min(1.0, max(0.0, ((reason.score or 0.0) - low) / (high - low))) if high > low else 1.0

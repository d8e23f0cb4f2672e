"""Draws comments from which a model would learn most, for people who judge them without knowing the decision."""

from service.rules.repetition import fingerprints
from service.values.attention import sla_ms_of, soon_ms
from service.values.domain import Judgement, Urgency, Why
from service.values.learning import LearningDraw, learning_inclusion, teaching
from service.values.policy import Policy


def learning_draw(
    policy: Policy, decides: Policy, text: str, judgement: Judgement, draw: float, *, is_soon: bool
) -> LearningDraw | None:
    """None: not drawn, whatever Redis knows of the day and of near copies.

    `decides`: the policy with the thresholds in force. `draw`: uniform in [0, 1), of the comment; audits take the
    lowest draws, so these take the highest. `is_soon`: the section is urgent.
    """
    inclusion = learning_inclusion(policy, teaching(judgement.scores, decides.thresholds, judgement.disagreement))
    if 1 - draw > inclusion:
        return None
    # Only now, as they take longer than all before.
    found = fingerprints(text)
    review = policy.review
    # As an audit: of the ordinary class, so that its due time does not give it away.
    sla_ms = min(sla_ms_of(None, review), soon_ms(review)) if is_soon else sla_ms_of(None, review)
    urgency = Urgency(Why.AUDIT, 0.5, sla_ms, inclusion=inclusion)
    return LearningDraw(inclusion, review.learning_per_day, found.near or (found.exact,), urgency)

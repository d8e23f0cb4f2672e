"""Decision -> who looks, why and how soon: whatever the numbers are."""

from typing import Any

import pytest
from any_policy import policies, probabilities, scored
from hypothesis import assume, given
from hypothesis import strategies as st

from service.values.attention import DEFAULT_SLA_MS, MINUTE_MS, SLA_MS, attention, urgency
from service.values.domain import Doubling, Why
from service.values.policy import DEFAULT, Decision, Policy, Reviewing, Thresholds, decide


@given(scored, policies)
def test_urgency_lies_in_its_range(scores: dict[str, float], policy: Policy) -> None:
    found = urgency(decide(scores, policy).reasons)
    assert 0 <= found.priority <= 1
    assert found.sla_ms in {*SLA_MS.values(), DEFAULT_SLA_MS}


def test_a_possible_threat_is_due_before_possible_spam() -> None:
    threat = decide({"threat": 0.5}, Policy({"threat": Thresholds(0.2, 0.8)}))
    spam = decide({"spam": 0.9}, Policy({"spam": Thresholds(0.2, 0.95)}))
    assert urgency(threat.reasons).sla_ms < urgency(spam.reasons).sla_ms
    assert urgency(threat.reasons).priority < urgency(spam.reasons).priority
    assert urgency((*threat.reasons, *spam.reasons)).sla_ms == urgency(threat.reasons).sla_ms


def test_what_could_not_be_scored_is_as_urgent_as_can_be() -> None:
    found = urgency(decide({}, DEFAULT).reasons)
    assert (found.why, found.priority) == (Why.UNSCORED, 1.0)


@given(st.tuples(probabilities, probabilities, probabilities).map(sorted))
def test_priority_rises_with_the_score(ordered: list[float]) -> None:
    low, score, high = ordered
    assume(score < high)
    policy = Policy({"insult": Thresholds(low, high)})
    here, there = decide({"insult": low}, policy), decide({"insult": score}, policy)
    assert urgency(here.reasons).priority <= urgency(there.reasons).priority


def reviewing(**given: Any) -> Policy:
    return Policy({"toxicity": Thresholds(0.4, 0.9), "threat": Thresholds(0.2, 0.9)}, review=Reviewing(**given))


def decided(policy: Policy, **scores: float) -> Decision:
    return decide({"toxicity": 0.0, "threat": 0.0} | scores, policy)


@given(draw=st.floats(0, 1, exclude_max=True), share=st.floats(0, 1))
def test_an_audit_is_drawn_with_exactly_the_probability_that_it_states(draw: float, share: float) -> None:
    policy = reviewing(audit_approved=share, audit_rejected=share / 2)
    approved = attention(decided(policy), policy, None, draw)
    rejected = attention(decided(policy, toxicity=0.95), policy, None, draw)
    assert (approved is not None) == (draw < share)
    assert (rejected is not None) == (draw < share / 2)
    assert approved is None or (approved.why, approved.inclusion) == (Why.AUDIT, share)
    assert rejected is None or rejected.inclusion == share / 2


def test_an_audit_is_due_like_an_ordinary_doubtful_comment() -> None:
    policy = reviewing(audit_approved=1.0)
    audit = attention(decided(policy), policy, None, 0.0)
    doubtful = attention(decided(policy, toxicity=0.5), policy, None, 0.0)
    assert audit is not None
    assert doubtful is not None
    assert audit.sla_ms == doubtful.sla_ms


def test_without_shares_only_the_doubtful_need_a_person() -> None:
    policy = reviewing()
    assert attention(decided(policy), policy, None, 0.0) is None
    assert attention(decided(policy, toxicity=0.95), policy, None, 0.0) is None
    doubtful = attention(decided(policy, toxicity=0.5), policy, None, 0.0)
    assert doubtful is not None
    assert (doubtful.double, doubtful.inclusion) == (None, None)


@pytest.mark.parametrize(
    ("draw", "scores", "double"),
    [
        (0.04, {"toxicity": 0.5}, Doubling.DRAWN),
        (0.06, {"toxicity": 0.5}, None),
        (0.06, {"threat": 0.5}, Doubling.REJECTS),
        (0.04, {"threat": 0.5}, Doubling.DRAWN),
    ],
)
def test_double_review_covers_its_share_and_all_rejections_of_the_most_urgent(
    draw: float, scores: dict[str, float], double: Doubling | None
) -> None:
    policy = reviewing(double_review=0.05)
    found = attention(decided(policy, **scores), policy, None, draw)
    assert found is not None
    assert found.double is double


def test_what_many_read_is_due_within_the_hour_and_never_later_than_it_was() -> None:
    policy = reviewing(urgent_sections=frozenset({"world"}))
    for scores, sla_ms in (({"toxicity": 0.5}, 60 * MINUTE_MS), ({"threat": 0.5}, 15 * MINUTE_MS)):
        found = attention(decided(policy, **scores), policy, "world", 0.5)
        assert found is not None
        assert found.sla_ms == sla_ms

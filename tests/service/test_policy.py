"""Scores -> decision: whatever the numbers are."""

import math
from dataclasses import dataclass

from hypothesis import assume, given
from hypothesis import strategies as st

from service.domain import Action, Reason, Why
from service.policy import DEFAULT, DEFAULT_SLA_MS, SLA_MS, Policy, Thresholds, decide, urgency

SEVERITY = {Action.APPROVE: 0, Action.REVIEW: 1, Action.REJECT: 2}
ATTRIBUTES = ("toxicity", "insult", "threat", "spam")

probabilities = st.floats(0, 1)
impossible = st.one_of(
    st.just(math.nan), st.just(math.inf), st.just(-math.inf), st.floats(max_value=-1e-9), st.floats(min_value=1.0000001)
)
limits = st.tuples(st.none() | probabilities, st.none() | probabilities).map(lambda pair: Thresholds(*pair))
policies = st.dictionaries(st.sampled_from(ATTRIBUTES), limits, min_size=1).map(Policy)
scored = st.fixed_dictionaries(dict.fromkeys(ATTRIBUTES, probabilities))


@given(scored, policies, st.sampled_from(ATTRIBUTES), probabilities)
def test_a_decision_never_gets_milder_when_a_score_rises(
    scores: dict[str, float], policy: Policy, attribute: str, risen: float
) -> None:
    assume(risen >= scores[attribute])
    before, after = decide(scores, policy), decide(scores | {attribute: risen}, policy)
    assert SEVERITY[after.action] >= SEVERITY[before.action]


@given(scored, policies, impossible, st.data())
def test_an_impossible_score_goes_to_a_person_whatever_the_others_say(
    scores: dict[str, float], policy: Policy, score: float, data: st.DataObject
) -> None:
    attribute = data.draw(st.sampled_from(sorted(policy.thresholds)))
    decision = decide(scores | {attribute: score}, policy)
    assert decision.action is Action.REVIEW
    assert decision.reasons == (Reason("unscored", attribute),)


@given(scored, policies, st.data())
def test_a_missing_score_goes_to_a_person(scores: dict[str, float], policy: Policy, data: st.DataObject) -> None:
    attribute = data.draw(st.sampled_from(sorted(policy.thresholds)))
    rest = {name: score for name, score in scores.items() if name != attribute}
    assert decide(rest, policy).action is Action.REVIEW


def test_without_scores_or_without_thresholds_a_person_decides() -> None:
    assert decide({}, DEFAULT).action is Action.REVIEW
    assert decide({"toxicity": 0.0}, Policy({})).reasons == (Reason("unscored"),)


@given(scored, policies, impossible)
def test_a_score_of_an_attribute_without_thresholds_does_not_count(
    scores: dict[str, float], policy: Policy, score: float
) -> None:
    assert decide(scores | {"unknown": score}, policy) == decide(scores, policy)


@dataclass(frozen=True, slots=True)
class ByHand:
    """The decision that somebody reaches who sees the reasons and knows nothing of the code."""

    reasons: tuple[Reason, ...]

    @property
    def action(self) -> Action:
        return max((self._of(reason) for reason in self.reasons), key=SEVERITY.__getitem__)

    @staticmethod
    def _of(reason: Reason) -> Action:
        if reason.score is None:
            return Action.REVIEW
        if reason.reject_at is not None and reason.score >= reason.reject_at:
            return Action.REJECT
        if reason.review_at is not None and reason.score >= reason.review_at:
            return Action.REVIEW
        return Action.APPROVE


@given(scored, policies)
def test_a_reader_can_redo_the_decision_from_the_reasons(scores: dict[str, float], policy: Policy) -> None:
    decision = decide(scores, policy)
    assert decision.reasons, "there is always a reason"
    assert ByHand(decision.reasons).action is decision.action
    for reason in decision.reasons:
        assert reason.attribute in policy.thresholds
        assert reason.score == scores[reason.attribute]
        assert (reason.review_at, reason.reject_at) == (
            policy.thresholds[reason.attribute].review_at,
            policy.thresholds[reason.attribute].reject_at,
        )


@given(scored, policies)
def test_every_attribute_that_asks_for_the_action_is_among_the_reasons(
    scores: dict[str, float], policy: Policy
) -> None:
    decision = decide(scores, policy)
    assume(decision.action is not Action.APPROVE)
    alone = {
        attribute
        for attribute, limit in policy.thresholds.items()
        if decide(scores, Policy({attribute: limit})).action is decision.action
    }
    assert {reason.attribute for reason in decision.reasons} == alone


@given(probabilities)
def test_a_score_equal_to_a_threshold_has_reached_it(at: float) -> None:
    assert decide({"spam": at}, Policy({"spam": Thresholds(review_at=at)})).action is Action.REVIEW
    assert decide({"spam": at}, Policy({"spam": Thresholds(reject_at=at)})).action is Action.REJECT
    assert decide({"spam": at}, Policy({"spam": Thresholds(at, at)})).action is Action.REJECT


@given(probabilities)
def test_a_threshold_that_is_not_set_is_never_reached(score: float) -> None:
    assert decide({"spam": score}, Policy({"spam": Thresholds()})).action is Action.APPROVE
    assert decide({"spam": score}, Policy({"spam": Thresholds(review_at=0.0)})).action is Action.REVIEW


def test_an_approval_names_the_score_that_came_closest() -> None:
    decision = decide({"toxicity": 0.3, "spam": 0.49}, Policy({"toxicity": Thresholds(0.9), "spam": Thresholds(0.5)}))
    assert [reason.attribute for reason in decision.reasons] == ["spam"]


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


def test_the_default_policy_knows_every_attribute_and_asks_for_review_before_rejecting() -> None:
    for limit in DEFAULT.thresholds.values():
        assert limit.review_at is not None
        assert limit.reject_at is not None
        assert 0 < limit.review_at < limit.reject_at < 1

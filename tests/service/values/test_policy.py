"""Scores -> decision: whatever the numbers are."""

import math
from dataclasses import dataclass

from any_policy import ATTRIBUTES, policies, probabilities, scored
from hypothesis import assume, given
from hypothesis import strategies as st

from service.values.attention import DEFAULT_SLA_MS, SLA_MS, urgency
from service.values.domain import Action, Reason, Why
from service.values.policy import (
    DEFAULT,
    KINDS_OF_TOXICITY,
    InLanguage,
    Policy,
    Thresholds,
    _decided,
    decide,
    is_blatant,
    likelihood,
    reached,
    set_aside,
    unless_evident,
    unless_measured,
)

SEVERITY = {Action.APPROVE: 0, Action.REVIEW: 1, Action.REJECT: 2}

impossible = st.one_of(
    st.just(math.nan), st.just(math.inf), st.just(-math.inf), st.floats(max_value=-1e-9), st.floats(min_value=1.0000001)
)


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


lacking = st.sets(st.sampled_from([*ATTRIBUTES, "sexually_explicit"]))


@given(scored, policies, lacking)
def test_what_a_language_lacks_never_makes_a_decision_reject_or_crash(
    scores: dict[str, float], policy: Policy, lacking: set[str]
) -> None:
    judged = {name: score for name, score in scores.items() if name not in lacking}
    decision = decide(judged, policy, lacking)
    assert decision.reasons
    if decision.action is Action.REJECT:
        assert all(reason.attribute not in lacking for reason in decision.reasons)


@given(scored, policies, lacking)
def test_a_kind_of_toxicity_that_is_not_judged_is_held_to_toxicity(
    scores: dict[str, float], policy: Policy, lacking: set[str]
) -> None:
    """Had the language scores of its own, as probable as can be, the comment would not be approved either."""
    lacking &= KINDS_OF_TOXICITY
    judged = {name: score for name, score in scores.items() if name not in lacking}
    whole = judged | dict.fromkeys(lacking, scores["toxicity"])
    assert (decide(judged, policy, lacking).action is Action.APPROVE) == (
        decide(whole, policy).action is Action.APPROVE
    )


def test_a_language_without_threats_is_reviewed_where_toxicity_reaches_their_threshold() -> None:
    policy = Policy({"toxicity": Thresholds(0.5, 0.9), "threat": Thresholds(0.2, 0.8)})
    decision = decide({"toxicity": 0.3}, policy, {"threat"})
    assert decision.action is Action.REVIEW
    assert decision.reasons == (Reason("toxicity_stands_in", "threat", 0.3, 0.2),)
    assert urgency(decision.reasons).sla_ms == SLA_MS["threat"]
    assert decide({"toxicity": 0.1}, policy, {"threat"}).action is Action.APPROVE
    assert decide({"toxicity": 0.95}, policy, {"threat"}).action is Action.REJECT, "toxicity's own threshold"
    only = Policy({"threat": Thresholds(reject_at=0.6)})
    assert decide({"toxicity": 0.7}, only, {"threat"}).action is Action.REVIEW, "what is not judged is not rejected"


def test_spam_may_go_unjudged_but_not_alone_and_nothing_else_may() -> None:
    limits = {"toxicity": Thresholds(0.5), "spam": Thresholds(0.5)}
    assert decide({"toxicity": 0.1}, Policy(limits), {"spam"}).action is Action.APPROVE
    assert decide({"toxicity": 0.1}, Policy(limits)).action is Action.REVIEW, "the model has no spam in any language"
    assert decide({"toxicity": 0.1}, Policy({"spam": Thresholds(0.5)}), {"spam"}).reasons == (Reason("unscored"),)
    explicit = Policy({"toxicity": Thresholds(0.5), "sexually_explicit": Thresholds(0.5)})
    assert decide({"toxicity": 0.1}, explicit, {"sexually_explicit"}).action is Action.REVIEW
    assert decide({"insult": 0.1}, Policy({"toxicity": Thresholds(0.5)}), {"toxicity"}).action is Action.REVIEW


def test_a_comment_in_a_language_without_a_model_waits_for_a_person() -> None:
    decision = set_aside("fi")
    assert decision.action is Action.REVIEW
    assert decision.reasons == (Reason("language_not_supported", language="fi"),)
    found = urgency(decision.reasons)
    assert (found.why, found.priority, found.sla_ms) == (Why.LANGUAGE_NOT_SUPPORTED, 1.0, DEFAULT_SLA_MS)


def test_the_default_policy_knows_every_attribute_and_asks_for_review_before_rejecting() -> None:
    for limit in DEFAULT.thresholds.values():
        assert limit.review_at is not None
        assert limit.reject_at is not None
        assert 0 < limit.review_at < limit.reject_at < 1


@given(scored, policies)
def test_an_attribute_is_reached_where_it_alone_asks_for_more_than_approval(
    scores: dict[str, float], policy: Policy
) -> None:
    alone = {
        name: decide({name: scores[name]}, Policy({name: limits})).action for name, limits in policy.thresholds.items()
    }
    assert reached(scores, policy, doubtful=False) == {name for name, asks in alone.items() if asks is Action.REJECT}
    assert reached(scores, policy, doubtful=True) == {
        name for name, asks in alone.items() if asks is not Action.APPROVE
    }


def test_only_what_is_rejected_and_certainly_spam_is_blatant() -> None:
    assert is_blatant(Action.REJECT, {"spam": 0.99}, 0.99)
    assert not is_blatant(Action.REJECT, {"spam": 0.98}, 0.99)
    assert not is_blatant(Action.REJECT, {"toxicity": 1.0}, 0.99)
    assert not is_blatant(Action.REJECT, {"spam": 1.0}, None)
    assert not is_blatant(Action.REVIEW, {"spam": 1.0}, 0.0)
    assert not is_blatant(Action.APPROVE, {"spam": 1.0}, 0.0)


@given(scored, policies, st.frozensets(st.sampled_from(ATTRIBUTES)))
def test_the_likelihood_of_a_rejection_agrees_with_the_decision(
    scores: dict[str, float], policy: Policy, lacking: frozenset[str]
) -> None:
    known = {name: score for name, score in scores.items() if name not in lacking}
    action, number = decide(known, policy, lacking).action, likelihood(known, policy, lacking)
    low, high = {Action.APPROVE: (0, 0.5), Action.REVIEW: (0.5, 0.9), Action.REJECT: (0.9, 1.1)}[action]
    assert low <= number < high
    assert number == round(number, 6) <= 1


@given(scored, policies, st.sampled_from(ATTRIBUTES), probabilities)
def test_the_likelihood_of_a_rejection_never_falls_when_a_score_rises(
    scores: dict[str, float], policy: Policy, attribute: str, risen: float
) -> None:
    assume(risen >= scores[attribute])
    assert likelihood(scores | {attribute: risen}, policy) >= likelihood(scores, policy)


def test_the_likelihood_says_how_far_it_is_from_one_threshold_to_the_next() -> None:
    policy = Policy({"toxicity": Thresholds(0.4, 0.8)})
    found = [likelihood({"toxicity": score}, policy) for score in (0, 0.2, 0.4, 0.6, 0.8, 0.9, 1)]
    assert found == [0, 0.25, 0.5, 0.7, 0.9, 0.95, 1]


@given(scored | st.dictionaries(st.sampled_from(ATTRIBUTES), probabilities | impossible), policies)
def test_what_is_plainly_approved_is_decided_as_all_else_is(scores: dict[str, float], policy: Policy) -> None:
    """`decide` has a quick way for comments far from any threshold."""
    assert decide(scores, policy) == _decided(scores, policy, ())


@given(st.fixed_dictionaries(dict.fromkeys(DEFAULT.thresholds, st.floats(0, 0.25))))
def test_what_comes_closest_to_review_is_the_reason_for_an_approval(scores: dict[str, float]) -> None:
    assert decide(scores, DEFAULT) == _decided(scores, DEFAULT, ())


def test_nothing_is_rejected_in_a_language_that_was_never_measured() -> None:
    rejected = decide({"toxicity": 0.99}, Policy({"toxicity": Thresholds(0.3, 0.9)}))
    policy = Policy({"toxicity": Thresholds(0.3, 0.9)}, languages={"nl": InLanguage(reject=True)})
    held = unless_measured(rejected, "uk", policy)
    assert held.action is Action.REVIEW
    assert [reason.code for reason in held.reasons] == ["score_in_reject_band", "language_not_measured"]
    assert unless_measured(rejected, "nl", policy) == rejected
    approved = decide({"toxicity": 0.1}, policy)
    assert unless_measured(approved, "uk", policy) == approved


def test_nothing_is_rejected_as_spam_without_evidence() -> None:
    policy = Policy({"spam": Thresholds(0.5, 0.9), "insult": Thresholds(0.3, 0.9)})
    spam = decide({"spam": 0.97, "insult": 0.1}, policy)
    held = unless_evident(spam, lambda _: False)
    assert held.action is Action.REVIEW
    assert held.reasons[-1].code == "spam_not_evident"
    assert unless_evident(spam, lambda score: score >= 0.97) == spam
    both = decide({"spam": 0.97, "insult": 0.95}, policy)
    assert unless_evident(both, lambda _: False) == both

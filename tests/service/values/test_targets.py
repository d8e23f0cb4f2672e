"""Certificates that add up, ladders of thresholds, and what is in force under them."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from service.values.attention import urgency
from service.values.domain import Action, Reason
from service.values.ladder import (
    HIGHEST,
    LOWEST,
    InForce,
    InForceCache,
    approving,
    at_levels,
    boldest_approve,
    boldest_reject,
    decides_digest,
    in_force,
    likelihood_in_force,
    lowest_level,
    moved,
    rejecting,
    risk,
    side_only,
    unless_promised,
)
from service.values.policy import NOT_CERTIFIED, Decision, Policy, Thresholds, decide
from service.values.targets import (
    Certificate,
    CertifiedStratum,
    FoldWindow,
    RiskHistogram,
    Side,
    Suspended,
    Target,
    Targets,
    TargetStep,
    TargetTest,
    faults,
    p_value,
)

MODEL = "a" * 64
BASE = Policy(
    {"toxicity": Thresholds(0.3, 0.9), "spam": Thresholds(0.5, 0.95), "threat": Thresholds(None, 0.8)},
    targets=Targets(max_wrong_approve=0.05, max_wrong_reject=0.1),
)
NOW = datetime(2026, 11, 30, tzinfo=UTC)


def _test(target: Target, alpha: float, level: int | None, n: int = 400, k: int = 1) -> TargetTest:
    step = TargetStep(0 if level is None else level, n, k, p_value(n, k, alpha))
    return TargetTest(target, alpha, 0.0125, (step,), level)


def _stratum(*languages: str, approve: int | None = 3, reject: int | None = 2, **more: Any) -> CertifiedStratum:
    tests = (_test(Target.WRONG_APPROVE, 0.05, approve), _test(Target.WRONG_REJECT, 0.1, reject))
    return CertifiedStratum(languages, approve, reject, more.pop("tests", tests), audits=800, **more)


def _certificate(*strata: CertifiedStratum, **more: Any) -> Certificate:
    fields: dict[str, Any] = {
        "id": "cert-0001",
        "method": "binomial-fst",
        "model": MODEL,
        "model_version": "m",
        "site": "daily",
        "policy": "default@2",
        "decides": decides_digest(BASE),
        "confidence": 0.95,
        "strata": strata or (_stratum(),),
        "fold": FoldWindow(datetime(2026, 11, 1, tzinfo=UTC), NOW),
        "sampling": "",
        "created_at": NOW,
    }
    return Certificate(**{**fields, **more})


def _under(certificate: Certificate, **more: Any) -> Policy:
    return msgspec.structs.replace(BASE, certificate=certificate, **more)


def test_the_p_value_is_that_of_the_worked_example() -> None:
    assert p_value(420, 12, 0.05) == pytest.approx(0.0219650, rel=1e-5)
    assert p_value(560, 24, 0.05) == pytest.approx(0.253721, rel=1e-5)
    assert p_value(571, 1, 0.01) == pytest.approx(0.0217839, rel=1e-5)
    assert p_value(0, 0, 0.05) == 1.0


def test_without_targets_the_policy_is_in_force_as_it_is() -> None:
    plain = msgspec.structs.replace(BASE, targets=UNSET)
    assert in_force(plain, MODEL, "en") == (plain, frozenset())
    assert InForceCache()(plain, MODEL, "en").policy is plain


@pytest.mark.parametrize(
    "policy",
    [
        BASE,
        _under(_certificate(model="b" * 64)),
        _under(_certificate(decides="c" * 64)),
        _under(_certificate(_stratum("de"))),
        _under(_certificate(confidence=0.9)),
        msgspec.structs.replace(_under(_certificate()), thresholds={"toxicity": Thresholds(0.4, 0.9)}),
        msgspec.structs.replace(_under(_certificate()), targets=Targets(max_wrong_approve=0.01, max_wrong_reject=0.01)),
    ],
    ids=["none", "other model", "other rules", "other language", "less sure", "other thresholds", "other targets"],
)
def test_a_target_without_a_fitting_certificate_leaves_both_sides_to_people(policy: Policy) -> None:
    found = in_force(policy, MODEL, "en")
    assert found.unpromised == {Side.APPROVE, Side.REJECT}
    assert found.policy.thresholds == policy.thresholds


def test_a_certificate_sets_the_thresholds_of_its_levels() -> None:
    found = in_force(_under(_certificate()), MODEL, "en")
    assert not found.unpromised
    assert found.policy.thresholds == at_levels(BASE, 3, 2).thresholds
    toxicity = found.policy.thresholds["toxicity"]
    assert toxicity.review_at == moved(0.3, 3) == approving(BASE.thresholds["toxicity"], 3)
    assert toxicity.reject_at == moved(0.9, -2) == rejecting(BASE.thresholds["toxicity"], 2)


def test_each_language_has_its_own_levels() -> None:
    policy = _under(_certificate(_stratum("de", approve=1, reject=None), _stratum(approve=5, reject=4)))
    german, other = in_force(policy, MODEL, "de"), in_force(policy, MODEL, "uk")
    assert german.unpromised == {Side.REJECT}
    assert german.policy.thresholds["toxicity"].review_at == moved(0.3, 1)
    assert not other.unpromised
    assert other.policy.thresholds["toxicity"].review_at == moved(0.3, 5)


def test_a_suspended_side_goes_to_people_and_the_other_goes_on() -> None:
    policy = _under(_certificate(), suspended=(Suspended(Side.APPROVE, NOW),))
    found = in_force(policy, MODEL, "en")
    assert found.unpromised == {Side.APPROVE}
    assert found.policy.thresholds["toxicity"].reject_at == moved(0.9, -2)


def test_a_side_without_a_target_decides_as_ever() -> None:
    policy = msgspec.structs.replace(BASE, targets=Targets(max_wrong_reject=0.1))
    assert in_force(policy, MODEL, "en").unpromised == {Side.REJECT}


def test_what_is_in_force_is_remembered_until_another_version_is_read() -> None:
    cache, policy = InForceCache(), _under(_certificate())
    assert cache(policy, MODEL, "en") is cache(policy, MODEL, "en")
    assert cache(policy, "b" * 64, "en").unpromised
    again = msgspec.structs.replace(policy, suspended=(Suspended(Side.REJECT, NOW),))
    assert cache(again, MODEL, "en").unpromised == {Side.REJECT}


@given(st.integers(LOWEST, HIGHEST - 1), st.floats(0.001, 0.999))
def test_higher_levels_decide_more(level: int, score: float) -> None:
    for side, action in ((Side.APPROVE, Action.APPROVE), (Side.REJECT, Action.REJECT)):
        scores = {"toxicity": score, "spam": 0.0 if side is Side.REJECT else score, "threat": 0.0}
        low, high = (decide(scores, side_only(BASE, side, each)).action for each in (level, level + 1))
        assert low is not action or high is action


@given(st.lists(st.floats(0, 1), min_size=3, max_size=3), st.integers(-30, 30), st.integers(-30, 30))
def test_levels_that_are_apart_decide_each_side_as_it_was_tested(
    scores: list[float], approve_level: int, reject_level: int
) -> None:
    boldest = boldest_reject(BASE, approve_level)
    if boldest is None or reject_level > boldest:
        return
    said = dict(zip(BASE.thresholds, scores, strict=True))
    action = decide(said, at_levels(BASE, approve_level, reject_level)).action
    approved = decide(said, side_only(BASE, Side.APPROVE, approve_level)).action is Action.APPROVE
    rejected = decide(said, side_only(BASE, Side.REJECT, reject_level)).action is Action.REJECT
    assert not (approved and rejected)
    assert action is (Action.APPROVE if approved else Action.REJECT if rejected else Action.REVIEW)


def test_the_lowest_level_is_found_by_bisection() -> None:
    for wanted in (LOWEST, -3, 0, 17, HIGHEST):
        assert lowest_level(lambda level, wanted=wanted: level >= wanted) == wanted
    assert lowest_level(lambda _: False) is None


def test_approvals_end_where_rejections_begin() -> None:
    level = boldest_approve(BASE)
    assert level is not None
    assert all((approving(each, level) or 0) <= (rejecting(each, 0) or 1) for each in BASE.thresholds.values())
    assert level == 0, "an attribute with one threshold is approved below it and rejected from it on"


def test_thresholds_at_the_ends_do_not_move() -> None:
    assert [moved(each, 5) for each in (None, 0.0, 1.0)] == [None, 0.0, 1.0]


def test_risk_is_the_distance_of_the_riskiest_score_from_its_threshold() -> None:
    assert risk({"toxicity": 0.3, "spam": 0.1, "threat": 0.1}, BASE) == pytest.approx(0, abs=1e-6)
    assert risk({"toxicity": 0.9, "spam": 0.1}, BASE) > 0 > risk({"toxicity": 0.1, "spam": 0.1}, BASE)
    assert risk({}, BASE) == LOWEST


def test_what_nothing_certifies_goes_to_a_person_with_the_reason() -> None:
    approved = Decision(Action.APPROVE, (Reason("score_below_review_band", "threat", 0.1),))
    rejected = Decision(Action.REJECT, (Reason("score_in_reject_band", "threat", 0.99),))
    both = frozenset(Side)
    held = unless_promised(approved, both)
    assert (held.action, [each.code for each in held.reasons]) == (Action.REVIEW, [NOT_CERTIFIED])
    assert urgency(held.reasons).sla_ms > urgency(unless_promised(rejected, both).reasons).sla_ms
    assert unless_promised(approved, frozenset({Side.REJECT})) is approved
    assert [each.code for each in unless_promised(rejected, both).reasons] == ["score_in_reject_band", NOT_CERTIFIED]


@pytest.mark.parametrize(("score", "decided", "held"), [(0.1, 0.16, 0.5), (0.5, 0.63, 0.63), (0.99, 0.98, 0.9)])
def test_what_nothing_certifies_has_the_likelihood_of_a_review(score: float, decided: float, held: float) -> None:
    scores = {"toxicity": score, "spam": 0.0, "threat": 0.0}
    plain = InForce(BASE)
    assert likelihood_in_force(scores, plain) == pytest.approx(decided, abs=0.02)
    assert likelihood_in_force(scores, InForce(BASE, frozenset(Side))) == pytest.approx(held, abs=0.02)
    assert 0.5 <= likelihood_in_force(scores, InForce(BASE, frozenset(Side))) < 0.9


def test_a_certificate_that_adds_up_has_no_faults() -> None:
    assert faults(_certificate()) == []


@pytest.mark.parametrize(
    ("certificate", "at"),
    [
        (_certificate(confidence=0.99), ("strata",)),
        (_certificate(opened=2), ("opened",)),
        (_certificate(fold=FoldWindow(NOW, NOW)), ("fold", "to")),
        (_certificate(_stratum("de"), _stratum("de")), ("strata",)),
        (
            _certificate(_stratum(tests=(_test(Target.WRONG_APPROVE, 0.05, 3, n=40),))),
            ("strata", "0", "tests", "0", "chosen"),
        ),
        (
            _certificate(_stratum(approve=4, tests=(_test(Target.WRONG_APPROVE, 0.05, 3),))),
            ("strata", "0", "tests", "0", "steps"),
        ),
        (_certificate(risks=RiskHistogram((0.0,), (1,))), ("risks", "counts")),
    ],
)
def test_a_certificate_whose_figures_do_not_add_up_is_faulty(certificate: Certificate, at: tuple[str, ...]) -> None:
    assert at in [where for where, _ in faults(certificate)]


def test_steps_after_the_first_failure_certify_nothing() -> None:
    steps = (TargetStep(0, 40, 1, 0.4), TargetStep(1, 4000, 1, 0.0))
    test = TargetTest(Target.WRONG_APPROVE, 0.05, 0.0125, steps, 1)
    assert faults(_certificate(_stratum(approve=1, tests=(test,))))


def test_policies_of_earlier_releases_are_read_and_those_without_targets_are_written_as_before() -> None:
    earlier = b'{"thresholds":{"spam":{"review_at":0.5,"reject_at":null}},"name":"default","version":2}'
    policy = msgspec.json.decode(earlier, type=Policy)
    written = msgspec.json.decode(msgspec.json.encode(policy))
    assert policy.targets is UNSET
    assert not {"targets", "certificate", "suspended"} & written.keys()


def test_only_what_decides_is_part_of_the_digest() -> None:
    digest = decides_digest(BASE)
    assert decides_digest(msgspec.structs.replace(BASE, version=7, targets=UNSET)) == digest
    assert decides_digest(msgspec.structs.replace(BASE, thresholds=dict(reversed(BASE.thresholds.items())))) == digest
    assert decides_digest(msgspec.structs.replace(BASE, lists={"words": msgspec.convert({}, type=dict)})) != digest

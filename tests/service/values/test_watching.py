"""The worked examples of the specification, and simulations of how often and how soon the watch alarms."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from service.values.watching import (
    BLOCK,
    MOST_BLOCKS,
    MOST_POINTS,
    Evidence,
    PromiseState,
    bet,
    bets,
    departure,
    drift,
    jensen_shannon,
    log_evidence,
    log_product,
    psi,
    state_of,
)

ALPHA, DELTA = 0.05, 0.05


def _one_in(every: int, length: int) -> NDArray[np.int_]:
    """The number of errors after each audit, if every so many audits one is an error."""
    return np.arange(1, length + 1) // every


def test_the_evidence_is_that_of_the_worked_example() -> None:
    stake = bet(ALPHA, 0.10)
    assert stake == pytest.approx(1.052632, rel=1e-6)
    audits = np.arange(1, 5_001)
    evidence = np.exp(log_product(audits, _one_in(9, 5_000), ALPHA, stake))
    first = int(np.argmax(evidence >= 20))
    assert (audits[first], evidence[first]) == (108, pytest.approx(22.8126, rel=1e-5))
    assert audits[np.argmax(evidence >= 100)] == 162
    for every, length in ((20, 4_000), (25, 5_000)):
        kept = log_product(audits[:length], _one_in(every, length), ALPHA, stake)
        assert kept.max() < math.log(20)


def _paths(wrong: NDArray[np.bool_], alpha: float) -> NDArray[np.float64]:
    """The logarithm of the evidence after each audit of each stream: (streams, audits), by its recursion."""
    streams, audits = wrong.shape
    stakes = bets(alpha)
    begun = np.zeros((len(stakes), streams))  # the products that have begun, weighted
    found, blocks = np.empty((streams, audits)), 0
    for at in range(audits):
        if at % BLOCK == 0:
            begun += 1 / ((blocks + 1) * (blocks + 2))
            blocks += 1
        for place, stake in enumerate(stakes):
            begun[place] = np.minimum(begun[place] * (1 + stake * (wrong[:, at] - alpha)), 1e200)
        found[:, at] = np.log(begun.mean(axis=0) + 1 / (blocks + 1))
    return found


def _alarms(share: float, streams: int, audits: int, alpha: float, *, seed: int, good: int = 0) -> NDArray[np.float64]:
    """After how many audits each stream alarms; infinite: never. `good`: audits before, half as many wrong."""
    rng = np.random.default_rng(seed)
    shares = np.where(np.arange(good + audits) < good, alpha / 2, share)
    reached = _paths(rng.random((streams, good + audits)) < shares, alpha)[:, good:] >= -math.log(DELTA)
    return np.where(reached.any(axis=1), reached.argmax(axis=1) + 1.0, np.inf)


@pytest.mark.parametrize("alpha", [0.01, 0.05])
def test_a_kept_promise_alarms_in_at_most_delta_of_all_streams(alpha: float) -> None:
    streams = 1_000
    alarms = np.isfinite(_alarms(alpha, streams, 5_000, alpha, seed=5)).mean()
    assert alarms <= DELTA + 3 * math.sqrt(DELTA * (1 - DELTA) / streams)


@pytest.mark.parametrize(
    ("alpha", "times", "at_once", "later"),
    [(0.05, 2, 200, 500), (0.05, 5, 30, 60), (0.01, 2, 950, 2_200), (0.01, 5, 120, 280)],
)
def test_a_broken_promise_is_noticed_soon(alpha: float, times: int, at_once: int, later: int) -> None:
    """The median number of audits until the alarm, at 2 and 5 times the promised share of errors; `later`: the same
    after 1,000 good audits.
    """
    for good, most in ((0, at_once), (1_000, later)):
        alarms = _alarms(times * alpha, 400, 5_000, alpha, seed=6, good=good)
        assert np.median(alarms) <= most
        assert np.isfinite(alarms).mean() > 0.95


@given(st.lists(st.booleans(), max_size=170), st.sampled_from([0.01, 0.05, 0.3]))
def test_the_evidence_of_blocks_is_that_of_its_recursion(outcomes: list[bool], alpha: float) -> None:
    evidence = Evidence()
    for is_wrong in outcomes:
        evidence = evidence.with_outcome(is_wrong, alpha)
    if outcomes:
        path = _paths(np.array([outcomes]), alpha)[0]
        assert evidence.log == pytest.approx(path[-1], abs=1e-4)
        assert evidence.peak == pytest.approx(max(0.0, path.max()), abs=1e-4)
    assert (evidence.audits, evidence.wrong) == (len(outcomes), sum(outcomes))


def test_the_evidence_before_any_audit_is_one() -> None:
    assert log_evidence((), ALPHA) == 0.0
    assert Evidence().log == 0.0


def test_many_blocks_become_fewer_and_the_evidence_not_larger() -> None:
    rng = np.random.default_rng(9)
    full = tuple((BLOCK, int(k)) for k in rng.binomial(BLOCK, ALPHA, MOST_BLOCKS))
    merged = Evidence(full).with_outcome(False, ALPHA)
    assert len(merged.blocks) == MOST_BLOCKS // 4 * 3 + 1
    assert (merged.audits, merged.wrong) == (MOST_BLOCKS * BLOCK + 1, sum(k for _, k in full))
    assert merged.log <= log_evidence((*full, (1, 0)), ALPHA) + math.log(4 / 3) * 2


def test_an_outcome_that_was_taken_back_leaves_no_trace_in_the_counts() -> None:
    before = Evidence().with_outcome(True, ALPHA).with_outcome(False, ALPHA)
    after = before.with_outcome(True, ALPHA).without_outcome(True, ALPHA)
    assert (after.audits, after.wrong) == (before.audits, before.wrong)
    assert after.points[-1] == before.points[-1]


def test_the_plot_keeps_a_bounded_number_of_points_with_the_newest() -> None:
    evidence = Evidence()
    for _ in range(3 * MOST_POINTS):
        evidence = evidence.with_outcome(False, ALPHA)
    assert len(evidence.points) <= MOST_POINTS
    assert evidence.points[-1][0] == evidence.audits == 3 * MOST_POINTS


def test_a_promise_goes_from_unknown_over_at_risk_to_broken_and_stays_there() -> None:
    evidence, seen = Evidence(), [state_of(Evidence(), DELTA)]
    for is_wrong in [False] * 3 + [True] * 10 + [False] * 200:
        evidence = evidence.with_outcome(is_wrong, ALPHA)
        seen.append(state_of(evidence, DELTA))
    assert list(dict.fromkeys(seen)) == [
        PromiseState.UNKNOWN,
        PromiseState.HOLDING,
        PromiseState.AT_RISK,
        PromiseState.BROKEN,
    ]
    assert seen[-1] is PromiseState.BROKEN, "better audits do not mend it: a person does"


def test_drift_is_that_of_the_worked_example() -> None:
    reference, current = (0.30, 0.25, 0.20, 0.15, 0.10), (0.25, 0.22, 0.20, 0.18, 0.15)
    assert psi(reference, current) == pytest.approx(0.0386940, rel=1e-5)
    assert jensen_shannon(reference, current) == pytest.approx(0.0833607, rel=1e-5)


def test_drift_knows_equal_different_and_empty_histograms() -> None:
    same = drift([10, 20, 30], [1, 2, 3])
    assert same is not None
    assert (same.psi, same.jensen_shannon) == (pytest.approx(0), pytest.approx(0))
    other = drift([10, 0], [0, 10])
    assert other is not None
    assert other.must_act
    assert other.jensen_shannon == pytest.approx(1, abs=1e-3)
    assert drift([0, 0], [1, 2]) is None


def test_an_hour_departs_from_the_same_hour_of_earlier_weeks() -> None:
    weeks = [0.90, 0.91, 0.89, 0.90]
    usual, low = departure(0.905, weeks, 0.01), departure(0.70, weeks, 0.01)
    assert usual is not None
    assert low is not None
    assert not usual.is_notable
    assert low.is_notable
    assert low.sigmas == pytest.approx(-20)
    assert departure(0.7, weeks[:3], 0.01) is None, "three weeks say little"

"""Thresholds that flag the same share of texts, and maps that preserve thresholds."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from kept_scores import ours, texts, theirs
from scipy.stats import spearmanr

import classifier
from training.errors import DataUnusable
from training.migration.agreement import FEW, FEWEST, ScorePair, compare, mapped, match, rank_correlation, score_map
from training.migration.perspective_scores import PerspectiveScores
from training.migration.run import migrate

RNG = np.random.default_rng(0)
UNBENT = np.round(np.random.default_rng(5).beta(0.5, 2, 5_000), 6)


def share(flags: np.ndarray) -> float:
    return float(flags.mean())


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.8, 0.9, 0.95])
@pytest.mark.parametrize("noise", [0.0, 0.5, 2.0])
def test_the_recommended_threshold_flags_the_same_share(threshold: float, noise: float) -> None:
    pair = ScorePair(theirs(UNBENT, noise), UNBENT)
    found = match(pair, threshold, np.random.default_rng(0))
    assert found.ours is not None
    assert share(pair.ours >= found.ours.value) == pytest.approx(share(pair.theirs > threshold), abs=1 / 5_000)
    assert found.ours.low <= found.ours.value <= found.ours.high
    assert found.flagged_theirs.value == pytest.approx(found.both.value + found.only_theirs.value)
    assert found.flagged_ours.value == pytest.approx(found.both.value + found.only_ours.value)


def test_without_noise_the_same_texts_are_flagged_and_the_curve_is_found() -> None:
    found = match(ScorePair(theirs(UNBENT), UNBENT), 0.8, np.random.default_rng(0))
    assert found.ours is not None
    assert (found.only_theirs.value, found.only_ours.value) == (0, 0)
    (answered,) = theirs(np.array([found.ours.value]))
    assert answered == pytest.approx(0.8, abs=0.005)


def test_the_interval_of_a_threshold_holds_what_other_texts_lead_to() -> None:
    """Nineteen of twenty, as promised; some slack for sixty trials."""
    held, rng = 0, np.random.default_rng(11)
    many = np.round(rng.beta(0.5, 2, 400_000), 6)
    truth = np.quantile(many, 1 - share(theirs(many, 0.3) > 0.8))
    for seed in range(60):
        some = np.round(rng.beta(0.5, 2, 1_000), 6)
        found = match(ScorePair(theirs(some, 0.3, seed), some), 0.8, np.random.default_rng(seed))
        assert found.ours is not None
        held += found.ours.low <= truth <= found.ours.high
    assert held >= 54


@pytest.mark.parametrize("threshold", [0.5, 0.8, 0.9])
@pytest.mark.parametrize("noise", [0.0, 0.5, 2.0])
def test_a_map_brings_the_share_back(threshold: float, noise: float) -> None:
    pair = ScorePair(theirs(UNBENT, noise), UNBENT)
    answered = np.round(mapped(pair.ours, score_map(pair, [threshold])), 6)
    assert share(answered > threshold) == pytest.approx(share(pair.theirs > threshold), abs=0.001)


def test_a_map_keeps_thresholds_that_nobody_named_too() -> None:
    pair = ScorePair(theirs(UNBENT, 0.5), UNBENT)
    answered = mapped(pair.ours, score_map(pair))
    for threshold in (0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95):
        assert share(answered > threshold) == pytest.approx(share(pair.theirs > threshold), abs=0.02)


scores = st.lists(st.integers(0, 12).map(lambda n: n / 12), min_size=FEWEST, max_size=120)


@given(scores, scores, st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.8, 1.0]), max_size=3))
def test_whatever_the_scores_a_map_rises_from_0_to_1(here: list[float], there: list[float], at: list[float]) -> None:
    count = min(len(here), len(there))
    found = score_map(ScorePair(np.array(there[:count]), np.array(here[:count])), at)
    assert (found[0], found[-1]) == ((0, 0), (1, 1))
    assert len(found) <= 50
    for (x, y), (next_x, next_y) in pairwise(found):
        assert x < next_x
        assert y <= next_y
        assert 0 <= y <= 1


@given(scores, scores, st.sampled_from([0.0, 0.25, 0.5, 0.8, 1.0]))
def test_no_other_threshold_comes_nearer(here: list[float], there: list[float], threshold: float) -> None:
    count = min(len(here), len(there))
    pair = ScorePair(np.array(there[:count]), np.array(here[:count]))
    wanted = int((pair.theirs > threshold).sum())
    assume(wanted)
    found = match(pair, threshold, np.random.default_rng(0))
    assert found.ours is not None
    distance = abs(int((pair.ours >= found.ours.value).sum()) - wanted)
    assert distance == min(abs(int((pair.ours >= value).sum()) - wanted) for value in np.unique(pair.ours))


def test_where_nothing_was_flagged_nothing_is_recommended() -> None:
    found = match(ScorePair(np.full(100, 0.1), UNBENT[:100]), 0.8, np.random.default_rng(0))
    assert found.ours is None
    assert found.flagged_ours.value == 0
    assert found.warnings == ("no text was above it, so there is nothing to match",)


def test_ties_that_no_threshold_can_part_are_said() -> None:
    pair = ScorePair(np.linspace(0, 1, 1_000), np.repeat([0.1, 0.9], 500))
    found = match(pair, 0.8, np.random.default_rng(0))
    assert any("same score" in warning for warning in found.warnings)


def test_a_handful_above_a_threshold_is_said() -> None:
    found = match(ScorePair(np.linspace(0, 1, 100), np.linspace(0, 1, 100)), 0.95, np.random.default_rng(0))
    assert found.warnings == ("only 5 of the texts were above it",)


def test_the_rank_correlation_is_scipys_and_holds_in_its_interval() -> None:
    pair = ScorePair(theirs(UNBENT, 1.0), UNBENT)
    found = rank_correlation(pair)
    assert found is not None
    assert found.value == pytest.approx(spearmanr(pair.theirs, pair.ours).statistic)
    assert found.low < found.value < found.high < 1
    same = rank_correlation(ScorePair(theirs(UNBENT), UNBENT))
    assert same is not None
    assert same.value == pytest.approx(1)
    assert rank_correlation(ScorePair(np.full(99, 0.5), UNBENT[:99])) is None


def test_against_people_both_are_measured_on_the_same_texts() -> None:
    answers = np.where(np.arange(1_000) % 3 == 0, np.nan, (UNBENT[:1_000] > 0.3).astype(float))
    pair = ScorePair(theirs(UNBENT[:1_000], 1.0), UNBENT[:1_000], answers)
    found = compare("TOXICITY", "toxicity", pair, [0.8], np.random.default_rng(0))
    assert found.auc_ours is not None
    assert found.auc_theirs is not None
    assert found.auc_theirs.value < found.auc_ours.value == 1


def test_few_texts_are_said() -> None:
    some = UNBENT[: FEW - 1]
    assert compare("SPAM", "spam", ScorePair(some, some), [0.5], RNG).warnings
    assert not compare("SPAM", "spam", ScorePair(UNBENT, UNBENT), [0.5], RNG).warnings


# -- the whole


def test_what_cannot_be_compared_is_left_out_and_said(shipped: classifier.Model) -> None:
    some = texts(200)
    known = theirs(ours(shipped, some))
    given_texts = [*some, "", "Kiitos tästä artikkelista, opin paljon sähköasemista."]
    padded = np.append(known, [0.5, 0.5])
    few = np.where(np.arange(202) < FEWEST - 1, padded, np.nan)
    kept = PerspectiveScores(given_texts, [None] * 202, {"TOXICITY": padded, "THREAT": few})
    found = migrate(shipped, kept, {}, 0)
    assert [each.agreement.attribute for each in found.compared] == ["TOXICITY"]
    assert found.compared[0].agreement.texts == 200
    assert found.left_out == {"THREAT": f"49 texts with both scores; at least {FEWEST} are needed"}
    assert found.not_judged == {"fi": 1}
    assert found.blank == 1
    assert found.compared[0].agreement.rank_correlation is not None
    assert found.compared[0].agreement.rank_correlation.value > 0.999, "the same texts in the same order"


def test_too_few_texts_are_refused(shipped: classifier.Model) -> None:
    kept = PerspectiveScores(["a"] * 49, [None] * 49, {"TOXICITY": np.full(49, 0.5)})
    with pytest.raises(DataUnusable, match="49 texts with both scores"):
        migrate(shipped, kept, {}, 0)
    with pytest.raises(DataUnusable, match="no column of scores"):
        migrate(shipped, PerspectiveScores(["a"], [None], {}), {}, 0)

"""The metrics of Borkan et al. 2019, on the worked example of the specification and at their edges."""

import numpy as np
import pytest

from training.bias import ThresholdedScores, bias, generalized_mean, group_row, membership, overall, share

# thresholds.md, section 9: score, label, in group.
EXAMPLE = [
    (0.95, 1, 0),
    (0.90, 1, 0),
    (0.80, 1, 0),
    (0.40, 1, 0),
    (0.70, 0, 0),
    (0.30, 0, 0),
    (0.20, 0, 0),
    (0.10, 0, 0),
    (0.05, 0, 0),
    (0.85, 1, 1),
    (0.60, 1, 1),
    (0.92, 0, 1),
    (0.75, 0, 1),
    (0.35, 0, 1),
    (0.15, 0, 1),
]
SCORES, ANSWERS, INSIDE = (np.array(column) for column in zip(*EXAMPLE, strict=True))
JUDGED = ThresholdedScores(SCORES, ANSWERS, 0.7)


def test_the_specifications_example() -> None:
    rng = np.random.default_rng(0)
    row = group_row("g", JUDGED, INSIDE == 1, INSIDE == 0, rng=rng, fewest=1)
    assert row.subgroup_auc is not None
    assert row.bpsn_auc is not None
    assert row.bnsp_auc is not None
    assert (row.subgroup_auc.value, row.bpsn_auc.value, row.bnsp_auc.value) == (0.625, 0.75, 0.9)
    assert (row.aeg_positive, row.aeg_negative) == (0.125, -0.3)
    assert row.false_positive_rate is not None
    assert row.false_negative_rate is not None
    assert (row.false_positive_rate.value, row.false_negative_rate.value) == (0.5, 0.5)
    background = group_row("b", JUDGED, INSIDE == 0, INSIDE == 1, rng=rng, fewest=1)
    assert background.false_positive_rate is not None
    assert background.false_negative_rate is not None
    assert (background.false_positive_rate.value, background.false_negative_rate.value) == (0.2, 0.25)


def test_means_of_the_specification() -> None:
    assert generalized_mean([0.9, 0.8, 0.7]) == pytest.approx(0.775509, rel=1e-5)
    means = [generalized_mean(each) for each in ([0.92, 0.88, 0.81], [0.90, 0.79, 0.85], [0.95, 0.96, 0.90])]
    assert means == pytest.approx([0.862642, 0.839446, 0.934373], rel=1e-5)
    assert overall(0.94, *means) == pytest.approx(0.894115, rel=1e-5)


def test_what_rests_on_few_texts_is_hidden() -> None:
    row = group_row("g", JUDGED, INSIDE == 1, INSIDE == 0, rng=np.random.default_rng(0))
    assert (row.texts, row.positive) == (6, 2)
    assert row.subgroup_auc is row.bpsn_auc is row.bnsp_auc is row.aeg_positive is row.aeg_negative is None
    empty = group_row("e", JUDGED, INSIDE == 2, INSIDE == 0, rng=np.random.default_rng(0))
    assert empty.false_positive_rate is empty.false_negative_rate is None


def test_a_rate_has_the_interval_of_clopper_and_pearson() -> None:
    """thresholds.md, section 6: 188 of 200."""
    found = share(188, 200)
    assert found is not None
    assert (found.value, found.low, found.high) == (0.94, 0.8975, 0.9686)
    assert share(0, 0) is None
    none, all_ = share(0, 10), share(10, 10)
    assert none is not None
    assert all_ is not None
    assert (none.low, all_.high) == (0.0, 1.0)


def test_a_group_is_named_by_a_whole_word() -> None:
    found = membership(["Womenswear is cheap", "WOMEN vote", "a man, a plan", "the mango"])
    assert found["women"].tolist() == [False, True, False, False]
    assert found["men"].tolist() == [False, False, True, False]


def test_a_model_that_hates_a_group_is_seen_to() -> None:
    random = np.random.default_rng(1)
    texts = [f"{n} women" if n % 2 else f"{n} apples" for n in range(600)]
    answers = (random.random(600) < 0.4).astype(np.int8)
    scores = np.clip(answers * 0.4 + random.random(600) * 0.4 + np.array([0.3 * (n % 2) for n in range(600)]), 0, 1)
    found = bias("own", "toxicity", ThresholdedScores(scores, answers, 0.5), texts, random)
    (women,) = [row for row in found.rows if row.group == "women"]
    assert women.bpsn_auc is not None
    assert women.subgroup_auc is not None
    assert women.bpsn_auc.value < women.subgroup_auc.value
    assert women.aeg_negative is not None
    assert women.aeg_negative < -0.2
    assert set(found.means) == {"subgroup_auc", "bpsn_auc", "bnsp_auc", "overall"}

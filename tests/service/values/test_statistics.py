"""The statistics that the service shows: the examples of the specification, and scipy and scikit-learn as witnesses."""

import math
import random

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import average_precision_score, cohen_kappa_score, roc_auc_score

from service.values.agreement import cohens_kappa
from service.values.ranking import average_precision, roc_auc
from service.values.statistics import (
    Stratum,
    beta_cdf,
    clopper_pearson,
    found_share,
    mcnemar,
    share_of_all,
    standard_error,
)

# One week, 50,000 comments: of each automatic decision how many, how many of them judged, how many of those violate.
REJECTED = Stratum(4_000, 200, 188)
REVIEWED = Stratum(3_000, 3_000, 1_350)
APPROVED = Stratum(43_000, 430, 6)
WEEK = [REJECTED, REVIEWED, APPROVED]


def test_the_totals_of_a_week_are_estimated_by_stratum() -> None:
    assert [each.estimated for each in WEEK] == pytest.approx([3_760, 1_350, 600])
    assert [each.variance for each in WEEK] == pytest.approx([4307.9397, 0, 58707.6923], rel=1e-6)
    assert standard_error([(1, each) for each in WEEK], 1) == pytest.approx(251.0291, rel=1e-6)
    prevalence = share_of_all(WEEK)
    assert prevalence is not None
    assert prevalence.value == pytest.approx(0.1142)
    assert prevalence.value != pytest.approx(0.425345, rel=1e-2), "that of the judged ones, as if they were all alike"


def test_precision_and_false_omission_of_a_week() -> None:
    precision, omission = share_of_all([REJECTED]), share_of_all([APPROVED])
    assert precision is not None
    assert omission is not None
    assert (precision.value, precision.low, precision.high) == pytest.approx((0.94, 0.897538, 0.968616), abs=1e-6)
    assert (omission.value, omission.low, omission.high) == pytest.approx((0.0139535, 0.0051374, 0.0301221), abs=1e-7)


def test_recall_of_a_week_is_not_that_of_the_judged_ones() -> None:
    rejecting = found_share([REJECTED], [REVIEWED, APPROVED])
    everything = found_share([REJECTED, REVIEWED], [APPROVED])
    assert rejecting is not None
    assert everything is not None
    assert rejecting.value == pytest.approx(0.658494, abs=1e-6)
    assert (rejecting.low, rejecting.high) == pytest.approx((0.6012, 0.7115), abs=1e-4)
    assert everything.value == pytest.approx(0.894921, abs=1e-6)
    assert (everything.low, everything.high) == pytest.approx((0.7941, 0.9495), abs=1e-4)
    ratio = everything.value
    weighted = [(1 - ratio, REJECTED), (1 - ratio, REVIEWED), (-ratio, APPROVED)]
    assert standard_error(weighted, 5_710) == pytest.approx(0.0379941, rel=1e-5)
    assert rejecting.value != pytest.approx(0.121762, rel=0.5), "188 of 1,544: the unweighted one, and wrong"


def test_a_bootstrap_within_the_strata_says_the_same() -> None:
    chance = np.random.default_rng(1)
    reject, approve = (chance.binomial(each.sampled, each.share, 20_000) for each in (REJECTED, APPROVED))
    found = 4_000 * reject / 200 + 1_350
    recall = found / (found + 43_000 * approve / 430)
    estimate = found_share([REJECTED, REVIEWED], [APPROVED])
    assert estimate is not None
    assert (estimate.low, estimate.high) == pytest.approx(np.quantile(recall, (0.025, 0.975)), abs=0.04)


def test_strata_with_different_rates_are_weighted_by_their_own() -> None:
    """A rate that changed within the week: pooled, the many audits of the first half would count too much."""
    often, seldom = Stratum(1_000, 500, 450), Stratum(9_000, 90, 45)
    found = share_of_all([often, seldom])
    assert found is not None
    assert found.value == pytest.approx((900 + 4_500) / 10_000)
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.value < found.high


def test_what_was_not_sampled_is_not_estimated_and_what_hardly_was_has_no_interval() -> None:
    assert share_of_all([Stratum(10, 0, 0)]) is None
    assert share_of_all([]) is None
    assert found_share([REJECTED], [Stratum(10, 0, 0)]) is None
    assert found_share([Stratum(10, 5, 0)], []) is None, "nothing that could have been found"
    assert found_share([REJECTED, Stratum(0, 0, 0)], [APPROVED]) is not None
    perfect = found_share([REJECTED], [Stratum(1_000, 10, 0)])
    assert perfect is not None
    assert (perfect.value, perfect.low, perfect.high) == (1, None, None), "ten without a miss prove no recall of 1"


def test_the_interval_of_a_share_is_scipys() -> None:
    for hits, sampled in ((0, 5), (5, 5), (1, 120), (188, 200), (6, 430), (2_500, 5_000), (1, 100_000)):
        expected = stats.binomtest(hits, sampled).proportion_ci(0.95, "exact")
        assert clopper_pearson(hits, sampled) == pytest.approx((expected.low, expected.high), rel=1e-9)
    for x, a, b in (
        (0.1, 2, 3),
        (0.999, 400, 2),
        (0.5, 18, 8),
        (1e-4, 0.5, 1e4),
        (0.3, 1e4, 2.5e4),
        (0, 1, 1),
        (1, 1, 1),
    ):
        assert beta_cdf(x, a, b) == pytest.approx(stats.beta.cdf(x, a, b), rel=1e-9, abs=1e-300)


def test_mcnemars_test_is_exact() -> None:
    assert mcnemar(18, 7) == pytest.approx(0.0432853, abs=1e-7)
    assert mcnemar(7, 18) == mcnemar(18, 7)
    assert mcnemar(0, 0) == mcnemar(5, 5) == 1
    for first, second in ((1, 0), (3, 9), (0, 20), (500, 400), (4_000, 4_300)):
        expected = stats.binomtest(min(first, second), first + second).pvalue
        assert mcnemar(first, second) == pytest.approx(expected, rel=1e-9)


def test_kappa_of_the_worked_example() -> None:
    found = cohens_kappa([[60, 10], [6, 24]])
    assert found is not None
    assert (found.pairs, found.observed) == (100, 0.84)
    assert found.kappa == pytest.approx(0.633028, abs=1e-6)
    first = [0] * 70 + [1] * 30
    second = [0] * 60 + [1] * 10 + [0] * 6 + [1] * 24
    assert found.kappa == pytest.approx(cohen_kappa_score(first, second))
    assert found.low is not None
    assert found.high is not None
    # The textbook's large-sample error of this kappa is 0.0809.
    assert (found.low, found.high) == pytest.approx((0.633 - 1.96 * 0.081, 0.633 + 1.96 * 0.081), abs=0.02)
    assert found == cohens_kappa([[60, 10], [6, 24]]), "the same pairs, the same interval"


def test_kappa_says_nothing_where_all_say_the_same() -> None:
    assert cohens_kappa([[0, 0], [0, 0]]) is None
    always = cohens_kappa([[12, 0], [0, 0]])
    assert always is not None
    assert (always.observed, always.kappa, always.low) == (1, None, None)


def test_ranking_is_judged_as_scikit_learn_does_weights_and_ties_included() -> None:
    chance = random.Random(1)  # noqa: S311 - the same each time
    for size in (10, 500):
        scores = [round(chance.random(), 1 if size == 500 else 3) for _ in range(size)]
        truth = [chance.random() < 0.2 + 0.5 * score for score in scores]
        truth[:2] = [True, False]
        for weights in ([1.0] * size, [chance.choice((1, 20, 100)) for _ in range(size)]):
            assert roc_auc(scores, truth, weights) == pytest.approx(roc_auc_score(truth, scores, sample_weight=weights))
            assert average_precision(scores, truth, weights) == pytest.approx(
                average_precision_score(truth, scores, sample_weight=weights)
            )


def test_beta_is_symmetric() -> None:
    assert math.isclose(beta_cdf(0.2, 3, 7), 1 - beta_cdf(0.8, 7, 3), rel_tol=1e-12)

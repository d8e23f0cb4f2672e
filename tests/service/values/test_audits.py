"""Estimates from audits hold what they promise, whoever answers, appeals or edits, and why."""

import random
from datetime import UTC, datetime

import pytest
from scipy import stats

from service.values.audits import (
    GROUPINGS,
    Draw,
    DrawnStratum,
    DrawState,
    audited_share,
    found_share_of_kinds,
    group,
    grouped,
    share_of_kinds,
    strata_of,
)
from service.values.domain import Action, DecidedBy, Verdict
from service.values.statistics import Estimate, Stratum, clopper_pearson, pooled

RUNS = 100
AT = datetime(2026, 11, 30, tzinfo=UTC)


def draw(number: int, *, wrong: bool | None = None, lost: str | None = None, **more: object) -> Draw:
    """Of a rejection. `wrong`: what a person answered; None: nobody did."""
    state = DrawState.LOST if lost else DrawState.OPEN if wrong is None else DrawState.ANSWERED
    verdict = None if wrong is None else Verdict.APPROVE if wrong else Verdict.REJECT
    fields: dict[str, object] = {
        "comment": f"c-{number}",
        "revision": 1,
        "at": AT,
        "decision": Action.REJECT,
        "inclusion": 0.05,
        "scores": {"toxicity": 0.99},
        "language": "en",
        "model": "m-1",
        "policy": "default@1",
        "decided_by": DecidedBy.MODEL,
        "state": state,
        "verdict": verdict,
        "lost": lost,
    }
    return Draw(**(fields | more))  # type: ignore[arg-type]


def test_a_week_without_lost_audits_is_estimated_as_the_specification_says() -> None:
    rejected, reviewed = DrawnStratum(4_000, 200, 200, 188), DrawnStratum(3_000, 3_000, 3_000, 1_350)
    approved = DrawnStratum(43_000, 430, 430, 6)
    expected = {
        "precision": (audited_share([rejected]), 0.94, 0.897538, 0.968616),
        "omission": (audited_share([approved]), 0.0139535, 0.0051374, 0.0301221),
        "recall": (found_share_of_kinds([[rejected]], [[reviewed], [approved]]), 0.658494, 0.6012, 0.7115),
        "of all": (found_share_of_kinds([[rejected], [reviewed]], [[approved]]), 0.894921, 0.7941, 0.9495),
    }
    for name, (found, value, low, high) in expected.items():
        assert found is not None, name
        assert (found.value, found.low, found.high) == pytest.approx((value, low, high), abs=1e-4), name
        assert (found.lowest, found.highest) == pytest.approx((found.low, found.high)), "nothing is missing"
    prevalence = share_of_kinds([[rejected], [reviewed], [approved]])
    assert prevalence is not None
    assert prevalence.value == pytest.approx(0.1142)


def test_the_unanswered_widen_the_estimate_by_the_most_that_they_could_change() -> None:
    found = audited_share([DrawnStratum(4_000, 200, 190, 4)])
    assert found is not None
    assert (found.low, found.high) == pytest.approx(clopper_pearson(4, 190))
    assert found.lowest == pytest.approx(clopper_pearson(4, 200)[0])
    assert found.highest == pytest.approx(clopper_pearson(14, 200)[1])
    rejected, approved = DrawnStratum(4_000, 200, 150, 140), DrawnStratum(43_000, 430, 400, 6)
    recall = found_share_of_kinds([[rejected]], [[approved]])
    assert recall is not None
    low = found_share_of_kinds([[DrawnStratum(4_000, 200, 200, 140)]], [[DrawnStratum(43_000, 430, 430, 36)]])
    high = found_share_of_kinds([[DrawnStratum(4_000, 200, 200, 190)]], [[DrawnStratum(43_000, 430, 430, 6)]])
    assert low is not None
    assert high is not None
    assert (recall.lowest, recall.highest) == (low.low, high.high)


def test_without_answers_nothing_is_estimated() -> None:
    assert audited_share([]) is None
    assert audited_share([DrawnStratum(100, 5, 0, 0)]) is None
    assert audited_share([DrawnStratum(100, 0, 0, 0)]) is None
    assert share_of_kinds([[DrawnStratum(100, 0, 0, 0)], [DrawnStratum(10, 10, 10, 1)]]) is None


def test_one_sample_pools_to_itself_and_equal_shares_to_their_sum() -> None:
    assert pooled([Stratum(100, 10, 3)]) == Stratum(100, 10, 3)
    found = pooled([Stratum(100, 10, 3), Stratum(300, 30, 1)])
    assert found is not None
    assert (found.total, found.sampled, found.hits) == pytest.approx((400, 40, 4))


def test_unequal_shares_cost_what_kish_says_and_each_comment_counts_for_those_it_stands_for() -> None:
    found = pooled([Stratum(100, 50, 10), Stratum(900, 30, 3)])
    assert found is not None
    weights = [2.0] * 50 + [30.0] * 30
    assert found.sampled == pytest.approx(sum(weights) ** 2 / sum(w * w for w in weights))
    assert found.share == pytest.approx((10 * 2 + 3 * 30) / 1000)
    assert pooled([Stratum(100, 50, 10), Stratum(7, 0, 0)]) == Stratum(107, 50, 10)


@pytest.mark.parametrize(("hits", "size"), [(0.0, 41.7), (2.3, 41.7), (41.7, 41.7), (0.4, 3.2)])
def test_the_interval_also_holds_for_an_effective_size_that_is_no_whole_number(hits: float, size: float) -> None:
    low, high = clopper_pearson(hits, size)
    assert low == pytest.approx(stats.beta.ppf(0.025, hits, size - hits + 1) if hits else 0, abs=1e-9)
    assert high == pytest.approx(stats.beta.ppf(0.975, hits + 1, size - hits) if hits < size else 1, abs=1e-9)


def seeded(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - a simulation


def covered(estimates: list[Estimate | None], truths: list[float]) -> tuple[int, int]:
    """In how many runs the interval holds the truth, and in how many the one that counts the unanswered does."""
    pairs = [(each, truth) for each, truth in zip(estimates, truths, strict=True) if each is not None]
    assert len(pairs) == len(truths)
    plain = sum((each.low or 0) <= truth <= (1 if each.high is None else each.high) for each, truth in pairs)
    whole = sum((each.lowest or 0) <= truth <= (1 if each.highest is None else each.highest) for each, truth in pairs)
    return plain, whole


def rejections(random_: random.Random, *, appeals_count: bool, edits: float = 0.0) -> tuple[list[Draw], float]:
    """4,000 automatic rejections, 8 % of them wrong. Authors of wrong ones appeal in 60 % of cases, others in 5 %.

    Half of the authors who appeal do so before anybody has answered the audit. `appeals_count`: whoever decides such an
    appeal answers the audit; else it leaves the sample, as in earlier releases. `edits`: share of the wrong ones whose
    author edits first; of the others a twentieth of that.
    """
    found, wrongs = [], 0
    for number in range(4_000):
        wrong = random_.random() < 0.08
        wrongs += wrong
        if random_.random() >= 0.05:
            continue
        if random_.random() < (edits if wrong else edits / 20):
            found.append(draw(number, lost="edited"))
        elif random_.random() < (0.6 if wrong else 0.05) / 2 and not appeals_count:
            continue
        else:
            found.append(draw(number, wrong=wrong))
    return found, wrongs / 4_000


def simulated(**how: object) -> tuple[list[Estimate | None], list[float]]:
    runs = [rejections(seeded(seed), **how) for seed in range(RUNS)]  # type: ignore[arg-type]
    return [group(draws).wrong_share for draws, _ in runs], [truth for _, truth in runs]


# The least successes of 100 trials with probability 0.95 that happen in all but 1 of 1,000 cases.
LEAST = int(stats.binom.ppf(0.001, RUNS, 0.95))


def test_with_appeals_that_depend_on_the_truth_the_interval_holds_in_95_of_100_runs() -> None:
    estimates, truths = simulated(appeals_count=True)
    plain, whole = covered(estimates, truths)
    assert plain >= LEAST
    assert whole >= LEAST
    errors = [each.value - truth for each, truth in zip(estimates, truths, strict=True) if each is not None]
    assert abs(sum(errors) / RUNS) < 3 * 0.02 / RUNS**0.5, "unbiased"


def test_without_the_appealed_ones_the_estimate_flatters() -> None:
    estimates, truths = simulated(appeals_count=False)
    errors = [each.value - truth for each, truth in zip(estimates, truths, strict=True) if each is not None]
    assert sum(errors) / RUNS < -0.01


def test_with_edits_that_depend_on_the_truth_the_bounds_hold_although_the_interval_does_not() -> None:
    estimates, truths = simulated(appeals_count=True, edits=0.7)
    plain, whole = covered(estimates, truths)
    assert plain < LEAST, "as if the edited were like the others"
    assert whole >= LEAST


def test_shares_that_change_during_the_day_leave_the_estimate_unbiased() -> None:
    """Mornings are full of wrong decisions and audited with the whole share, evenings with a sixteenth of it."""
    estimates, truths = [], []
    for seed in range(RUNS):
        random_, found, wrongs = seeded(seed), [], 0
        for number in range(8_000):
            share, rate = (0.2, 0.2) if number < 1_000 else (0.05, 0.1) if number < 4_000 else (0.0125, 0.05)
            wrong = random_.random() < rate
            wrongs += wrong
            if random_.random() < share:
                found.append(draw(number, wrong=wrong, inclusion=share))
        estimates.append(group(found).wrong_share)
        truths.append(wrongs / 8_000)
    assert covered(estimates, truths)[0] >= LEAST - 2  # the interval for unequal shares is approximate
    errors = [each.value - truth for each, truth in zip(estimates, truths, strict=True) if each is not None]
    assert abs(sum(errors) / RUNS) < 0.01
    assert sum(truths) / RUNS == pytest.approx(0.0875, abs=0.002)


def test_groups_count_a_draw_for_each_of_its_attributes_and_once_for_all_else() -> None:
    both = {"toxicity": 0.99, "threat": 0.99}
    found = [draw(1, wrong=True, scores=both), draw(2, wrong=False), draw(3, lost="erased"), draw(4, language="de")]
    by = {name: grouped(found, names) for name, names in GROUPINGS.items()}
    assert {name: sorted(groups) for name, groups in by.items()} == {
        "attribute": ["threat", "toxicity"],
        "language": ["de", "en"],
        "model": ["m-1"],
        "policy": ["default@1"],
    }
    threats, all_of_them = group(by["attribute"]["threat"]), group(found)
    assert (threats.audits.drawn, threats.wrong) == (1, 1)
    assert (all_of_them.audits.drawn, all_of_them.audits.answered, all_of_them.audits.open) == (4, 2, 1)
    assert all_of_them.audits.lost == {"erased": 1}
    assert [each.total for each in strata_of(found, lambda _: False)] == [80.0]

"""Certificates from samples: folds, thinning, levels, languages, and what is said when something is missing."""

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from training import opened
from training.certificate import CertifyOutcome, certify, plan
from training.certify import (
    Certifiable,
    CertifyOptions,
    DrawLine,
    SampleLine,
    Targets,
    common_inclusion,
    folds,
    grid,
    histogram,
    placed,
    pool,
    thinned,
    unanswered,
    valid,
)
from training.errors import DataUnusable

NOW = datetime(2026, 11, 30, tzinfo=UTC)
LOWEST, HIGHEST = -80, 80
TARGETS = Targets(max_wrong_approve=0.05, max_wrong_reject=0.1, confidence=0.9)


def about(**more: Any) -> Certifiable:
    fields: dict[str, Any] = {
        "site": "daily",
        "policy": "default@2",
        "decides": "d" * 64,
        "model": "m" * 64,
        "model_version": "m",
        "targets": TARGETS,
        "lowest": LOWEST,
        "highest": HIGHEST,
        "boldest_approve": 0,
        # A threshold of review moves up to that of rejection: 40 levels lie between them.
        "boldest_reject": [None if level > 60 else 40 - level for level in range(LOWEST, HIGHEST + 1)],
        "reviewed": 100,
        "answered": 100,
    }
    return Certifiable(**{**fields, **more})


def line(number: int, **more: Any) -> SampleLine:
    at = NOW - timedelta(days=60) + timedelta(minutes=number)
    return SampleLine(cursor=f"{number}-0", id=f"c-{number}", revision=1, at=more.pop("at", at), **more)


def violating(risk: NDArray[np.float64]) -> NDArray[np.float64]:
    """The true probability that a comment of this risk violates; 0.5 in the middle between both thresholds."""
    return np.asarray(1 / (1 + np.exp(-(risk - 20) / 8)))


def traffic(
    seed: int, count: int, *, language: str = "en", audits: tuple[float, float] = (1.0, 1.0)
) -> list[SampleLine]:
    """Comments under thresholds at 0 and 40 levels of risk; approvals and rejections are drawn with these shares."""
    rng = np.random.default_rng(seed)
    risks = np.round(rng.normal(-5, 25, count)).clip(LOWEST, HIGHEST)
    labels, draws = rng.random(count) < violating(risks), rng.random(count)
    found = []
    for number, (risk, is_violating, draw) in enumerate(
        zip(risks.tolist(), labels.tolist(), draws.tolist(), strict=True)
    ):
        decision = "approve" if risk < 0 else "reject" if risk >= 40 else "review"
        share = {"approve": audits[0], "reject": audits[1], "review": 1.0}[decision]
        if draw < share:
            found.append(
                line(
                    number,
                    verdict="reject" if is_violating else "approve",
                    decision=decision,
                    inclusion=share,
                    language=language,
                    approve_level=min(HIGHEST, int(risk) + 1),
                    reject_level=min(HIGHEST, max(LOWEST, 40 - int(risk))),
                    risk=risk,
                )
            )
    return found


def certified(lines: list[SampleLine], targets: Targets = TARGETS, **options: Any) -> CertifyOutcome:
    chosen = CertifyOptions(now=NOW, **options)
    return certify(about(), targets, plan(about(), targets, folds(valid(lines), chosen), chosen))


GRID = np.arange(-80, 81)


def true_risk(side: str, level: int) -> float:
    """The share of wrong decisions among all comments that a level decides, by the law that `traffic` draws from."""
    weights = np.exp(-((GRID + 5) ** 2) / (2 * 25**2))
    rates = violating(GRID)
    inside = level >= GRID + 1 if side == "approve" else level >= 40 - GRID
    wrong = rates if side == "approve" else 1 - rates
    return float((weights * wrong)[inside].sum() / weights[inside].sum())


@pytest.mark.parametrize("audits", [(1.0, 1.0), (0.25, 0.5)])
def test_what_was_certified_is_broken_in_at_most_the_promised_share_of_samples(audits: tuple[float, float]) -> None:
    """The whole way from a sample with unequal probabilities to levels, again and again."""
    runs, risk = 60, 1 - TARGETS.confidence
    broken = found = 0
    for seed in range(runs):
        outcome = certified(traffic(seed, 3_000, audits=audits))
        if outcome.certificate is None:
            continue
        (stratum,) = outcome.certificate["strata"]
        levels = {side: stratum[f"{side}_level"] for side in ("approve", "reject")}
        promised = {"approve": 0.05, "reject": 0.1}
        found += any(level is not None for level in levels.values())
        broken += any(level is not None and true_risk(side, level) > promised[side] for side, level in levels.items())
    assert broken / runs <= risk + 3 * np.sqrt(risk * (1 - risk) / runs)
    assert found > 0.7 * runs


def test_a_certificate_says_what_was_tested_and_what_is_not_promised() -> None:
    outcome = certified(traffic(1, 6_000))
    assert outcome.certificate is not None
    (stratum,) = outcome.certificate["strata"]
    assert true_risk("approve", stratum["approve_level"]) <= 0.05
    approving = stratum["tests"][0]
    assert approving["target"] == "max_wrong_approve"
    assert approving["chosen"] == stratum["approve_level"]
    assert approving["upper"] <= 0.05
    assert approving["delta"] == pytest.approx(0.05)
    assert [step["p"] <= 0.05 for step in approving["steps"]] == [True] * (len(approving["steps"]) - 1) + [False]
    assert 0 < stratum["coverage"] < 1
    assert outcome.certificate["not_promised"]
    assert any(said.startswith("certified") for said in outcome.said)


def test_unequal_probabilities_are_thinned_to_one() -> None:
    lines = traffic(2, 20_000, audits=(0.25, 0.5))
    sample = thinned(lines, 0.25)
    by_decision = {name: [each for each in lines if each.decision == name] for name in ("approve", "reject", "review")}
    kept = {name: sum(each.decision == name for each in sample) for name in by_decision}
    assert kept["approve"] == len(by_decision["approve"])
    assert kept["review"] / len(by_decision["review"]) == pytest.approx(0.25, abs=0.02)
    assert kept["reject"] / len(by_decision["reject"]) == pytest.approx(0.5, abs=0.05)
    assert thinned(lines, 0.25) == sample, "the same lines give the same sample"


def test_rare_draws_are_left_out_only_if_they_stand_for_few_comments() -> None:
    often = [line(n, inclusion=0.5) for n in range(1000)]
    few, many = ([line(n, inclusion=0.01) for n in range(1000, 1000 + count)] for count in (1, 20))
    assert common_inclusion([*often, *few]) == 0.5
    assert common_inclusion([*often, *many]) == 0.01


def test_the_rare_audits_of_approvals_do_not_thin_those_of_rejections() -> None:
    lines = traffic(3, 20_000, audits=(0.01, 0.5))
    assert common_inclusion(pool(lines, "max_wrong_reject", 0)) == 0.5
    assert common_inclusion(pool(lines, "max_wrong_approve", 0)) == 0.01


def test_the_newest_valid_answer_counts() -> None:
    first, second = line(1, verdict="approve"), line(2, verdict="reject")
    second = msgspec.structs.replace(second, id=first.id)
    assert [each.verdict for each in valid([first, second])] == ["reject"]
    back = line(3, retracts=second.cursor)
    assert [each.verdict for each in valid([first, second, msgspec.structs.replace(back, id=first.id)])] == ["approve"]


def test_an_audit_keeps_its_probability_when_it_is_decided_again() -> None:
    drawn = line(1, verdict="approve", inclusion=0.01)
    appealed = msgspec.structs.replace(line(2, verdict="reject"), id=drawn.id)
    assert [(each.verdict, each.inclusion) for each in valid([drawn, appealed])] == [("reject", 0.01)]


def test_the_newest_answers_certify_and_younger_ones_than_a_day_wait() -> None:
    lines = [line(n, at=NOW - timedelta(hours=100 - n), verdict="approve") for n in range(100)]
    found = folds(lines, CertifyOptions(certify_share=0.5, now=NOW))
    assert max(each.at for each in found.certify) == NOW - timedelta(hours=24)
    assert max(each.at for each in found.tune) < min(each.at for each in found.certify)
    assert len(found.tune) == pytest.approx(len(found.certify), abs=1)


def test_an_audit_that_nobody_answered_counts_as_wrong() -> None:
    fold = folds(traffic(1, 3_000), CertifyOptions(now=NOW))
    states = ("open", "lost", "answered", "open")
    draws = [
        DrawLine(f"d-{n}", 1, fold.begins + timedelta(hours=1), "approve", 1.0, "m", state, "en")
        for n, state in enumerate(states)
    ]
    draws += [msgspec.structs.replace(draws[0], model="other"), msgspec.structs.replace(draws[0], at=NOW)]
    missing = unanswered(draws, about(), fold)
    assert [each.id for each in missing] == ["d-0", "d-1", "d-3"]
    options = CertifyOptions(now=NOW)
    clean, open_ones = (
        certify(about(), TARGETS, plan(about(), TARGETS, each, options), opened=1)
        for each in (fold, dataclasses.replace(fold, open=missing))
    )
    assert clean.certificate is not None
    assert open_ones.certificate is not None
    before, after = (each["strata"][0]["tests"][0]["steps"][0] for each in (clean.certificate, open_ones.certificate))
    assert (after["n"] - before["n"], after["k"] - before["k"]) == (3, 3)
    assert open_ones.certificate["strata"][0]["unanswered"] == 3


def test_the_fold_ends_where_the_wait_begins_and_not_at_the_last_answer() -> None:
    """Nobody answered for two days; what was drawn meanwhile counts as wrong, until the wait begins."""
    lines = [line(n, at=NOW - timedelta(hours=200 - n), verdict="approve") for n in range(128)]
    fold = folds(lines, CertifyOptions(now=NOW))
    assert fold.ends == NOW - timedelta(hours=24)
    draws = [
        DrawLine(f"d-{hours}", 1, NOW - timedelta(hours=hours), "approve", 1.0, "m", "open", "en")
        for hours in (60, 30, 24, 23)
    ]
    assert [each.id for each in unanswered(draws, about(), fold)] == ["d-60", "d-30", "d-24"]


def test_audits_drawn_after_the_fold_before_count_although_the_first_answers_came_later() -> None:
    lines = [line(n, at=NOW - timedelta(hours=1_000 - n), verdict="approve") for n in range(900)]
    end = lines[299].at
    later = [each for each in lines if not end < each.at < end + timedelta(hours=100)]
    fold = folds(later, CertifyOptions(now=NOW, begins=end))
    draws = [
        DrawLine(f"d-{hours}", 1, end + timedelta(hours=hours), "approve", 1.0, "m", "open", "en")
        for hours in (-1, 0, 1, 99)
    ]
    assert [each.id for each in unanswered(draws, about(), fold)] == ["d-1", "d-99"]


def test_audits_under_other_rules_that_nobody_answered_do_not_count() -> None:
    fold = folds(traffic(1, 1_000), CertifyOptions(now=NOW))
    used, at = fold.certify[0], fold.begins + timedelta(hours=1)
    answered = DrawLine(used.id, used.revision, used.at, "approve", 1.0, "m", "answered", policy="default@3")
    draws = [
        answered,
        msgspec.structs.replace(answered, comment="elsewhere", policy="default@2"),
        *(DrawLine(f"d-{n}", 1, at, "approve", 1.0, "m", "open", policy=f"default@{n}") for n in (2, 3, 4)),
    ]
    assert [each.id for each in unanswered(draws, about(), fold)] == ["d-3", "d-4"], "of 4, nothing is known"


def test_when_an_audit_is_answered_moves_it_into_no_other_fold() -> None:
    answers = [line(n, at=NOW - timedelta(hours=100 - n), verdict="approve") for n in range(100)]
    drawn = {each.id: NOW - timedelta(hours=150 - n) for n, each in enumerate(answers)}
    draws = [DrawLine(name, 1, at, "approve", 1.0, "m", "answered") for name, at in drawn.items()]
    review = line(200, at=NOW - timedelta(hours=60), verdict="approve")
    found = placed([*reversed(answers), review], draws)
    assert {each.id: each.at for each in found} == {**drawn, review.id: review.at}
    assert found == sorted(found, key=lambda each: each.at)
    begins = NOW - timedelta(hours=80)
    fold = folds(found, CertifyOptions(now=NOW, begins=begins, certify_share=1))
    assert {each.id for each in fold.certify} == {name for name, at in drawn.items() if at > begins} | {review.id}


def test_answers_are_opened_once(tmp_path: Path) -> None:
    lines = [line(n, at=NOW - timedelta(hours=100 - n), verdict="approve") for n in range(100)]
    used = folds(lines[:50], CertifyOptions(now=NOW - timedelta(hours=27)))
    assert used.ends == lines[49].at
    opened.note(tmp_path, opened.Opened("daily", used.begins, used.ends, NOW, "default@2"))
    again = folds(lines, CertifyOptions(now=NOW, begins=opened.last_end(tmp_path, "daily")))
    assert not {each.id for each in again.certify} & {each.id for each in used.certify}
    assert opened.last_end(tmp_path, "weekly") is None
    with pytest.raises(DataUnusable, match="no audit or review since"):
        folds(lines[:50], CertifyOptions(now=NOW, begins=opened.last_end(tmp_path, "daily")))


def test_without_older_answers_some_of_the_new_ones_choose_the_levels() -> None:
    lines = [line(n, at=NOW - timedelta(hours=1000 - n), verdict="approve") for n in range(900)]
    begins = lines[49].at
    found = folds(lines, CertifyOptions(certify_share=0.5, now=NOW, begins=begins))
    assert len(found.certify) == 425
    assert len(found.tune) == 475
    older = folds(lines, CertifyOptions(certify_share=0.5, now=NOW, begins=lines[299].at))
    assert (len(older.tune), len(older.certify)) == (300, 600)


def test_levels_are_chosen_by_scores_alone_and_start_where_a_test_can_pass() -> None:
    lines = traffic(4, 4_000)
    flipped = [msgspec.structs.replace(each, verdict="approve") for each in lines]
    levels = grid(lines, "approve", 0, (200, 300), 1.0)
    assert levels == grid(flipped, "approve", 0, (200, 300), 1.0)
    assert levels == sorted(levels)
    assert levels[-1] == 0
    assert sum(each.approve_level <= levels[0] for each in lines if each.approve_level is not None) >= 300


def test_too_few_answers_are_counted_before_any_label_is_opened() -> None:
    made = plan(about(), TARGETS, folds(traffic(5, 60), CertifyOptions(now=NOW)), CertifyOptions(now=NOW))
    assert made.is_hopeless
    assert "at least" in made.short[0]
    assert "more are needed" in made.short[0]


def test_a_target_that_fails_says_how_many_more_answers_it_takes() -> None:
    wanted = Targets(max_wrong_approve=0.01, confidence=0.95)
    outcome = certified(traffic(6, 1_500), wanted)
    assert outcome.certificate is None
    assert "more answers are needed" in outcome.said[0] or "More audits will not help" in outcome.said[0]


def test_a_target_below_the_error_of_the_safest_thresholds_says_that_audits_do_not_help() -> None:
    wrong = [msgspec.structs.replace(each, verdict="reject") for each in traffic(7, 2_000)]
    outcome = certified(wrong, Targets(max_wrong_approve=0.05))
    assert outcome.certificate is None
    assert "More audits will not help" in outcome.said[0]


def test_languages_with_enough_answers_are_certified_by_themselves() -> None:
    german = [
        msgspec.structs.replace(each, id=f"de-{each.id}", cursor=f"{each.cursor}1")
        for each in traffic(8, 5_000, language="de")
    ]
    few = [msgspec.structs.replace(each, id=f"uk-{each.id}") for each in traffic(9, 40, language="uk")]
    outcome = certified([*traffic(10, 5_000), *german, *few])
    assert outcome.certificate is not None
    strata = outcome.certificate["strata"]
    assert sorted(each["languages"] for each in strata) == [["de"], ["en"]], "the others go to people"
    assert [test["delta"] for each in strata for test in each["tests"]] == [pytest.approx(0.025)] * 4
    mixture = certified([*traffic(10, 5_000), *german, *few], by_language=False)
    assert mixture.certificate is not None
    assert [each["languages"] for each in mixture.certificate["strata"]] == [[]]


def test_missed_violations_are_tested_among_the_violating_only() -> None:
    outcome = certified(traffic(11, 8_000), Targets(max_wrong_approve=0.05, max_missed=0.05, confidence=0.9))
    assert outcome.certificate is not None
    (stratum,) = outcome.certificate["strata"]
    approve, missed = stratum["tests"]
    assert len({step["n"] for step in missed["steps"]}) == 1
    assert missed["steps"][0]["n"] < approve["steps"][-1]["n"]
    assert stratum["approve_level"] == min(approve["chosen"], missed["chosen"])


def test_reviews_that_nobody_answered_make_no_fair_sample() -> None:
    options = CertifyOptions(now=NOW)
    with pytest.raises(DataUnusable, match="only 90 of the 100"):
        plan(about(answered=90), TARGETS, folds(traffic(12, 500), options), options)


def test_the_histogram_counts_comments_and_not_answers() -> None:
    lines = [line(n, risk=float(n), inclusion=0.1 if n < 50 else 1.0) for n in range(100)]
    found = histogram(lines)
    assert found is not None
    assert sum(found["counts"]) == 550
    assert len(found["counts"]) == len(found["bounds"]) + 1 == 10
    assert histogram([line(1)]) is None

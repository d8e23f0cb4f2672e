"""The requirements on a release. All figures are made up."""

import io

import numpy as np
import pytest
from rich.console import Console

from training.assessment import EvaluationReport
from training.bias import Bias, GroupFigures
from training.commands.evaluate import summary_table
from training.metrics import Estimate
from training.sentences import CaseFigures, CaseKindFigures, DilutionFigures, FrameFigures, auc_by_frame
from training.spam_tests import SpamFigures, SpamLeftOutFigures, SpamSourceFigures
from training.summary import SummaryRow, of_groups, of_sentences, of_spam

NEAR = Estimate(0.8, 0.7, 0.9)


def test_sentences_are_asked_for_kinds_frames_and_the_worst_dilution() -> None:
    found = [
        *of_sentences(
            CaseFigures([CaseKindFigures("everyday", False, 8, 7, 1)], NEAR, Estimate(0.95, 0.9, 0.99), 1),
            FrameFigures({"en": NEAR, "de": NEAR}, []),
            [DilutionFigures(2, 20, 1), DilutionFigures(6, 20, 3), DilutionFigures(10, 20, 2)],
        )
    ]
    assert [(row.ours.value, row.must, row.aim, row.higher_is_better) for row in found] == [
        (0.8, 0.78, 0.90, True),
        (0.95, 0.92, 0.97, True),
        (1, 0, 0, False),
        (0.8, 0.92, 0.97, True),
        (3, 2, 0, False),
    ]
    worst = found[-1].ours
    assert worst.low
    assert worst.high
    assert 0 < worst.low < 3 < worst.high < 20
    assert (found[2].ours.low, found[2].ours.high) == (None, None), "a count has no interval"


def test_nothing_is_asked_of_what_was_not_measured() -> None:
    assert [*of_sentences(None, None, [])] == []


def test_nothing_is_asked_of_spam_in_places_that_the_model_learned_from() -> None:
    (row,) = of_spam(SpamFigures(0.01, 1_000, 0.5, 0.95, []))
    assert (row.ours, row.must, row.aim) == (Estimate(0.95), None, None)
    assert "whose other texts it learned from" in row.what
    assert [*of_spam(None)] == []


def test_half_of_the_spam_is_asked_for_in_sources_that_taught_nothing() -> None:
    sources = [SpamSourceFigures("web forms", "spam_webform_adamspd", 0.5, 5, 5, NEAR, None)]
    (row,) = of_spam(None, SpamLeftOutFigures(0.01, 1_000, 60_000, both=True, mean_found=0.6, data_sets=sources))
    assert (row.ours, row.must, row.aim, row.higher_is_better) == (Estimate(0.6), 0.5, 0.75, True)
    assert "each left out in turn; by smaller models" in row.what


def test_the_worst_group_over_the_mean_has_no_interval() -> None:
    def group(name: str, rate: float) -> GroupFigures:
        return GroupFigures(name, 100, 50, None, None, None, None, None, Estimate(rate, rate / 2, rate * 2), None)

    (row,) = of_groups(Bias("jigsaw_toxic_train", "toxicity", 0.5, [group("one", 0.1), group("other", 0.3)], {}))
    assert row.ours == Estimate(1.5)


def test_the_command_shows_an_interval_only_where_one_was_measured() -> None:
    rows = [
        SummaryRow("measured", 0.7, Estimate(0.85, 0.8, 0.9), 0.8, 0.9, True),
        SummaryRow("counted", None, Estimate(3), 2, 0, False),
        SummaryRow("asked nothing of", None, Estimate(0.95), None, None, True),
    ]
    said = io.StringIO()
    Console(width=120, file=said).print(summary_table(EvaluationReport({}, 0, [], rows)))
    lines = [line for line in said.getvalue().splitlines() if line.startswith("\u2502")]
    assert [[cell.strip() for cell in line.strip("\u2502").split("\u2502")] for line in lines] == [
        ["measured", "0.7000", "0.8500 [0.8000, 0.9000]", "0.8000", "0.9000"],
        ["counted", "", "3", "2", "0"],
        ["asked nothing of", "", "0.9500", "", ""],
    ]


def test_an_interval_by_frame_is_wider_than_one_that_takes_its_sentences_for_independent() -> None:
    rng = np.random.default_rng(0)
    frames = np.repeat([f"frame {number}" for number in range(20)], 50)
    answers = np.repeat([0, 1] * 10, 50).astype(np.int8)
    scores = np.repeat(rng.normal(size=20) + np.array([0, 1] * 10), 50) + rng.normal(size=1_000) * 0.01
    found = auc_by_frame(scores, answers, frames, rng)
    alone = auc_by_frame(scores, answers, np.arange(1_000).astype(str), rng)
    assert found
    assert alone
    assert found.value == pytest.approx(alone.value)
    assert width(found) > 2 * width(alone)


def width(estimate: Estimate) -> float:
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.high - estimate.low

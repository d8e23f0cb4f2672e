"""What is asked of a release. All figures are made up."""

import numpy as np
import pytest

from training.metrics import Estimate
from training.sentences import Cases, Diluted, Kind, Written, auc_by_frame
from training.summary import of_sentences

NEAR = Estimate(0.8, 0.7, 0.9)


def test_sentences_are_asked_for_kinds_frames_and_the_worst_dilution() -> None:
    found = [
        *of_sentences(
            Cases([Kind("everyday", False, 8, 7, 1)], NEAR, Estimate(0.95, 0.9, 0.99), 1),
            Written({"en": NEAR, "de": NEAR}, []),
            [Diluted(2, 20, 1), Diluted(6, 20, 3), Diluted(10, 20, 2)],
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
    assert 0 < worst.low < 3 < worst.high < 20


def test_nothing_is_asked_of_what_was_not_measured() -> None:
    assert [*of_sentences(None, None, [])] == []


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
    assert found.high - found.low > 2 * (alone.high - alone.low)

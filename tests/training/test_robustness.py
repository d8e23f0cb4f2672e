"""The recall lost under disguise, and the choice of the threshold."""

import numpy as np
import pytest

from training.disguise import KINDS
from training.robustness import Flagging, robustness, threshold_at

TEXTS = [f"you are an idiot number {n}" for n in range(40)]
WORDS = [{"idiot"}] * 40


def _reads_plainly(texts: object) -> np.ndarray:
    return np.array([float("idiot" in text) for text in texts])  # type: ignore[attr-defined]


def test_who_reads_plainly_loses_all_and_who_flags_everything_nothing() -> None:
    everything = Flagging(lambda texts: np.ones(len(texts)), 0.5)
    found = robustness(TEXTS, WORDS, everything, Flagging(_reads_plainly, 0.5), seed=0)
    assert [each.kind for each in found.kinds] == list(KINDS)
    assert (found.recall_clean, found.average_lost.value) == (1.0, 0.0)
    lost = {each.kind: each.textbook_lost for each in found.kinds}
    assert lost["spaced"] == lost["dotted"] == lost["zero_width"] == 1.0
    assert found.textbook_average_lost is not None
    assert found.textbook_average_lost > 0.9


def test_gains_make_up_for_nothing() -> None:
    def prefers_disguise(texts: object) -> np.ndarray:
        return np.array([0.2 if "idiot" in text else 1.0 for text in texts])  # type: ignore[attr-defined]

    found = robustness(TEXTS, WORDS, Flagging(prefers_disguise, 0.5), None, seed=0)
    assert found.recall_clean == 0
    assert found.average_lost.value == 0
    assert min(each.lost for each in found.kinds) == -1
    assert found.textbook_average_lost is None


def test_only_the_chosen_words_are_disguised() -> None:
    seen: list[str] = []

    def remembers(texts: object) -> np.ndarray:
        seen.extend(texts)  # type: ignore[call-overload]
        return np.ones(len(texts))  # type: ignore[arg-type]

    robustness(TEXTS[:2], WORDS[:2], Flagging(remembers, 0.5), None, seed=0)
    assert all(text.startswith("you are an ") for text in seen)


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5])
def test_the_threshold_flags_that_share_of_the_harmless_by_weight(share: float) -> None:
    random = np.random.default_rng(0)
    scores, answers = random.random(5_000), (random.random(5_000) < 0.2).astype(np.int8)
    weights = random.uniform(0.5, 2, 5_000)
    threshold = threshold_at(scores, answers, weights, share)
    harmless = answers == 0
    flagged = weights[harmless & (scores >= threshold)].sum() / weights[harmless].sum()
    assert flagged <= share
    assert flagged == pytest.approx(share, abs=0.002)


def test_ties_at_the_threshold_are_not_flagged_when_all_of_them_would_be_too_many() -> None:
    scores, answers = np.full(100, 0.4), np.zeros(100, np.int8)
    assert threshold_at(scores, answers, np.ones(100), 0.02) > 0.4

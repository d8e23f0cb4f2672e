"""The curve that shows what is lost if comments skip the deep reader."""

from pathlib import Path

import numpy as np
import pytest

import classifier
from training import contrast
from training.skip_curve import OWN, SHARES, JudgedTexts, curve, skip_curves

TEXTS = 200


def judged() -> JudgedTexts:
    """The fast reader is right where it is sure, and guesses elsewhere; both together are always right."""
    answers = (np.arange(TEXTS) % 2).astype(np.int8)
    both = np.where(answers == 1, 0.9, 0.1)[:, None]
    fast = both.copy()
    fast[TEXTS // 2 :, 0] = np.random.default_rng(1).uniform(0.4, 0.6, TEXTS // 2)
    return JudgedTexts(both, fast, answers, np.array([0.5]))


def test_the_ends_are_one_reader_and_both() -> None:
    found = judged()
    first, *_, last = curve(found, 0)
    assert (first.read, first.lost) == (0, 1)
    assert (last.read, last.lost, last.auc, last.missed, last.held) == (1, 0, 1, 0, 0)
    assert first.missed == pytest.approx(np.mean(found.fast[found.answers == 1, 0] < 0.5))


def test_what_the_fast_reader_is_sure_of_can_skip_without_loss() -> None:
    lost = {point.read: point.lost for point in curve(judged(), 0)}
    assert lost[0.6] == 0
    assert (lost[0.2] or 0) > 0.1


def test_answers_that_are_all_the_same_give_no_curve() -> None:
    found = judged()
    assert not curve(JudgedTexts(found.both, found.fast, np.zeros(TEXTS, np.int8), found.thresholds), 0)


def test_the_shipped_model_is_measured_on_our_own_sentences(
    shipped: classifier.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = contrast.rows("en")[::900]
    monkeypatch.setattr(contrast, "rows", lambda _language: few)
    (found,) = skip_curves(shipped, tmp_path, seed=0)
    assert found.data_set == OWN
    assert found.texts == sum(row.is_test and not row.labels.get("spam") for row in few)
    assert [point.read for point in found.points] == [*SHARES]
    assert skip_curves(shipped, tmp_path, seed=0) == [found]


def test_a_model_without_a_deep_reader_has_none(shipped: classifier.Model, tmp_path: Path) -> None:
    alone = shipped.without_deep_reader()
    assert not alone.has_deep_reader
    text = "You are an idiot."
    assert alone.score(text) == classifier.load(classifier.SHIPPED, both=False).score(text)
    assert not skip_curves(alone, tmp_path, seed=0)

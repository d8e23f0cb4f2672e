"""How much each reader counts, for logits of known quality."""

import numpy as np
import pytest
from numpy.typing import NDArray

from classifier import LABELS
from classifier.deep.stack import INPUTS
from training.calibration import NATURAL
from training.deep.stack import FEWEST_IN_LANGUAGE, OF_WHOLE, ReaderLogits, stacked


def said(
    count: int, fast: float, deep: float, source: str = NATURAL, language: str = "en", seed: int = 0, known: int = 0
) -> ReaderLogits:
    """Toxicity alone is known; `fast` and `deep` say how much of the answer each reader tells. `known`: so many labels
    of each kind, 0 for all.
    """
    random = np.random.default_rng(seed)
    answers = random.permutation(np.arange(count) % 2)
    noise = random.normal(size=(count, INPUTS))
    noise[:, 2] = noise[:, 1]
    logits = np.zeros((count, len(LABELS), INPUTS))
    logits[:, 0] = noise + (2 * answers - 1)[:, None] * np.array([fast, deep, deep])
    labels = np.full((count, len(LABELS)), np.nan, np.float32)
    labels[:, 0] = answers
    if known:
        for answer in (0, 1):
            labels[np.flatnonzero(answers == answer)[known:], 0] = np.nan
    rows = np.full(count, source), np.full(count, language)
    return ReaderLogits(logits, labels, np.ones(count, np.float32), *rows)


def together(*parts: ReaderLogits) -> ReaderLogits:
    return ReaderLogits(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("logits", "labels", "weights", "sources", "languages")
        )
    )


def shares(weights: NDArray[np.float64]) -> tuple[float, float]:
    """Of the fast reader, and of the deep one in all."""
    np.testing.assert_allclose(weights[1:], weights[1:].sum() * np.array([OF_WHOLE, 1 - OF_WHOLE]))
    assert (weights >= 0).all()
    return float(weights[0] / weights.sum()), float((weights[1] + weights[2]) / weights.sum())


@pytest.mark.parametrize(("fast", "deep"), [(1.0, 0.0), (0.0, 1.0)])
def test_the_reader_that_knows_more_counts_more(fast: float, deep: float) -> None:
    weights, _ = stacked(said(2_000, fast, deep), ["en"])
    of_fast, of_deep = shares(weights[0, 0])
    assert (of_fast > 0.8) is (fast > deep)
    assert (of_deep > 0.8) is (deep > fast)


def test_a_large_data_set_does_not_decide_for_all() -> None:
    large, small = said(6_000, 1, 0, "implicit_hate"), said(200, 0, 1, "convabuse", seed=1)
    alone = shares(stacked(large, ["en"])[0][0, 0])
    assert alone[0] > 0.8
    both = shares(stacked(together(large, small), ["en"])[0][0, 0])
    assert 0.3 < both[0] < 0.7


def test_natural_text_counts_more_than_another_data_set() -> None:
    natural, other = said(2_000, 1, 0), said(2_000, 0, 1, "implicit_hate", seed=1)
    assert shares(stacked(together(natural, other), ["en"])[0][0, 0])[0] > 0.6


def test_the_sum_is_a_probability_on_natural_text() -> None:
    natural, picked = said(2_000, 0.5, 0.5), said(2_000, 3, 3, "paradetox_en", seed=1)
    weights, bias = stacked(together(natural, picked), ["en"])
    scores = 1 / (1 + np.exp(-(natural.logits[:, 0] @ weights[0, 0] + bias[0, 0])))
    answers = natural.labels[:, 0]
    assert scores.mean() == pytest.approx(answers.mean(), abs=0.01)
    sure = scores > 0.8
    assert np.count_nonzero(sure) > 50
    assert answers[sure].mean() == pytest.approx(scores[sure].mean(), abs=0.07)


@pytest.mark.parametrize(("fast", "deep"), [(1.0, 0.0), (0.0, 1.0)])
def test_a_language_hears_the_reader_that_knows_more_of_it(fast: float, deep: float) -> None:
    english, danish = said(1_000, 1, 1), said(1_000, fast, deep, "toxic_danish_dkhate", "da", seed=1)
    weights, _ = stacked(together(english, danish), ["en", "da"])
    of_fast, of_deep = shares(weights[1, 0])
    assert (of_fast > 0.8) is (fast > deep)
    assert (of_deep > 0.8) is (deep > fast)


def test_a_language_with_few_answers_takes_the_deep_reader_as_it_is_in_the_first() -> None:
    english = said(1_000, 1, 1)
    few = said(400, 0, -2, "toxic_danish_dkhate", "da", seed=1, known=FEWEST_IN_LANGUAGE - 1)
    enough = said(400, 0, -2, "toxic_danish_dkhate", "da", seed=1, known=FEWEST_IN_LANGUAGE)
    expected = stacked(english, ["en", "nl"])
    found = stacked(together(english, few), ["en", "da"])
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    own = stacked(together(english, enough), ["en", "da"])
    assert (own[0][1, 0] != found[0][1, 0]).any()
    np.testing.assert_array_equal(own[0][0], found[0][0])


def test_of_a_label_without_answers_both_readers_count_alike() -> None:
    weights, bias = stacked(said(100, 1, 1), ["en"])
    spam = LABELS.index("spam")
    assert shares(weights[0, spam]) == (0.5, 0.5)
    assert bias[0, spam] == 0

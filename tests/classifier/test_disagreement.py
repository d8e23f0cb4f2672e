"""How far the deep reader moves the probabilities of the fast one."""

import pytest

import classifier

TEXTS = ("The new bridge opens on Monday.", "You are such an idiot.", "Nobody wants people like you here.", "")


@pytest.fixture(scope="module")
def shipped() -> classifier.Model:
    return classifier.load(classifier.SHIPPED)


@pytest.mark.parametrize("text", TEXTS)
def test_it_is_the_largest_difference_between_the_fast_reader_and_both(shipped: classifier.Model, text: str) -> None:
    both, alone = shipped.assess(text), shipped.without_deep_reader().assess(text)
    expected = max(abs(one - other) for one, other in zip(both.scores, alone.scores, strict=True))
    assert both.disagreement == pytest.approx(expected, abs=1e-12)
    assert both.disagreement > 0


def test_with_one_reader_there_is_none(shipped: classifier.Model) -> None:
    assert shipped.without_deep_reader().assess(TEXTS[1]).disagreement == 0


def test_a_sentence_that_only_one_reader_takes_for_an_insult_is_disputed(shipped: classifier.Model) -> None:
    disputed, harmless = (
        shipped.assess(text).disagreement for text in ("They are all vermin.", "Where did you read that?")
    )
    assert harmless < 0.1
    assert disputed > 0.3

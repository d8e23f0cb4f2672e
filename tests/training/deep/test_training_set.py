"""What the deep reader learns from, and what is excluded."""

from dataclasses import replace

import numpy as np
import pytest

from classifier import LABELS
from classifier.deep.encoder import SHIPPED, load_encoder
from classifier.deep.windows import tokens_of
from training import dilution
from training.deep.fit import MOST_PIECES
from training.deep.training_set import DILUTED, LEAST, LONGEST, MOST, STACKING_FOLD, training_set
from training.examples import HELD_OUT_FOLD, TEST, Examples

TOKENIZER = load_encoder(SHIPPED / "use-multilingual-3").tokenizer


def pieces_of(text: str) -> list[int]:
    return [*tokens_of(text, TOKENIZER).pieces]


def made(count: int, *, harmful: int, language: str = "en") -> Examples:
    texts = [f"{language} {'idiot' if at < harmful else 'garden'} {at}" for at in range(count)]
    labels = np.full((count, len(LABELS)), np.nan, np.float32)
    labels[:, 0] = [1.0] * harmful + [0.0] * (count - harmful)
    folds, weights = np.zeros(count, np.int8), np.ones(count, np.float32)
    return Examples(texts, labels, weights, texts, folds, ["own"] * count, [language] * count)


def test_held_out_texts_judges_and_the_fold_of_the_stack_are_not_learned() -> None:
    few = made(8, harmful=4)
    folds = np.array([0, HELD_OUT_FOLD, TEST, STACKING_FOLD, 2, 3, 5, 6], np.int8)
    sources = ["own"] * 4 + ["own", "fox_news_comments", "own", "own"]
    weights, labels = few.weights.copy(), few.labels.copy()
    weights[6], labels[7] = 0, np.nan
    found = training_set(replace(few, folds=folds, sources=sources, weights=weights, labels=labels), TOKENIZER)
    assert [each.tolist() for each in found.pieces] == [pieces_of(few.texts[at]) for at in (0, 4)]
    np.testing.assert_array_equal(found.labels, few.labels[[0, 4]])


def test_weights_are_near_1_and_within_bounds() -> None:
    few = replace(made(5, harmful=2), weights=np.array([1e-6, 1, 1, 16, 1e6], np.float32))
    assert training_set(few, TOKENIZER).weights.tolist() == [LEAST, 1, 1, MOST, MOST]


def test_as_many_harmful_as_harmless_texts_come_again_among_harmless_ones_of_their_language() -> None:
    english, german = made(1_000, harmful=400), made(900, harmful=300, language="de")
    both = Examples(
        english.texts + german.texts,
        np.concatenate([english.labels, german.labels]),
        np.ones(1_900, np.float32),
        english.groups + german.groups,
        np.zeros(1_900, np.int8),
        english.sources + german.sources,
        english.languages + german.languages,
    )
    found = training_set(both, TOKENIZER)
    more = found.pieces[1_900:]
    assert len(more) == 2 * round(1_000 * DILUTED) + 2 * round(900 * DILUTED)
    assert np.count_nonzero(found.labels[1_900:, 0]) == len(more) / 2
    assert len(found.labels) == len(found.weights) == len(found.groups) == len(found.pieces)
    idiot, garden = (set(pieces_of(word)) for word in ("idiot", "garden"))
    spoken = {language: set(pieces_of(language)) for language in ("en", "de")}
    for pieces, label in zip(more, found.labels[1_900:, 0], strict=True):
        here = pieces.tolist()
        assert len(here) <= MOST_PIECES
        assert sum(piece in idiot - garden for piece in here) == (len(idiot - garden) if label else 0)
        assert (spoken["en"] <= set(here)) != (spoken["de"] <= set(here)), "all of one language"
    assert any(len(pieces) > 3 * len(pieces_of(english.texts[0])) for pieces in more)


def test_of_few_texts_and_of_long_ones_nothing_is_made_up() -> None:
    few = made(2 * dilution.FEWEST - 1, harmful=dilution.FEWEST)
    assert len(training_set(few, TOKENIZER).pieces) == len(few)
    long = made(2 * dilution.FEWEST, harmful=dilution.FEWEST)
    assert len(training_set(long, TOKENIZER).pieces) > len(long)
    longer = replace(long, texts=[f"{text} {'so ' * LONGEST}" for text in long.texts])
    assert len(training_set(longer, TOKENIZER).pieces) == len(longer)


@pytest.mark.parametrize("source", ["gab_hate_corpus", "ham_irc_ubuntu"])
def test_texts_of_other_places_are_not_put_among_others(source: str) -> None:
    count = 2 * dilution.FEWEST
    foreign = replace(made(count, harmful=dilution.FEWEST), sources=[source] * count)
    found = training_set(foreign, TOKENIZER)
    assert len(found.pieces) == count
    assert set(found.groups.tolist()) == {1}

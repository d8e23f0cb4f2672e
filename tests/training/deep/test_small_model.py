"""A model that is trained in minutes has both readers, weighed as those of a whole model."""

from itertools import product

import numpy as np
import pytest

from classifier import LABELS
from classifier.kernel import Weights
from training.deep.published import Published
from training.deep.stack import OF_WHOLE
from training.examples import Examples, fold_of
from training.fit import Recipe, fit
from training.metrics import roc_auc
from training.small_model import small_model

QUICK = Recipe(bits=14, vector_bits=12, most_iterations=40, epochs=3)
RUDE = (
    "You are {} {} idiot.",
    "Shut up, {} {} moron.",
    "Only {} {} clown writes so.",
    "{} {} garbage, and so are you.",
)
KIND = (
    "You are {} {} friend.",
    "Look at {} {} sunset.",
    "Only {} {} cook bakes so.",
    "{} {} garden, and so many birds.",
)
FIRST, SECOND = ("a", "the", "this", "that", "one"), ("great", "big", "total", "real", "true", "huge", "small", "loud")
FRENCH = (
    "Tu es un idiot.",
    "Ferme-la, imbécile !",
    "Quel crétin tu fais.",
    "Merci pour cet article.",
    "Il pleut à Lyon.",
)


def sentences() -> Examples:
    """320 texts, of which half have each attribute."""
    texts = [frame.format(*words) for frame in (*RUDE, *KIND) for words in product(FIRST, SECOND)]
    labels = np.repeat((np.arange(len(texts)) < len(texts) / 2)[:, None], len(LABELS), axis=1).astype(np.float32)
    folds = np.array([fold_of(text) for text in texts], np.int8)
    return Examples(texts, labels, np.ones(len(texts), np.float32), texts, folds, ["jigsaw_toxic_train"] * len(texts))


def test_both_readers_judge_and_the_deep_one_alone_where_the_fast_one_learned_nothing(
    source: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.deep.build.published", lambda: source)
    known = sentences()
    model = small_model(known, QUICK, lambda _: None, both=True)
    assert model.stack is not None
    weights, toxicity = model.stack.weights, LABELS.index("toxicity")
    assert weights[model.rows["en"], toxicity, 0] > 0
    assert not weights[model.rows["fr"], :, 0].any()
    of_deep = weights[:, toxicity, 1:]
    np.testing.assert_allclose(of_deep[:, 0] / of_deep.sum(axis=1), OF_WHOLE)
    held_out = known.held_out()
    scores = model.scores(held_out)[:, toxicity]
    assert (roc_auc(scores, held_out.labels[:, toxicity].astype(np.int8)) or 0) > 0.95
    french = Examples(
        [*FRENCH], np.zeros((5, len(LABELS)), np.float32), np.ones(5, np.float32), [*FRENCH], np.zeros(5, np.int8),
        ["own"] * 5, ["fr"] * 5,
    )  # fmt: skip
    rude = model.scores(french)[:, toxicity]
    assert rude[:3].min() > rude[3:].max()
    deep = model.stack.reader.read_many(french.texts)
    expected = model.stack.scores(model.rows["fr"], np.full((5, len(LABELS)), 0.5), deep)
    np.testing.assert_allclose(rude, expected[:, toxicity])


def test_a_model_without_a_deep_reader_is_the_fast_one() -> None:
    known = sentences()
    model = small_model(known, QUICK, lambda _: None, both=False)
    expected = Weights(fit(known, QUICK).arrays).score_many(known.texts)
    np.testing.assert_array_equal(model.scores(known), expected)

"""Combined scores with another fast reader's scores; the deep reader is a stub."""

from typing import Any

import msgspec
import numpy as np

import classifier
from classifier.deep.kernel import LABELS
from classifier.deep.stack import INPUTS, Stack
from classifier.folder import read_folder
from classifier.kernel import Weights
from classifier.manifest import Deep
from classifier.model import Model

TEXTS = ["You are a fool.", "A fine garden."]


class Reader:
    def read_many(self, texts: list[str]) -> Any:
        return np.array([[len(text) / 10] * (2 * LABELS) for text in texts]).reshape(-1, 2 * LABELS)


def test_with_its_own_fast_reader_the_scores_are_its_own_and_with_another_they_move() -> None:
    manifest, arrays, _ = read_folder(classifier.SHIPPED)
    judged: dict[str, Any] = {"en": ["spam", "toxicity"]}
    deep = Deep(encoder="made-up", encoder_sha256="0" * 64, languages=judged)
    reader: Any = Reader()
    stack = Stack(reader, np.full((1, LABELS, INPUTS), 0.4), np.zeros((1, LABELS)))
    weights = Weights(arrays)
    model = Model(msgspec.structs.replace(manifest, deep=deep), weights, None, stack)
    fast = weights.score_many(TEXTS)
    own = model.score_with(fast, TEXTS)
    np.testing.assert_allclose(own, model.score_many(TEXTS))
    assert own.shape == (2, 2)
    assert (model.score_with(np.full_like(fast, 1 - 1e-6), TEXTS) > own).all()

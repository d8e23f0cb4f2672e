"""The figures on our own sentences, for a model with given answers."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from training.sentences import written


class Told:
    """It finds threats toxic and nothing spam; toxicity need not be the first label that it judges."""

    def __init__(self, labels: tuple[str, ...]) -> None:
        self.languages = {"en": labels}
        self.transferred = frozenset[str]()
        self.manifest = SimpleNamespace(thresholds={"toxicity": {"review_at": 0.5}})

    def score(self, text: str, _language: str = "en") -> tuple[float, ...]:
        toxicity = 0.9 if "hurt you" in text or "dead" in text else 0.1
        return tuple(toxicity if label == "toxicity" else 0.0 for label in self.languages["en"])

    def score_many(self, texts: Sequence[str], _language: str = "en") -> NDArray[np.float64]:
        return np.array([self.score(text) for text in texts])


@pytest.mark.usefixtures("few_sentences")
@pytest.mark.parametrize("labels", [("toxicity", "spam"), ("spam", "toxicity")])
def test_toxicity_is_found_among_the_labels_that_are_judged(labels: tuple[str, ...]) -> None:
    model: Any = Told(labels)
    assert written(model, 0).auc["en"].value == 1.0


@pytest.mark.usefixtures("few_sentences")
def test_a_language_without_toxicity_has_no_figure() -> None:
    model: Any = Told(("spam",))
    assert written(model, 0).auc == {}
    assert written(model, 0).functions == []

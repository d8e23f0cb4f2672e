"""Comments under news, each judged without its article; invented ones, and readers that are told what to say."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from classifier import LABELS
from training import cross_validation
from training.cross_validation import NAME, cross_validate
from training.examples import Examples

TEXTS = [f"{kind} number {number}" for number in range(30) for kind in ("Those vermin", "A fine goal")]
ANSWERS = np.array([1, 0] * 30)
# Of its own it cannot tell anything apart.
FAST = 0.4


class Stacked:
    """A model whose deep reader knows every answer; it remembers what it was given of the fast one."""

    def __init__(self, *, has_deep_reader: bool) -> None:
        self.languages = {"en": LABELS}
        self.has_deep_reader = has_deep_reader
        self.given: list[Any] = []

    def score_with(self, fast: Any, texts: list[str]) -> Any:
        self.given.append(fast)
        return fast + np.array([["vermin" in text] * len(LABELS) for text in texts]) * 0.5


@pytest.fixture(autouse=True)
def news(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.full((len(TEXTS), len(LABELS)), np.nan, np.float32)
    labels[:, LABELS.index("identity_attack")] = ANSWERS
    articles = [f"article {at // 6}" for at in range(len(TEXTS))]
    made = Examples(
        TEXTS, labels, np.ones(len(TEXTS), np.float32), articles, np.zeros(len(TEXTS), np.int8), [NAME] * len(TEXTS)
    )
    monkeypatch.setattr(cross_validation, "load", lambda _name, _folder: made)
    monkeypatch.setattr(cross_validation, "available", lambda _folder, _names: ["another"])
    said = SimpleNamespace(score_many=lambda texts: np.full((len(texts), len(LABELS)), FAST))
    monkeypatch.setattr(cross_validation, "fit", lambda _examples, _recipe: SimpleNamespace(arrays={}))
    monkeypatch.setattr(cross_validation, "Weights", lambda _arrays: said)


def test_news_are_judged_by_a_fast_reader_taught_without_them_and_the_deep_one_of_the_model() -> None:
    model: Any = Stacked(has_deep_reader=True)
    found = cross_validate(model, Path(), 1, 0, lambda _: None)
    assert found.ours["identity_attack"].value == 1.0
    assert found.fast["identity_attack"].value == 0.5
    (given,) = model.given
    assert (given == FAST).all(), "every comment by a part that was taught without it"


def test_a_model_without_a_deep_reader_is_judged_by_the_fast_one_alone() -> None:
    model: Any = Stacked(has_deep_reader=False)
    found = cross_validate(model, Path(), 1, 0, lambda _: None)
    assert found.ours["identity_attack"].value == 0.5
    assert found.fast == {}
    assert model.given == []

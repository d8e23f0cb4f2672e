"""Cross-validation by article, on invented comments and with a fast reader that memorizes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from by_heart import ByHeart

from classifier import LABELS
from training import cross_validation
from training.cross_validation import FOLDS, NAME, cross_validate
from training.examples import Examples

TEXTS = [f"{kind} number {number}" for number in range(30) for kind in ("Those vermin", "A fine goal")]
ARTICLES = [f"article {at // 6}" for at in range(len(TEXTS))]
# What it says of a text that it did not learn: it cannot tell anything apart.
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


def made(texts: list[str], groups: list[str], source: str) -> Examples:
    labels = np.full((len(texts), len(LABELS)), np.nan, np.float32)
    labels[:, LABELS.index("identity_attack")] = ["vermin" in text for text in texts]
    count = len(texts)
    return Examples(texts, labels, np.ones(count, np.float32), groups, np.zeros(count, np.int8), [source] * count)


@pytest.fixture(autouse=True)
def reader(monkeypatch: pytest.MonkeyPatch) -> ByHeart:
    sets = {NAME: made(TEXTS, ARTICLES, NAME), "spam_sms": made(["All of them are vermin"], ["other"], "spam_sms")}
    monkeypatch.setattr(cross_validation, "load", lambda name, _folder: sets[name])
    monkeypatch.setattr(cross_validation, "available", lambda _folder, _names: [*sets])
    found = ByHeart("identity_attack", FAST)
    monkeypatch.setattr(cross_validation, "fit", found.fit)
    monkeypatch.setattr(cross_validation, "Weights", found.weights)
    return found


def test_each_comment_is_judged_by_a_reader_that_learned_all_but_its_article(reader: ByHeart) -> None:
    model: Any = Stacked(has_deep_reader=False)
    cross_validate(model, Path(), 1, 0, lambda _: None)
    assert len(reader.taught) == FOLDS
    left_out = []
    for learned in reader.taught:
        assert "All of them are vermin" in learned.texts, "the other data sets teach, too"
        articles = set(ARTICLES) - set(learned.groups)
        left_out += sorted(articles)
        assert {text for text, article in zip(TEXTS, ARTICLES, strict=True) if article not in articles} < set(
            learned.texts
        )
        assert not set(learned.texts) & {
            text for text, article in zip(TEXTS, ARTICLES, strict=True) if article in articles
        }
    assert sorted(left_out) == sorted(set(ARTICLES)), "each article is left out once"


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

"""What is lost if one model replaces another, according to their manifests."""

from typing import Any

import numpy as np
import pytest

import classifier
from classifier import Losses, Worth, losses
from classifier.held_out import LEVEL

JUDGES = {"en": ("toxicity", "threat"), "de": ("toxicity",)}


def worth(judges: Any = JUDGES, **figures: tuple[int, int, float]) -> Worth:
    """`figures`: data set and attribute with two underscores between -> texts, positive, ROC AUC."""
    held_out: dict[str, Any] = {}
    for name, (texts, positive, auc) in figures.items():
        data_set, attribute = name.split("__")
        held_out.setdefault(data_set, {})[attribute] = {"texts": texts, "positive": positive, "roc_auc": auc}
    return Worth(judges, {"held_out": held_out})


def test_the_shipped_model_loses_nothing_to_itself() -> None:
    manifest = classifier.read_manifest(classifier.SHIPPED)
    same = Worth(manifest.judged, manifest.metrics)
    assert losses(same, same) == Losses((), (), ())
    assert not losses(same, same).is_any


def test_a_lost_language_and_lost_attributes_are_named() -> None:
    found = losses(worth(), worth({"en": ("toxicity",)}))
    assert found == Losses(("de",), (("en", "threat"),), ())
    assert found.is_any
    assert not losses(worth({"en": ("toxicity",)}), worth()).is_any, "more is no loss"


@pytest.mark.parametrize(
    ("before", "after", "is_worse"),
    [
        ((7587, 1443, 0.9791), (7587, 1443, 0.9500), True),
        ((7587, 1443, 0.9791), (7587, 1443, 0.9780), False),  # as two runs differ
        ((7587, 1443, 0.9500), (7587, 1443, 0.9791), False),  # better
        ((60, 30, 0.90), (60, 30, 0.82), False),  # too few to tell
        ((2000, 1000, 1.0), (2000, 1000, 1.0), False),
        ((2000, 1000, 1.0), (2000, 1000, 0.97), True),
    ],
)
def test_a_figure_is_worse_when_chance_does_not_explain_it(before: Any, after: Any, is_worse: bool) -> None:
    found = losses(worth(a__toxicity=before), worth(a__toxicity=after)).fallen
    assert [(each.data_set, each.attribute) for each in found] == ([("a", "toxicity")] if is_worse else [])
    assert all((each.before, each.after) == (before[2], after[2]) for each in found)


def test_of_models_that_are_equally_good_hardly_one_in_twenty_is_called_worse() -> None:
    chance = np.random.default_rng(7)

    def run() -> Worth:
        return worth(**{f"s{n}__toxicity": (200, 100, _auc(chance)) for n in range(8)})

    wrong = sum(losses(run(), run()).is_any for _ in range(300))
    assert wrong / 300 <= LEVEL + 0.03


def _auc(chance: np.random.Generator) -> float:
    """Of 100 scores of either kind, drawn anew."""
    scores = sorted([(chance.normal(1.2, 1), 1) for _ in range(100)] + [(chance.normal(0, 1), 0) for _ in range(100)])
    below = right = 0
    for _, answer in scores:
        below += answer == 0
        right += below * answer
    return right / 10_000


@pytest.mark.parametrize(
    "metrics",
    [
        {},
        {"held_out": 3},
        {"held_out": {"a": 3, "b": {"toxicity": None}}},
        {"held_out": {"a": {"toxicity": {"texts": 0, "positive": 0, "roc_auc": 0.1}}}},
        {"held_out": {"a": {"toxicity": {"texts": 5, "positive": 9, "roc_auc": 0.1}}}},
        {"held_out": {"a": {"toxicity": {"texts": 500, "positive": 90, "roc_auc": float("nan")}}}},
        {"held_out": {"a": {"toxicity": {"texts": float("inf"), "positive": True, "roc_auc": -3}}}},
        {"held_out": {"b": {"toxicity": {"texts": 500, "positive": 90, "roc_auc": 0.5}}}},
    ],
)
def test_a_manifest_of_another_shape_is_compared_as_far_as_it_goes(metrics: Any) -> None:
    other, usual = Worth(JUDGES, metrics), worth(a__toxicity=(5000, 1000, 0.95))
    assert not losses(usual, other).is_any
    assert not losses(other, usual).is_any

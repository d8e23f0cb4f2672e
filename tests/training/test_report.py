"""The report's held-out figures use the scores that the service gives."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import classifier
from training.evaluation import PUBLIC_TEST
from training.examples import HELD_OUT_FOLD, Examples
from training.report import report

HARMFUL = (
    "You are an idiot.",
    "Nobody wants people like you here.",
    "Go back to where you came from.",
    "What a stupid thing to say, moron.",
    "I will find you and break your legs.",
    "They are all vermin.",
    "Shut your mouth, you clown.",
)
HARMLESS = (
    "Thank you for the article.",
    "I do not agree with the mayor.",
    "He called me an idiot, and that hurt.",
    "The new bridge opens on Monday.",
    "That joke killed me.",
    "My cat is a little clown.",
    "Where did you read that?",
)


def held_out(language: str = "en") -> Examples:
    texts, count = [*HARMFUL, *HARMLESS], len(HARMFUL) + len(HARMLESS)
    labels = np.full((count, len(classifier.LABELS)), np.nan, np.float32)
    labels[:, classifier.LABELS.index("toxicity")] = [1.0] * len(HARMFUL) + [0.0] * len(HARMLESS)
    folds = np.full(count, HELD_OUT_FOLD, np.int8)
    return Examples(texts, labels, np.ones(count, np.float32), texts, folds, ["made_up"] * count, [language] * count)


def share_in_order(scores: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> float:
    """Of the pairs of a harmful and a harmless text those where the harmful one has the higher score."""
    harmful, harmless = scores[: len(HARMFUL), None], scores[None, len(HARMFUL) :]
    return round(float(((harmful > harmless) + 0.5 * (harmful == harmless)).mean()), 4)


def test_both_readers_are_measured_together(tmp_path: Path, shipped: classifier.Model) -> None:
    examples, alone = held_out(), classifier.load(classifier.SHIPPED, both=False)
    at = shipped.languages["en"].index("toxicity")
    both, fast = (share_in_order(model.score_many(examples.texts)[:, at]) for model in (shipped, alone))
    assert both != fast
    for model, expected in ((shipped, both), (alone, fast)):
        found = report(model, tmp_path, examples)["made_up"]["toxicity"]
        assert (found["texts"], found["positive"]) == (14, 7)
        assert found["roc_auc"] == expected


def test_a_language_that_only_both_readers_judge_has_figures(tmp_path: Path, shipped: classifier.Model) -> None:
    alone = classifier.load(classifier.SHIPPED, both=False)
    assert "it" in shipped.languages.keys() - alone.languages.keys()
    assert report(shipped, tmp_path, held_out("it"))["made_up"].keys() == {"toxicity"}
    assert report(alone, tmp_path, held_out("it")) == {}


def test_the_sample_of_the_last_calibration_has_no_calibration_error(
    tmp_path: Path, shipped: classifier.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    public = replace(held_out(), sources=[PUBLIC_TEST] * len(held_out()))
    monkeypatch.setattr("training.report.load", lambda _name, _folder: public)
    monkeypatch.setattr("training.report.DATA_SETS", {PUBLIC_TEST: SimpleNamespace(files=lambda _folder: True)})
    found = report(shipped, tmp_path, held_out())
    assert found["made_up"]["toxicity"].keys() - found[PUBLIC_TEST]["toxicity"].keys() == {"calibration_error"}

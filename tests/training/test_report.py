"""The report's held-out figures use the scores that the service gives."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import classifier
from training.evaluation import JIGSAW, PUBLIC_TEST
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
        found = report(model, tmp_path, examples).figures["made_up"]["toxicity"]
        assert (found["texts"], found["positive"]) == (14, 7)
        assert found["roc_auc"] == expected


def test_a_language_that_only_both_readers_judge_has_figures(tmp_path: Path, shipped: classifier.Model) -> None:
    alone = classifier.load(classifier.SHIPPED, both=False)
    assert "it" in shipped.languages.keys() - alone.languages.keys()
    assert report(shipped, tmp_path, held_out("it")).figures["made_up"].keys() == {"toxicity"}
    assert report(alone, tmp_path, held_out("it")) == ({}, None)


def test_the_sample_of_the_last_calibration_has_no_calibration_error(
    tmp_path: Path, shipped: classifier.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    public = replace(held_out(), sources=[PUBLIC_TEST] * len(held_out()))
    monkeypatch.setattr("training.report.load", lambda _name, _folder: public)
    monkeypatch.setattr("training.report.DATA_SETS", {PUBLIC_TEST: SimpleNamespace(files=lambda _folder: True)})
    found = report(shipped, tmp_path, held_out()).figures
    assert found["made_up"]["toxicity"].keys() - found[PUBLIC_TEST]["toxicity"].keys() == {"calibration_error"}


def test_errors_by_group_count_the_harmless_texts_that_name_it(shipped: classifier.Model, tmp_path: Path) -> None:
    """As `steward train` notes them, from the scores that the service gives."""
    harmless = [
        f"Our {who} neighbours shot {day} birds and killed a pig." for who in ("muslim", "jewish") for day in range(40)
    ]
    harmless += [f"The {day}th of May was warm." for day in range(400)]
    harmful = [f"You stupid muslim scum number {day}, get out." for day in range(40)]
    texts = [*harmless, *harmful, "Women read this.", "Our deaf neighbours sing."]
    labels = np.full((len(texts), len(classifier.LABELS)), np.nan, np.float32)
    answers = np.array([0.0] * len(harmless) + [1.0] * len(harmful) + [0.0] + [np.nan], np.float32)
    labels[:, classifier.LABELS.index("toxicity")] = answers
    count = len(texts)
    folds = np.full(count, HELD_OUT_FOLD, np.int8)
    examples = Examples(texts, labels, np.ones(count, np.float32), texts, folds, [JIGSAW] * count)
    groups = report(shipped, tmp_path, examples).groups
    assert groups is not None
    assert (groups["data_set"], groups["attribute"]) == (JIGSAW, "toxicity")
    assert {group: each["texts"] for group, each in groups["harmless"].items()} == {"muslim": 40, "jewish": 40}
    scores = shipped.score_many(texts)[:, shipped.languages["en"].index("toxicity")]
    flagged = scores >= groups["threshold"]
    assert np.mean(flagged[answers == 0]) <= 0.02, "the threshold of the model card"
    named = {"muslim": flagged[:40].sum(), "jewish": flagged[40:80].sum()}
    assert {group: each["flagged"] for group, each in groups["harmless"].items()} == named
    assert sum(named.values()), "what names a group scores higher than the weather"


def test_texts_that_were_drawn_more_often_than_others_are_weighted(shipped: classifier.Model, tmp_path: Path) -> None:
    """As if each stood there as often as comments that it stands for."""
    counts = np.array([1, 2, 1, 3, 1, 1, 4, 1, 5, 1, 1, 2, 1, 1])
    labels = held_out().labels
    labels[[0, 7]] = labels[[7, 0]]  # so that no model puts all of them in order
    once = replace(held_out(), labels=labels)
    weighted = replace(once, stands_for=counts.astype(np.float32))
    repeated = once.at(np.repeat(np.arange(len(counts)), counts))
    found = report(shipped, tmp_path, weighted).figures["made_up"]["toxicity"]
    expected = report(shipped, tmp_path, repeated).figures["made_up"]["toxicity"]
    plain = report(shipped, tmp_path, once).figures["made_up"]["toxicity"]
    assert (found["roc_auc"], found["calibration_error"]) == (expected["roc_auc"], expected["calibration_error"])
    assert found["roc_auc"] != plain["roc_auc"]
    yes, no = counts[:7], counts[7:]
    assert found["positive"] == round(yes.sum() ** 2 / (yes**2).sum()) == 5
    assert found["texts"] == 5 + round(no.sum() ** 2 / (no**2).sum()), "as precise as so many with equal weights"

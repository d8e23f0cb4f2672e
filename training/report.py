"""A short report on a new model, on held-out texts; `steward evaluate` has all figures."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import classifier
from training import metrics
from training.datasets import DATA_SETS, load
from training.evaluation import BINS, FEWEST, PUBLIC_TEST, answers_of, by_attribute
from training.examples import Examples, column, joined
from training.metrics import Numbers

Figures = dict[str, float]
Report = dict[str, dict[str, Figures]]


def report(model: classifier.Model, folder: Path, examples: Examples) -> Report:
    """Figures by data set, by language if it has several, and by attribute.

    They are ROC AUC, expected calibration error, and the numbers of texts. The scores are those that the service would
    give, of both readers if the model has both. The sample that the last calibration step was fitted on has no
    calibration error (ADR 10).
    """
    held_out = examples.held_out()
    if DATA_SETS[PUBLIC_TEST].files(folder):
        held_out = joined([held_out, load(PUBLIC_TEST, folder)])
    sources = np.array(held_out.sources)
    found: Report = {}
    for source in sorted(set(held_out.sources)):
        spoken = held_out.where(sources == source).by_language()
        for language, texts in spoken.items():
            figures = {
                attribute: _figures(scores, texts.labels[:, column(attribute)], texts.weights)
                for attribute, scores in by_attribute(model, texts.texts, language).items()
            }
            if source == PUBLIC_TEST:
                for each in figures.values():
                    each.pop("calibration_error", None)
            if any(figures.values()):
                name = source if len(spoken) == 1 else f"{source} ({language})"
                found[name] = {attribute: each for attribute, each in figures.items() if each}
    return found


def _figures(scores: Numbers, labels: NDArray[np.float32], weights: NDArray[np.float32]) -> Figures:
    """Empty if either answer has fewer than FEWEST texts."""
    known = np.isfinite(labels)
    scores, answers, weights = scores[known], answers_of(labels[known]), weights[known]
    positive = int(answers.sum())
    if min(positive, len(answers) - positive) < FEWEST:
        return {}
    auc = metrics.roc_auc(scores, answers)
    assert auc is not None, "both answers are there"  # noqa: S101 - for the type checker
    table = metrics.reliability(scores, answers, BINS, weights if weights.any() else None)
    return {
        "texts": len(answers),
        "positive": positive,
        "roc_auc": round(auc, 4),
        "calibration_error": round(metrics.calibration_error(table), 4),
    }

"""What a new model says of texts that it did not learn from; `steward evaluate` says more."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from classifier import LABELS
from classifier.kernel import Weights
from training.datasets import DATA_SETS, load
from training.examples import Examples, joined

# Never trained on: figures on it compare with what others publish.
PUBLIC_TEST = "jigsaw_toxic_test_public"
FEWEST = 5

Figures = dict[str, float]
Report = dict[str, dict[str, Figures]]


def report(weights: Weights, folder: Path, examples: Examples) -> Report:
    """By data set and attribute: ROC AUC, expected calibration error, and how many texts that rests on."""
    held_out = examples.held_out()
    if DATA_SETS[PUBLIC_TEST].files(folder):
        held_out = joined([held_out, load(PUBLIC_TEST, folder)])
    scores = weights.score_many(held_out.texts)
    sources = np.array(held_out.sources)
    found: Report = {}
    for source in sorted(set(held_out.sources)):
        chosen = sources == source
        figures = {
            attribute: _figures(scores[chosen, index], held_out.labels[chosen, index], held_out.weights[chosen])
            for index, attribute in enumerate(LABELS)
        }
        if any(figures.values()):
            found[source] = {attribute: each for attribute, each in figures.items() if each}
    return found


def _figures(scores: NDArray[np.float64], labels: NDArray[np.float32], weights: NDArray[np.float32]) -> Figures:
    """Empty where either answer has fewer than FEWEST texts."""
    known = np.isfinite(labels)
    scores, answers, weights = scores[known], labels[known] > 0.5, weights[known]  # noqa: PLR2004 - the majority
    if min(np.count_nonzero(answers), np.count_nonzero(~answers)) < FEWEST:
        return {}
    if not weights.any():
        weights = np.ones_like(weights)
    return {
        "texts": len(answers),
        "positive": int(np.count_nonzero(answers)),
        "roc_auc": round(float(roc_auc_score(answers, scores)), 4),
        "calibration_error": round(calibration_error(scores, answers, weights), 4),
    }


def calibration_error(
    scores: NDArray[np.float64], answers: NDArray[np.bool_], weights: NDArray[np.float32], bins: int = 15
) -> float:
    """Expected calibration error over `bins` bins of equal width, each text counted by its weight."""
    at = np.minimum((scores * bins).astype(int), bins - 1)
    gaps = np.bincount(at, weights * (answers - scores), minlength=bins)
    return float(np.abs(gaps).sum() / weights.sum())

"""What a model is worth on texts that it did not learn from, as values; the command prints them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import classifier
from training import metrics
from training.datasets import DATA_SETS, load
from training.examples import Examples, column
from training.metrics import Answers, Estimate, Numbers

REPEATS = 1_000
BINS = 15
# Below this many of either answer an interval says little, and a figure is left out.
FEWEST = 5
# The six labels by which the Jigsaw challenge was judged.
SIX = ("toxicity", "severe_toxicity", "identity_attack", "insult", "profanity", "threat")
PUBLIC_TEST = "jigsaw_toxic_test_public"
JIGSAW = "jigsaw_toxic_train"


@dataclass(frozen=True, slots=True)
class Figures:
    """One attribute on one data set. `texts` and `positive` are counts.

    What depends on how common a yes is (all but `auc`) counts each text by its weight where a data set gives some:
    the rebuilt copy of Jigsaw has the natural share only then.
    """

    texts: int
    positive: int
    auc: Estimate
    average_precision: Estimate
    brier: float
    log_loss: float
    ece_equal_width: float
    ece_equal_mass: float
    reliability: list[metrics.Bin]


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A data set's part that was held out; `mean_auc_six` over the Jigsaw labels, where all six are there."""

    data_set: str
    part: str
    attributes: dict[str, Figures]
    mean_auc_six: Estimate | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    model: str
    digest: str
    seed: int
    results: list[Evaluated]

    def plain(self) -> dict[str, Any]:
        """For JSON; the same inputs and seed give the same bytes."""
        found: dict[str, Any] = asdict(self)
        return found


def evaluate(model: classifier.Model, folder: Path, names: Sequence[str] | None = None, seed: int = 0) -> Evaluation:
    """Every data set in the folder, or those named, each on what no training run sees. Raises DataUnusable."""
    chosen = names or [PUBLIC_TEST, *(name for name in DATA_SETS if name != PUBLIC_TEST)]
    results = []
    for name in chosen:
        if names is None and (not DATA_SETS[name].files(folder) or DATA_SETS[name].language != "en"):
            continue
        found = _evaluated(model, name, load(name, folder).held_out(), seed)
        if found.attributes:
            results.append(found)
    return Evaluation(model.version, model.digest, seed, results)


def _evaluated(model: classifier.Model, name: str, held_out: Examples, seed: int) -> Evaluated:
    rng = np.random.default_rng(seed)
    scores = _by_attribute(model, held_out.texts)
    weights = _weights(held_out)
    attributes: dict[str, Figures] = {}
    for attribute in scores:
        values = held_out.labels[:, column(attribute)]
        known = np.isfinite(values)
        answers = _answers(values[known])
        if min(np.count_nonzero(answers == 1), np.count_nonzero(answers == 0)) >= FEWEST:
            attributes[attribute] = _figures(scores[attribute][known], answers, weights[known], rng)
    part = "public test" if name == PUBLIC_TEST else "held-out fold and published test split"
    mean = _mean_of_six(scores, held_out, rng) if attributes.keys() >= set(SIX) else None
    return Evaluated(name, part, attributes, mean)


def _by_attribute(model: classifier.Model, texts: Sequence[str]) -> dict[str, Numbers]:
    """Only what both the model and the data sets know."""
    scores = model.score_many(texts)
    return {name: scores[:, model.labels.index(name)] for name in classifier.LABELS if name in model.labels}


def _weights(held_out: Examples) -> Numbers:
    """Of mean 1: what a data set weighs against others is for training."""
    weights = held_out.weights.astype(np.float64)
    return weights / weights.mean() if weights.any() else np.ones_like(weights)


def _answers(labels: NDArray[np.float32]) -> Answers:
    return (labels > 0.5).astype(np.int8)  # noqa: PLR2004 - what most readers said


def _figures(scores: Numbers, answers: Answers, weights: Numbers, rng: np.random.Generator) -> Figures:
    auc = metrics.bootstrap_auc(scores, answers, REPEATS, rng)
    precision = metrics.bootstrap_average_precision(scores, answers, REPEATS, rng, weights)
    assert auc is not None and precision is not None, "both answers are there"  # noqa: S101, PT018
    table = metrics.reliability(scores, answers, BINS, weights)
    equal_mass = metrics.reliability_equal_mass(scores, answers, BINS, weights)
    return Figures(
        texts=len(answers),
        positive=int(answers.sum()),
        auc=_rounded(auc),
        average_precision=_rounded(precision),
        brier=round(metrics.brier(scores, answers, weights), 5),
        log_loss=round(metrics.log_loss(scores, answers, weights), 5),
        ece_equal_width=round(metrics.calibration_error(table), 5),
        ece_equal_mass=round(metrics.calibration_error(equal_mass), 5),
        reliability=table,
    )


def _mean_of_six(scores: dict[str, Numbers], held_out: Examples, rng: np.random.Generator) -> Estimate:
    labels = held_out.labels[:, [column(name) for name in SIX]]
    known = np.isfinite(labels).all(axis=1)
    together = np.stack([scores[name][known] for name in SIX], axis=1)
    return _rounded(metrics.bootstrap_mean_auc(together, _answers(labels[known]), REPEATS, rng))


def _rounded(estimate: Estimate) -> Estimate:
    return Estimate(round(estimate.value, 4), round(estimate.low, 4), round(estimate.high, 4))

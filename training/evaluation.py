"""What a model is worth on texts that it did not learn from, as values; the command prints them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import classifier
from training import metrics
from training.datasets import DATA_SETS, load
from training.examples import Examples
from training.metrics import Answers, Estimate, Numbers

REPEATS = 1_000
# Below this many of either answer an interval says little, and a figure is left out.
FEWEST = 5
# The six labels by which the Jigsaw challenge was judged.
SIX = ("toxicity", "severe_toxicity", "identity_attack", "insult", "profanity", "threat")
PUBLIC_TEST = "jigsaw_toxic_test_public"
JIGSAW = "jigsaw_toxic_train"


@dataclass(frozen=True, slots=True)
class Figures:
    """One attribute on one data set. `texts` and `positive` are counts; the rest is unweighted."""

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
    scores = model.score_many(held_out.texts)
    attributes: dict[str, Figures] = {}
    for index, attribute in enumerate(classifier.LABELS):
        known = np.isfinite(held_out.labels[:, index])
        answers = (held_out.labels[known, index] > 0.5).astype(np.int8)  # noqa: PLR2004 - what most readers said
        if min(np.count_nonzero(answers == 1), np.count_nonzero(answers == 0)) >= FEWEST:
            attributes[attribute] = _figures(scores[known, model.labels.index(attribute)], answers, rng)
    part = "public test" if name == PUBLIC_TEST else "held-out fold and published test split"
    return Evaluated(name, part, attributes, _mean_of_six(attributes, rng))


def _figures(scores: Numbers, answers: Answers, rng: np.random.Generator) -> Figures:
    auc = metrics.bootstrap_auc(scores, answers, REPEATS, rng)
    precision = metrics.bootstrap(metrics.average_precision, scores, answers, REPEATS // 10, rng)
    assert auc is not None and precision is not None, "both answers are there"  # noqa: S101, PT018
    table = metrics.reliability(scores, answers, 15)
    return Figures(
        texts=len(answers),
        positive=int(answers.sum()),
        auc=_rounded(auc),
        average_precision=_rounded(precision),
        brier=round(metrics.brier(scores, answers), 5),
        log_loss=round(metrics.log_loss(scores, answers), 5),
        ece_equal_width=round(metrics.calibration_error(table), 5),
        ece_equal_mass=round(metrics.calibration_error(metrics.reliability_equal_mass(scores, answers, 15)), 5),
        reliability=table,
    )


def _mean_of_six(attributes: dict[str, Figures], rng: np.random.Generator) -> Estimate | None:
    """The mean, with an interval that takes the six for independent and their errors for normal."""
    if not attributes.keys() >= set(SIX):
        return None
    each = [attributes[name].auc for name in SIX]
    mean = float(np.mean([auc.value for auc in each]))
    drawn = np.mean([rng.normal(auc.value, (auc.high - auc.low) / 3.92, REPEATS) for auc in each], axis=0)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return _rounded(Estimate(mean, float(low), min(1.0, float(high))))


def _rounded(estimate: Estimate) -> Estimate:
    return Estimate(round(estimate.value, 4), round(estimate.low, 4), round(estimate.high, 4))

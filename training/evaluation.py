"""Measures a model on texts that it was not trained on; the command prints the figures."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import classifier
from training import metrics
from training.calibration import adjustment
from training.datasets import DATA_SETS, available, load
from training.examples import Examples, column, is_first_half
from training.metrics import Answers, Estimate, Numbers

REPEATS = 1_000
BINS = 15
POINTS = 41
# Thresholds that people commonly use.
MARKED = (0.5, 0.7, 0.8, 0.9)
# With fewer of either answer the interval is too wide, and the figure is left out.
FEWEST = 5
# The six labels of the Jigsaw challenge.
SIX = ("toxicity", "severe_toxicity", "identity_attack", "insult", "profanity", "threat")
PUBLIC_TEST = "jigsaw_toxic_test_public"
JIGSAW = "jigsaw_toxic_train"


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """At a threshold: the shares of all comments above and below it, and the share of wrong decisions in each."""

    threshold: float
    share_above: float
    wrong_above: float | None
    share_below: float
    wrong_below: float | None


@dataclass(frozen=True, slots=True)
class AttributeFigures:
    """One attribute on one data set. `texts` and `positive` are counts.

    Figures that depend on the base rate (all except `auc`) use the data set's row weights, if it has any: the rebuilt
    copy of Jigsaw has the natural base rate only with them.
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
    curve: list[CurvePoint]


@dataclass(frozen=True, slots=True)
class DataSetFigures:
    """The held-out part of a data set; `mean_auc_six` is over the Jigsaw labels, if all six are there."""

    data_set: str
    part: str
    attributes: dict[str, AttributeFigures]
    mean_auc_six: Estimate | None


def evaluate(
    model: classifier.Model, folder: Path, names: Sequence[str] | None = None, seed: int = 0
) -> list[DataSetFigures]:
    """All data sets in the folder, or those named, each on the rows that no training run sees. Raises DataUnusable."""
    chosen = names or available(folder, [PUBLIC_TEST, *(name for name in DATA_SETS if name != PUBLIC_TEST)])
    results = []
    for name in chosen:
        is_judged = name not in DATA_SETS or any(each in model.languages for each in DATA_SETS[name].languages)
        if names is None and not is_judged:
            continue
        parts = load(name, folder).held_out().by_language()
        for language, held_out in parts.items():
            found = _evaluated(model, held_out, language, seed)
            if found.attributes:
                results.append(found if len(parts) == 1 else replace(found, part=f"{found.part}, {language}"))
    return results


def _evaluated(model: classifier.Model, held_out: Examples, language: str, seed: int) -> DataSetFigures:
    name, rng = held_out.sources[0], np.random.default_rng(seed)
    scores = by_attribute(model, held_out.texts, language)
    weights = natural_weights(held_out)
    first = is_first_half(held_out)
    attributes: dict[str, AttributeFigures] = {}
    for attribute in scores:
        values = held_out.labels[:, column(attribute)]
        known = np.isfinite(values)
        answers = answers_of(values[known])
        if min(np.count_nonzero(answers == 1), np.count_nonzero(answers == 0)) >= FEWEST:
            judged = scores[attribute][known]
            calibrated = judged
            if name == PUBLIC_TEST:
                calibrated = cross_fitted(judged, answers, first[known], _calibration(model, attribute))
            attributes[attribute] = _figures(judged, calibrated, answers, weights[known], rng)
    part = "public test" if name == PUBLIC_TEST else "held-out fold and published test split"
    mean = _mean_of_six(scores, held_out, rng) if attributes.keys() >= set(SIX) else None
    return DataSetFigures(name, part, attributes, mean)


def by_attribute(model: classifier.Model, texts: Sequence[str], language: str = "en") -> dict[str, Numbers]:
    """Scores of the attributes that both the model and the data sets have."""
    labels = model.languages.get(language, ())
    if not labels:
        return {}
    scores = model.score_many(texts, language)
    return {name: scores[:, labels.index(name)] for name in classifier.LABELS if name in labels}


def cross_fitted(scores: Numbers, answers: Answers, first: NDArray[np.bool_], fitted: tuple[float, float]) -> Numbers:
    """Recalibrates each half on the other one, because the model was calibrated on this sample (ADR 10).

    `fitted`: the slope and intercept of that calibration. They are undone first, since each half contributed to them.
    """
    safe = np.clip(scores, 1e-12, 1 - 1e-12)
    logits, found = (np.log(safe / (1 - safe)) - fitted[1]) / fitted[0], np.empty(len(scores))
    for half in (first, ~first):
        slope, intercept = adjustment(logits[~half, None], answers[~half, None].astype(np.float32))
        found[half] = 1 / (1 + np.exp(-(slope[0] * logits[half] + intercept[0])))
    return found


def _calibration(model: classifier.Model, attribute: str) -> tuple[float, float]:
    slopes, intercepts = model.calibration()
    at = model.languages["en"].index(attribute)
    return float(slopes[at]), float(intercepts[at])


def natural_weights(held_out: Examples) -> Numbers:
    """The row weights scaled to mean 1; the data set's weight against others matters only in training."""
    weights = held_out.weights.astype(np.float64)
    return weights / weights.mean() if weights.any() else np.ones_like(weights)


def answers_of(labels: NDArray[np.float32]) -> Answers:
    return (labels > 0.5).astype(np.int8)  # noqa: PLR2004 - the majority of readers


def _figures(
    scores: Numbers, calibrated: Numbers, answers: Answers, weights: Numbers, rng: np.random.Generator
) -> AttributeFigures:
    auc = metrics.bootstrap_auc(scores, answers, REPEATS, rng)
    precision = metrics.bootstrap_average_precision(scores, answers, REPEATS, rng, weights)
    assert auc is not None and precision is not None, "both answers are there"  # noqa: S101, PT018 - for the type checker
    table = metrics.reliability(calibrated, answers, BINS, weights)
    equal_mass = metrics.reliability_equal_mass(calibrated, answers, BINS, weights)
    return AttributeFigures(
        texts=len(answers),
        positive=int(answers.sum()),
        auc=metrics.rounded(auc),
        average_precision=metrics.rounded(precision),
        brier=round(metrics.brier(calibrated, answers, weights), 5),
        log_loss=round(metrics.log_loss(calibrated, answers, weights), 5),
        ece_equal_width=round(metrics.calibration_error(table), 5),
        ece_equal_mass=round(metrics.calibration_error(equal_mass), 5),
        reliability=[_rounded_bin(each) for each in table],
        curve=_curve(scores, answers, weights),
    )


def _rounded_bin(each: metrics.Bin) -> metrics.Bin:
    return metrics.Bin(
        *(round(value, 4) for value in (each.low, each.high, each.weight, each.mean_score, each.share_yes))
    )


def _curve(scores: Numbers, answers: Answers, weights: Numbers) -> list[CurvePoint]:
    """At quantiles of the scores and at the thresholds in MARKED."""
    found = []
    near = np.floor(np.quantile(scores, np.linspace(0, 1, POINTS)) * 1e4) / 1e4
    for threshold in np.unique([*near, *MARKED]):
        above = scores >= threshold
        found.append(
            CurvePoint(
                float(threshold),
                _share(weights, above),
                _wrong(weights, above, answers == 0),
                _share(weights, ~above),
                _wrong(weights, ~above, answers == 1),
            )
        )
    return found


def _share(weights: Numbers, chosen: NDArray[np.bool_]) -> float:
    return round(float(weights[chosen].sum() / weights.sum()), 4)


def _wrong(weights: Numbers, chosen: NDArray[np.bool_], wrong: NDArray[np.bool_]) -> float | None:
    mass = float(weights[chosen].sum())
    return round(float(weights[chosen & wrong].sum()) / mass, 4) if mass else None


def _mean_of_six(scores: dict[str, Numbers], held_out: Examples, rng: np.random.Generator) -> Estimate | None:
    """Over the texts with all six labels; None if a label does not have both answers among them."""
    labels = held_out.labels[:, [column(name) for name in SIX]]
    known = np.isfinite(labels).all(axis=1)
    together = np.stack([scores[name][known] for name in SIX], axis=1)
    answers = answers_of(labels[known])
    if not (answers.any(axis=0) & ~answers.all(axis=0)).all():
        return None
    return metrics.rounded(metrics.bootstrap_mean_auc(together, answers, REPEATS, rng))

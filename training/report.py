"""A short report on a new model, on held-out texts; `steward evaluate` has all figures."""

import math
from pathlib import Path
from typing import NamedTuple, TypedDict

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

import classifier
from training import metrics
from training.bias import ThresholdedScores, flagged_harmless
from training.datasets import DATA_SETS, load
from training.evaluation import BINS, FEWEST, JIGSAW, PUBLIC_TEST, answers_of, by_attribute, natural_weights
from training.examples import Examples, column, joined
from training.metrics import Numbers
from training.robustness import threshold_at

TOXICITY = "toxicity"
Figures = dict[str, float]
Report = dict[str, dict[str, Figures]]


class GroupReport(TypedDict):
    """How many harmless held-out texts name a group, and how many of them have at least the score `threshold`.

    The threshold is that of the model card: it flags 2 % of all harmless texts of the data set.
    """

    data_set: str
    attribute: str
    threshold: float
    harmless: dict[str, dict[str, int]]


class HeldOutReport(NamedTuple):
    """`groups`: None if the examples have no held-out texts of JIGSAW in the model's languages."""

    figures: Report
    groups: GroupReport | None


def report(model: classifier.Model, folder: Path, examples: Examples) -> HeldOutReport:
    """Figures by data set, by language if it has several, and by attribute; and the errors by identity group.

    The figures are ROC AUC, expected calibration error, and the numbers of texts. The scores are those that the service
    would give, of both readers if the model has both. The sample that the last calibration step was fitted on has no
    calibration error (ADR 10).
    """
    held_out = examples.held_out()
    if DATA_SETS[PUBLIC_TEST].files(folder):
        held_out = joined([held_out, load(PUBLIC_TEST, folder)])
    sources = np.array(held_out.sources)
    found: Report = {}
    groups = None
    for source in sorted(set(held_out.sources)):
        spoken = held_out.where(sources == source).by_language()
        for language, texts in spoken.items():
            by_name = by_attribute(model, texts.texts, language)
            figures = {
                attribute: _figures(scores, texts.labels[:, column(attribute)], texts)
                for attribute, scores in by_name.items()
            }
            if source == JIGSAW and TOXICITY in by_name:
                groups = _by_group(by_name[TOXICITY], texts)
            if source == PUBLIC_TEST:
                for each in figures.values():
                    each.pop("calibration_error", None)
            if any(figures.values()):
                name = source if len(spoken) == 1 else f"{source} ({language})"
                found[name] = {attribute: each for attribute, each in figures.items() if each}
    return HeldOutReport(found, groups)


def show(found: HeldOutReport, console: Console) -> None:
    table = Table(
        "data set", "attribute", "texts", "positive", "ROC AUC", "calibration error", title="On held-out texts"
    )
    for source, attributes in found.figures.items():
        for attribute, figures in attributes.items():
            table.add_row(
                source,
                attribute,
                str(figures["texts"]),
                str(figures["positive"]),
                f"{figures['roc_auc']:.4f}",
                f"{figures['calibration_error']:.4f}" if "calibration_error" in figures else "",
            )
    console.print(table)
    groups = classifier.group_errors({"groups": found.groups})
    if groups is not None:
        console.print(
            f"harmless texts on the worst of {groups.groups} identity groups ({groups.worst}) are flagged "
            f"{groups.ratio:.2f} times as often as the mean of the groups"
        )


def _by_group(scores: Numbers, texts: Examples) -> GroupReport | None:
    """None if no text is harmless."""
    labels = texts.labels[:, column(TOXICITY)]
    known = np.isfinite(labels)
    texts, scores, answers = texts.where(known), scores[known], answers_of(labels[known])
    if answers.all():
        return None
    # Rounded up: rounded down it would flag more than it says.
    threshold = math.ceil(threshold_at(scores, answers, natural_weights(texts)) * 10_000) / 10_000
    found = flagged_harmless(ThresholdedScores(scores, answers, threshold), texts.texts)
    harmless = {group: each._asdict() for group, each in found.items()}
    return GroupReport(data_set=JIGSAW, attribute=TOXICITY, threshold=threshold, harmless=harmless)


def _figures(scores: Numbers, labels: NDArray[np.float32], texts: Examples) -> Figures:
    """Empty if either answer has fewer than FEWEST texts.

    Texts that were drawn with unequal probabilities are weighted, and counted as so many as would be as precise with
    equal ones (Kish): `steward train` computes from the numbers how far figures differ by chance.
    """
    known = np.isfinite(labels)
    scores, answers, stands_for = scores[known], answers_of(labels[known]), texts.stands_for[known]
    weights = texts.weights[known] * stands_for
    if min(answers.sum(), len(answers) - answers.sum()) < FEWEST:
        return {}
    auc = metrics.roc_auc(scores, answers, stands_for)
    assert auc is not None, "both answers are there"  # noqa: S101 - for the type checker
    table = metrics.reliability(scores, answers, BINS, weights if weights.any() else None)
    positive, negative = (metrics.effective_size(stands_for[answers == answer]) for answer in (1, 0))
    return {
        "texts": positive + negative,
        "positive": positive,
        "roc_auc": round(auc, 4),
        "calibration_error": round(metrics.calibration_error(table), 4),
    }

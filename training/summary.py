"""The summary of an evaluation: the requirements on sentences, languages, spam and fairness."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

import classifier
from training.bias import Bias, share
from training.examples import FIRST_LANGUAGE
from training.metrics import Estimate
from training.published_tests import PublishedTestFigures
from training.sentences import AMONG, CaseFigures, DilutionFigures, FrameFigures
from training.spam_tests import SpamFigures, SpamLeftOutFigures

# The languages that Perspective served, and Ukrainian.
ASKED_LANGUAGES = frozenset(
    ("ar", "cs", "de", "en", "es", "fr", "hi", "id", "it", "ja", "ko", "nl", "pl", "pt", "ru", "sv", "uk", "zh")
)


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """One line of the summary. `textbook` is None without a baseline; `must` and `aim` are None without a goal."""

    what: str
    textbook: float | None
    ours: Estimate
    must: float | None
    aim: float | None
    higher_is_better: bool


def of_sentences(
    cases: CaseFigures | None, written: FrameFigures | None, diluted: Sequence[DilutionFigures]
) -> Iterator[SummaryRow]:
    if cases:
        yield SummaryRow("sentences by kind: harmful caught, mean of the kinds", None, cases.caught, 0.78, 0.90, True)
        yield SummaryRow(
            "sentences by kind: harmless approved, mean of the kinds", None, cases.approved, 0.92, 0.97, True
        )
        yield SummaryRow("sentences by kind: harmless rejected", None, _count(cases.rejected), 0, 0, False)
    if written and (found := written.auc.get(FIRST_LANGUAGE)):
        yield SummaryRow(f"ROC AUC, toxicity, our own held-out frames, {FIRST_LANGUAGE}", None, found, 0.92, 0.97, True)
    if diluted:
        worst = max(diluted, key=lambda each: each.approved)
        what = (
            f"approved of {worst.sentences} threats and insults among {AMONG[0]} to {AMONG[-1]} harmless sentences, "
            "the worst case"
        )
        yield SummaryRow(what, None, _of(worst.approved, worst.sentences), 2, 0, False)


def of_languages(model: classifier.Model, tests: Sequence[PublishedTestFigures]) -> Iterator[SummaryRow]:
    measured = model.languages.keys() - model.transferred
    yield SummaryRow(
        "languages measured, of those asked for", None, _count(len(measured & ASKED_LANGUAGES)), 10, 13, True
    )
    transferred = len(model.transferred & ASKED_LANGUAGES)
    yield SummaryRow("languages transferred, of those asked for", None, _count(transferred), 4, 5, True)
    compared = [(each, each.textbook) for each in tests if each.textbook is not None and each.language in measured]
    if compared:
        below = [each for each, book in compared if each.auc.value < book]
        above = {each.language for each, book in compared if each.auc.low is not None and each.auc.low > book}
        above -= {each.language for each in below}
        spoken = len({each.language for each, _ in compared})
        what = "tests in measured languages on which the textbook is better"
        yield SummaryRow(what, None, _count(len(below)), 0, 0, False)
        what = f"measured languages, of {spoken} compared, better than the textbook beyond chance"
        yield SummaryRow(what, None, _count(len(above)), 6, spoken, True)


def of_spam(spam: SpamFigures | None, left_out: SpamLeftOutFigures | None = None) -> Iterator[SummaryRow]:
    """Spam recall in places whose other texts the model learned from, and in sources that a smaller one did not.

    The requirement on a release is for the second. Smaller models stand in for it, which probably find less.
    """
    if spam:
        what = (
            f"spam found where {spam.harmless_flagged:.0%} of harmless comments is flagged, mean of the places, "
            "whose other texts it learned from"
        )
        yield SummaryRow(what, None, Estimate(spam.mean_found), None, None, True)
    if left_out:
        what = (
            f"spam found where {left_out.harmless_flagged:.0%} of harmless comments is flagged, mean of "
            "the sources, each left out in turn; by smaller models"
        )
        yield SummaryRow(what, None, Estimate(left_out.mean_found), 0.5, 0.75, True)


def of_groups(groups: Bias) -> Iterator[SummaryRow]:
    rates = [each.false_positive_rate.value for each in groups.rows if each.false_positive_rate]
    if rates and (mean := float(np.mean(rates))):
        worst = round(max(rates) / mean, 4)
        what = "false positives by identity group: the worst group over their mean"
        yield SummaryRow(what, None, Estimate(worst), 2.0, 1.5, False)


def _count(number: int) -> Estimate:
    return Estimate(number)


def _of(number: int, of: int) -> Estimate:
    """A count with the interval of its share, scaled back to counts."""
    found = share(number, of)
    assert found is not None, "there are some"  # noqa: S101 - for the type checker; it cannot happen
    assert found.low is not None and found.high is not None, "a share has an interval"  # noqa: S101, PT018 - as above
    return Estimate(number, round(found.low * of, 2), round(found.high * of, 2))

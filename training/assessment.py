"""Everything that is measured of a model, in one value. The report, the model card and the tables are made from it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

import classifier
from training.bias import Bias, ThresholdedScores, bias, share
from training.cross_validation import CrossValidated, cross_validate
from training.datasets import DATA_SETS, load
from training.errors import DataUnusable
from training.evaluation import (
    BINS,
    JIGSAW,
    PUBLIC_TEST,
    SIX,
    DataSetFigures,
    answers_of,
    by_attribute,
    evaluate,
    natural_weights,
)
from training.examples import TEST, Examples, column
from training.fit import Recipe
from training.metrics import Estimate, calibration_error, reliability, roc_auc
from training.published_tests import TESTS, PublishedTestFigures, published_test_figures
from training.robustness import FALSE_POSITIVES, Flagging, Robustness, Scorer, robustness, threshold_at
from training.sentences import CaseFigures, DilutionFigures, FrameFigures, cases, diluted, written
from training.skip_curve import SkipCurve, skip_curves
from training.spam_tests import SpamFigures, SpamLeftOutFigures, spam_figures, spam_left_out
from training.span_figures import SpanFigures, span_figures
from training.summary import SummaryRow, of_groups, of_languages, of_sentences, of_spam
from training.textbook import LABELS as TEXTBOOK_LABELS
from training.textbook import Textbook, textbook

DEBIASING = "wikipedia_debiasing_nontoxic"
# Words that are disguised in each comment.
MOVING = 5

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class EvaluationOptions:
    """`names`: measure only these data sets. `baseline` and `crossed` add minutes."""

    folder: Path
    names: tuple[str, ...] = ()
    seed: int = 0
    jobs: int = 1
    baseline: bool = False
    crossed: bool = False


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """Parts that were not requested, or whose data is missing, are None or empty."""

    model: dict[str, str]
    seed: int
    data_sets: list[DataSetFigures]
    summary: list[SummaryRow]
    groups: Bias | None = None
    disguise: Robustness | None = None
    spans: SpanFigures | None = None
    cross_validation: CrossValidated | None = None
    tests: list[PublishedTestFigures] = field(default_factory=list)
    spam: SpamFigures | None = None
    spam_left_out: SpamLeftOutFigures | None = None
    cases: CaseFigures | None = None
    written: FrameFigures | None = None
    diluted: list[DilutionFigures] = field(default_factory=list)
    skipped: list[SkipCurve] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        """The report as plain data for JSON; the same inputs and seed give the same bytes."""
        found: dict[str, Any] = asdict(self)
        return found


def assess(
    model: classifier.Model, options: EvaluationOptions, progress: Progress = lambda _: None
) -> EvaluationReport:
    """Raises DataUnusable if a named data set is missing, or if the folder has none. Raises ModuleNotFoundError if the
    cross-validation of both readers has no PyTorch, before any work.
    """
    if options.crossed and model.has_deep_reader and not options.names:
        import_module("torch")
    progress("scoring held-out texts")
    named = {"version": model.version, "digest": model.digest}
    results = evaluate(model, options.folder, options.names or None, options.seed)
    if options.names:
        return EvaluationReport(named, options.seed, results, [])
    progress("scoring the publishers' test parts, and spam")
    tests = published_test_figures(
        model, options.folder, options.seed, options.jobs if options.baseline else None, progress
    )
    spam = spam_figures(model, options.folder)
    left_out = None
    if options.crossed:
        recipe = Recipe(jobs=options.jobs, seed=options.seed)
        left_out = spam_left_out(options.folder, recipe, progress, both=model.has_deep_reader)
    if not results and not tests and spam is None:
        raise DataUnusable(f"{options.folder} holds none of the data sets; see docs/data-sets.md")
    progress("deciding on the sentence cases and on our own sentences")
    by_kind, own = cases(model, options.folder, options.seed), written(model, options.seed)
    hidden_in = diluted(model, options.seed)
    progress("measuring what the deep reader is worth")
    skipped = skip_curves(model, options.folder, options.seed)
    first = [*of_sentences(by_kind, own, hidden_in)]
    last = [*_goals(tests), *of_languages(model, tests), *of_spam(spam, left_out)]
    found = EvaluationReport(
        named,
        options.seed,
        results,
        first + last,
        tests=tests,
        spam=spam,
        spam_left_out=left_out,
        cases=by_kind,
        written=own,
        diluted=hidden_in,
        skipped=skipped,
    )
    if not DATA_SETS[JIGSAW].files(options.folder):
        return found
    held_out = load(JIGSAW, options.folder).held_out()
    book = None
    if options.baseline:
        progress("training scikit-learn's textbook pipeline")
        book = textbook(options.folder, options.jobs)
    ours = _flagging(lambda texts: by_attribute(model, texts)["toxicity"], held_out)
    theirs = _flagging(_toxicity_of(book), held_out) if book else None
    answers = answers_of(held_out.labels[:, column("toxicity")])
    progress("disguising comments")
    toxic = [text for text, answer in zip(held_out.texts, answers, strict=True) if answer]
    hidden = robustness(toxic, [moving_words(model, text) for text in toxic], ours, theirs, options.seed)
    progress("comparing identity groups, and spans with those that people marked")
    judged = ThresholdedScores(ours.toxicity(held_out.texts), answers, ours.threshold)
    groups = bias(JIGSAW, "toxicity", judged, held_out.texts, np.random.default_rng(options.seed))
    spans = span_figures(model, options.folder, options.seed)
    crossed = cross_validate(model, options.folder, options.jobs, options.seed, progress) if options.crossed else None
    summary = _summary(options.folder, results, _Measured((ours, theirs), book, hidden, crossed))
    rows = [*first, *summary, *of_groups(groups), *last]
    return replace(found, summary=rows, groups=groups, disguise=hidden, spans=spans, cross_validation=crossed)


def moving_words(model: classifier.Model, text: str) -> set[str]:
    """The words that raise toxicity most: those that an author who knows the model would disguise."""
    spans = [span for span in model.spans(text, limit=1_000) if span.label == "toxicity"]
    heaviest = sorted(spans, key=lambda span: -span.weight)[:MOVING]
    return {word.lower() for span in heaviest for word in re.findall(r"\w+", text[span.start : span.end])}


def _toxicity_of(book: Textbook) -> Scorer:
    return lambda texts: book.score_many(texts)[:, TEXTBOOK_LABELS.index("toxicity")]


def _flagging(toxicity: Scorer, held_out: Examples) -> Flagging:
    answers = answers_of(held_out.labels[:, column("toxicity")])
    return Flagging(toxicity, threshold_at(toxicity(held_out.texts), answers, natural_weights(held_out)))


@dataclass(frozen=True, slots=True)
class _Measured:
    flagging: tuple[Flagging, Flagging | None]
    book: Textbook | None
    disguise: Robustness
    crossed: CrossValidated | None


def _summary(folder: Path, results: list[DataSetFigures], measured: _Measured) -> list[SummaryRow]:
    book, crossed, hidden = measured.book, measured.crossed, measured.disguise
    found = {each.data_set: each for each in results}
    rows = []
    if JIGSAW in found and (mean := found[JIGSAW].mean_auc_six):
        ours = _mean_auc(book, load(JIGSAW, folder).held_out()) if book else None
        rows.append(SummaryRow("mean ROC AUC, six labels, Jigsaw held-out fold", ours, mean, 0.9825, 0.986, True))
    if PUBLIC_TEST in found:
        rows += _on_public_test(found[PUBLIC_TEST], book, load(PUBLIC_TEST, folder))
    if crossed:
        what = f"ROC AUC, {crossed.data_set}, split by article, cross-validated"
        rows.append(SummaryRow(what, crossed.textbook.value, crossed.ours["identity_attack"], 0.72, 0.76, True))
    what = "recall lost under disguise at the clean text's threshold, mean of the kinds"
    rows.append(SummaryRow(what, hidden.textbook_average_lost, hidden.average_lost, 0.04, 0.03, False))
    if DATA_SETS[DEBIASING].files(folder):
        rows.append(_on_debiasing(folder, measured.flagging))
    return rows


def _goals(tests: list[PublishedTestFigures]) -> Iterator[SummaryRow]:
    for each in tests:
        if goal := TESTS[each.data_set, each.attribute]:
            what = f"ROC AUC, {each.attribute}, {each.data_set}, {each.part}"
            yield SummaryRow(what, each.textbook, each.auc, goal.must, goal.aim, True)


def _on_public_test(ours: DataSetFigures, book: Textbook | None, sample: Examples) -> list[SummaryRow]:
    theirs = book.score_many(sample.texts) if book else None
    labels = sample.labels[:, [column(name) for name in TEXTBOOK_LABELS]]
    auc = roc_auc(theirs[:, 0], answers_of(labels[:, 0])) if theirs is not None else None
    rows = [
        SummaryRow(
            "ROC AUC, toxicity, public test sample", _shown(auc), ours.attributes["toxicity"].auc, 0.964, 0.972, True
        )
    ]
    for at, name in enumerate(TEXTBOOK_LABELS):
        error = None
        if theirs is not None:
            error = calibration_error(reliability(theirs[:, at], answers_of(labels[:, at]), BINS))
        if name in ours.attributes:
            ece = ours.attributes[name].ece_equal_width
            what = f"expected calibration error, {name}, public test sample"
            rows.append(SummaryRow(what, _shown(error), Estimate(ece), 0.02, 0.01, False))
    return rows


def _mean_auc(book: Textbook, held_out: Examples) -> float:
    scores = book.score_many(held_out.texts)
    found = [roc_auc(scores[:, at], answers_of(held_out.labels[:, column(name)])) for at, name in enumerate(SIX)]
    return round(float(np.mean([each for each in found if each is not None])), 4)


def _on_debiasing(folder: Path, scorers: tuple[Flagging, Flagging | None]) -> SummaryRow:
    harmless = load(DEBIASING, folder)
    texts = harmless.where(harmless.folds == TEST).texts
    rates = [_flagged(each, texts) if each else None for each in scorers]
    what = (
        f"false positives on {DEBIASING} (test split) where {FALSE_POSITIVES:.0%} of all harmless comments are flagged"
    )
    ours = rates[0]
    assert ours is not None, "ours is always there"  # noqa: S101 - for the type checker
    return SummaryRow(what, rates[1].value if rates[1] else None, ours, 0.015, 0.01, False)


def _flagged(scorer: Flagging, texts: list[str]) -> Estimate:
    found = share(int(scorer.flags(texts).sum()), len(texts))
    return found or Estimate(0.0, 0.0, 1.0)


def _shown(value: float | None) -> float | None:
    return None if value is None else round(value, 4)

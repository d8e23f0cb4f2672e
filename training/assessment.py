"""Everything that is known of a model's worth, in one value: the report, the card and the tables are made of it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

import classifier
from training.bias import Bias, Judged, bias, share
from training.cross_validation import CrossValidated, cross_validate
from training.datasets import DATA_SETS, load
from training.evaluation import (
    BINS,
    JIGSAW,
    PUBLIC_TEST,
    SIX,
    Evaluated,
    answers_of,
    by_attribute,
    evaluate,
    natural_weights,
)
from training.examples import TEST, Examples, column
from training.metrics import Estimate, calibration_error, reliability, roc_auc
from training.published_tests import TESTS, OnTest, SpamFigures, on_tests, spam_figures
from training.robustness import FALSE_POSITIVES, Flagging, Robustness, Scorer, robustness, threshold_at
from training.sentences import Cases, Diluted, Written, cases, diluted, written
from training.span_figures import SpanFigures, span_figures
from training.summary import Row, of_groups, of_languages, of_sentences, of_spam
from training.textbook import LABELS as TAUGHT
from training.textbook import Textbook, textbook

DEBIASING = "wikipedia_debiasing_nontoxic"
# Words of a comment that are disguised.
MOVING = 5

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wishes:
    """`names`: only the figures of these data sets. `baseline` and `crossed` take minutes more."""

    folder: Path
    names: tuple[str, ...] = ()
    seed: int = 0
    jobs: int = 1
    baseline: bool = False
    crossed: bool = False


@dataclass(frozen=True, slots=True)
class Assessment:
    """What was not asked for, or whose data are not there, is None or empty."""

    model: dict[str, str]
    seed: int
    data_sets: list[Evaluated]
    summary: list[Row]
    groups: Bias | None = None
    disguise: Robustness | None = None
    spans: SpanFigures | None = None
    cross_validation: CrossValidated | None = None
    tests: list[OnTest] = field(default_factory=list)
    spam: SpamFigures | None = None
    cases: Cases | None = None
    written: Written | None = None
    diluted: list[Diluted] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        """For JSON; the same inputs and seed give the same bytes."""
        found: dict[str, Any] = asdict(self)
        return found


def assess(model: classifier.Model, wishes: Wishes, progress: Progress = lambda _: None) -> Assessment:
    """Raises DataUnusable when a named data set is not there."""
    progress("judging held-out texts")
    named = {"version": model.version, "digest": model.digest}
    results = evaluate(model, wishes.folder, wishes.names or None, wishes.seed)
    if wishes.names:
        return Assessment(named, wishes.seed, results, [])
    progress("judging what publishers kept for tests, and spam")
    tests = on_tests(model, wishes.folder, wishes.seed, wishes.jobs if wishes.baseline else None, progress)
    spam = spam_figures(model, wishes.folder)
    progress("deciding on sentences by kind, and on our own")
    by_kind, own = cases(model, wishes.folder, wishes.seed), written(model, wishes.seed)
    hidden_in = diluted(model, wishes.seed)
    first = [*of_sentences(by_kind, own, hidden_in)]
    last = [*_goals(tests), *of_languages(model, tests), *of_spam(spam)]
    found = Assessment(
        named, wishes.seed, results, first + last, tests=tests, spam=spam, cases=by_kind, written=own, diluted=hidden_in
    )
    if not DATA_SETS[JIGSAW].files(wishes.folder):
        return found
    held_out = load(JIGSAW, wishes.folder).held_out()
    book = None
    if wishes.baseline:
        progress("teaching scikit-learn by the textbook")
        book = textbook(wishes.folder, wishes.jobs)
    ours = _flagging(lambda texts: by_attribute(model, texts)["toxicity"], held_out)
    theirs = _flagging(_toxicity_of(book), held_out) if book else None
    answers = answers_of(held_out.labels[:, column("toxicity")])
    progress("disguising comments")
    toxic = [text for text, answer in zip(held_out.texts, answers, strict=True) if answer]
    hidden = robustness(toxic, [moving_words(model, text) for text in toxic], ours, theirs, wishes.seed)
    progress("comparing groups, and spans with those that people marked")
    judged = Judged(ours.toxicity(held_out.texts), answers, ours.threshold)
    groups = bias(JIGSAW, "toxicity", judged, held_out.texts, np.random.default_rng(wishes.seed))
    spans = span_figures(model, wishes.folder, wishes.seed)
    crossed = cross_validate(model, wishes.folder, wishes.jobs, wishes.seed, progress) if wishes.crossed else None
    summary = _summary(wishes.folder, results, _Measured((ours, theirs), book, hidden, crossed))
    rows = [*first, *summary, *of_groups(groups), *last]
    return replace(found, summary=rows, groups=groups, disguise=hidden, spans=spans, cross_validation=crossed)


def moving_words(model: classifier.Model, text: str) -> set[str]:
    """The words that moved toxicity up most: those that somebody would hide who knows the model."""
    spans = [span for span in model.spans(text, limit=1_000) if span.label == "toxicity"]
    heaviest = sorted(spans, key=lambda span: -span.weight)[:MOVING]
    return {word.lower() for span in heaviest for word in re.findall(r"\w+", text[span.start : span.end])}


def _toxicity_of(book: Textbook) -> Scorer:
    return lambda texts: book.score_many(texts)[:, TAUGHT.index("toxicity")]


def _flagging(toxicity: Scorer, held_out: Examples) -> Flagging:
    answers = answers_of(held_out.labels[:, column("toxicity")])
    return Flagging(toxicity, threshold_at(toxicity(held_out.texts), answers, natural_weights(held_out)))


@dataclass(frozen=True, slots=True)
class _Measured:
    flagging: tuple[Flagging, Flagging | None]
    book: Textbook | None
    disguise: Robustness
    crossed: CrossValidated | None


def _summary(folder: Path, results: list[Evaluated], measured: _Measured) -> list[Row]:
    book, crossed, hidden = measured.book, measured.crossed, measured.disguise
    found = {each.data_set: each for each in results}
    rows = []
    if JIGSAW in found and (mean := found[JIGSAW].mean_auc_six):
        ours = _mean_auc(book, load(JIGSAW, folder).held_out()) if book else None
        rows.append(Row("mean ROC AUC, six labels, Jigsaw held-out fold", ours, mean, 0.9825, 0.986, True))
    if PUBLIC_TEST in found:
        rows += _on_public_test(found[PUBLIC_TEST], book, load(PUBLIC_TEST, folder))
    if crossed:
        what = f"ROC AUC, {crossed.data_set}, split by article, cross-validated"
        rows.append(Row(what, crossed.textbook.value, crossed.ours["identity_attack"], 0.72, 0.76, True))
    what = "recall lost under disguise at the clean text's threshold, mean of the kinds"
    rows.append(Row(what, hidden.textbook_average_lost, hidden.average_lost, 0.04, 0.03, False))
    if DATA_SETS[DEBIASING].files(folder):
        rows.append(_on_debiasing(folder, measured.flagging))
    return rows


def _goals(tests: list[OnTest]) -> Iterator[Row]:
    for each in tests:
        if goal := TESTS[each.data_set, each.attribute]:
            what = f"ROC AUC, {each.attribute}, {each.data_set}, {each.part}"
            yield Row(what, each.textbook, each.auc, goal.must, goal.aim, True)


def _on_public_test(ours: Evaluated, book: Textbook | None, sample: Examples) -> list[Row]:
    theirs = book.score_many(sample.texts) if book else None
    labels = sample.labels[:, [column(name) for name in TAUGHT]]
    auc = roc_auc(theirs[:, 0], answers_of(labels[:, 0])) if theirs is not None else None
    rows = [
        Row("ROC AUC, toxicity, public test sample", _shown(auc), ours.attributes["toxicity"].auc, 0.964, 0.972, True)
    ]
    for at, name in enumerate(TAUGHT):
        error = None
        if theirs is not None:
            error = calibration_error(reliability(theirs[:, at], answers_of(labels[:, at]), BINS))
        if name in ours.attributes:
            said = ours.attributes[name].ece_equal_width
            what = f"expected calibration error, {name}, public test sample"
            rows.append(Row(what, _shown(error), Estimate(said), 0.02, 0.01, False))
    return rows


def _mean_auc(book: Textbook, held_out: Examples) -> float:
    scores = book.score_many(held_out.texts)
    found = [roc_auc(scores[:, at], answers_of(held_out.labels[:, column(name)])) for at, name in enumerate(SIX)]
    return round(float(np.mean([each for each in found if each is not None])), 4)


def _on_debiasing(folder: Path, scorers: tuple[Flagging, Flagging | None]) -> Row:
    harmless = load(DEBIASING, folder)
    texts = harmless.where(harmless.folds == TEST).texts
    rates = [_flagged(each, texts) if each else None for each in scorers]
    what = (
        f"false positives on {DEBIASING} (test split) where {FALSE_POSITIVES:.0%} of all harmless comments are flagged"
    )
    ours = rates[0]
    assert ours is not None, "ours is always there"  # noqa: S101
    return Row(what, rates[1].value if rates[1] else None, ours, 0.015, 0.01, False)


def _flagged(scorer: Flagging, texts: list[str]) -> Estimate:
    found = share(int(scorer.flags(texts).sum()), len(texts))
    return found or Estimate(0.0, 0.0, 1.0)


def _shown(value: float | None) -> float | None:
    return None if value is None else round(value, 4)

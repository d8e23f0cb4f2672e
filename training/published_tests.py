"""Measures a model on the publishers' test parts.

Releases are compared by these figures, so each test has one fixed attribute and part for every model.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import classifier
from training import metrics
from training.datasets import available, load
from training.examples import FIRST_LANGUAGE, Examples, column, joined
from training.leaks import without_leaks
from training.metrics import Answers, Estimate, Numbers
from training.textbook import of_one_label

REPEATS = 1_000
# With fewer of either answer than the first a test is skipped; with fewer than the second our held-out fold is added.
FEWEST, FEW = 5, 50


@dataclass(frozen=True, slots=True)
class Goal:
    must: float
    aim: float


# The attribute that each data set is about, and the goal of a release.
ENGLISH: Mapping[tuple[str, str], Goal] = {
    ("toxigen_annotated", "toxicity"): Goal(0.90, 0.94),
    ("implicit_hate", "identity_attack"): Goal(0.80, 0.84),
    ("gab_hate_corpus", "identity_attack"): Goal(0.87, 0.90),
    ("hatexplain", "toxicity"): Goal(0.80, 0.85),
    ("hatemoji_build", "identity_attack"): Goal(0.70, 0.80),
    ("edos_sexism", "identity_attack"): Goal(0.80, 0.84),
    ("stormfront_sentences", "identity_attack"): Goal(0.87, 0.90),
}
OTHERS: Mapping[tuple[str, str], Goal | None] = {
    ("german_gahd", "toxicity"): Goal(0.85, 0.89),
    ("german_germeval2018", "toxicity"): Goal(0.80, 0.83),
    ("portuguese_told_br", "toxicity"): Goal(0.87, 0.90),
    ("toxic_portuguese_reddit_br", "toxicity"): None,
    ("toxic_arabic_mlma", "toxicity"): None,
    ("toxic_chinese_cold", "toxicity"): None,
    ("toxic_danish_dkhate", "toxicity"): None,
    ("toxic_japanese_inspection", "toxicity"): None,
    ("toxic_jigsaw_multilingual_es_it_tr", "toxicity"): None,
    ("toxic_korean_apeach", "toxicity"): None,
    ("toxic_korean_beep", "toxicity"): None,
    ("toxic_polish_poleval2019", "toxicity"): None,
    ("toxic_romanian_ro_offense", "toxicity"): None,
    ("toxic_russian_sariellee", "toxicity"): None,
    ("toxic_turkish_offenseval2020", "toxicity"): None,
}
TESTS: Mapping[tuple[str, str], Goal | None] = {**ENGLISH, **OTHERS}
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class PublishedTestFigures:
    """ROC AUC of one attribute on one test.

    `is_judged`: whether the model judges the attribute in that language; if not, it is scored as the first language.
    `textbook`: scikit-learn's pipeline, trained on our training data of that language; not measured for English.
    """

    data_set: str
    part: str
    language: str
    attribute: str
    texts: int
    positive: int
    auc: Estimate
    is_judged: bool
    textbook: float | None


def published_test_figures(
    model: classifier.Model, folder: Path, seed: int, jobs: int | None = None, progress: Progress = lambda _: None
) -> list[PublishedTestFigures]:
    """The tests whose data sets are available. `jobs`: processors for the textbook pipeline; None: skip it."""
    found = []
    for name, attribute in TESTS:
        if not available(folder, [name]):
            continue
        for language, part in load(name, folder).by_language().items():
            kept, what = test_part(part, attribute)
            scores, is_judged = scores_of(model, kept.texts, attribute, language)
            answers = answers_to(kept, attribute)
            auc = metrics.bootstrap_auc(scores, answers, REPEATS, np.random.default_rng(seed))
            if auc is None or not _has_both(answers):
                continue
            book = None
            if jobs is not None and language != FIRST_LANGUAGE:
                progress(f"training scikit-learn's textbook pipeline: {language}")
                book = _by_the_book(folder, language, attribute, kept, jobs)
            positive = int(answers.sum())
            found.append(
                PublishedTestFigures(
                    name, what, language, attribute, len(kept), positive, metrics.rounded(auc), is_judged, book
                )
            )
    return found


def test_part(examples: Examples, attribute: str) -> tuple[Examples, str]:
    """The publisher's test part, plus our held-out fold if that is small; only rows with a label for the attribute."""
    test = labeled(examples.published_test(), attribute)
    if _has_both(answers_to(test, attribute), FEW):
        return test, "published test split"
    part = "published test split and held-out fold" if len(test) else "held-out fold"
    return labeled(examples.held_out(), attribute), part


def labeled(examples: Examples, attribute: str) -> Examples:
    return examples.where(np.isfinite(examples.labels[:, column(attribute)]))


def answers_to(examples: Examples, attribute: str) -> Answers:
    return (examples.labels[:, column(attribute)] > 0.5).astype(np.int8)  # noqa: PLR2004 - the majority of readers


def _has_both(answers: Answers, fewest: int = FEWEST) -> bool:
    return bool(min(np.count_nonzero(answers == 1), np.count_nonzero(answers == 0)) >= fewest)


def scores_of(model: classifier.Model, texts: Sequence[str], attribute: str, language: str) -> tuple[Numbers, bool]:
    """A language without a calibration uses that of the first one, since a calibration does not change the ranking."""
    is_judged = attribute in model.languages.get(language, ())
    spoken = language if is_judged else FIRST_LANGUAGE
    return model.score_many(texts, spoken)[:, model.languages[spoken].index(attribute)], is_judged


def _by_the_book(folder: Path, language: str, attribute: str, kept: Examples, jobs: int) -> float | None:
    names = [name for name, asked in OTHERS if asked == attribute and available(folder, [name])]
    parts = [load(name, folder).by_language().get(language) for name in names]
    known = joined([labeled(part.training(), attribute) for part in parts if part is not None])
    known = without_leaks(known, kept)
    if not _has_both(answers_to(known, attribute)):
        return None
    try:
        book = of_one_label(known.texts, answers_to(known, attribute), jobs)
    except ValueError:  # a few texts in a language without spaces: no word occurs in two of them
        return None
    found = metrics.roc_auc(book.score_many(kept.texts)[:, 0], answers_to(kept, attribute))
    return None if found is None else round(found, 4)

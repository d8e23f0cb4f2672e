"""Measures a model on the publishers' test parts, and how much spam it finds in each place.

Releases are compared by these figures, so each test has one fixed attribute and part for every model.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import classifier
from training import metrics
from training.bias import share
from training.datasets import available, load
from training.examples import FIRST_LANGUAGE, Examples, column, joined
from training.leaks import without_leaks
from training.metrics import Answers, Estimate, Numbers
from training.robustness import threshold_at
from training.textbook import of_one_label

REPEATS = 1_000
# With fewer of either answer than the first a test is skipped; with fewer than the second our held-out fold is added.
FEWEST, FEW = 5, 50
# Spam recall is measured at the threshold that flags at most this share of harmless comments.
HARMLESS_FLAGGED = 0.01


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
SPAM = (
    "spam_webform_adamspd",
    "spam_instagram_scamspot",
    "spam_telegram_tgspam",
    "spam_youtube_gambling_id",
    "spam_youtube",
    "spam_sms",
)
# Sources of harmless comments besides the spam sets themselves: help chats, talk pages and news.
HARMLESS = ("ham_irc_ubuntu", "jigsaw_toxic_train", "civil_comments_toxic_spans", "fox_news_comments")

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


@dataclass(frozen=True, slots=True)
class SpamPlaceFigures:
    """`found`: share of the spam; `flagged`: share of this place's own harmless texts, None if it has none."""

    data_set: str
    part: str
    spam: int
    harmless: int
    found: Estimate
    flagged: Estimate | None


@dataclass(frozen=True, slots=True)
class SpamFigures:
    """`threshold` flags at most the share `harmless_flagged` of the `harmless` comments of all places."""

    harmless_flagged: float
    harmless: int
    threshold: float
    mean_found: float
    places: list[SpamPlaceFigures]


def published_test_figures(
    model: classifier.Model, folder: Path, seed: int, jobs: int | None = None, progress: Progress = lambda _: None
) -> list[PublishedTestFigures]:
    """The tests whose data sets are available. `jobs`: processors for the textbook pipeline; None: skip it."""
    found = []
    for name, attribute in TESTS:
        if not available(folder, [name]):
            continue
        for language, part in load(name, folder).by_language().items():
            kept, what = _test_part(part, attribute)
            scores, is_judged = _scores(model, kept.texts, attribute, language)
            answers = _answers(kept, attribute)
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


def _test_part(examples: Examples, attribute: str) -> tuple[Examples, str]:
    """The publisher's test part, plus our held-out fold if that is small; only rows with a label for the attribute."""
    test = _known(examples.published_test(), attribute)
    if _has_both(_answers(test, attribute), FEW):
        return test, "published test split"
    part = "published test split and held-out fold" if len(test) else "held-out fold"
    return _known(examples.held_out(), attribute), part


def _known(examples: Examples, attribute: str) -> Examples:
    return examples.where(np.isfinite(examples.labels[:, column(attribute)]))


def _answers(examples: Examples, attribute: str) -> Answers:
    return (examples.labels[:, column(attribute)] > 0.5).astype(np.int8)  # noqa: PLR2004 - the majority of readers


def _has_both(answers: Answers, fewest: int = FEWEST) -> bool:
    return bool(min(np.count_nonzero(answers == 1), np.count_nonzero(answers == 0)) >= fewest)


def _scores(model: classifier.Model, texts: Sequence[str], attribute: str, language: str) -> tuple[Numbers, bool]:
    """A language without a calibration uses that of the first one, since a calibration does not change the ranking."""
    is_judged = attribute in model.languages.get(language, ())
    spoken = language if is_judged else FIRST_LANGUAGE
    return model.score_many(texts, spoken)[:, model.languages[spoken].index(attribute)], is_judged


def _by_the_book(folder: Path, language: str, attribute: str, kept: Examples, jobs: int) -> float | None:
    names = [name for name, asked in OTHERS if asked == attribute and available(folder, [name])]
    parts = [load(name, folder).by_language().get(language) for name in names]
    known = joined([_known(part.training(), attribute) for part in parts if part is not None])
    known = without_leaks(known, kept)
    if not _has_both(_answers(known, attribute)):
        return None
    try:
        book = of_one_label(known.texts, _answers(known, attribute), jobs)
    except ValueError:  # a few texts in a language without spaces: no word occurs in two of them
        return None
    found = metrics.roc_auc(book.score_many(kept.texts)[:, 0], _answers(kept, attribute))
    return None if found is None else round(found, 4)


def spam_figures(model: classifier.Model, folder: Path) -> SpamFigures | None:
    """None if the folder has no spam or no harmless comments, or if the model does not judge spam."""
    if "spam" not in model.languages[FIRST_LANGUAGE]:
        return None
    places = {name: _kept_spam(folder, name) for name in available(folder, (*SPAM, *HARMLESS))}
    scored = {name: _spam_scores(model, part) for name, (part, _) in places.items()}
    harmless = np.concatenate([scored[name][_answers(part, "spam") == 0] for name, (part, _) in places.items()] or [[]])
    if not len(harmless) or not any(_answers(part, "spam").any() for part, _ in places.values()):
        return None
    threshold = threshold_at(harmless, np.zeros(len(harmless), np.int8), np.ones(len(harmless)), HARMLESS_FLAGGED)
    found = []
    for name in SPAM:
        if name not in places or not _answers(places[name][0], "spam").any():
            continue
        part, what = places[name]
        is_spam, is_flagged = _answers(part, "spam") == 1, scored[name] >= threshold
        hits = share(int(is_flagged[is_spam].sum()), int(is_spam.sum()))
        assert hits is not None, "there is spam"  # noqa: S101 - for the type checker; it cannot happen
        wrong = share(int(is_flagged[~is_spam].sum()), int((~is_spam).sum()))
        found.append(SpamPlaceFigures(name, what, int(is_spam.sum()), int((~is_spam).sum()), hits, wrong))
    mean = round(float(np.mean([each.found.value for each in found])), 4)
    return SpamFigures(HARMLESS_FLAGGED, len(harmless), round(threshold, 4), mean, found)


def _kept_spam(folder: Path, name: str) -> tuple[Examples, str]:
    """The test part of a place; for a place without spam, all its held-out rows."""
    found = load(name, folder)
    test, what = _test_part(found, "spam")
    return (test, what) if name in SPAM else (_known(found.held_out(), "spam"), what)


def _spam_scores(model: classifier.Model, examples: Examples) -> Numbers:
    scores = np.zeros(len(examples))
    spoken = np.array(examples.languages)
    for language in set(examples.languages):
        rows = np.flatnonzero(spoken == language)
        scores[rows], _ = _scores(model, [examples.texts[at] for at in rows], "spam", language)
    return scores

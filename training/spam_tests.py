"""How much spam a model finds in each place, and how much a smaller one finds in a place that taught it nothing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import classifier
from training.bias import share
from training.datasets import DEFAULT, available, load
from training.evaluation import JIGSAW
from training.examples import FIRST_LANGUAGE, Examples, column, joined
from training.fit import ONE_PLACE, Recipe
from training.leaks import without_leaks
from training.metrics import Estimate, Numbers
from training.published_tests import answers_to, labeled, scores_of, test_part
from training.robustness import threshold_at
from training.row_weights import with_row_weights
from training.small_model import small_model

# Spam recall is measured at the threshold that flags at most this share of harmless comments.
HARMLESS_FLAGGED = 0.01
SPAM = (
    "spam_webform_adamspd",
    "spam_instagram_scamspot",
    "spam_telegram_tgspam",
    "spam_youtube_gambling_id",
    "spam_youtube",
    "spam_sms",
)
# Sources of harmless comments besides the spam sets themselves: help chats, talk pages and news.
HARMLESS = ("ham_irc_ubuntu", JIGSAW, "civil_comments_toxic_spans", "fox_news_comments")
# Each of these four is left out in turn; the two data sets of YouTube are one source. Text messages are no comments.
SOURCES: Mapping[str, tuple[str, ...]] = {
    "web forms": ("spam_webform_adamspd",),
    "Instagram": ("spam_instagram_scamspot",),
    "Telegram": ("spam_telegram_tgspam",),
    "YouTube": ("spam_youtube_gambling_id", "spam_youtube"),
}
# The most rows that a model learns from: all of the other sources of spam, and a sample of the rest. A new one is
# trained for each source, which should take some minutes.
MOST_ROWS = 60_000

Places = Mapping[str, tuple[Examples, str]]
Progress = Callable[[str], None]


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


@dataclass(frozen=True, slots=True)
class SpamSourceFigures:
    """Of one data set of a source that was left out as a whole. `threshold`: of the model without it.

    `found`: share of its spam; `flagged`: share of its own harmless texts, None if it has none.
    """

    source: str
    data_set: str
    threshold: float
    spam: int
    harmless: int
    found: Estimate
    flagged: Estimate | None


@dataclass(frozen=True, slots=True)
class SpamLeftOutFigures:
    """By smaller models (training/small_model.py), each trained without one source, on at most `most_rows` rows. They
    stand in for the model itself, which is too costly to train anew for each of them. `both`: they have a deep reader.

    Each threshold flags at most the share `harmless_flagged` of the `harmless` comments of all places. `mean_found`: of
    the sources; that of a source is the mean of its data sets.
    """

    harmless_flagged: float
    harmless: int
    most_rows: int
    both: bool
    mean_found: float
    data_sets: list[SpamSourceFigures]


def spam_figures(model: classifier.Model, folder: Path) -> SpamFigures | None:
    """None if the folder has no spam or no harmless comments, or if the model does not judge spam."""
    if "spam" not in model.languages[FIRST_LANGUAGE]:
        return None
    places = _places(folder)
    scored = {name: _spam_scores(model, part) for name, (part, _) in places.items()}
    answers = {name: answers_to(part, "spam") for name, (part, _) in places.items()}
    harmless = [scored[name][some == 0] for name, some in answers.items()]
    if not any(map(len, harmless)) or not any(some.any() for some in answers.values()):
        return None
    threshold = _threshold(harmless)
    found = [
        SpamPlaceFigures(name, places[name][1], *_counted(answers[name] == 1, scored[name] >= threshold))
        for name in SPAM
        if name in places and answers[name].any()
    ]
    mean = round(float(np.mean([each.found.value for each in found])), 4)
    return SpamFigures(HARMLESS_FLAGGED, sum(map(len, harmless)), round(threshold, 4), mean, found)


def _kept_spam(folder: Path, name: str) -> tuple[Examples, str]:
    """The test part of a place; for a place without spam, all its held-out rows."""
    found = load(name, folder)
    test, what = test_part(found, "spam")
    return (test, what) if name in SPAM else (labeled(found.held_out(), "spam"), what)


def _spam_scores(model: classifier.Model, examples: Examples) -> Numbers:
    scores = np.zeros(len(examples))
    spoken = np.array(examples.languages)
    for language in set(examples.languages):
        rows = np.flatnonzero(spoken == language)
        scores[rows], _ = scores_of(model, [examples.texts[at] for at in rows], "spam", language)
    return scores


def spam_left_out(
    folder: Path,
    recipe: Recipe,
    progress: Progress,
    *,
    both: bool,
    sources: Mapping[str, tuple[str, ...]] = SOURCES,
) -> SpamLeftOutFigures | None:
    """`both`: with a deep reader. None if the folder has no spam of these sources, or no harmless comments."""
    places = _places(folder)
    labels = {name: answers_to(part, "spam") for name, (part, _) in places.items()}
    harmless = sum(int((answers == 0).sum()) for answers in labels.values())
    known = joined([with_row_weights(load(name, folder)) for name in available(folder, DEFAULT)]).training()
    measured = joined([part for part, _ in places.values()])
    found: list[SpamSourceFigures] = []
    for source, names in sources.items():
        here = [name for name in names if name in places and labels[name].any()]
        if here and harmless:
            progress(f"spam: without {source}")
            model = small_model(_without(names, known, measured, recipe.seed), recipe, progress, both=both)
            scored = {name: model.scores(part)[:, column("spam")] for name, (part, _) in places.items()}
            threshold = _threshold([scored[name][answers == 0] for name, answers in labels.items()])
            for name in here:
                counted = _counted(labels[name] == 1, scored[name] >= threshold)
                found.append(SpamSourceFigures(source, name, round(threshold, 4), *counted))
    if not found:
        return None
    by_source = {each.source: [other.found.value for other in found if other.source == each.source] for each in found}
    mean = round(float(np.mean([np.mean(values) for values in by_source.values()])), 4)
    return SpamLeftOutFigures(HARMLESS_FLAGGED, harmless, MOST_ROWS, both, mean, found)


def _without(names: tuple[str, ...], known: Examples, measured: Examples, seed: int) -> Examples:
    """What a model learns that knows neither these data sets, nor copies of the texts that are measured."""
    places = np.array(known.sources)
    is_spam_set, is_left = np.isin(places, SPAM), ~np.isin(places, names)
    spam = known.where(is_spam_set & is_left)
    rest = known.where(~is_spam_set & is_left).sampled(MOST_ROWS - len(spam), seed)
    others = without_leaks(joined([spam, rest]), measured)
    # Help chats share an intercept with web forms (training/fit.py): with one of their own they would teach nothing, as
    # they have no spam. Where web forms are left out, they share that of talk pages.
    alone = {chats: JIGSAW for chats, place in ONE_PLACE.items() if place in names}
    sources = [alone.get(source, source) for source in others.sources]
    return replace(others, sources=sources)


def _places(folder: Path) -> Places:
    return {name: _kept_spam(folder, name) for name in available(folder, (*SPAM, *HARMLESS))}


def _threshold(harmless: Sequence[Numbers]) -> float:
    """`harmless`: the scores of the harmless comments of each place."""
    scores = np.concatenate(harmless)
    return threshold_at(scores, np.zeros(len(scores), np.int8), np.ones(len(scores)), HARMLESS_FLAGGED)


def _counted(is_spam: NDArray[np.bool_], is_flagged: NDArray[np.bool_]) -> tuple[int, int, Estimate, Estimate | None]:
    """How many are spam, how many are harmless, and the share of either that is flagged."""
    spam, harmless = int(is_spam.sum()), int((~is_spam).sum())
    found = share(int(is_flagged[is_spam].sum()), spam)
    assert found is not None, "there is spam"  # noqa: S101 - for the type checker; it cannot happen
    return spam, harmless, found, share(int(is_flagged[~is_spam].sum()), harmless)

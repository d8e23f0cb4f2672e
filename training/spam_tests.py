"""How much spam a model finds in each place, and how much a fast reader finds in a place that taught it nothing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import classifier
from classifier.kernel import Weights
from training.bias import share
from training.datasets import DEFAULT, available, load
from training.examples import FIRST_LANGUAGE, Examples, column, joined
from training.fit import Recipe, fit
from training.leaks import without_leaks
from training.metrics import Estimate, Numbers
from training.published_tests import answers_to, labeled, scores_of, test_part
from training.robustness import threshold_at
from training.row_weights import with_row_weights

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
HARMLESS = ("ham_irc_ubuntu", "jigsaw_toxic_train", "civil_comments_toxic_spans", "fox_news_comments")
# Each of these is left out in turn. The two data sets of YouTube are one source.
SOURCES: Mapping[str, tuple[str, ...]] = {
    "web forms": ("spam_webform_adamspd",),
    "Instagram": ("spam_instagram_scamspot",),
    "Telegram": ("spam_telegram_tgspam",),
    "YouTube": ("spam_youtube_gambling_id", "spam_youtube"),
}
# Rows of the other data sets that a reader learns from: a new one for each source, which should take about a minute.
OTHERS = 60_000

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
    """`found`: share of the source's spam; `flagged`: share of its own harmless texts, None if it has none.

    `data_sets`: those that were left out, by whose test parts it is measured. `threshold`: of the reader without them.
    """

    source: str
    data_sets: list[str]
    threshold: float
    spam: int
    harmless: int
    found: Estimate
    flagged: Estimate | None


@dataclass(frozen=True, slots=True)
class SpamLeftOutFigures:
    """By fast readers, each trained without one source. The deep reader is too costly to train anew for each of them.

    Each threshold flags at most the share `harmless_flagged` of the `harmless` comments of all places.
    """

    harmless_flagged: float
    harmless: int
    mean_found: float
    sources: list[SpamSourceFigures]


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


def spam_left_out(folder: Path, jobs: int, seed: int, progress: Progress) -> SpamLeftOutFigures | None:
    """None if the folder has no spam of these sources, or no harmless comments."""
    places = _places(folder)
    labels = {name: answers_to(part, "spam") for name, (part, _) in places.items()}
    harmless = sum(int((answers == 0).sum()) for answers in labels.values())
    known = joined([with_row_weights(load(name, folder)) for name in available(folder, DEFAULT)]).training()
    found = []
    for source, names in SOURCES.items():
        here = [name for name in names if name in places and labels[name].any()]
        if not here or not harmless:
            continue
        progress(f"spam: without {source}")
        model = _without(names, known, joined([places[name][0] for name in here]), Recipe(jobs=jobs, seed=seed))
        scored = {name: model.score_many(part.texts)[:, column("spam")] for name, (part, _) in places.items()}
        threshold = _threshold([scored[name][answers == 0] for name, answers in labels.items()])
        is_spam = np.concatenate([labels[name] == 1 for name in here])
        is_flagged = np.concatenate([scored[name] >= threshold for name in here])
        found.append(SpamSourceFigures(source, here, round(threshold, 4), *_counted(is_spam, is_flagged)))
    if not found:
        return None
    mean = round(float(np.mean([each.found.value for each in found])), 4)
    return SpamLeftOutFigures(HARMLESS_FLAGGED, harmless, mean, found)


def _without(names: tuple[str, ...], known: Examples, measured: Examples, recipe: Recipe) -> Weights:
    """A fast reader that has not learned from these data sets, nor from copies of the texts that are measured."""
    is_known = np.array([source not in names for source in known.sources], bool)
    others = without_leaks(known.where(is_known).sampled(OTHERS, recipe.seed), measured)
    return Weights(fit(others, recipe).arrays)


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

"""Cross-validation by article, for a data set too small to hold out enough of it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline

import classifier
from classifier import LABELS
from classifier.kernel import Weights
from training import metrics
from training.datasets import DEFAULT, available, load
from training.examples import TEST, Examples, column, joined
from training.fit import Recipe, fit
from training.metrics import Estimate
from training.row_weights import with_row_weights
from training.textbook import features

NAME, ATTRIBUTE = "fox_news_comments", "identity_attack"
ATTRIBUTES = (ATTRIBUTE, "toxicity", "insult")
FOLDS = 5
# Rows of all other data sets together: each fold trains a new model, which should take about a minute.
OTHERS = 60_000
# A fold that is trained on: neither held out nor used for calibration.
TRAINING_FOLD = 0


@dataclass(frozen=True, slots=True)
class CrossValidated:
    """ROC AUC for what annotators called hateful, over all comments, by models not trained on the comment's article.

    `ours`: for each attribute's score, of both readers if the model has a deep one. The deep reader never learns from
    this data set (training/deep/training_set.py); the fast reader is trained anew without the article, and `fast` is
    its score alone. `textbook`: scikit-learn's pipeline, trained on the other articles alone.
    """

    data_set: str
    folds: int
    texts: int
    positive: int
    ours: dict[str, Estimate]
    textbook: Estimate
    fast: dict[str, Estimate] = field(default_factory=dict)


def cross_validate(
    model: classifier.Model, folder: Path, jobs: int, seed: int, progress: Callable[[str], None]
) -> CrossValidated:
    """Raises DataUnusable if the data set is missing."""
    judged = load(NAME, folder)
    others = joined([with_row_weights(load(name, folder)) for name in available(folder, DEFAULT) if name != NAME])
    others = others.training().sampled(OTHERS, seed)
    fast = np.zeros((len(judged), len(LABELS)))
    textbook = np.zeros(len(judged))
    answers = (judged.labels[:, column(ATTRIBUTE)] > 0.5).astype(np.int8)  # noqa: PLR2004 - hateful or not
    for number, (known, unknown) in enumerate(GroupKFold(FOLDS).split(answers, groups=judged.groups), 1):
        progress(f"{NAME}: part {number} of {FOLDS}")
        fast[unknown] = _without(judged, unknown, others, Recipe(jobs=jobs, seed=seed))
        textbook[unknown] = _textbook(judged, known, answers).decision_function([judged.texts[at] for at in unknown])
    alone = {name: fast[:, column(name)] for name in ATTRIBUTES}
    ours = alone
    if model.has_deep_reader:
        both = model.score_with(fast, judged.texts)
        ours = {
            name: both[:, model.languages["en"].index(name)] for name in ATTRIBUTES if name in model.languages["en"]
        }
    rng = np.random.default_rng(seed)
    return CrossValidated(
        NAME,
        FOLDS,
        len(judged),
        int(answers.sum()),
        {name: _auc(scores, answers, rng) for name, scores in ours.items()},
        _auc(textbook, answers, rng),
        {name: _auc(scores, answers, rng) for name, scores in alone.items()} if model.has_deep_reader else {},
    )


def _without(judged: Examples, unknown: NDArray[np.intp], others: Examples, recipe: Recipe) -> NDArray[np.float64]:
    """Scores of the rows in `unknown` by a model trained on the rest."""
    folds = np.full(len(judged), TRAINING_FOLD, np.int8)
    folds[unknown] = TEST
    fitted = fit(joined([others, with_row_weights(replace(judged, folds=folds))]), recipe)
    return Weights(fitted.arrays).score_many([judged.texts[at] for at in unknown])


def _textbook(judged: Examples, known: NDArray[np.intp], answers: NDArray[np.int8]) -> Pipeline:
    pipeline = Pipeline([("features", features()), ("label", LogisticRegression(max_iter=1_000))])
    return pipeline.fit([judged.texts[at] for at in known], answers[known])


def _auc(scores: NDArray[np.float64], answers: NDArray[np.int8], rng: np.random.Generator) -> Estimate:
    found = metrics.bootstrap_auc(scores, answers, 1_000, rng)
    assert found is not None, "both answers are there"  # noqa: S101 - for the type checker
    return found

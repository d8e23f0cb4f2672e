"""What a model would say of articles that it never saw, for a data set too small to hold much out of it."""

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
from training.textbook import features
from training.trust import trusted

NAME, ATTRIBUTE = "fox_news_comments", "identity_attack"
ATTRIBUTES = (ATTRIBUTE, "toxicity", "insult")
FOLDS = 5
# Of all other data sets together: each fold is taught anew, and is to take a minute.
OTHERS = 60_000
# Where a row may be learnt from: neither held out nor calibrated on.
LEARNT = 0


@dataclass(frozen=True, slots=True)
class CrossValidated:
    """ROC AUC for what the annotators called hateful, over all comments, each judged by a model without its article.

    `ours`: of each attribute's score, by both readers where the model has a deep one. That learnt from none of these
    articles (training/deep/lessons.py); the fast reader is taught anew without them, and `fast` is what it says alone.
    `textbook`: scikit-learn's pipeline on the other articles alone.
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
    """Raises DataUnusable when the data set is not there."""
    judged = load(NAME, folder)
    others = joined([trusted(load(name, folder)) for name in available(folder, DEFAULT) if name != NAME])
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
    """What a model says of the unknown that learnt from the rest."""
    folds = np.full(len(judged), LEARNT, np.int8)
    folds[unknown] = TEST
    fitted = fit(joined([others, trusted(replace(judged, folds=folds))]), recipe)
    return Weights(fitted.arrays).score_many([judged.texts[at] for at in unknown])


def _textbook(judged: Examples, known: NDArray[np.intp], answers: NDArray[np.int8]) -> Pipeline:
    pipeline = Pipeline([("features", features()), ("label", LogisticRegression(max_iter=1_000))])
    return pipeline.fit([judged.texts[at] for at in known], answers[known])


def _auc(scores: NDArray[np.float64], answers: NDArray[np.int8], rng: np.random.Generator) -> Estimate:
    found = metrics.bootstrap_auc(scores, answers, 1_000, rng)
    assert found is not None, "both answers are there"  # noqa: S101
    return found

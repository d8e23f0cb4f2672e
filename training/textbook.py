"""The baseline: scikit-learn's textbook pipeline, tf-idf and a logistic regression for each label."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from joblib import Memory, Parallel, delayed
from numpy.typing import NDArray
from platformdirs import user_cache_path
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline

from training.datasets import load
from training.examples import column

LABELS = ("toxicity", "severe_toxicity", "identity_attack", "insult", "profanity", "threat")
TRAINING_SET = "jigsaw_toxic_train"


def features() -> FeatureUnion:
    """Word 1- and 2-grams, and character 2- to 5-grams."""
    return FeatureUnion(
        [
            ("words", TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2, max_features=200_000)),
            (
                "characters",
                TfidfVectorizer(
                    analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, min_df=2, max_features=300_000
                ),
            ),
        ]
    )


class Textbook:
    """A fitted pipeline."""

    def __init__(self, pipeline: Pipeline, regressions: Sequence[LogisticRegression]) -> None:
        self._pipeline = pipeline
        self._regressions = regressions

    def score_many(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Probabilities, (texts, LABELS)."""
        found = self._pipeline.transform(texts)
        return np.column_stack([each.predict_proba(found)[:, 1] for each in self._regressions])


def textbook(folder: Path, jobs: int) -> Textbook:
    """Fitted on Jigsaw's training comments, which takes minutes, or cached by an earlier call. Raises DataUnusable."""
    memory = Memory(user_cache_path("steward"), verbose=0)
    examples = load(TRAINING_SET, folder).training()
    found: Textbook = memory.cache(_fitted, ignore=["jobs"])(
        examples.texts, examples.labels[:, [column(name) for name in LABELS]], examples.weights, jobs
    )
    return found


def of_one_label(texts: Sequence[str], answers: NDArray[np.integer], jobs: int) -> Textbook:
    """The same pipeline for other texts and one label; cached likewise."""
    memory = Memory(user_cache_path("steward"), verbose=0)
    labels = answers[:, None].astype(np.float32)
    found: Textbook = memory.cache(_fitted, ignore=["jobs"])(list(texts), labels, np.ones(len(texts), np.float32), jobs)
    return found


def _fitted(texts: Sequence[str], labels: NDArray[np.float32], weights: NDArray[np.float32], jobs: int) -> Textbook:
    pipeline = Pipeline([("features", features())])
    table = pipeline.fit_transform(texts)
    regressions = Parallel(n_jobs=jobs)(
        delayed(_regression)(table, labels[:, at], weights) for at in range(labels.shape[1])
    )
    return Textbook(pipeline, regressions)


def _regression(table: object, answers: NDArray[np.float32], weights: NDArray[np.float32]) -> LogisticRegression:
    return LogisticRegression(max_iter=200).fit(table, answers > 0.5, sample_weight=weights)  # noqa: PLR2004 - more yes than no

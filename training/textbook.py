"""What scikit-learn makes of the task by the book, to be measured against: tf-idf and a logistic regression each."""

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
TAUGHT = "jigsaw_toxic_train"


def features() -> FeatureUnion:
    """Words one and two at a time, and characters two to five at a time."""
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
    """Fitted on Jigsaw's training comments, and what it says of others."""

    def __init__(self, pipeline: Pipeline, regressions: Sequence[LogisticRegression]) -> None:
        self._pipeline = pipeline
        self._regressions = regressions

    def score_many(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Probabilities, (texts, LABELS)."""
        found = self._pipeline.transform(texts)
        return np.column_stack([each.predict_proba(found)[:, 1] for each in self._regressions])


def textbook(folder: Path, jobs: int) -> Textbook:
    """Fitted, or as it was fitted before on the same comments; that takes some minutes. Raises DataUnusable."""
    memory = Memory(user_cache_path("steward"), verbose=0)
    taught = load(TAUGHT, folder).training()
    found: Textbook = memory.cache(_fitted, ignore=["jobs"])(
        taught.texts, taught.labels[:, [column(name) for name in LABELS]], taught.weights, jobs
    )
    return found


def of_one_label(texts: Sequence[str], answers: NDArray[np.integer], jobs: int) -> Textbook:
    """The same pipeline for other texts and one label; as it was fitted before where that is so."""
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
    return LogisticRegression(max_iter=200).fit(table, answers > 0.5, sample_weight=weights)  # noqa: PLR2004

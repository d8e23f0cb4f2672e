"""Wikipedia talk pages: the Jigsaw challenge, its public test sample, and the debiasing set."""

from pathlib import Path

import numpy as np

from training.datasets import published
from training.datasets.dataset import DataSet, Rows, cells, numbers
from training.examples import fold_of
from training.tables import Table

_COLUMNS = {
    "toxicity": "toxic",
    "severe_toxicity": "severe_toxic",
    "identity_attack": "identity_hate",
    "insult": "insult",
    "profanity": "obscene",
    "threat": "threat",
}
# The rebuilt copy has nearly all positives, but less than half of the negatives of the original.
_NEGATIVE_WEIGHT, _POSITIVE_WEIGHT = 2.358, 1.059


def _train(table: Table, path: Path) -> Rows:
    labels = {ours: numbers(table, theirs, path) for ours, theirs in _COLUMNS.items()}
    is_positive = np.any([values > 0 for values in labels.values()], axis=0)
    is_rebuilt = "fold10" in table.column_names
    ids = cells(table, "id", path)
    weights = np.where(is_positive, _POSITIVE_WEIGHT, _NEGATIVE_WEIGHT) if is_rebuilt else np.ones(len(is_positive))
    if "text_form" in table.column_names:
        weights = weights * np.where(np.array(cells(table, "text_form", path)) == "cleaned", 0.5, 1.0)
    return Rows(
        cells(table, "comment_text", path),
        # Talk pages have almost no advertising, so they serve as text without spam.
        labels | {"spam": np.zeros(len(is_positive))},
        groups=ids,
        # The copy's folds are also hashes of the id, so Kaggle's own file has the same held-out rows.
        folds=numbers(table, "fold10", path).astype(np.int8) if is_rebuilt else np.array([*map(fold_of, ids)], np.int8),
        weights=weights,
    )


def _test(table: Table, path: Path) -> Rows:
    labels = {ours: numbers(table, theirs, path) for ours, theirs in _COLUMNS.items()}
    return Rows(
        cells(table, "comment_text", path),
        {ours: np.where(values < 0, np.nan, values) for ours, values in labels.items()},  # Kaggle's -1: not scored
        groups=cells(table, "id", path),
        is_test=np.ones(table.num_rows, bool),
    )


def _debiasing(table: Table, path: Path) -> Rows:
    names = [*_COLUMNS, "spam"]
    text = "comment" if "comment" in table.column_names else "text"
    is_test = np.array(cells(table, "split", path)) == "test" if "split" in table.column_names else None
    return Rows(cells(table, text, path), {name: np.zeros(table.num_rows) for name in names}, is_test=is_test)


JIGSAW = (
    DataSet(
        name="jigsaw_toxic_train",
        loader=_train,
        published=("train.csv",),
        teaches="all but spam as its crowd judged them; talk pages stand for text that is no spam",
    ),
    DataSet(
        name="jigsaw_toxic_test_public",
        loader=_test,
        published=("test_labels.csv",),
        read=published.kaggle_test,
        weight=0.0,
        teaches="nothing: reported on, and never trained on",
    ),
    DataSet(
        name="wikipedia_debiasing_nontoxic",
        loader=_debiasing,
        published=("toxicity_debiasing_data.tsv",),
        weight=1.0,
        teaches="harmless text that names identities: 0 for every attribute",
    ),
)

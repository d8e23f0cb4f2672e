"""Our generated sentences, harmful ones and their harmless counterparts: one data set for each language."""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from classifier import LABELS
from training import contrast
from training.datasets.dataset import DataSet, Rows
from training.examples import CALIBRATION_FOLDS, FOLDS, HELD_OUT_FOLD, fold_of

# Calibration and the held-out fold use natural text only, so generated sentences are in none of these folds. They have
# their own test part.
_FOLDS = tuple(fold for fold in range(FOLDS) if fold not in (HELD_OUT_FOLD, *CALIBRATION_FOLDS))


def _rows(language: str) -> Rows:
    found = contrast.rows(language)
    return Rows(
        [row.text for row in found],
        {label: np.array([row.labels.get(label, np.nan) for row in found]) for label in LABELS},
        groups=[row.frame for row in found],
        is_test=np.array([row.is_test for row in found], bool),
        folds=_folds(found),
    )


def _folds(found: tuple[contrast.Row, ...]) -> NDArray[np.int8]:
    """By frame, so that all sentences of a frame are in the same fold."""
    first = {row.frame: _FOLDS[fold_of(row.frame) % len(_FOLDS)] for row in found}
    return np.array([first[row.frame] for row in found], np.int8)


CONTRAST = tuple(
    DataSet(
        name=f"contrast_{language}",
        written=partial(_rows, language),
        language=language,
        teaches="all by function of language: harm and its harmless twins; a third of the frames is for tests",
    )
    for language in contrast.languages()
)

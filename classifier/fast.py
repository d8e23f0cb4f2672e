"""The fast reader: what one model says of texts in all languages, and what the bag of a text's language adds to it.

The table of the model has far fewer rows than the training texts have n-grams, so that a language with few texts shares
nearly all of its rows with English. Therefore a language may have a small table of its own, which only texts in it have
taught (ADR 38).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.deep.stack import logit
from classifier.kernel import BAG, LABELS, UNCALIBRATED, WIDTH, Weights

# The arrays of a language's own bag. `share`: what the model's logit counts beside that of the bag, for each label.
# `rows` may leave out the columns of the labels whose steps are 0, which the bag says nothing of.
OWN: Mapping[str, tuple[str, tuple[int | str | None, ...]]] = {**BAG, "share": ("<f8", (LABELS,))}


@dataclass(frozen=True, slots=True)
class OwnBag:
    """calibrated logit = share * the model's logit before calibration + the bag's logit, for each label."""

    bag: Weights
    share: NDArray[np.float64]

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]], language: str) -> "OwnBag":
        """From the arrays of a model; others are ignored. Raises ValueError if they do not fit."""
        own = {name: arrays[own_name(language, name)] for name in OWN}
        share = own.pop("share")
        own["rows"] = _with_all_labels(own_name(language, "rows"), own["rows"], own["steps"])
        if share.shape != (LABELS,):
            raise ValueError(f"{own_name(language, 'share')} is {share.shape}; it must be ({LABELS},)")
        return cls(Weights(own), share)

    def combined(self, model: NDArray[np.float64], bag: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probabilities (..., LABELS) from those of the model and of the bag."""
        found: NDArray[np.float64] = 1 / (1 + np.exp(-(self.share * logit(model) + logit(bag))))
        return found


class FastReader:
    """Immutable and thread-safe. `rows`: the row of the model's calibration for each language without an own bag."""

    def __init__(self, model: Weights, rows: Mapping[str, int], own: Mapping[str, OwnBag]) -> None:
        self._model = model
        self._rows = rows
        self._own = own

    def score(self, text: str, language: str) -> Sequence[float]:
        """Calibrated probabilities of one text, (LABELS,)."""
        own = self._own.get(language)
        if own is None:
            return self._model.score(text, self._rows[language])
        return self._combined(own, self._model.score(text, UNCALIBRATED), own.bag.score(text))

    def score_reading(self, reading: str, language: str) -> Sequence[float]:
        """The same for the result of `read`."""
        own = self._own.get(language)
        if own is None:
            return self._model.score_reading(reading, self._rows[language])
        return self._combined(own, self._model.score_reading(reading, UNCALIBRATED), own.bag.score_reading(reading))

    def score_readings(self, readings: Sequence[str], language: str) -> NDArray[np.float64]:
        """The same for many results of `read`, (texts, LABELS)."""
        own = self._own.get(language)
        if own is None:
            return self._model.score_readings(readings, self._rows[language])
        return own.combined(self._model.score_readings(readings, UNCALIBRATED), own.bag.score_readings(readings))

    def contributions(self, reading: str, language: str) -> NDArray[np.float64]:
        """How much each code point of a reading contributed to each calibrated logit, (len, LABELS)."""
        own = self._own.get(language)
        if own is None:
            return self._model.contributions(reading, self._rows[language])
        found: NDArray[np.float64] = self._model.contributions(reading, UNCALIBRATED) * own.share
        found += own.bag.contributions(reading)
        return found

    def calibration(self, language: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Slope and intercept of each label's last calibration step, (LABELS,) each."""
        own = self._own.get(language)
        return self._model.calibration(self._rows[language]) if own is None else (own.share, np.zeros(LABELS))

    @staticmethod
    def _combined(own: OwnBag, model: Sequence[float], bag: Sequence[float]) -> Sequence[float]:
        found: list[float] = own.combined(np.asarray(model), np.asarray(bag)).tolist()
        return found


def own_bags(arrays: Mapping[str, NDArray[Any]]) -> dict[str, OwnBag]:
    """The languages' own bags among the arrays of a model. Raises ValueError for arrays that do not fit."""
    return {language: OwnBag.of(arrays, language) for language in own_languages(arrays)}


def without_empty_columns(rows: NDArray[np.uint8], steps: NDArray[np.float64]) -> NDArray[np.uint8]:
    """`rows` of a bag as stored: without the columns of the labels whose steps are 0."""
    return np.ascontiguousarray(rows[:, [0, *(1 + np.flatnonzero(steps))]])


def own_languages(arrays: Iterable[str]) -> list[str]:
    """The languages with a bag of their own, by the names of a model's arrays."""
    return sorted(name.split("_")[1] for name in arrays if name.startswith("own_") and name.endswith("_rows"))


def own_name(language: str, array: str) -> str:
    """The name of an array of a language's own bag among those of a model."""
    return f"own_{language}_{array}"


def _with_all_labels(name: str, rows: NDArray[np.uint8], steps: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The reverse of `without_empty_columns`: (n, WIDTH). Raises ValueError if the steps do not name the columns."""
    columns = [0, *(1 + np.flatnonzero(steps))]
    if rows.shape[1:] == (WIDTH,):
        return rows
    if rows.shape[1:] != (len(columns),) or len(steps) != LABELS:
        raise ValueError(f"{name} is {rows.shape}; it must have {WIDTH} columns, or {len(columns)} as its steps say")
    found = np.zeros((len(rows), WIDTH), rows.dtype)
    found[:, columns] = rows
    return found

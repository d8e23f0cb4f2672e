"""Labeled texts in columns, in one form for all data sets."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from classifier import LABELS

FOLDS = 10
# The language of a text if nothing else is said.
FIRST_LANGUAGE = "en"
# Excluded from every training run, for evaluation; -1 marks a publisher's own test split.
HELD_OUT_FOLD = 1
TEST = -1
# The calibration is fitted on these folds by a model that has not learned from them.
CALIBRATION_FOLDS = (2, 4)


@dataclass(frozen=True, slots=True)
class Examples:
    """n texts with their labels.

    `labels`: (n, len(LABELS)) float32 in [0, 1], NaN if unknown. A fraction is the share of readers who would say yes.
    `weights`: (n,) float32. `groups`: rows of one group stay in one fold. `folds`: (n,) int8, 0 to 9, or TEST.
    `languages`: of each text; if empty, all are in FIRST_LANGUAGE. `stands_for`: (n,) float32, for how many comments a
    row stands in an evaluation, because some were drawn more often than others; if empty, each for itself. Training
    does not use it.
    """

    texts: list[str]
    labels: NDArray[np.float32]
    weights: NDArray[np.float32]
    groups: list[str]
    folds: NDArray[np.int8]
    sources: list[str]
    languages: list[str] = field(default_factory=list)
    stands_for: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))

    def __post_init__(self) -> None:
        if not len(self.stands_for):
            object.__setattr__(self, "stands_for", np.ones(len(self.texts), np.float32))
        if not self.languages:
            object.__setattr__(self, "languages", [FIRST_LANGUAGE] * len(self.texts))

    def __len__(self) -> int:
        return len(self.texts)

    def where(self, chosen: NDArray[np.bool_]) -> "Examples":
        return self.at(np.flatnonzero(chosen))

    def at(self, places: NDArray[np.intp]) -> "Examples":
        """The rows at these positions, in this order; a position may be repeated."""
        return Examples(
            [self.texts[i] for i in places],
            self.labels[places],
            self.weights[places],
            [self.groups[i] for i in places],
            self.folds[places],
            [self.sources[i] for i in places],
            [self.languages[i] for i in places],
            self.stands_for[places],
        )

    def training(self) -> "Examples":
        """The rows that a model may learn from: none of a group that is partly held out.

        A publisher's test split may divide a conversation.
        """
        is_held_out = self._is_held_out()
        held_out_groups = {self.groups[at] for at in np.flatnonzero(is_held_out)}
        return self.where(~is_held_out & np.array([group not in held_out_groups for group in self.groups], bool))

    def held_out(self) -> "Examples":
        return self.where(self._is_held_out())

    def published_test(self) -> "Examples":
        return self.where(self.folds == TEST)

    def _is_held_out(self) -> NDArray[np.bool_]:
        return np.isin(self.folds, (HELD_OUT_FOLD, TEST))

    def by_language(self) -> dict[str, "Examples"]:
        """Split by language, FIRST_LANGUAGE first."""
        languages = np.array(self.languages)
        order = sorted(set(self.languages), key=lambda each: (each != FIRST_LANGUAGE, each))
        return {language: self.where(languages == language) for language in order}

    def sampled(self, rows: int, seed: int) -> "Examples":
        """A uniform sample of at most `rows` rows."""
        if len(self) <= rows:
            return self
        chosen = np.zeros(len(self), bool)
        chosen[np.random.default_rng(seed).permutation(len(self))[:rows]] = True
        return self.where(chosen)

    def weighted(self, factor: float) -> "Examples":
        return replace(self, weights=(self.weights * factor).astype(np.float32))


def is_first_half(examples: Examples) -> NDArray[np.bool_]:
    """A stable half of the groups: one half to calibrate on, and the other to evaluate the calibration."""
    return np.array([fold_of(f"half:{group}") % 2 == 0 for group in examples.groups], bool)


def joined(parts: Sequence[Examples]) -> Examples:
    return Examples(
        [text for part in parts for text in part.texts],
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.weights for part in parts]),
        [group for part in parts for group in part.groups],
        np.concatenate([part.folds for part in parts]),
        [source for part in parts for source in part.sources],
        [language for part in parts for language in part.languages],
        np.concatenate([part.stands_for for part in parts]),
    )


def fold_of(group: str) -> int:
    """A stable hash: a group has the same fold in every version of a data set."""
    return int(hashlib.sha256(group.encode("utf-8", "surrogatepass")).hexdigest(), 16) % FOLDS


def column(name: str) -> int:
    return LABELS.index(name)

"""What a data set is: where its files are, and what its labels say about our attributes."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier import LABELS
from training.errors import DataUnusable
from training.examples import FIRST_LANGUAGE, TEST, Examples, fold_of, joined
from training.tables import Table, cells, column_at, read_table


@dataclass(frozen=True, slots=True)
class Rows:
    """What a loader finds in one file: texts, and by attribute the labels (n,), NaN where unknown."""

    texts: list[str]
    labels: Mapping[str, NDArray[np.floating]]
    groups: list[str] | None = None
    is_test: NDArray[np.bool_] | None = None
    folds: NDArray[np.int8] | None = None
    weights: NDArray[np.floating] | None = None
    languages: list[str] | None = None


# A label is a word or a number; what is longer is a text.
LONGEST_SHOWN = 20

Loader = Callable[[Table, Path], Rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """`published`: names (patterns) of the publisher's own files. `weight`: of one row; 0: not trained on.
    `written`: makes its rows, which are in no file; `loader` is for those in files.

    `language`: of its texts, or of most of them where the loader says it of each; then `others` are those that it may
    say besides. `teaches` says in words what its labels mean for us; docs/data-sets.md shows it.
    """

    name: str
    teaches: str
    loader: Loader | None = None
    written: Callable[[], Rows] | None = None
    published: tuple[str, ...] = ()
    read: Callable[[Path], Table] = read_table
    weight: float = 1.0
    language: str = FIRST_LANGUAGE
    others: tuple[str, ...] = ()

    @property
    def languages(self) -> tuple[str, ...]:
        return (self.language, *self.others)

    def is_in(self, folder: Path) -> bool:
        return bool(self.written or self.files(folder))

    def files(self, folder: Path) -> list[Path]:
        """Our copy, else the publisher's own files."""
        copy = folder / f"{self.name}.parquet"
        if copy.exists():
            return [copy]
        return sorted(path for pattern in self.published for path in folder.glob(pattern))

    def load(self, folder: Path) -> Examples:
        if self.written:
            return self._examples(self.written())
        found = self.files(folder)
        if not found:
            wanted = " or ".join((f"{self.name}.parquet", *self.published))
            raise DataUnusable(f"data set {self.name}: no {wanted} in {folder}")
        parts = [self.examples(path) for path in found]
        return parts[0] if len(parts) == 1 else joined(parts)

    def examples(self, path: Path) -> Examples:
        """What one file holds, whatever it is called."""
        if not self.loader:
            raise DataUnusable(f"data set {self.name} is read from no file")
        table = read_table(path) if path.suffix == ".parquet" else self.read(path)
        return self._examples(self.loader(table, path))

    def _examples(self, rows: Rows) -> Examples:
        count = len(rows.texts)
        labels = np.full((count, len(LABELS)), np.nan, np.float32)
        for attribute, values in rows.labels.items():
            labels[:, LABELS.index(attribute)] = values
        groups = [f"{self.name}:{group}" for group in rows.groups or rows.texts]
        folds = rows.folds if rows.folds is not None else np.array([fold_of(group) for group in groups], np.int8)
        if rows.is_test is not None:
            folds = np.where(rows.is_test, np.int8(TEST), folds)
        weights = np.full(count, self.weight, np.float32) * (1 if rows.weights is None else rows.weights)
        languages = rows.languages or [self.language] * count
        return Examples(rows.texts, labels, weights.astype(np.float32), groups, folds, [self.name] * count, languages)


def is_test(table: Table, path: Path) -> NDArray[np.bool_]:
    """By a column `split`; a part called dev is there to learn from and to calibrate on."""
    return np.array([split == "test" for split in cells(table, "split", path)], bool)


def numbers(table: Table, name: str, path: Path) -> NDArray[np.float64]:
    """A column of numbers (or truth values), also written as text; NaN for null."""
    found = np.full(table.num_rows, np.nan)
    for row, value in enumerate(table.column(column_at(table.column_names, name, path)).to_pylist(), 1):
        try:
            found[row - 1] = number(value)
        except (TypeError, ValueError) as error:
            raise DataUnusable(f"{path}: row {row}, column '{name}': {_shown(value)} is not a number") from error
    return found


def number(value: Any) -> float:  # noqa: ANN401 - whatever stands there
    """NaN for what stands for nothing. Raises TypeError and ValueError."""
    if value is None:
        return math.nan
    if not isinstance(value, str):
        return float(value)
    said = value.strip().lower()
    if said in _NOTHING:
        return math.nan
    if said in _TRUTH:
        return _TRUTH[said]
    return float(said.replace(",", ".") if _DECIMAL_COMMA.fullmatch(said) else said)


# As spreadsheets, databases and pandas write what is not there.
_NOTHING = frozenset({"", "null", "none", "nan", "na", "n/a", "#n/a", "<na>", "\\n"})
_TRUTH = {"true": 1.0, "false": 0.0}
_DECIMAL_COMMA = re.compile(r"-?\d+,\d+")


def _shown(value: object) -> str:
    """Short: a file that puts its texts in the wrong column must not print them."""
    return repr(value) if len(repr(value)) <= LONGEST_SHOWN else f"something of {len(repr(value))} letters"


def chosen(values: Sequence[str], meaning: dict[str, float]) -> NDArray[np.float64]:
    """Words to numbers; NaN for a word that says nothing."""
    return np.array([meaning.get(value, np.nan) for value in values])


__all__ = ["DataSet", "Rows", "cells", "chosen", "is_test", "number", "numbers"]

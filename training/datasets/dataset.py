"""The definition of a data set: its files, and what its labels mean for our attributes."""

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
from training.tables import Table, cells, column_values, read_table


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one file: texts, and by attribute the labels (n,), NaN if unknown."""

    texts: list[str]
    labels: Mapping[str, NDArray[np.floating]]
    groups: list[str] | None = None
    is_test: NDArray[np.bool_] | None = None
    folds: NDArray[np.int8] | None = None
    weights: NDArray[np.floating] | None = None
    languages: list[str] | None = None


# A longer value is not a label, but a text.
LONGEST_SHOWN = 20

Loader = Callable[[Table, Path], Rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """`published`: glob patterns of the publisher's own files. `weight`: of one row; 0: not trained on. `loader` reads
    rows from a file; `written` generates the rows of a data set without files.

    `language`: of its texts, or of most of them if the loader gives a language for each; then `others` are the other
    possible ones. `teaches` says in words what its labels mean for us; docs/data-sets.md shows it.
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
        """Our copy, or else the publisher's own files."""
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
        """The examples of one file with any name."""
        if not self.loader:
            raise DataUnusable(f"data set {self.name} is not read from a file")
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
    """By the column `split`; a dev part counts as training data."""
    return np.array([split == "test" for split in cells(table, "split", path)], bool)


def numbers(table: Table, name: str, path: Path) -> NDArray[np.float64]:
    """A column of numbers or booleans, also as text; NaN for null."""
    found = np.full(table.num_rows, np.nan)
    for row, value in enumerate(column_values(table, name, path), 1):
        try:
            found[row - 1] = number(value)
        except (TypeError, ValueError) as error:
            raise DataUnusable(f"{path}: row {row}, column '{name}': {_shown(value)} is not a number") from error
    return found


def is_missing(text: str) -> bool:
    """Whether a cell says that it has no value."""
    return text.strip().lower() in _MISSING


def number(value: Any) -> float:  # noqa: ANN401 - any cell
    """NaN for a missing value. Raises TypeError and ValueError."""
    if value is None:
        return math.nan
    if not isinstance(value, str):
        return float(value)
    text = value.strip().lower()
    if text in _MISSING:
        return math.nan
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    return float(text.replace(",", ".") if _DECIMAL_COMMA.fullmatch(text) else text)


# How spreadsheets, databases and pandas write a missing value.
_MISSING = frozenset({"", "null", "none", "nan", "na", "n/a", "#n/a", "<na>", "\\n"})
_BOOLEANS = {"true": 1.0, "false": 0.0}
_DECIMAL_COMMA = re.compile(r"-?\d*,\d+(?:e[+-]?\d+)?")


def _shown(value: object) -> str:
    """A short form: if a file has its texts in the wrong column, the message must not print them."""
    return repr(value) if len(repr(value)) <= LONGEST_SHOWN else f"a value of {len(repr(value))} characters"


def chosen(values: Sequence[str], meaning: dict[str, float]) -> NDArray[np.float64]:
    """Maps labels to numbers; NaN for a label without a meaning."""
    return np.array([meaning.get(value, np.nan) for value in values])


__all__ = ["DataSet", "Rows", "cells", "chosen", "is_missing", "is_test", "number", "numbers"]

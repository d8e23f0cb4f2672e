"""A user's own labeled file: a column `text`, and a column for each attribute that it labels."""

import re
from functools import partial
from pathlib import Path

import numpy as np

from classifier import LABELS
from training.datasets.dataset import DataSet, Rows, cells, numbers
from training.errors import DataUnusable
from training.examples import Examples
from training.tables import Table, listed, read_table, texts
from training.text_files import FileOptions

_DEFAULT_OPTIONS = FileOptions()


def read(path: Path, options: FileOptions = _DEFAULT_OPTIONS) -> Examples:
    """Labels are 0 or 1 (or true and false), or a share in between; empty if unknown. Raises DataUnusable."""
    own = DataSet(
        name="own",
        loader=_load,
        read=partial(read_table, options=options),
        teaches="the attributes that its columns name",
    )
    return own.examples(path)


def _load(table: Table, path: Path) -> Rows:
    if not table.num_rows:
        raise DataUnusable(f"{path} has no rows")
    found = [name for name in LABELS if name in table.column_names]
    for name in table.column_names:
        meant = re.sub(r"[\s-]+", "_", name.strip()).lower()
        if meant in LABELS and meant not in found:
            raise DataUnusable(f"{path}: column {name!r} must be called {meant}; remove it if it holds no labels")
    if not found:
        raise DataUnusable(
            f"{path}: no column named after an attribute ({', '.join(LABELS)}); it has {listed(table.column_names)}"
        )
    labels = {name: numbers(table, name, path) for name in found}
    for name, values in labels.items():
        wrong = np.flatnonzero((values < 0) | (values > 1))
        if len(wrong):
            raise DataUnusable(
                f"{path}: row {wrong[0] + 1}, column '{name}': {values[wrong[0]]:g} is not between 0 and 1"
            )
    groups = cells(table, "id", path) if "id" in table.column_names else None
    return Rows(texts(table, "text", path), labels, groups)

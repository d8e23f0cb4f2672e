"""Texts with the scores of Perspective that a site has kept, out of whatever columns they stand in."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from training.datasets.dataset import number
from training.errors import DataUnusable
from training.reading import Reading
from training.tables import Table, column_at, read_table, texts

_AS_SAID = Reading()

# Perspective's names -> ours.
OURS = {
    "TOXICITY": "toxicity",
    "SEVERE_TOXICITY": "severe_toxicity",
    "IDENTITY_ATTACK": "identity_attack",
    "INSULT": "insult",
    "PROFANITY": "profanity",
    "THREAT": "threat",
    "SPAM": "spam",
    "OBSCENE": "profanity",
}
_TEXT_COLUMNS = ("text", "comment_text", "comment.text", "comment", "body", "content", "message")
_LANGUAGE = "language"
# As Perspective answers it, and as people call a column of it.
_ANSWERED = re.compile(r"(?:.*\.)?attributeScores\.([A-Z_]+)\.summaryScore\.value")
_AROUND = re.compile(
    r"^(?:perspective|persp|google|api|score)[_. -]+"
    r"|(?<![_. -])[_. -]+(?:score|prob|value|perspective)$|@\d+$|_EXPERIMENTAL$",
    re.IGNORECASE,
)
_YES = frozenset({"1", "1.0", "true", "yes", "reject", "rejected", "toxic", "spam", "remove", "removed"})
_NO = frozenset({"0", "0.0", "false", "no", "approve", "approved", "ok", "keep", "kept"})

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Kept:
    """n texts.

    `scores`: by Perspective's attribute, (n,) in [0, 1], NaN where there is none. `labels`: (n,) 0, 1, or NaN.
    """

    texts: list[str]
    languages: list[str | None]
    scores: Mapping[str, Numbers]
    labels: Numbers | None = None


def read(
    path: Path,
    text: str | None = None,
    columns: Mapping[str, str] | None = None,
    label: str | None = None,
    reading: Reading = _AS_SAID,
) -> Kept:
    """`text`, `columns` (by attribute) and `label` name columns; what is not named is guessed.

    Raises DataUnusable naming the file and what it lacks.
    """
    table = _table(path, reading)
    named = dict(columns) if columns else guessed(table.column_names, path)
    scores = {attribute: _numbers(table, column, path) for attribute, column in named.items()}
    return Kept(
        texts(table, text or _text_column(table.column_names, path), path),
        _languages(table, path),
        scores,
        None if label is None else _answers(table, label, path),
    )


def read_texts(path: Path, text: str | None = None, label: str | None = None, reading: Reading = _AS_SAID) -> Kept:
    """The same without scores, for who has none yet."""
    table = _table(path, reading)
    column = text or _text_column(table.column_names, path)
    labels = None if label is None else _answers(table, label, path)
    return Kept(texts(table, column, path), _languages(table, path), {}, labels)


def _table(path: Path, reading: Reading) -> Table:
    table = _flat(read_table(path, reading))
    if not table.num_rows:
        raise DataUnusable(f"{path} has no rows")
    return table


def guessed(columns: Sequence[str], path: Path) -> dict[str, str]:
    """Attribute -> the column that looks like its scores. Raises DataUnusable where two look alike."""
    found: dict[str, list[str]] = {}
    for column in columns:
        attribute = attribute_of(column)
        if attribute:
            found.setdefault(attribute, []).append(column)
    # A file that holds our scores, too, has them in lower case: `steward score` writes them so.
    chosen = {attribute: [c for c in names if c != attribute.lower()] or names for attribute, names in found.items()}
    for attribute, names in chosen.items():
        if len(names) > 1:
            raise DataUnusable(f"{path}: {' and '.join(names)} may all be {attribute}; say which by --score")
    return {attribute: names[0] for attribute, names in chosen.items()}


def attribute_of(column: str) -> str | None:
    answered = _ANSWERED.fullmatch(column)
    name = answered[1] if answered else column
    while (stripped := _AROUND.sub("", name)) != name:
        name = stripped
    name = re.sub(r"[ .-]+", "_", name).upper()
    return name if name in OURS else None


def _text_column(columns: Sequence[str], path: Path) -> str:
    lower = {column.lower(): column for column in reversed(columns)}
    for name in _TEXT_COLUMNS:
        if name in lower:
            return lower[name]
    raise DataUnusable(f"{path}: none of the columns looks like the text; say which by --text: {', '.join(columns)}")


def _flat(table: Table) -> Table:
    """Columns within columns side by side, as `attributeScores.TOXICITY.summaryScore.value`."""
    while any(pa.types.is_struct(field.type) for field in table.schema):
        table = table.flatten()
    return table


def _languages(table: Table, path: Path) -> list[str | None]:
    if _LANGUAGE not in table.column_names:
        return [None] * table.num_rows
    values = table.column(column_at(table.column_names, _LANGUAGE, path)).to_pylist()
    return [value if isinstance(value, str) else None for value in values]


def _numbers(table: Table, column: str, path: Path) -> Numbers:
    return np.array([_number(value, row, column, path) for row, value in _rows(table, column, path)], float)


def _number(value: Any, row: int, column: str, path: Path) -> float:  # noqa: ANN401 - whatever stands there
    try:
        found = number(value)
    except (TypeError, ValueError):
        found = np.inf
    if np.isnan(found):
        return np.nan
    if not 0 <= found <= 1:
        raise DataUnusable(f"{path}: row {row}: '{column}' must be a number between 0 and 1")
    return found


def _answers(table: Table, column: str, path: Path) -> Numbers:
    return np.array([_answer(value, row, column, path) for row, value in _rows(table, column, path)], float)


def _answer(value: Any, row: int, column: str, path: Path) -> float:  # noqa: ANN401 - whatever stands there
    said = "" if value is None else str(value).strip().lower()
    if said in _YES | _NO:
        return float(said in _YES)
    if not said:
        return np.nan
    raise DataUnusable(f"{path}: row {row}: '{column}' must be 1 or 0, true or false, reject or approve")


def _rows(table: Table, column: str, path: Path) -> Iterable[tuple[int, Any]]:
    return enumerate(table.column(column_at(table.column_names, column, path)).to_pylist(), 1)

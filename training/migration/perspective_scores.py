"""Reads texts with Perspective's scores from a site's file, and guesses the columns."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from training.datasets.dataset import is_missing, number
from training.errors import DataUnusable
from training.tables import Table, column_values, is_mixed, listed, mixed, paths, read_table, texts
from training.text_files import FileOptions

_DEFAULT_OPTIONS = FileOptions()

# Perspective's names -> ours.
LABEL_OF = {
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
# In a mixed column, numbers, lists and booleans became text.
_A_TAG = re.compile("(?!(?:true|false)$)[A-Za-z]")
# The path in Perspective's answer, and what people add to an attribute's name in a column name.
_ANSWERED = re.compile(r"(?:.*\.)?attributeScores\.([A-Z_]+)\.summaryScore\.value")
_AROUND = re.compile(
    r"^(?:perspective|persp|google|api|score)[_. -]+"
    r"|^(?-i:(?:scores|attributeScores)[_. -]+(?=[A-Z]))"  # in lower case they are ours or another model's
    r"|(?<![_. -])[_. -]+(?:score|prob|value|perspective)$|@\d+$|_EXPERIMENTAL$",
    re.IGNORECASE,
)
_YES = frozenset({"1", "1.0", "true", "yes", "reject", "rejected", "toxic", "spam", "remove", "removed"})
_NO = frozenset({"0", "0.0", "false", "no", "approve", "approved", "ok", "keep", "kept"})

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PerspectiveScores:
    """n texts.

    `scores`: by Perspective's attribute, (n,) in [0, 1], NaN if missing. `labels`: (n,) 0, 1, or NaN.
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
    options: FileOptions = _DEFAULT_OPTIONS,
) -> PerspectiveScores:
    """`text`, `columns` (by attribute) and `label` name columns; other columns are guessed.

    Raises DataUnusable naming the file and what is missing.
    """
    table = _table(path, options)
    _refuse_mixed(table, [text, label, *(columns or {}).values()], path, is_guessed=not columns)
    named = dict(columns) if columns else guessed(table.column_names, path)
    scores = {attribute: _numbers(table, column, path) for attribute, column in named.items()}
    return PerspectiveScores(
        texts(table, text or _text_column(table.column_names, path), path),
        _languages(table, path),
        scores,
        None if label is None else _answers(table, label, path),
    )


def read_texts(
    path: Path, text: str | None = None, label: str | None = None, options: FileOptions = _DEFAULT_OPTIONS
) -> PerspectiveScores:
    """The same without scores, for a site that has none yet."""
    table = _table(path, options)
    _refuse_mixed(table, [text, label], path, is_guessed=False)
    column = text or _text_column(table.column_names, path)
    labels = None if label is None else _answers(table, label, path)
    return PerspectiveScores(texts(table, column, path), _languages(table, path), {}, labels)


def _table(path: Path, options: FileOptions) -> Table:
    table = _flat(read_table(path, options))
    if not table.num_rows:
        raise DataUnusable(f"{path} has no rows")
    return table


def _refuse_mixed(table: Table, named: Iterable[str | None], path: Path, *, is_guessed: bool) -> None:
    """A mixed field keeps its objects as text, so what is named within it, or would be guessed, is not found."""
    missing = [name for name in named if name and name not in table.column_names]
    for at, field in enumerate(table.schema):
        if is_mixed(field) and (
            any(name.startswith(f"{field.name}.") for name in missing)
            or (is_guessed and attribute_of(field.name) is None and _holds_scores(field.name, table.column(at)))
        ):
            raise mixed(field, path)


def _holds_scores(name: str, column: Iterable[Any]) -> bool:
    objects = (_object(text) for scalar in column if (text := scalar.as_py()) and text.startswith("{"))
    found = {inner for each in objects for inner, _ in paths(name, each)}
    return any("[]" not in each and attribute_of(each) for each in found)


def _object(text: str) -> Any:  # noqa: ANN401 - any JSON
    try:
        return json.loads(text)
    except (ValueError, RecursionError):  # it was a text before
        return None


def guessed(columns: Sequence[str], path: Path) -> dict[str, str]:
    """Attribute -> the column that looks like its scores. Raises DataUnusable if several columns do."""
    found: dict[str, list[str]] = {}
    for column in columns:
        attribute = attribute_of(column)
        if attribute:
            found.setdefault(attribute, []).append(column)
    # A file may also have our scores; `steward score` writes them in lower case.
    chosen = {attribute: [c for c in names if c != attribute.lower()] or names for attribute, names in found.items()}
    for attribute, names in chosen.items():
        if len(names) > 1:
            raise DataUnusable(f"{path}: {' and '.join(names)} may all be {attribute}; choose one with --score")
    return {attribute: names[0] for attribute, names in chosen.items()}


def attribute_of(column: str) -> str | None:
    answered = _ANSWERED.fullmatch(column)
    name = answered[1] if answered else column
    while (stripped := _AROUND.sub("", name)) != name:
        name = stripped
    name = re.sub(r"[ .-]+", "_", name).upper()
    return name if name in LABEL_OF else None


def _text_column(columns: Sequence[str], path: Path) -> str:
    lower = {column.lower(): column for column in reversed(columns)}
    for name in _TEXT_COLUMNS:
        if name in lower:
            return lower[name]
    raise DataUnusable(f"{path}: no column looks like the text; choose one with --text: {listed(columns, 'columns')}")


def _flat(table: Table) -> Table:
    """Flattens nested columns to names like `attributeScores.TOXICITY.summaryScore.value`."""
    while any(pa.types.is_struct(field.type) for field in table.schema):
        table = table.flatten()
    return table


def _languages(table: Table, path: Path) -> list[str | None]:
    if _LANGUAGE not in table.column_names:
        return [None] * table.num_rows
    values = column_values(table, _LANGUAGE, path)
    return [value if isinstance(value, str) and _is_tag(value) else None for value in values]


def _is_tag(value: str) -> bool:
    return bool(_A_TAG.match(value)) and not is_missing(value)


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
    answer = "" if value is None else str(value.decode() if isinstance(value, bytes) else value).strip().lower()
    if answer in _YES | _NO:
        return float(answer in _YES)
    if is_missing(answer):
        return np.nan
    raise DataUnusable(f"{path}: row {row}: '{column}' must be 1 or 0, true or false, reject or approve")


def _rows(table: Table, column: str, path: Path) -> Iterable[tuple[int, Any]]:
    return enumerate(column_values(table, column, path), 1)

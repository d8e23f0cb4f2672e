"""Reads tables of texts from Parquet, CSV, TSV and NDJSON files, by suffix."""

import json
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.parquet

from training.delimited import Delimited
from training.errors import DataUnusable
from training.ndjson import objects
from training.text_files import FileOptions, encoding_of, lines_of

# pyarrow ships no types; the aliases at least document intent.
Table: TypeAlias = Any
Field: TypeAlias = Any

_MULTILINE = FileOptions(multiline=True)
_DEFAULT_OPTIONS = FileOptions()
# Metadata key of an NDJSON field with values of several types: the line and the path of the first that does not fit.
_ODD = b"steward.odd"


def read_table(path: Path, options: FileOptions = _DEFAULT_OPTIONS) -> Table:
    """The file as a table; all columns of a CSV file are text. Raises DataUnusable naming the file."""
    suffix = path.suffix.lower()
    if suffix in (".csv", ".tsv"):
        return _delimited(path, "," if suffix == ".csv" else "\t", options)
    if suffix == ".parquet":
        # read_table requires that the names of all columns are unique.
        with translated(path), pyarrow.parquet.ParquetFile(path) as file:
            return file.read()
    if suffix in (".json", ".ndjson", ".jsonl"):
        return _of_objects(list(objects(path, options)))
    raise DataUnusable(f"{path}: the name must end in .parquet, .csv, .tsv, .json, .ndjson or .jsonl")


def read_csv(path: Path, delimiter: str = ",", names: Sequence[str] = (), *, quoted: bool = True) -> Table:
    """A publisher's file, whose quoted fields may span lines. `names`: the columns if the file has no header.

    `quoted`: False if quotes have no special meaning. Raises DataUnusable naming the file.
    """
    return _delimited(path, delimiter, _MULTILINE) if quoted else _unquoted(path, delimiter, names)


def _delimited(path: Path, delimiter: str, options: FileOptions) -> Table:
    rows = Delimited(path, delimiter, options)
    columns: list[list[str]] = [[] for _ in rows.names]
    for row in rows:
        for column, value in zip(columns, row, strict=True):
            column.append(value)
    return pa.Table.from_arrays([pa.array(column, pa.string()) for column in columns], names=rows.names)


def _unquoted(path: Path, delimiter: str, names: Sequence[str]) -> Table:
    lines = lines_of(path, encoding_of(path, _DEFAULT_OPTIONS))
    header = list(names) or next(lines, "").rstrip("\r\n").split(delimiter)
    rows = []
    for number, line in enumerate(lines, 1 if names else 2):
        row = line.rstrip("\r\n").split(delimiter)
        if len(row) != len(header) and row != [""]:
            raise DataUnusable(f"{path}: line {number}: {len(row)} columns; expected {len(header)}")
        rows.append(row)
    found = [row for row in rows if row != [""]]
    return pa.Table.from_arrays(
        [pa.array([row[at] for row in found], pa.string()) for at in range(len(header))], header
    )


def _of_objects(rows: list[tuple[int, dict[str, Any]]]) -> Table:
    """Values of several types in a column are kept as text, which `texts` refuses."""
    columns, fields = [], []
    for name in dict.fromkeys(name for _, row in rows for name in row):
        values = _present([row.get(name) for _, row in rows])
        column, metadata = _array(values), None
        if column is None:
            odd, where = _first_odd(name, values)
            metadata = {_ODD: json.dumps([rows[odd][0], where])}
            column = pa.array([None if value is None else _as_text(value) for value in values], pa.string())
        columns.append(column)
        fields.append(pa.field(name, column.type, metadata=metadata))
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def _present(values: list[Any]) -> list[Any]:
    """Among other values an empty text is a null; so is an empty list among objects, as PHP writes an empty object."""
    kinds = {type(value) for value in values if value is not None and value not in ("", [])}
    if str in kinds or not kinds:
        return values
    return [None if value == "" or (value == [] and kinds == {dict}) else value for value in values]


def _array(values: list[Any]) -> Any | None:  # noqa: ANN401 - a pyarrow array
    """None if pyarrow cannot keep the values together."""
    kinds = {type(value) for value in values if value is not None}
    try:
        if kinds <= {bool, int, float} and len(kinds) > 1:
            return pa.array([None if value is None else float(value) for value in values])
        return pa.array(values)
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        return None


def _first_odd(name: str, values: list[Any]) -> tuple[int, str]:
    """The row and the path of the first value that pyarrow cannot keep together with those before it."""
    kinds: dict[str, str] = {}
    for row, value in enumerate(values):
        for path, part in paths(name, value):
            kind = "number" if path == name and isinstance(part, bool) else _KINDS.get(type(part), "number")
            if part is not None and kinds.setdefault(path, kind) != kind:
                return row, path
    # All numbers: some are too large, or not exact as decimal ones.
    return bisect_left(range(len(values) - 1), True, key=lambda at: _array(values[: at + 1]) is None), name


def paths(name: str, value: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - any JSON
    """The value and all within it, each with its path, such as `meta.tags[].id`."""
    found = [(name, value)]
    while found:
        path, part = found.pop()
        yield path, part
        if isinstance(part, dict):
            found += [(f"{path}.{key}", inner) for key, inner in part.items()]
        elif isinstance(part, list):
            found += [(f"{path}[]", inner) for inner in part]


_KINDS = {str: "text", bool: "boolean", dict: "object", list: "list"}


def _as_text(value: Any) -> str:  # noqa: ANN401 - any JSON
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


@contextmanager
def translated(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise DataUnusable(f"{path}: {error}") from error


def column_at(names: Sequence[str], name: str, path: Path) -> int:
    """The column's position. Raises DataUnusable if no column has that name, or more than one."""
    if names.count(name) > 1:
        raise DataUnusable(f"{path}: {_NUMBERS.get(names.count(name), 'several')} columns are called {name}")
    if name in names:
        return names.index(name)
    apart = next((mark for mark in (";", "\t", "|", ",") if any(mark in each for each in names)), None)
    hint = "" if apart is None else f"; if {_MARKS.get(apart, repr(apart))} separates them, set --delimiter"
    near = next((each for each in names if each.strip().lower() == name.lower()), None)
    if near is not None:
        hint = f"; {near!r} differs only in case or spaces: rename it, or name it so"
    raise DataUnusable(f"{path}: no column '{name}'; it has {listed(names)}{hint}")


def listed(names: Sequence[str], kind: str = "columns") -> str:
    """Names of a `kind` for a message; in quotes if they would not be seen as they are."""
    shown = [each if each and each.isprintable() and each == each.strip() else repr(each) for each in names]
    if len(shown) > _MOST_LISTED:
        shown[_MOST_LISTED:] = [f"and {len(shown) - _MOST_LISTED:,} more"]
    return ", ".join(shown) or f"no {kind}"


_MOST_LISTED = 20
_NUMBERS = {2: "two", 3: "three"}
_MARKS = {"\t": "a tab"}


def texts(table: Table, name: str, path: Path, first_row: int = 1) -> list[str]:
    """A column of text; a null is an empty text, and bytes are decoded as UTF-8.

    Raises DataUnusable for a column of another type. `first_row`: the number of the table's first row, for messages.
    """
    at = column_at(table.column_names, name, path)
    column = table.column(at)
    if is_mixed(table.schema.field(at)):
        raise mixed(table.schema.field(at), path)
    kind = _within(column.type)
    if not (_is_text(kind) or _is_bytes(kind) or pa.types.is_null(kind)):
        raise DataUnusable(f"{path}: column '{name}' holds {column.type}, not text")
    return [
        _text(value, f"{path}: row {row}, column '{name}'")
        for row, value in enumerate(_values(column, name, path, first_row), first_row)
    ]


def is_mixed(field: Field) -> bool:
    """Whether values of several types in an NDJSON field are kept as text."""
    return _ODD in (field.metadata or {})


def mixed(field: Field, path: Path) -> DataUnusable:
    """The error for callers that cannot use a mixed field."""
    line, where = json.loads(field.metadata[_ODD])
    return DataUnusable(f"{path}: line {line}: '{where}' has another type than in the lines before, or is too large")


def column_values(table: Table, name: str, path: Path) -> list[Any]:
    """A column of any type; values of several types as text. Raises DataUnusable for a text that is not UTF-8."""
    return _values(table.column(column_at(table.column_names, name, path)), name, path, 1)


def _values(column: Any, name: str, path: Path, first_row: int) -> list[Any]:  # noqa: ANN401 - a pyarrow column
    try:
        found: list[Any] = column.to_pylist()
    except UnicodeDecodeError as error:
        row = next((row for row, value in enumerate(column, first_row) if not _is_readable(value)), first_row)
        raise DataUnusable(f"{path}: row {row}, column '{name}': bytes that are not UTF-8") from error
    except (ValueError, OverflowError, pa.ArrowException) as error:  # instants that Python cannot hold
        raise DataUnusable(f"{path}: column '{name}' of type {column.type} cannot be read: {error}") from error
    return found


def _is_readable(value: Any) -> bool:  # noqa: ANN401 - a pyarrow scalar
    try:
        value.as_py()
    except UnicodeDecodeError:
        return False
    return True


def cells(table: Table, name: str, path: Path) -> list[str]:
    """A column of any type or of several as text, such as ids or categories; a null is an empty text."""
    return [
        _text(value, f"{path}: row {row}, column '{name}'") if value is None or isinstance(value, bytes) else str(value)
        for row, value in enumerate(column_values(table, name, path), 1)
    ]


def is_textual(kind: Any) -> bool:  # noqa: ANN401 - a pyarrow type
    return _is_text(_within(kind))


def _text(value: str | bytes | None, place: str) -> str:
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise DataUnusable(f"{place}: bytes that are not UTF-8") from error
    return value or ""


def _within(kind: Any) -> Any:  # noqa: ANN401 - a pyarrow type
    """The value type of a column: a dictionary's values, or an extension's storage."""
    if isinstance(kind, pa.BaseExtensionType):
        return _within(kind.storage_type)
    return _within(kind.value_type) if pa.types.is_dictionary(kind) else kind


def _is_text(kind: Any) -> bool:  # noqa: ANN401 - an Arrow type; pyarrow has no types of its own
    return any(_asked(name, kind) for name in ("is_string", "is_large_string", "is_string_view"))


def _is_bytes(kind: Any) -> bool:  # noqa: ANN401 - an Arrow type; pyarrow has no types of its own
    names = ("is_binary", "is_large_binary", "is_fixed_size_binary", "is_binary_view")
    return any(_asked(name, kind) for name in names)


def _asked(name: str, kind: Any) -> bool:  # noqa: ANN401 - an Arrow type; pyarrow has no types of its own
    """Older pyarrow releases have fewer types."""
    return hasattr(pa.types, name) and bool(getattr(pa.types, name)(kind))

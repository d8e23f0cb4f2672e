"""Tables of texts from files: Parquet, CSV, TSV and NDJSON, by their ending."""

from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet

from training.errors import DataUnusable

# pyarrow ships no types; this says at least what is meant.
Table: TypeAlias = Any


def read_table(path: Path) -> Table:
    """The file as a table with text where text stands. Raises DataUnusable naming the file."""
    suffix = path.suffix.lower()
    try:
        if suffix == ".parquet":
            return pyarrow.parquet.read_table(path)
        if suffix in (".json", ".ndjson", ".jsonl"):
            return pyarrow.json.read_json(path)
        if suffix in (".csv", ".tsv"):
            return _read_csv(path, "," if suffix == ".csv" else "\t")
    except (pa.ArrowException, OSError) as error:
        raise DataUnusable(f"{path}: {error}") from error
    raise DataUnusable(f"{path}: the name must end in .parquet, .csv, .tsv, .json, .ndjson or .jsonl")


def _read_csv(path: Path, delimiter: str) -> Table:
    """Quoted fields may span lines, as in Kaggle's files; nothing is taken for a null."""
    return pyarrow.csv.read_csv(
        path,
        parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(strings_can_be_null=False),
    )


def texts(table: Table, name: str, path: Path) -> list[str]:
    """A column of text; a null is an empty text."""
    if name not in table.column_names:
        raise DataUnusable(f"{path}: no column '{name}'; it has {', '.join(table.column_names)}")
    return [("" if value is None else str(value)) for value in table.column(name).to_pylist()]

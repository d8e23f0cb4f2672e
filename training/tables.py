"""Tables of texts from files: Parquet, CSV, TSV and NDJSON, by their ending."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet

from training.errors import DataUnusable

# pyarrow ships no types; this says at least what is meant.
Table: TypeAlias = Any


# Columns that hold text even where every text in them looks like a number.
_TEXTS = ("text", "comment_text", "tweet", "Tweet", "CONTENT", "comment", "user", "id")


def read_table(path: Path) -> Table:
    """The file as a table with text where text stands. Raises DataUnusable naming the file."""
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return read_csv(path)
    if suffix == ".tsv":
        return read_csv(path, "\t")
    with _translated(path):
        if suffix == ".parquet":
            return pyarrow.parquet.read_table(path)
        if suffix in (".json", ".ndjson", ".jsonl"):
            return pyarrow.json.read_json(path, pyarrow.json.ReadOptions(block_size=_whole(path)))
    raise DataUnusable(f"{path}: the name must end in .parquet, .csv, .tsv, .json, .ndjson or .jsonl")


def read_csv(path: Path, delimiter: str = ",", names: Sequence[str] = (), *, quoted: bool = True) -> Table:
    """Quoted fields may span lines, as in Kaggle's files; no text is taken for a null. `names`: for want of a header.

    Raises DataUnusable naming the file.
    """
    with _translated(path):
        return pyarrow.csv.read_csv(
            path,
            pyarrow.csv.ReadOptions(column_names=list(names), block_size=_whole(path)),
            pyarrow.csv.ParseOptions(
                delimiter=delimiter, quote_char='"' if quoted else False, newlines_in_values=quoted
            ),
            pyarrow.csv.ConvertOptions(strings_can_be_null=False, column_types=dict.fromkeys(_TEXTS, pa.string())),
        )


def _whole(path: Path) -> int:
    """A block size: what a column holds is guessed from the first block, and its labels may begin far below."""
    return min(max(path.stat().st_size + 1, 1 << 16), (1 << 31) - 1)


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise DataUnusable(f"{path}: {error}") from error


def texts(table: Table, name: str, path: Path) -> list[str]:
    """A column of text; a null is an empty text."""
    if name not in table.column_names:
        raise DataUnusable(f"{path}: no column '{name}'; it has {', '.join(table.column_names)}")
    return [("" if value is None else str(value)) for value in table.column(name).to_pylist()]

"""Files that are read in chunks and written back with scores, in the same format."""

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, TextIO

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet
from numpy.typing import NDArray

from training.datasets.dataset import is_missing
from training.delimited import Delimited
from training.errors import DataUnusable
from training.ndjson import objects, text_of
from training.tables import Table, column_at, is_textual, listed, texts, translated
from training.text_files import FileOptions

CHUNK = 4_096
LANGUAGE = "language"


@dataclass(frozen=True, slots=True)
class ScoredRows:
    """`scores`: shape (rows, labels), NaN if the model does not judge the label in that language."""

    languages: list[str]
    scores: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows as they were read, their texts, and their declared languages."""

    rows: Any
    texts: list[str]
    tags: list[str | None]


Write = Callable[[Chunk, ScoredRows], None]


class ScoredFile(Protocol):
    """An input file and the column to score."""

    def chunks(self) -> Iterator[Chunk]: ...

    def writing(self, target: Path, labels: Sequence[str]) -> AbstractContextManager[Write]:
        """Opens an output file of the same format; it has the columns even if there are no rows."""


def opened(path: Path, column: str, options: FileOptions) -> ScoredFile:
    """Raises DataUnusable."""
    return _FORMATS[format_of(path)](path, column, options)


def format_of(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in _FORMATS:
        raise DataUnusable(f"{path}: the name must end in {', '.join(_FORMATS)}")
    return ".ndjson" if suffix == ".jsonl" else suffix


class _DelimitedFile:
    """CSV and TSV. Every cell is text, so other columns pass through unchanged."""

    def __init__(self, path: Path, column: str, options: FileOptions) -> None:
        self._file = Delimited(path, "\t" if path.suffix.lower() == ".tsv" else ",", options)
        names = self._file.names
        self._column = column_at(names, column, path)
        self._language = column_at(names, LANGUAGE, path) if LANGUAGE in names else None

    def chunks(self) -> Iterator[Chunk]:
        rows = iter(self._file)
        while some := list(islice(rows, CHUNK)):
            at = self._language
            tags = [None if at is None else _tag(row[at]) for row in some]
            yield Chunk(some, [row[self._column] for row in some], tags)

    @contextmanager
    def writing(self, target: Path, labels: Sequence[str]) -> Iterator[Write]:
        layout, names = self._file.layout, self._file.names
        kept = [at for at, name in enumerate(names) if name not in (LANGUAGE, *labels)]
        with target.open("w", encoding=layout.encoding, newline="") as file:
            file.write(layout.sep)
            lines = _Lines(file, layout.line_end)
            writer = csv.writer(lines, delimiter=layout.delimiter, lineterminator=_Lines.WRITTEN)
            writer.writerow([*(names[at] for at in kept), LANGUAGE, *labels])

            def write(chunk: Chunk, scored: ScoredRows) -> None:
                for row, language, found in zip(chunk.rows, scored.languages, scored.scores.tolist(), strict=True):
                    scores = ("" if score != score else score for score in found)  # noqa: PLR0124 - NaN
                    writer.writerow([*(row[at] for at in kept), language, *scores])

            yield write


class _Lines:
    """Python's writer only quotes the line ends that it writes itself: so it writes both, and this the file's own."""

    WRITTEN = "\r\n"

    def __init__(self, file: TextIO, line_end: str) -> None:
        self._file, self._line_end = file, line_end

    def write(self, line: str) -> None:
        self._file.write(line.removesuffix(self.WRITTEN) + self._line_end)


class _ParquetFile:
    def __init__(self, path: Path, column: str, options: FileOptions) -> None:  # noqa: ARG002 - all formats have the same signature
        self._path, self._column = path, column
        with translated(path), pyarrow.parquet.ParquetFile(path) as file:
            self._empty = file.schema_arrow.empty_table()
        texts(self._empty, column, path)
        if LANGUAGE in self._empty.column_names:
            column_at(self._empty.column_names, LANGUAGE, path)

    def chunks(self) -> Iterator[Chunk]:
        first_row = 1
        with translated(self._path), pyarrow.parquet.ParquetFile(self._path) as file:
            for batch in file.iter_batches(batch_size=CHUNK):
                table = pa.Table.from_batches([batch])
                yield Chunk(table, texts(table, self._column, self._path, first_row), self._tags(table, first_row))
                first_row += table.num_rows

    def _tags(self, table: Table, first_row: int) -> list[str | None]:
        """A column of that name need not hold languages, so other types are ignored."""
        if LANGUAGE not in table.column_names or not is_textual(table.schema.field(LANGUAGE).type):
            return [None] * table.num_rows
        return [_tag(tag) for tag in texts(table, LANGUAGE, self._path, first_row)]

    @contextmanager
    def writing(self, target: Path, labels: Sequence[str]) -> Iterator[Write]:
        nothing = ScoredRows([], np.empty((0, len(labels))))
        schema = _with_scores(self._empty, labels, nothing).schema
        with pyarrow.parquet.ParquetWriter(target, schema, compression="zstd") as writer:
            yield lambda chunk, scored: writer.write_table(_with_scores(chunk.rows, labels, scored))


def _with_scores(table: Table, labels: Sequence[str], scored: ScoredRows) -> Table:
    """Adds a column for the language and each attribute; replaces columns of the same name."""
    kept = [at for at, name in enumerate(table.column_names) if name not in (LANGUAGE, *labels)]
    table = table.select(kept).append_column(LANGUAGE, pa.array(scored.languages, pa.string()))
    for index, label in enumerate(labels):
        scores = pa.array(scored.scores[:, index], pa.float64(), from_pandas=True)  # NaN becomes null
        table = table.append_column(label, scores)
    return table


class _NdjsonFile:
    """NDJSON. A missing field counts as null, but it is an error if all lines of the first chunk lack it."""

    def __init__(self, path: Path, column: str, options: FileOptions) -> None:
        self._path, self._column, self._options = path, column, options

    def chunks(self) -> Iterator[Chunk]:
        path, name = self._path, self._column
        lines = objects(path, self._options)
        is_known = False
        while some := list(islice(lines, CHUNK)):
            rows = [row for _, row in some]
            is_known = is_known or any(name in row for row in rows)
            if not is_known:
                raise DataUnusable(
                    f"{path}: line {some[0][0]}: no field '{name}'; it has {listed(list(rows[0]), 'fields')}"
                )
            found = [text_of(row, name, f"{path}: line {number}") for number, row in some]
            yield Chunk(rows, found, [_tag(row.get(LANGUAGE)) for row in rows])

    @contextmanager
    def writing(self, target: Path, labels: Sequence[str]) -> Iterator[Write]:
        with target.open("wb") as file:  # always UTF-8 without a byte order mark, as RFC 8259 asks

            def write(chunk: Chunk, scored: ScoredRows) -> None:
                for row, language, found in zip(chunk.rows, scored.languages, scored.scores.tolist(), strict=True):
                    # NaN is written as null.
                    line = row | {LANGUAGE: language} | dict(zip(labels, found, strict=True))
                    file.write(msgspec.json.encode(line) + b"\n")

            yield write


def _tag(given: object) -> str | None:
    """None for a missing value. A field of that name need not hold a language, so other types are ignored."""
    return given if isinstance(given, str) and not is_missing(given) else None


_FORMATS: dict[str, Callable[[Path, str, FileOptions], ScoredFile]] = {
    ".csv": _DelimitedFile,
    ".tsv": _DelimitedFile,
    ".parquet": _ParquetFile,
    ".ndjson": _NdjsonFile,
    ".jsonl": _NdjsonFile,
}

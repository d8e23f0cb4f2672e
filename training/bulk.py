"""Scores for a whole file: streamed, in order, on all cores; it comes back with a column for each attribute.

What the model does not judge in the language of a text stays empty. A column `language` is believed as the service
believes the field of that name, and comes back with the language that the text was judged in.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

import classifier
from training.errors import DataUnusable
from training.tables import Table, texts

CHUNK = 4_096
DECIMALS = 6
LANGUAGE = "language"

# pyarrow ships no types.
Batch: TypeAlias = Any
Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Judged:
    """`scores`: shape (rows, labels), NaN for what is not judged in that language."""

    languages: list[str]
    scores: Scores


Write = Callable[[Any, Judged], None]


@dataclass(frozen=True, slots=True)
class Format:
    """How one kind of file is read in chunks and written again.

    `chunks` yields the rows as they are; `column` takes the texts out of a chunk, `tags` what the chunk says of
    their languages; `writing` gives a function that writes a chunk with its scores.
    """

    chunks: Callable[[Path], Iterator[Any]]
    column: Callable[[Any, str, Path], list[str]]
    tags: Callable[[Any], list[str | None]]
    writing: Callable[[Path, Sequence[str]], AbstractContextManager[Write]]


def score_file(
    model: classifier.Model, source: Path, target: Path, column: str, *, jobs: int, told: Callable[[int], None]
) -> int:
    """Score every row of `source` into `target`, which appears whole or not at all. Returns the number of rows.

    Both have the same format, known by the ending. The kernel lets go of the interpreter, so threads use all cores;
    a bounded number of chunks is in memory at once. Raises DataUnusable.
    """
    form = _format(source)
    if _format(target) is not form:
        raise DataUnusable(f"{target} must have the same ending as {source}")
    fresh = target.with_name(f".{os.getpid()}.{target.name}")
    count = 0
    try:
        with ThreadPoolExecutor(jobs) as pool, form.writing(fresh, model.labels) as write:
            work = ((chunk, form.column(chunk, column, source), form.tags(chunk)) for chunk in form.chunks(source))
            for chunk, judged in _in_order(pool, model, work, 2 * jobs):
                write(chunk, judged)
                count += len(judged.languages)
                told(len(judged.languages))
        fresh.replace(target)
    except (pa.ArrowException, OSError) as error:
        raise DataUnusable(f"{source}: {error}") from error
    finally:
        fresh.unlink(missing_ok=True)
    return count


def _in_order(
    pool: ThreadPoolExecutor,
    model: classifier.Model,
    work: Iterable[tuple[Any, list[str], list[str | None]]],
    most: int,
) -> Iterator[tuple[Any, Judged]]:
    under_way: deque[tuple[Any, Future[Judged]]] = deque()
    for chunk, column, tags in work:
        under_way.append((chunk, pool.submit(judge, model, column, tags)))
        if len(under_way) >= most:
            done, judged = under_way.popleft()
            yield done, judged.result()
    for chunk, judged in under_way:
        yield chunk, judged.result()


def judge(model: classifier.Model, column: Sequence[str], tags: Sequence[str | None]) -> Judged:
    """`tags`: what is said of the language of each text, None where nothing is."""
    languages = [classifier.language_of(text, tag, model.languages) for text, tag in zip(column, tags, strict=True)]
    scores = np.full((len(column), len(model.labels)), np.nan)
    for language, labels in model.languages.items():
        places = [place for place, each in enumerate(languages) if each == language]
        if places:
            found = model.score_many([column[place] for place in places], language=language)
            scores[np.ix_(places, [model.labels.index(label) for label in labels])] = found
    return Judged(languages, np.round(scores, DECIMALS))


def _column_of_batch(batch: Batch, name: str, path: Path) -> list[str]:
    return texts(pa.Table.from_batches([batch]), name, path)


def _tags_of_batch(batch: Batch) -> list[str | None]:
    given = batch.column(LANGUAGE).to_pylist() if LANGUAGE in batch.schema.names else [None] * batch.num_rows
    return [_tag(each) for each in given]


def _tag(given: object) -> str | None:
    """What stands in a column of that name need not be a language."""
    return given if isinstance(given, str) else None


def _arrow(chunks: Callable[[Path], Iterator[Any]], opened: Callable[[Path, Any], Any]) -> Format:
    """A format that Arrow reads in batches and writes as tables; `opened` makes its writer for a schema."""

    @contextmanager
    def writing(path: Path, labels: Sequence[str]) -> Iterator[Write]:
        writers: list[Any] = []

        def write(batch: Batch, judged: Judged) -> None:
            table = _with_scores(batch, labels, judged)
            if not writers:
                writers.append(opened(path, table.schema))
            writers[0].write_table(table)

        path.touch()  # a file without rows comes back as one
        try:
            yield write
        finally:
            for writer in writers:
                writer.close()

    return Format(chunks, _column_of_batch, _tags_of_batch, writing)


def _with_scores(batch: Batch, labels: Sequence[str], judged: Judged) -> Table:
    """Columns of the attributes' names, and the language; one that was there before is replaced."""
    table = pa.Table.from_batches([batch])
    table = table.drop_columns([name for name in (LANGUAGE, *labels) if name in table.column_names])
    table = table.append_column(LANGUAGE, pa.array(judged.languages, pa.string()))
    for index, label in enumerate(labels):
        table = table.append_column(label, pa.array(judged.scores[:, index], from_pandas=True))  # NaN becomes null
    return table


def _delimited(delimiter: str) -> Format:
    parse = pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True)

    def chunks(path: Path) -> Iterator[Any]:
        with pyarrow.csv.open_csv(path, parse_options=parse) as looked_at:
            names = looked_at.schema.names
        # Everything as text: what is not ours to understand comes out as it went in.
        convert = pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False)
        with pyarrow.csv.open_csv(path, parse_options=parse, convert_options=convert) as reader:
            for batch in reader:
                yield from (batch.slice(at, CHUNK) for at in range(0, batch.num_rows, CHUNK))

    options = pyarrow.csv.WriteOptions(delimiter=delimiter)
    return _arrow(chunks, lambda path, schema: pyarrow.csv.CSVWriter(path, schema, write_options=options))


def _parquet() -> Format:
    def chunks(path: Path) -> Iterator[Any]:
        with pyarrow.parquet.ParquetFile(path) as file:
            yield from file.iter_batches(batch_size=CHUNK)

    return _arrow(chunks, lambda path, schema: pyarrow.parquet.ParquetWriter(path, schema, compression="zstd"))


def _ndjson() -> Format:
    def chunks(path: Path) -> Iterator[list[dict[str, Any]]]:
        with path.open("rb") as file:
            lines = (_parsed(line, number, path) for number, line in enumerate(file, 1) if not line.isspace())
            while chunk := list(islice(lines, CHUNK)):
                yield chunk

    def column(chunk: list[dict[str, Any]], name: str, path: Path) -> list[str]:
        for row in chunk:
            if not isinstance(row.get(name), str):
                raise DataUnusable(f"{path}: a line has no text '{name}': {', '.join(row)}")
        return [row[name] for row in chunk]

    def tags(chunk: list[dict[str, Any]]) -> list[str | None]:
        return [_tag(row.get(LANGUAGE)) for row in chunk]

    @contextmanager
    def writing(path: Path, labels: Sequence[str]) -> Iterator[Write]:
        with path.open("wb") as file:

            def write(chunk: list[dict[str, Any]], judged: Judged) -> None:
                for row, language, found in zip(chunk, judged.languages, judged.scores.tolist(), strict=True):
                    # NaN is written as null.
                    scored = row | {LANGUAGE: language} | dict(zip(labels, found, strict=True))
                    file.write(msgspec.json.encode(scored) + b"\n")

            yield write

    return Format(chunks, column, tags, writing)


def _parsed(line: bytes, number: int, path: Path) -> dict[str, Any]:
    try:
        return msgspec.json.decode(line, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise DataUnusable(f"{path}: line {number}: {error}") from error


_CSV, _TSV, _NDJSON = _delimited(","), _delimited("\t"), _ndjson()
_FORMATS = {".csv": _CSV, ".tsv": _TSV, ".parquet": _parquet(), ".ndjson": _NDJSON, ".jsonl": _NDJSON}


def _format(path: Path) -> Format:
    try:
        return _FORMATS[path.suffix.lower()]
    except KeyError:
        raise DataUnusable(f"{path}: the name must end in {', '.join(_FORMATS)}") from None

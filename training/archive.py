"""The label archive: what moderators decided and took back, pulled from a service into Parquet, each line once.

A part file holds one page of labels and the cursor behind it. Parts are written whole or not at all, and the
cursor to go on at is read from the newest part, so a pull that is killed goes on where it was. Of two pulls at
once one writes a part and the other gives up.
"""

import os
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet
from msgspec import Meta, Struct

from classifier import LABELS, language_of
from training.errors import DataUnusable
from training.examples import Examples, fold_of
from training.tables import Table, read_table

SOURCE = "moderators"
_CURSOR = b"steward.next_cursor"
_SCHEMA = pa.schema(
    [
        ("cursor", pa.string()),
        ("id", pa.string()),
        ("revision", pa.int64()),
        ("text", pa.string()),
        ("labels", pa.string()),
        ("decision", pa.string()),
        ("reason", pa.string()),
        ("source", pa.string()),
        ("actor", pa.string()),
        ("weight", pa.float64()),
        ("at", pa.timestamp("us", tz="UTC")),
        ("language", pa.string()),
        ("inclusion", pa.float64()),
        ("retracts", pa.string()),
        ("community", pa.string()),
    ]
)
# What was pulled before labels named their community lacks the last column, before they could be taken back three, and
# before they named their language four.
_SCHEMAS = tuple(pa.schema(list(_SCHEMA)[: len(_SCHEMA) - lacking]) for lacking in (0, 1, 3, 4))


class Label(Struct, frozen=True, kw_only=True):
    """A line of GET /v1/labels: what a person said of a text.

    Where `retracts` is set: that the label of that cursor and this id was taken back, and nothing else.
    `inclusion` is the probability with which a blind audit drew the comment, None outside of one. `labels`: yes, no, or
    the share of people who would say yes. `decision`: approve or reject, empty where nothing was decided.
    """

    cursor: str
    id: str
    revision: int
    text: str
    labels: dict[str, bool | float] = {}
    decision: str
    reason: str = ""
    source: str = ""
    actor: str = ""
    weight: float = 1.0
    at: Annotated[datetime, Meta(tz=True)]
    language: str | None = None
    inclusion: float | None = None
    retracts: str | None = None
    community: str | None = None


def next_cursor(folder: Path) -> str | None:
    """Where the next pull goes on; None for an archive that is empty or not there."""
    parts = _parts(folder)
    return str(_opened(parts[-1]).schema.metadata[_CURSOR].decode()) if parts else None


def next_number(folder: Path) -> int:
    """Of the part that the next pull writes first. Ask for it before next_cursor: another pull may be at work."""
    return _following(_parts(folder))


def append(folder: Path, labels: Sequence[Label], cursor: str, number: int | None = None) -> Path:
    """Write one page as a part, the next one unless told; after it a pull goes on at `cursor`.

    Raises DataUnusable, also where there is a part of that number already: another pull has brought it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataUnusable(f"{folder}: {error}") from error
    rows = [msgspec.structs.asdict(label) | {"labels": msgspec.json.encode(label.labels).decode()} for label in labels]
    table = pa.Table.from_pylist(rows, schema=_SCHEMA.with_metadata({_CURSOR: cursor.encode()}))
    # Numbered, not named by cursor: the order of the names is the order of the pulls.
    path = folder / f"labels-{next_number(folder) if number is None else number:08d}.parquet"
    # Not the process id: in two containers that share the folder it can be the same.
    fresh = folder / f".{path.name}.{uuid4().hex}"
    try:
        pyarrow.parquet.write_table(table, fresh, compression="zstd")
        _sync(fresh)
        path.hardlink_to(fresh)  # a rename would replace what another pull wrote
    except FileExistsError as error:
        raise DataUnusable(f"{path}: another pull wrote it meanwhile; one at a time") from error
    except OSError as error:
        raise DataUnusable(f"{path}: {error}") from error
    finally:
        fresh.unlink(missing_ok=True)
    _sync(folder)
    return path


def read(folder: Path, languages: Collection[str] = ("en",)) -> Examples:
    """The archive as examples; of several decisions on one revision of a comment the newest that was not taken back.

    Only texts in one of the `languages`: moderators also decide what the model cannot read.
    approve: 0 for every attribute, but for what its labels say. reject: what its labels say, and toxicity 1 where
    one of them is an abuse and nothing is said of toxicity; where none of them is true, the reason `spam` says
    spam 1, any other toxicity 1. No decision: what the labels say. What was not said stays unknown, and a share stays a
    share. Raises DataUnusable.
    """
    rows = [label for part in _parts(folder) or _nothing(folder) for label in _rows(part)]
    # Of the id and the cursor: labels of two comments can have the same cursor where a site's queue has several shards.
    taken_back = {(label.id, label.retracts) for label in rows}
    standing = (label for label in rows if label.retracts is None and (label.id, label.cursor) not in taken_back)
    newest = {(label.id, label.revision): label for label in standing}
    read_in = ((label, language_of(label.text, label.language, languages)) for label in newest.values())
    known = [(label, language) for label, language in read_in if language in languages]
    found = [label for label, _ in known]
    return Examples(
        [label.text for label in found],
        np.array([_taught(label) for label in found], np.float32).reshape(len(found), len(LABELS)),
        np.array([label.weight for label in found], np.float32),
        [label.id for label in found],
        np.array([fold_of(label.id) for label in found], np.int8),
        [SOURCE] * len(found),
        [language for _, language in known],
    )


# A share of readers from which on they say yes.
_YES = 0.5
_ABUSE = tuple(name for name in LABELS if name not in ("toxicity", "spam"))


def _taught(label: Label) -> list[float]:
    said = {name: float(value) for name, value in label.labels.items()}
    if label.decision == "approve":
        said = dict.fromkeys(LABELS, 0.0) | said
    elif not label.decision:
        pass
    elif any(said.get(name, 0.0) >= _YES for name in _ABUSE):
        said.setdefault("toxicity", 1.0)
    elif not any(value >= _YES for value in said.values()):
        said.setdefault("spam" if label.reason == "spam" else "toxicity", 1.0)
    return [said.get(name, float("nan")) for name in LABELS]


def _rows(part: Path) -> Iterator[Label]:
    for row in _opened(part).to_pylist():
        yield msgspec.convert(row | {"labels": msgspec.json.decode(row["labels"])}, Label)


def _opened(part: Path) -> Table:
    table = read_table(part)
    if _CURSOR not in (table.schema.metadata or {}) or table.schema not in _SCHEMAS:
        raise DataUnusable(f"{part}: not written by 'steward labels pull'")
    return table


def _following(parts: Sequence[Path]) -> int:
    """One more than the last, not their count: after one was removed the next must not replace another."""
    if not parts:
        return 0
    number = parts[-1].stem.removeprefix("labels-")
    if not number.isdecimal():
        raise DataUnusable(f"{parts[-1]}: not written by 'steward labels pull'")
    return int(number) + 1


def _nothing(folder: Path) -> list[Path]:
    raise DataUnusable(f"{folder}: no labels; 'steward labels pull' writes them")


def _parts(folder: Path) -> list[Path]:
    return sorted(folder.glob("labels-*.parquet"))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""The label archive: moderators' decisions and retractions, pulled from a service into Parquet, each line once.

A part file holds one page of labels and the cursor after it. A part is written atomically, and the next cursor is read
from the newest part, so a pull that was killed continues where it stopped. If two pulls run at once, one writes the
part and the other one gives up.
"""

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet
from msgspec import Meta, Struct
from numpy.typing import NDArray

from classifier import LABELS, language_of
from training.errors import DataUnusable
from training.examples import Examples, fold_of
from training.tables import Table, read_table

SOURCE = "moderators"
# Decisions wait before training reads them, because people take back, appeal or correct some within a day.
WAIT_HOURS = 24
_CURSOR = b"steward.next_cursor"
_IDENTITY = "archive-id"
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
        ("learning_inclusion", pa.float64()),
    ]
)
# Archives of older releases lack the last column (before comments were drawn to learn from), the last two (before
# labels had a community), the last four (before labels could be retracted) or the last five (before labels had a
# language).
_SCHEMAS = tuple(pa.schema(list(_SCHEMA)[: len(_SCHEMA) - missing]) for missing in (0, 1, 2, 4, 5))


class LabelLine(Struct, frozen=True, kw_only=True):
    """A line of GET /v1/labels: one person's decision about a text.

    If `retracts` is set, the line only retracts the label with that cursor and this id. `inclusion` is the probability
    with which a blind audit drew the comment; None outside an audit. `learning_inclusion`: the probability with which
    the comment was drawn because a model learns most from it. `labels`: yes, no, or the share of people who would say
    yes. `decision`: approve or reject; empty if nothing was decided.
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
    learning_inclusion: float | None = None

    @property
    def is_erasure(self) -> bool:
        """Whether the comment was erased: all earlier labels of this id go, with their texts (see erasure.py)."""
        return self.retracts == "*" and self.source == "erased"


def next_cursor(folder: Path) -> str | None:
    """The cursor of the next pull; None if the archive is empty or does not exist."""
    found = parts(folder)
    return str(opened(found[-1]).schema.metadata[_CURSOR].decode()) if found else None


def identity(folder: Path) -> str:
    """A name of this archive, by which models remember it; made when first asked for. Raises DataUnusable."""
    path = folder / _IDENTITY
    try:
        if not path.exists():
            fresh = path.with_name(f".{path.name}.{uuid4().hex}")
            fresh.write_text(uuid4().hex)
            sync(fresh)
            with suppress(FileExistsError):  # another process made one first
                path.hardlink_to(fresh)
            fresh.unlink()
        return path.read_text().strip()
    except OSError as error:
        raise DataUnusable(f"{path}: {error}") from error


def next_number(folder: Path) -> int:
    """The number of the next part. Call this before next_cursor, since another pull may be running."""
    return _following(parts(folder))


def append(folder: Path, labels: Sequence[LabelLine], cursor: str, number: int | None = None) -> Path:
    """Write one page as part `number` (default: the next one); the following pull continues at `cursor`.

    Raises DataUnusable, also if the part exists already because another pull wrote it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataUnusable(f"{folder}: {error}") from error
    rows = [msgspec.structs.asdict(label) | {"labels": msgspec.json.encode(label.labels).decode()} for label in labels]
    table = pa.Table.from_pylist(rows, schema=_SCHEMA.with_metadata({_CURSOR: cursor.encode()}))
    # Numbered, not named by cursor, so that the parts sort by the order of the pulls.
    path = folder / f"labels-{next_number(folder) if number is None else number:08d}.parquet"
    # Not the process id: two containers that share the folder can have the same one.
    fresh = folder / f".{path.name}.{uuid4().hex}"
    try:
        pyarrow.parquet.write_table(table, fresh, compression="zstd")
        sync(fresh)
        path.hardlink_to(fresh)  # a rename would replace what another pull wrote
    except FileExistsError as error:
        raise DataUnusable(f"{path}: another pull wrote it meanwhile; run one at a time") from error
    except OSError as error:
        raise DataUnusable(f"{path}: {error}") from error
    finally:
        fresh.unlink(missing_ok=True)
    sync(folder)
    return path


def read(folder: Path, languages: Collection[str] = ("en",), before: datetime | None = None) -> Examples:
    """The archive as examples; of several decisions on one revision of a comment the newest that was not retracted.

    Only texts in one of the `languages`: moderators also decide on texts that the model cannot read. `before`: without
    what people decided later (see `is_young`).

    - approve: 0 for every attribute, except for what the labels say.
    - reject: what the labels say. If one of them is a kind of abuse and none is toxicity, also toxicity 1. If none is
      true, spam 1 for the reason `spam`, and toxicity 1 for any other.
    - no decision: what the labels say.

    What nobody said stays unknown, and a share stays a share. Raises DataUnusable.
    """
    return as_examples([label for label in newest(valid(folder)) if not is_young(label, before)], languages)


def as_examples(labels: Sequence[LabelLine], languages: Collection[str]) -> Examples:
    """Those of `in_languages`, in this order."""
    found = in_languages(labels, languages)
    return Examples(
        [label.text for label in found],
        np.array([_targets(label) for label in found], np.float32).reshape(len(found), len(LABELS)),
        np.array([label.weight for label in found], np.float32),
        [label.id for label in found],
        np.array([fold_of(label.id) for label in found], np.int8),
        [SOURCE] * len(found),
        [language_of(label.text, label.language, languages) for label in found],
        stands_for(found),
    )


def stands_for(labels: Sequence[LabelLine]) -> NDArray[np.float32]:
    """For how many comments each label stands in an evaluation, (n,).

    Labels of comments that were drawn to learn from are mostly of doubtful ones, so each counts 1 / its probability. If
    there are any, audits do, too, and as both are samples of the automatic decisions, each kind gets its share of the
    two. All others stand for themselves.
    """
    learning = sum(label.learning_inclusion is not None for label in labels)
    audits = sum(label.learning_inclusion is None and label.inclusion is not None for label in labels)
    counts = np.ones(len(labels), np.float32)
    for at, label in enumerate(labels if learning else ()):
        if label.learning_inclusion is not None:
            counts[at] = learning / (learning + audits) / label.learning_inclusion
        elif label.inclusion is not None:
            counts[at] = audits / (learning + audits) / label.inclusion
    return counts


def in_languages(labels: Sequence[LabelLine], languages: Collection[str]) -> list[LabelLine]:
    return [label for label in labels if language_of(label.text, label.language, languages) in languages]


def valid(folder: Path) -> list[LabelLine]:
    """All labels that were not retracted, oldest first. Raises DataUnusable."""
    rows = [label for part in parts(folder) or _nothing(folder) for label in lines_of(part)]
    _check_erased(folder, rows)
    # By id and cursor: if a site's queue has several shards, labels of two comments can have the same cursor.
    retracted = {(label.id, label.retracts) for label in rows}
    return [label for label in rows if label.retracts is None and (label.id, label.cursor) not in retracted]


def newest(labels: Iterable[LabelLine]) -> list[LabelLine]:
    """The last label of each revision."""
    return list({(label.id, label.revision): label for label in labels}.values())


def is_young(label: LabelLine, before: datetime | None) -> bool:
    """Whether people decided it at `before` or later (None: no limit). Labels made elsewhere are never young.

    A young label hides older ones of the same revision, because they are replaced.
    """
    return before is not None and label.revision > 0 and label.at >= before


def count_young(folder: Path, before: datetime) -> int:
    return sum(is_young(label, before) for label in newest(valid(folder)))


def _check_erased(folder: Path, rows: Sequence[LabelLine]) -> None:
    """Raises DataUnusable if the archive holds texts of comments that were erased."""
    last = {label.id: number for number, label in enumerate(rows) if label.is_erasure}
    erased = sum(bool(label.text) and number < last.get(label.id, -1) for number, label in enumerate(rows))
    if erased:
        raise DataUnusable(f"{folder}: {erased} texts in it were erased; 'steward labels pull' removes them")


# A label counts as yes from this share of readers on.
_YES = 0.5
_ABUSE = tuple(name for name in LABELS if name not in ("toxicity", "spam"))


def _targets(label: LabelLine) -> list[float]:
    values = {name: float(value) for name, value in label.labels.items()}
    if label.decision == "approve":
        values = dict.fromkeys(LABELS, 0.0) | values
    elif not label.decision:
        pass
    elif any(values.get(name, 0.0) >= _YES for name in _ABUSE):
        values.setdefault("toxicity", 1.0)
    elif not any(value >= _YES for value in values.values()):
        values.setdefault("spam" if label.reason == "spam" else "toxicity", 1.0)
    return [values.get(name, float("nan")) for name in LABELS]


def lines_of(part: Path) -> Iterator[LabelLine]:
    for row in opened(part).to_pylist():
        yield msgspec.convert(row | {"labels": msgspec.json.decode(row["labels"])}, LabelLine)


def opened(part: Path) -> Table:
    table = read_table(part)
    if _CURSOR not in (table.schema.metadata or {}) or table.schema not in _SCHEMAS:
        raise DataUnusable(f"{part}: not written by 'steward labels pull'")
    return table


def _following(found: Sequence[Path]) -> int:
    """The last number plus one, not the count: after a part was removed, the next one must not replace another."""
    return number_of(found[-1]) + 1 if found else 0


def number_of(part: Path) -> int:
    """Raises DataUnusable for a file with another name."""
    number = part.stem.removeprefix("labels-")
    if not number.isdecimal():
        raise DataUnusable(f"{part}: not written by 'steward labels pull'")
    return int(number)


def _nothing(folder: Path) -> list[Path]:
    raise DataUnusable(f"{folder}: no labels; 'steward labels pull' writes them")


def parts(folder: Path) -> list[Path]:
    return sorted(folder.glob("labels-*.parquet"))


def sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

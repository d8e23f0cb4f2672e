"""Removes from the label archive what was erased at the service, and what is older than the archive keeps.

The feed of labels says which comments were erased (`LabelLine.is_erasure`). A pull stores these lines like any other,
and then rewrites the parts of the archive that hold labels of these comments from before. `erasures.jsonl` in the
archive has a receipt for each erasure, with a hash of the id of the comment instead of the id.

A crash leaves either parts that still hold erased texts, which training refuses, or a plan that the next pull finishes.
"""

import fcntl
import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pyarrow as pa
import pyarrow.parquet
from msgspec import Struct

from classifier.manifest import LabelsRead
from training import archive
from training.archive import LabelLine
from training.errors import DataUnusable

RECEIPTS = "erasures.jsonl"
# A text must be gone three days after its erasure (security.md, section 7).
MOST_PULL_AGE = timedelta(days=3)
# A part that is still not whole after that time belongs to a pull that was killed.
MOST_WRITING = timedelta(hours=1)
_PLAN = ".erasing.json"
_PULLED = ".pulled"


class ErasureReceipt(Struct, frozen=True, kw_only=True):
    """What an erasure removed from the archive.

    `comment_sha256`: of the comment's id. `cursor`: of the line in the feed. `labels`: how many labels with their texts
    were removed, and from the parts with which numbers.
    """

    comment_sha256: str
    cursor: str
    erased_at: datetime
    removed_at: datetime
    labels: int
    parts: list[int]


class _Place(Struct, frozen=True):
    """A row of the archive: the number of its part, and its place in it. Places compare in the order of the pulls."""

    part: int
    row: int


def open_erasures(folder: Path) -> int:
    """How many texts of erased comments the archive still holds. Raises DataUnusable."""
    return sum(len(rows) for rows, _ in _found(folder).values())


def apply(folder: Path) -> list[ErasureReceipt]:
    """Remove all texts of erased comments. Returns the receipts of this run. Safe to repeat, also after a crash.

    Raises DataUnusable.
    """
    with locked(folder):
        _remove_abandoned(folder)
        _finish(folder)
        known = {(receipt.cursor, receipt.comment_sha256) for receipt in receipts(folder)}
        now = datetime.now(UTC)
        found = [(rows, _receipt(line, [place.part for place in rows], now)) for rows, line in _found(folder).values()]
        planned = [each for rows, each in found if rows or (each.cursor, each.comment_sha256) not in known]
        if planned:
            _write(folder / _PLAN, msgspec.json.encode(planned))
            _finish(folder)
        return planned


def note_pull(folder: Path) -> None:
    """Note that the archive knows the erasures of the service until now."""
    (folder / _PULLED).touch()


def pull_age(folder: Path) -> timedelta | None:
    """How long ago the archive last asked the service for erasures; None: never, or an earlier release did."""
    try:
        return datetime.now(UTC) - datetime.fromtimestamp((folder / _PULLED).stat().st_mtime, UTC)
    except FileNotFoundError:
        return None


def prune(folder: Path, before: datetime) -> int:
    """Remove all labels from before this time. Returns how many. Raises DataUnusable."""
    with locked(folder):
        _remove_abandoned(folder)
        _finish(folder)
        return sum(
            _rewritten(part, lambda row: row["text"] == "" or row["at"] >= before) for part in archive.parts(folder)
        )


def receipts(folder: Path) -> list[ErasureReceipt]:
    """All receipts, oldest first. Raises DataUnusable."""
    try:
        lines = (folder / RECEIPTS).read_bytes().splitlines()
        return [msgspec.json.decode(line, type=ErasureReceipt) for line in lines if line.strip()]
    except FileNotFoundError:
        return []
    except (OSError, msgspec.DecodeError) as error:
        raise DataUnusable(f"{folder / RECEIPTS}: {error}") from error


def labels_read(folder: Path, erasures: int) -> LabelsRead:
    """What a model that has read the archive notes of it. `erasures`: the number of receipts before it was read."""
    return LabelsRead(archive.identity(folder), archive.next_number(folder), erasures)


def seen(folder: Path, read: Sequence[LabelsRead]) -> int:
    """How many comments that are erased by now a model was trained on. Raises DataUnusable."""
    found, name = receipts(folder), archive.identity(folder)
    known = [each for each in read if each.archive == name]
    erased = {
        receipt.comment_sha256
        for each in known
        for receipt in found[each.erasures :]
        if any(part < each.next_part for part in receipt.parts)
    }
    return len(erased)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Only one process rewrites an archive. Raises DataUnusable if another one does."""
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DataUnusable(f"{folder}: another process changes this archive; run one at a time") from error
        yield


def _remove_abandoned(folder: Path) -> None:
    """What killed pulls left, with texts that no erasure would find."""
    before = (datetime.now(UTC) - MOST_WRITING).timestamp()
    for path in folder.glob(".labels-*.parquet.*"):
        with suppress(FileNotFoundError):  # it became whole meanwhile
            if path.stat().st_mtime < before:
                path.unlink()


def _finish(folder: Path) -> None:
    """Carry out the plan, if there is one. Each step can be repeated."""
    plan = folder / _PLAN
    if not plan.exists():
        return
    planned = msgspec.json.decode(plan.read_bytes(), type=list[ErasureReceipt])
    meant = {(receipt.cursor, receipt.comment_sha256) for receipt in planned}
    gone: dict[int, set[int]] = {}
    for rows, line in _found(folder).values():
        if (line.cursor, _hashed(line.id)) not in meant:  # pulled after the plan: it needs a receipt of its own
            continue
        for place in rows:
            gone.setdefault(place.part, set()).add(place.row)
    for part in archive.parts(folder):
        if rows_gone := gone.get(archive.number_of(part)):
            _rewritten(part, partial(_stays, rows_gone))
    written = receipts(folder)
    fresh = [receipt for receipt in planned if receipt not in written]
    # The whole file, so that a crash leaves no half line, which nobody could read.
    _write(folder / RECEIPTS, b"".join(msgspec.json.encode(receipt) + b"\n" for receipt in [*written, *fresh]))
    plan.unlink()


def _found(folder: Path) -> dict[str, tuple[list[_Place], LabelLine]]:
    """For each erasure by its cursor and id: the rows before it that still hold a text of its comment, and its line."""
    texts: dict[str, list[_Place]] = {}
    found: dict[str, tuple[list[_Place], LabelLine]] = {}
    for part in archive.parts(folder):
        number = archive.number_of(part)
        for row, line in enumerate(archive.lines_of(part)):
            if line.is_erasure:
                found[f"{line.cursor} {line.id}"] = (texts.pop(line.id, []), line)
            elif line.text:
                texts.setdefault(line.id, []).append(_Place(number, row))
    return found


def _receipt(line: LabelLine, parts: list[int], now: datetime) -> ErasureReceipt:
    return ErasureReceipt(
        comment_sha256=_hashed(line.id),
        cursor=line.cursor,
        erased_at=line.at,
        removed_at=now,
        labels=len(parts),
        parts=sorted(set(parts)),
    )


def _hashed(comment_id: str) -> str:
    return hashlib.sha256(comment_id.encode()).hexdigest()


def _stays(rows_gone: set[int], row: dict[str, Any]) -> bool:
    return row["_row"] not in rows_gone


def _rewritten(part: Path, keeps: Callable[[dict[str, Any]], bool]) -> int:
    """Replace a part by one with only the rows that are kept. Returns how many were removed."""
    table = archive.opened(part)
    kept = [bool(keeps({**row, "_row": number})) for number, row in enumerate(table.to_pylist())]
    removed = len(kept) - sum(kept)
    if removed:
        fresh = part.with_name(f".{part.name}.{uuid4().hex}")
        try:
            pyarrow.parquet.write_table(table.filter(pa.array(kept, pa.bool_())), fresh, compression="zstd")
            archive.sync(fresh)
            fresh.replace(part)
        except OSError as error:
            raise DataUnusable(f"{part}: {error}") from error
        finally:
            fresh.unlink(missing_ok=True)
        archive.sync(part.parent)
    return removed


def _write(path: Path, data: bytes) -> None:
    fresh = path.with_name(f"{path.name}.{uuid4().hex}")
    fresh.write_bytes(data)
    archive.sync(fresh)
    fresh.replace(path)
    archive.sync(path.parent)

"""Removes from the label archive what was erased at the service, and what is older than the archive keeps.

The feed of labels says which comments were erased (`LabelLine.is_erasure`). A pull stores these lines like any other,
and then rewrites the parts of the archive that hold labels of these comments from before. `erasures.jsonl` in the
archive has a receipt for each erasure, with a hash of the id of the comment instead of the id. `pruned.jsonl` has such
hashes of the labels that left the archive because they were old: a model may have read them, and the comment may be
erased later.

A crash leaves either parts that still hold erased texts, which training refuses, or a plan that the next pull finishes.
"""

import fcntl
import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
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
PRUNED = "pruned.jsonl"
# A text must be gone three days after its erasure (security.md, section 7).
MOST_PULL_AGE = timedelta(days=3)
# A part that is still not whole after that time belongs to a pull that was killed.
MOST_WRITING = timedelta(hours=1)
_PLAN = ".erasing.json"
_PULLED = ".pulled"
Note = TypeVar("Note", bound=Struct)


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


class PrunedComment(Struct, frozen=True):
    """That labels of a comment left this part because they were old; no text, and a hash instead of the id."""

    comment_sha256: str
    part: int


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

    def stays(text: str, at: datetime) -> bool:
        return text == "" or at >= before

    with locked(folder):
        _remove_abandoned(folder)
        _finish(folder)
        # Noted first. After a crash the labels are noted again when they go, which a model read in between relies on.
        _note_pruned(folder, stays)
        return sum(_rewritten(part, lambda row: stays(row["text"], row["at"])) for part in archive.parts(folder))


def receipts(folder: Path) -> list[ErasureReceipt]:
    """All receipts, oldest first. Raises DataUnusable."""
    return _noted(folder / RECEIPTS, ErasureReceipt)


def pruned(folder: Path) -> list[PrunedComment]:
    """Which labels left because they were old, in that order. Raises DataUnusable."""
    return _noted(folder / PRUNED, PrunedComment)


def labels_read(folder: Path) -> LabelsRead:
    """What a model that is about to read the archive notes of it. Raises DataUnusable."""
    noted = len(receipts(folder)), len(pruned(folder))
    return LabelsRead(archive.identity(folder), archive.next_number(folder), *noted)


def all_parts(folder: Path, read: LabelsRead) -> LabelsRead:
    """The same after reading: with the parts that came meanwhile, which may have been read too."""
    return msgspec.structs.replace(read, next_part=archive.next_number(folder))


def seen(folder: Path, read: Sequence[LabelsRead]) -> int:
    """How many comments that are erased by now a model was trained on. Raises DataUnusable."""
    found, gone, name = receipts(folder), pruned(folder), archive.identity(folder)
    erased = set[str]()
    for each in read:
        if each.archive != name:
            continue
        old = {label.comment_sha256 for label in gone[each.pruned :] if label.part < each.next_part}
        erased |= {
            receipt.comment_sha256
            for receipt in found[each.erasures :]
            if receipt.comment_sha256 in old or any(part < each.next_part for part in receipt.parts)
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
    _write_all(folder / RECEIPTS, [*written, *fresh])
    plan.unlink()


def _note_pruned(folder: Path, stays: Callable[[str, datetime], bool]) -> None:
    fresh = {
        PrunedComment(_hashed(line.id), archive.number_of(part)): None
        for part in archive.parts(folder)
        for line in archive.lines_of(part)
        if not stays(line.text, line.at)
    }
    if fresh:
        _write_all(folder / PRUNED, [*pruned(folder), *fresh])


def _noted(path: Path, note: type[Note]) -> list[Note]:
    try:
        return [msgspec.json.decode(line, type=note) for line in path.read_bytes().splitlines() if line.strip()]
    except FileNotFoundError:
        return []
    except (OSError, msgspec.DecodeError) as error:
        raise DataUnusable(f"{path}: {error}") from error


def _write_all(path: Path, notes: Sequence[Struct]) -> None:
    """The whole file, so that a crash leaves no half line, which nobody could read."""
    _write(path, b"".join(msgspec.json.encode(note) + b"\n" for note in notes))


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

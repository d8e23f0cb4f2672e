"""Removes the oldest files of an exported trail, and remembers from which hash the rest goes on."""

from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from service.trail.chain import START, Entry, content_of, parsed
from service.trail.files import numbered
from service.values.errors import TrailUnusable

_NAME = "removed.json"


class Removed(Struct, frozen=True):
    """What was removed from the beginning of a trail: the last file and its last hash, and how many entries in all."""

    file: int
    hash: str
    entries: int


def removed(folder: Path) -> Removed:
    """What earlier runs removed. Raises TrailUnusable."""
    try:
        return msgspec.json.decode((folder / _NAME).read_bytes(), type=Removed)
    except FileNotFoundError:
        return Removed(0, START, 0)
    except (OSError, msgspec.DecodeError) as error:
        raise TrailUnusable(f"{folder / _NAME}: {error}") from error


def prune(folder: Path, before: datetime) -> tuple[int, Removed]:
    """Remove the files whose entries are all older. The newest file stays, because the next export continues it.

    Returns how many entries were removed now, and what is removed in all. The caller holds `locked`. Raises
    TrailUnusable.
    """
    gone = known = removed(folder)
    for number, path in list(numbered(folder).items())[:-1]:
        last, found = _last(path)
        if number > known.file and last.at >= before:
            break
        if number > known.file:
            gone = Removed(number, found, last.n)
            _write(folder / _NAME, gone)
        path.unlink()  # also one that a killed run had noted and not removed
    return gone.entries - known.entries, gone


def _last(path: Path) -> tuple[Entry, str]:
    """The last entry of a file and its hash."""
    try:
        with path.open("rb") as file:
            line = None
            for raw in file:
                line = parsed(raw)
    except OSError as error:
        raise TrailUnusable(f"{path}: {error.strerror}") from error
    entry = content_of(line.body, Entry) if line else None
    if line is None or entry is None:
        raise TrailUnusable(f"{path}: its last line is no entry; see 'steward audit verify'")
    return entry, line.hash


def _write(path: Path, found: Removed) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_bytes(msgspec.json.encode(found))
    fresh.replace(path)

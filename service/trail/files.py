"""The files of an exported trail: append-only, and continued after any crash."""

import fcntl
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from service.trail.chain import FORMAT, START, Entry, Header, content_of, line, link, parsed
from service.values.domain import SITE_PATTERN
from service.values.errors import TrailUnusable

# Where a file ends and the next begins: small enough to be moved about, large enough to be few.
MOST_BYTES = 64 * 1024 * 1024
# A file begins anew after this long too, so that a site with few comments has old files to remove.
MOST_AGE = timedelta(days=92)

_NAME = re.compile(r"audit-([0-9]{8,})\.jsonl")


def numbered(folder: Path) -> dict[int, Path]:
    """The files of one site in order, by number; the first is 1."""
    found = ((_NAME.fullmatch(path.name), path) for path in folder.glob("audit-*.jsonl"))
    return dict(sorted((int(match[1]), path) for match, path in found if match))


def sites(root: Path) -> list[str]:
    """The sites that were exported to a folder."""
    return sorted(
        {path.parent.name for path in root.glob("*/audit-*.jsonl") if re.match(SITE_PATTERN, path.parent.name)}
    )


def entries(folder: Path) -> Iterator[Entry]:
    """All entries of one site in order, unchecked. Raises TrailUnusable at a line that is none."""
    for path in numbered(folder).values():
        with path.open("rb") as file:
            for at, raw in enumerate(file, 1):
                found = parsed(raw)
                entry = content_of(found.body, Entry) if found else None
                if entry is not None:
                    yield entry
                elif at > 1:
                    raise _damaged(path, at)


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Lock the folder. Raises TrailUnusable if another export runs."""
    with _translated(root):
        root.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(root / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _lock(descriptor, root)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, root: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise TrailUnusable(f"{root}: another export writes here; one at a time") from error


class Trail:
    """The trail of one site, to go on with. The caller holds `locked`.

    What a killed export left unfinished is cut off first. The end is recovered from the newest file alone, which is
    checked on the way: nothing is added behind a change. Every method raises TrailUnusable.
    """

    def __init__(self, folder: Path, site: str, *, most_bytes: int = MOST_BYTES) -> None:
        self._folder, self._site, self._most_bytes = folder, site, most_bytes
        self._number = 0
        self._file: BinaryIO | None = None
        self._begun_at: datetime | None = None  # the first entry of the newest file
        self.n, self.head, self.cursors = 0, START, dict[int, str]()
        with _translated(folder):
            self._file = self._recovered()

    def append(self, shard: int, cursor: str, at: datetime, details: Mapping[str, str]) -> None:
        with _translated(self._folder):
            if self._file is None or self._file.tell() >= self._most_bytes or self._is_old(at):
                self._file, self._begun_at = self._next_file(), None
            self._begun_at = self._begun_at or at
            self.n += 1
            self.head, raw = line(self.head, Entry(at, cursor, dict(details), self.n, shard))
            self._file.write(raw)
        self.cursors[shard] = cursor

    def _is_old(self, at: datetime) -> bool:
        return self._begun_at is not None and at - self._begun_at > MOST_AGE

    def sync(self) -> None:
        """After it the entries are on disk, also those that a killed export had written."""
        if self._file is not None:
            with _translated(self._folder):
                _flush(self._file)

    def close(self) -> None:
        """Closes without a sync; call `sync` first after a complete export."""
        if self._file is not None:
            with _translated(self._folder):
                self._file.close()

    def _next_file(self) -> BinaryIO:
        if self._file is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            _sync_folder(self._folder.parent)
        else:
            _flush(self._file)
            self._file.close()
        self._number += 1
        file = (self._folder / f"audit-{self._number:08d}.jsonl").open("xb")
        cursors = {str(shard): cursor for shard, cursor in self.cursors.items()}
        self.head, raw = line(self.head, Header(cursors, self._number, FORMAT, self.n, self._site))
        file.write(raw)
        _flush(file)
        _sync_folder(self._folder)
        return file

    def _recovered(self) -> BinaryIO | None:
        paths = numbered(self._folder)
        if paths and not _finished(paths[max(paths)]):
            # It had not got beyond its header.
            paths.pop(max(paths)).unlink()
        if not paths:
            return None
        self._number = max(paths)
        self._replay(paths[self._number])
        return paths[self._number].open("ab")

    def _replay(self, path: Path) -> None:
        with path.open("rb") as file:
            found = parsed(file.readline())
            header = content_of(found.body, Header) if found else None
            said = (header.file, header.format, header.site) if header else None
            if found is None or header is None or said != (self._number, FORMAT, self._site):
                raise _damaged(path, 1)
            self.n, self.head = header.n, found.hash
            self.cursors = {int(shard): cursor for shard, cursor in header.cursors.items()}
            for at, raw in enumerate(file, 2):
                found = parsed(raw)
                entry = content_of(found.body, Entry) if found else None
                if found is None or entry is None or link(self.head, found.body) != found.hash:
                    raise _damaged(path, at)
                self.n, self.head = entry.n, found.hash
                self.cursors[entry.shard] = entry.cursor
                self._begun_at = self._begun_at or entry.at


def _finished(path: Path) -> bool:
    """Cut off a last line that was not written to its end; whether anything is left."""
    with path.open("rb+") as file:
        content_bytes = path.stat().st_size
        end = _end_of_last_line(file, content_bytes)
        if end < content_bytes:
            file.truncate(end)
        return end > 0


def _end_of_last_line(file: BinaryIO, end: int, step: int = 65_536) -> int:
    while end > 0:
        start = max(0, end - step)
        file.seek(start)
        found = file.read(end - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _damaged(path: Path, at: int) -> TrailUnusable:
    return TrailUnusable(f"{path}, line {at}: not as it was written; 'steward audit verify' says more")


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise TrailUnusable(f"{error.filename or path}: {error.strerror}") from error

"""Verifies the hash chain of an exported trail."""

from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from service.trail.chain import FORMAT, START, Entry, Header, Line, content_of, link, parsed
from service.trail.files import numbered

# Hashes from which a line may follow where those before it are in doubt: enough to find the way back after a change.
_MOST_DOUBTS = 4


class Finding(Struct, frozen=True):
    """A place that differs from what was written; line 0 stands for the whole file."""

    path: Path
    line: int
    problem: str


class Check:
    """Recomputes the chain of one site, from behind `after` on; looks for `kept` on the way.

    After a change the chain is taken up again behind it, so that one change is one finding where that can be told.
    When `findings` is through: `n` entries up to the hash `head`; `kept` was found at entry `kept_at`, or None.
    """

    def __init__(self, folder: Path, *, after: str = START, kept: str | None = None) -> None:
        self._folder = folder
        self._kept = kept
        self._previous: tuple[str, ...] = (after,)
        self._begun = after == START
        # Whether the line before was in doubt, so that its number says nothing of the next.
        self._doubts = not self._begun
        self.n, self.files, self.head = 0, 0, after
        self.kept_at: int | None = 0 if kept == after else None

    def findings(self) -> Iterator[Finding]:
        due = 1
        for number, path in numbered(self._folder).items():
            if number != due and self._begun:
                yield Finding(path, 0, f"file {due} is missing before it")
            self._begun, due = True, number + 1
            self.files += 1
            try:
                yield from self._file(number, path)
            except OSError as error:
                yield Finding(path, 0, f"cannot be read: {error.strerror}")

    def _file(self, number: int, path: Path) -> Iterator[Finding]:
        at = 0
        with path.open("rb") as file:
            for at, raw in enumerate(file, 1):
                problem = self._header(raw, number) if at == 1 else self._entry(raw)
                if problem:
                    yield Finding(path, at, problem)
        if not at:
            yield Finding(path, 0, "empty")

    def _header(self, raw: bytes, number: int) -> str | None:
        found = parsed(raw)
        header = content_of(found.body, Header) if found else None
        problem = self._followed(raw, found, header.n if header else None, self.n)
        if problem or header is None:
            return problem or "not the header of a file"
        said = (header.file, header.format, header.site)
        if said != (number, FORMAT, self._folder.name):
            return f"the header is that of file {header.file} of the site {header.site}, format {header.format}"
        return None

    def _entry(self, raw: bytes) -> str | None:
        found = parsed(raw)
        entry = content_of(found.body, Entry) if found else None
        problem = self._followed(raw, found, entry.n if entry else None, self.n + 1)
        return problem if problem or entry else "not an entry"

    def _followed(self, raw: bytes, found: Line | None, n: int | None, due: int) -> str | None:
        """Advance past a line. Returns its problem, or None."""
        computed = tuple(link(previous, found.body) for previous in self._previous) if found else ()
        if found is None or found.hash not in computed:
            # Which of them the next line follows from is seen when it comes.
            seen = (*self._previous, *computed, *((found.hash,) if found else ()))
            self._previous, self._doubts = seen[-_MOST_DOUBTS:], True
            if n is None or n >= due:
                self.n = due if n is None else n
            return _problem(raw, n, due)
        doubted, self._doubts = self._doubts, False
        self._previous, self.head = (found.hash,), found.hash
        self.n = due if n is None else n
        if found.hash == self._kept:
            self.kept_at = self.n
        return None if doubted or n in (None, due) else f"numbered {n} where {due} was due"


def _problem(raw: bytes, n: int | None, due: int) -> str:
    if not raw.endswith(b"\n"):
        return "unfinished: an export was killed here or is running (export again), or the end was cut off"
    if n is None or n == due:
        return "changed, or put in, or the line before it was removed"
    if n < due:
        return f"out of order, or put in: entry {n} where {due} was due"
    return f"changed, or lines before it were removed: entry {n} where {due} was due"

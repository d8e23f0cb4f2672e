"""The trail as a table for people."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator

from service.trail.chain import Entry

_FIRST = ("action", "actor", "comment", "revision", "from", "to", "version")
# A spreadsheet would run a cell that begins so (security.md, section 2; OWASP, CSV injection).
_RUN = ("=", "+", "-", "@", "\t", "\r")


def as_csv(entries: Callable[[], Iterable[Entry]]) -> Iterator[str]:
    """CSV (RFC 4180) in pieces. The entries are read twice: once to know the columns."""
    names = {name for entry in entries() for name in entry.details}
    columns = [*_FIRST, *sorted(names - set(_FIRST))]
    piece = io.StringIO()
    rows = csv.writer(piece)
    rows.writerow(["n", "at", "shard", "cursor", *map(_safe, columns)])
    for entry in entries():
        yield piece.getvalue()
        piece.seek(0)
        piece.truncate()
        cells = (entry.details.get(column, "") for column in columns)
        rows.writerow([entry.n, entry.at.isoformat(), entry.shard, entry.cursor, *map(_safe, cells)])
    yield piece.getvalue()


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_RUN) else cell

"""Puts a table of figures between its marks on a page of the documentation."""

from collections.abc import Sequence
from pathlib import Path


def write(path: Path, mark: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Between `<!-- MARK: begin -->` and `<!-- MARK: end -->`; raises ValueError where the page has no place for it."""
    lines = ["| " + " | ".join(cells) + " |" for cells in (columns, ["---:"] * len(columns), *rows)]
    before, begins, rest = path.read_text().partition(f"<!-- {mark}: begin -->\n")
    _, ends, after = rest.partition(f"<!-- {mark}: end -->")
    if not ends:
        raise ValueError(f"{path} has no place for the table")
    path.write_text("".join([before, begins, "\n".join(lines), "\n", ends, after]))

"""A table of figures in a Markdown file, between two marks; the rest of the file is people's."""

import re
from collections.abc import Iterable
from pathlib import Path


def replace(path: Path, name: str, title: str, rows: Iterable[tuple[str, str]]) -> None:
    """Raises ValueError where the file has no place of that name."""
    table = "\n".join(["| what | figure |", "| --- | ---: |", *(f"| {what} | {figure} |" for what, figure in rows)])
    begins, ends = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    text, count = re.subn(
        f"{begins}.*{ends}", lambda _: f"{begins}\n{title}\n\n{table}\n{ends}", path.read_text(), flags=re.DOTALL
    )
    if count != 1:
        raise ValueError(f"{path} has no place for the table {name}")
    path.write_text(text)

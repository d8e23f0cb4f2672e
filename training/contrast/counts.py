"""Counts our generated sentences by language, for the table in docs/data-sets.md.

`python -m training.contrast.counts` prints the counts; with the path of a Markdown file it writes them into its table.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import click

from training import contrast

# The columns of docs/data-sets.md up to `rows`.
_ROW = r"^(\| `contrast_{language}` \|(?:[^|\n]*\|){{3}})[^|\n]*\|"


def counts() -> dict[str, int]:
    return {language: len(contrast.rows(language)) for language in contrast.languages()}


def with_counts(markdown: str, found: Mapping[str, int]) -> str:
    """The text with the column `rows` of each language filled in. Raises ValueError if a language has no row."""
    for language, count in found.items():
        markdown, changed = re.subn(
            _ROW.format(language=re.escape(language)), rf"\g<1> {count:,} |", markdown, flags=re.MULTILINE
        )
        if changed != 1:
            raise ValueError(f"contrast_{language} has {changed} rows in the table; it must have one")
    return markdown


@click.command()
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def _main(file: Path | None) -> None:
    """Print how many sentences there are in each language, or write the numbers into the table of FILE."""
    found = counts()
    for language, count in found.items():
        click.echo(f"contrast_{language}: {count:,}")
    if file:
        file.write_text(with_counts(file.read_text(encoding="utf-8"), found), encoding="utf-8")


if __name__ == "__main__":
    _main()

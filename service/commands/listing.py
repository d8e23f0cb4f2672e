"""Lists of commands: a table for people, JSON for programs."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click
import msgspec

Row = Mapping[str, Any]


def counted(n: int, one: str, many: str = "") -> str:
    """In words: one file, two files."""
    return f"{n} {one if n == 1 else many or f'{one}s'}"


def as_json(command: Callable[..., Any]) -> Callable[..., Any]:
    """--json, given to the command as `is_json`."""
    return click.option("--json", "is_json", is_flag=True, help="Print JSON, for programs.")(command)


def show(rows: Sequence[Row], *, is_json: bool, empty: str) -> None:
    """Print one line for each row. `empty`: what to say instead of a table without rows."""
    if is_json:
        click.echo(msgspec.json.format(msgspec.json.encode(rows)))
    elif not rows:
        click.echo(empty, err=True)
    else:
        _table(rows)


def _table(rows: Sequence[Row]) -> None:
    from rich.console import Console  # noqa: PLC0415 - slow to import, and not needed for JSON
    from rich.table import Column, Table  # noqa: PLC0415 - as above

    # The first column names the row, so it can be copied from a narrow terminal, too.
    table = Table(*(Column(name, no_wrap=at == 0, overflow="fold") for at, name in enumerate(rows[0])))
    for row in rows:
        table.add_row(*map(_cell, row.values()))
    Console(markup=False, emoji=False).print(table)


def _cell(value: object) -> str:
    match value:
        case None | True | False:
            return {None: "-", True: "yes", False: "no"}[value]
        case datetime():
            return f"{value.astimezone(UTC):%Y-%m-%d %H:%M}"
        case Mapping():
            return ", ".join(f"{name}: {each}" for name, each in value.items())
        case list() | tuple():
            return " ".join(map(str, value))
        case _:
            return str(value)

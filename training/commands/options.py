"""Options that several commands share."""

from collections.abc import Callable, Sequence
from typing import Any

import click

Command = Callable[..., Any]


def of_service(command: Command) -> Command:
    """--url and --key: which running service, and how to open it."""
    url = click.option(
        "--url", envvar="STEWARD_URL", default="http://127.0.0.1:8080", show_default=True, help="The service."
    )
    key = click.option(
        "--key", envvar="STEWARD_KEY", required=True, help="A key with the scope admin (or STEWARD_KEY)."
    )
    return url(key(command))


def ask(about: str, lost: Sequence[str], question: str, *, yes: bool) -> None:
    """Warn of what is lost, and go on only if somebody says so, or said so before with --yes."""
    if not lost:
        return
    click.echo("\n".join([f"Warning: {about}", *(f"- {each}" for each in lost)]), err=True)
    if not yes:
        click.confirm(f"{question} (--yes does not ask)", abort=True, err=True)

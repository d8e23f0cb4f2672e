"""Options that several commands share."""

from collections.abc import Callable
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

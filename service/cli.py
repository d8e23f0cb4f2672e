"""The command `steward`: finds its subcommands by entry point, so that no room imports another."""

import os
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import click

from service.values.errors import SettingsError

GROUP = "steward.commands"


class Commands(click.Group):
    """Loads a subcommand when it is asked for: `steward keys` need not import numpy."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(_found())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        entry = _found().get(cmd_name)
        if entry is None:
            return None
        try:
            command = entry.load()
        except ModuleNotFoundError as error:
            raise click.ClickException(
                f"'steward {cmd_name}' needs {error.name}; install it with: pip install 'comment-steward[train]'"
            ) from error
        assert isinstance(command, click.Command), entry.value  # noqa: S101 - a mistake in our own pyproject
        return command


def _found() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="comment-steward", prog_name="steward")
def steward() -> None:
    """Self-hosted comment moderation: score, decide, review, learn."""


def main() -> Any:  # noqa: ANN401 - whatever click returns
    try:
        return steward(prog_name="steward")
    except SettingsError as error:
        raise SystemExit(f"steward: {error}") from error
    except BrokenPipeError:
        # `steward … | head` closes our output; that is not an error of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return None

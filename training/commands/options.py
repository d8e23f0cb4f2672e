"""Options that several commands share."""

import codecs
import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from training.cluster import Cluster
    from training.text_files import FileOptions

Command = Callable[..., Any]
FOLDER = click.Path(file_okay=False, path_type=Path)
# Where the public data sets are expected.
DATA = Path("../shared/data")
# Python's codecs for host names and for its own source code.
_NOT_FOR_FILES = frozenset({"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape"})
_ADDRESS = re.compile(r"(tcp|tls)://[^\s/]+:\d{1,5}")


def of_service(command: Command) -> Command:
    """--url and --key: the address of a running service, and the key to it."""
    url = click.option(
        "--url", envvar="STEWARD_URL", default="http://127.0.0.1:8080", show_default=True, help="The service."
    )
    key = click.option(
        "--key", envvar="STEWARD_KEY", required=True, help="A key with the scope admin (or STEWARD_KEY)."
    )
    return url(key(command))


def of_waiting(command: Command) -> Command:
    """--wait-hours: how old a decision must be."""
    return click.option(
        "--wait-hours",
        type=click.IntRange(min=0),
        default=24,
        show_default=True,
        help="Leave out decisions of the last hours, which people may still take back or correct.",
    )(command)


def of_archive(option: str, folder: str, *, exists: bool = True) -> Callable[[Command], Command]:
    """The folder of the label archive: the name of its option, and that of the argument."""
    return click.option(
        option,
        folder,
        type=click.Path(exists=exists, file_okay=False, path_type=Path),
        default=Path("labels"),
        show_default=True,
        help="Folder of the archive (Parquet).",
    )


def ask(about: str, lost: Sequence[str], question: str, *, yes: bool) -> None:
    """Warn about what is lost, and continue only if the user confirms, now or with --yes."""
    if not lost:
        return
    click.echo("\n".join([f"Warning: {about}", *(f"- {each}" for each in lost)]), err=True)
    if not yes:
        click.confirm(f"{question} (use --yes to skip this question)", abort=True, err=True)


def of_files(command: Command) -> Command:
    """--encoding, --delimiter, --lenient and --multiline: how to read files that other software wrote."""
    for option in reversed(_OF_FILES):
        command = option(command)
    return command


def file_options(encoding: str | None, delimiter: str | None, lenient: bool, multiline: bool) -> "FileOptions":
    from training.text_files import FileOptions

    def warn(message: str) -> None:
        click.echo(f"warning: {message}", err=True)

    return FileOptions(encoding, delimiter, lenient, multiline, warn)


def on_cluster(command: Command) -> Command:
    """--cluster: the address of a Dask scheduler."""
    return click.option(
        "--cluster",
        callback=_address,
        metavar="ADDRESS",
        help="Work on the workers of this Dask scheduler (tcp://HOST:PORT or tls://HOST:PORT).",
    )(command)


def connected(address: str) -> "AbstractContextManager[Cluster]":
    """Raises ClusterUnusable, and ClickException if Dask is not installed."""
    try:
        from training.cluster import connected as of_cluster
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"dask", "distributed"}:
            raise
        raise click.ClickException(
            f"--cluster needs Dask ({error.name} is missing); install it with: pip install 'comment-steward[cluster]'"
        ) from error

    return of_cluster(address, lambda message: click.echo(message, err=True))


def _address(_: click.Context, option: click.Parameter, value: str | None) -> str | None:
    if value is not None and not _ADDRESS.fullmatch(value):
        raise click.BadParameter(f"{value!r} is not an address such as tcp://10.0.0.5:8786", param=option)
    return value


def _encoding(_: click.Context, option: click.Parameter, value: str | None) -> str | None:
    if value is None:
        return None
    try:
        "".encode(value)
        is_for_files = codecs.lookup(value).name not in _NOT_FOR_FILES
    except (LookupError, ValueError):
        is_for_files = False
    if not is_for_files:
        raise click.BadParameter(f"{value!r} is not an encoding; try utf-8, cp1252 or utf-16", param=option)
    return value


def _delimiter(_: click.Context, option: click.Parameter, value: str | None) -> str | None:
    named = {"tab": "\t", "\\t": "\t"}.get(value or "", value)
    if named is not None and (len(named) != 1 or named in '"\r\n'):
        raise click.BadParameter(f"{value!r} must be one character, or tab", param=option)
    return named


_OF_FILES = (
    click.option(
        "--encoding",
        callback=_encoding,
        help="Encoding of text files. Unset: UTF-8, or the UTF-16 or UTF-32 that its first bytes show.",
    ),
    click.option(
        "--delimiter", callback=_delimiter, help="One character, or tab. Unset: from the file's name and header."
    ),
    click.option("--lenient", is_flag=True, help="Read rows with a stray quote line by line."),
    click.option("--multiline", is_flag=True, help="Accept quoted texts with lines that look like rows."),
)

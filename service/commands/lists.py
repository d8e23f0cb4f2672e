"""steward lists import | export | list | test."""

import contextlib
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO, TextIO

import click

from service.commands.listing import Row, as_json, show
from service.commands.stored import ACTOR, with_store
from service.store import Store
from service.values import list_files
from service.values.domain import SITE_PATTERN
from service.values.errors import BadRequest, Conflict, ServiceError, StoreUnavailable
from service.values.list_files import ListFormat
from service.values.lists import WordList
from service.values.rules import ListUse

if TYPE_CHECKING:  # --help needs no classifier
    from service.cases.list_trial import ListTrial, Touch
    from service.cases.lists import ListChange, Wanted

MOST_SHOWN = 10


def _site(_: click.Context, option: click.Parameter, value: str) -> str:
    if not re.fullmatch(SITE_PATTERN, value):
        raise click.BadParameter("lower-case letters, digits and '-', at most 63", param=option)
    return value


of_site = click.option(
    "--site", required=True, callback=_site, help="The site. A list named shared-… belongs to all sites."
)
of_format = click.option(
    "--format",
    "form",
    type=click.Choice([form.value for form in ListFormat]),
    default=ListFormat.CSV.value,
    show_default=True,
    help="csv: Steward's own; discourse: watched words; wordpress, coral: one term a line.",
)


@click.group()
def lists() -> None:
    """Word lists, which the rules of a policy look for."""


@lists.command("import")
@click.argument("name")
@click.argument("file", type=click.File("rb"))
@of_site
@of_format
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@click.option("--confirm", is_flag=True, help="Also take entries found in more than 1 % of the last comments.")
def import_list(  # noqa: PLR0917 - one for each option
    name: str, file: BinaryIO, site: str, form: str, dry_run: bool, confirm: bool
) -> None:
    """Make FILE (- for standard input) the whole list NAME, as its next version.

    New entries are tried on the last 5,000 comments of the site. If one is found in more than 1 % of them, nothing is
    changed without --confirm.
    """
    from service.cases import lists as cases  # noqa: PLC0415 - heavy, not for --help

    with _refusals():
        wanted = _read(file.read(), ListFormat(form))
        asked = cases.Asked(ACTOR, datetime.now(UTC), dry_run=dry_run, confirm=confirm)
        change = with_store(lambda store: cases.replace(store, site, name, wanted, asked))
    for line in _described(change, is_dry=dry_run):
        click.echo(line)


@lists.command()
@click.argument("name")
@of_site
@of_format
@click.option("--version", type=click.IntRange(min=1), help="An earlier version.  [default: the current one]")
@click.option(
    "--output", "-o", type=click.File("w", encoding="utf-8"), default="-", help="A file, - for standard output."
)
def export(name: str, site: str, form: str, version: int | None, output: TextIO) -> None:
    """Write the list NAME as a file. The formats of others leave out what they cannot express."""
    from service.cases import lists as cases  # noqa: PLC0415 - heavy, not for --help

    with _refusals():
        found = with_store(lambda store: cases.get(store, site, name, version))
    written = list_files.write(found.entries, ListFormat(form), datetime.now(UTC).date())
    output.write(written.text)
    if written.left_out:
        click.echo(f"{written.left_out} of {len(found.entries)} entries are left out", err=True)


@lists.command("list")
@of_site
@as_json
def list_lists(site: str, is_json: bool) -> None:
    """Show the lists that the rules of the site can use."""
    from service.cases import lists as cases  # noqa: PLC0415 - heavy, not for --help

    rows: list[Row] = [
        {
            "name": each.name,
            "version": each.version,
            "entries": each.entries,
            "of": "all sites" if each.shared else site,
            "changed": each.at,
            "by": each.by,
        }
        for each in with_store(lambda store: cases.summaries(store, site))
    ]
    show(rows, is_json=is_json, empty="no lists; 'steward lists import' makes one")


@lists.command()
@click.argument("name")
@click.argument("text")
@of_site
def test(name: str, text: str, site: str) -> None:
    """Say which entries of the list NAME are found in TEXT, as the rules of the site match them.

    One line for each: the entry, the text found, and from which to before which character. Exits with 1 if none is.
    """
    from service.cases import lists as cases  # noqa: PLC0415 - heavy, not for --help
    from service.cases.list_trial import find, finder  # noqa: PLC0415 - heavy, not for --help

    async def read(store: Store) -> tuple[WordList, ListUse]:
        return await cases.get(store, site, name), await cases.use_of(store, site, name)

    with _refusals():
        found, use = with_store(read)
    hits = find(finder(found.entries, use, datetime.now(UTC).date()), text)
    for hit in hits:
        click.echo(f"{hit.term}\t{text[hit.start : hit.end]}\t{hit.start}-{hit.end}")
    if not hits:
        raise SystemExit(1)


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    """Render an error of the service as one of the command."""
    try:
        yield
    except BadRequest as error:
        # Those of a file name their lines themselves.
        told = "\n".join(fault.detail for fault in error.faults) if len(error.faults) > 1 else str(error)
        raise click.ClickException(told) from error
    except Conflict as error:
        if "trial" not in error.current:
            raise click.ClickException(str(error)) from error
        broad = [f"{each['text']}: {each['comments']}" for each in error.current["trial"]["too_many"]]
        told = f"of {error.current['trial']['comments']} comments so many have a new entry:"
        more = "nothing was changed; --confirm takes these entries"
        raise click.ClickException("\n".join([told, *broad[:MOST_SHOWN], more])) from error
    except StoreUnavailable:
        raise
    except ServiceError as error:
        raise click.ClickException(str(error)) from error


def _read(raw: bytes, form: ListFormat) -> "Wanted":
    from service.cases.lists import Wanted  # noqa: PLC0415 - heavy, not for --help

    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise click.ClickException(f"line {line}: not UTF-8; convert the file first, as with iconv") from error
    found = list_files.read(text, form)
    return Wanted(found.entries, found.duplicates, found.remarks)


def _described(change: "ListChange", *, is_dry: bool) -> Iterator[str]:
    yield f"{change.name}: {'nothing is changed yet' if is_dry else f'version {change.version}'}"
    for count, word, terms in (
        (change.added, "added", change.added_terms),
        (change.changed, "changed", change.changed_terms),
        (change.removed, "removed", change.removed_terms),
    ):
        yield f"{word}: {count}{_some(terms, count)}"
    yield f"unchanged: {change.unchanged}"
    lines = [f"line {each.line} is line {each.first}" for each in change.duplicate_lines]
    yield f"duplicates: {change.duplicates}{_some(lines, change.duplicates)}"
    if change.never_found:
        yield f"never found: {', '.join(change.never_found[:MOST_SHOWN])}"
    for remark in change.remarks:
        more = f" and {remark.count - 1} more" if remark.count > 1 else ""
        yield f"line {remark.line}{more}: {remark.detail}"
    if change.trial is not None:
        yield from _tried(change.trial)


def _tried(trial: "ListTrial") -> Iterator[str]:
    yield f"{trial.found} new entries are found in the last {trial.comments} comments"
    yield from (f"  {line}" for line in _touches(trial.touches[:MOST_SHOWN]))
    if trial.too_many:
        yield f"in more than 1 % of the comments, so that they take --confirm: {len(trial.too_many)}"


def _touches(touches: "Iterable[Touch]") -> Iterator[str]:
    return (f"{each.text}: {each.comments}, as in {each.examples[0]}" for each in touches)


def _some(shown: list[str], count: int) -> str:
    if not shown:
        return ""
    more = ", …" if count > MOST_SHOWN else ""
    return f" ({', '.join(shown[:MOST_SHOWN])}{more})"

"""steward dsa export: statements of reasons as the EU's transparency database takes them (docs/dsa.md)."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec
from msgspec import UNSET, Struct

from service.settings import from_env
from service.values.dsa import Dsa, Restriction, for_database, personal_data_in, statement_of
from service.values.statement_schema import problems, schema
from service.values.statement_words import facts

if TYPE_CHECKING:  # --help needs no Redis
    from service.store import Store
    from service.store.keyspace import Shard

# Statements that the database takes in one call, all or none.
AT_ONCE = 100
_STATE = "exported.json"


class _Exported(Struct, frozen=True):
    """How far an export has come: the last entry of each shard's trail, and how many files."""

    cursors: dict[str, str] = {}
    files: int = 0


@click.group()
def dsa() -> None:
    """Statements of reasons of the EU's Digital Services Act."""


@dsa.command()
@click.option("--site", required=True, help="The site.")
@click.option(
    "--to",
    "folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the files, one for each 100 statements; use the same one each time.",
)
def export(site: str, folder: Path) -> None:
    """Write the statements that are new since the last export, without personal data. May be repeated at any time.

    Each file is the body of one call of the database's API. A statement keeps its `puid`, so sending it twice does no
    harm. Decisions that can still be undone are left for the next export.
    """
    from service.commands.stored import with_store  # noqa: PLC0415 - --help needs no Redis

    settings = from_env(os.environ)
    before = datetime.now(UTC) - timedelta(seconds=settings.undo_window_s)

    folder.mkdir(parents=True, exist_ok=True)

    async def work(store: "Store") -> tuple[int, int]:
        return await export_new(store, site, folder, before)

    written, refused = with_store(work)
    click.echo(f"{site}: {written} statements written to {folder}")
    if refused:
        click.echo(f"{refused} statements were left out, see above", err=True)
        raise SystemExit(1)


async def export_new(store: "Store", site: str, folder: Path, before: datetime) -> tuple[int, int]:
    """Write the rejections before an instant that are not in the folder yet.

    Returns how many statements were written, and how many were left out. Raises ClickException.
    """
    policy = await store.access.policy(site)
    if policy is None or policy.dsa is UNSET or not policy.dsa.in_scope:
        raise click.ClickException(f"the policy of {site} does not say that it is in scope (dsa.in_scope)")
    state = _read(folder / _STATE)
    cursors, found = dict(state.cursors), list[Restriction]()
    for shard in store.audit.shards(site):
        if await store.audit.has_trimmed(shard, cursors.get(str(shard.number), "")):
            click.echo("the oldest entries of the trail are no longer in Redis; their statements are missing", err=True)
        some, cursors[str(shard.number)] = await _rejected(
            store, site, shard, cursors.get(str(shard.number), ""), before
        )
        found += some
    statements, refused = await _statements(store, site, sorted(found, key=lambda each: each.at), policy.dsa)
    files = state.files
    for start in range(0, len(statements), AT_ONCE):
        files += 1
        _write(folder / f"statements-{files:08d}.json", {"statements": statements[start : start + AT_ONCE]})
    # Last: if the run is killed before, the next one writes the same files again.
    _write(folder / _STATE, _Exported(cursors, files))
    return len(statements), refused


async def _rejected(
    store: "Store", site: str, shard: "Shard", after: str, before: datetime
) -> tuple[list[Restriction], str]:
    """The rejections of one shard after the cursor that can no longer be undone, and the cursor to go on from."""
    from service.store.restrictions import restriction_in  # noqa: PLC0415 - as above

    found: dict[tuple[str, int], Restriction] = {}
    cursor = after
    undone = set[tuple[str, int]]()
    while page := await store.audit.entries(shard, after):
        for entry in page:
            comment = entry.details.get("comment", "")
            if entry.details.get("action") == "undone":
                undone.add((comment, int(entry.details["version"]) - 1))
            elif entry.at < before and (restriction := restriction_in(site, entry)) is not None:
                found[comment, restriction.version] = restriction
            if entry.at < before:
                cursor = entry.cursor
        after = page[-1].cursor
    return [each for key, each in found.items() if key not in undone], cursor


async def _statements(
    store: "Store", site: str, found: Sequence[Restriction], dsa_: Dsa
) -> tuple[list[dict[str, Any]], int]:
    statements, refused = list[dict[str, Any]](), 0
    for each in found:
        statement = for_database(statement_of(await _completed(store, site, each), dsa_, facts(each)))
        wrong = personal_data_in(statement) or next(problems(statement, schema()), None)
        if wrong is None:
            statements.append(statement)
        else:
            refused += 1
            click.echo(f"{statement['puid']}: {wrong}", err=True)
    return statements, refused


async def _completed(store: "Store", site: str, restriction: Restriction) -> Restriction:
    """With the language and the date of the comment, as far as they are still known."""
    from service.values.errors import NotFound  # noqa: PLC0415 - as above

    try:
        record = await store.comments.get(site, restriction.comment)
    except NotFound:
        return restriction
    language = record.content.judgement.language if record.content else None
    return msgspec.structs.replace(restriction, sent_at=record.created_at, language=language)


def _read(path: Path) -> _Exported:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Exported)
    except FileNotFoundError:
        return _Exported()
    except (OSError, msgspec.DecodeError) as error:
        raise click.ClickException(f"{path}: {error}") from error


def _write(path: Path, content: Any) -> None:  # noqa: ANN401 - what becomes JSON
    fresh = path.with_suffix(".new")
    fresh.write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=1) + b"\n")
    fresh.replace(path)

"""steward audit export | verify | show | prune: the audit trail in hash-chained files (docs/audit.md)."""

import os
import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from service.commands.kept_lists import keep_lists
from service.commands.listing import counted
from service.settings import from_env
from service.trail import Check, Entry, Trail, as_csv, entries, locked, prune, removed, sites
from service.values.errors import TrailUnusable

if TYPE_CHECKING:  # --help and verify need no Redis
    from service.store import Store
    from service.store.audit import Audit
    from service.store.base import AuditEntry
    from service.store.keyspace import Shard

MOST_SHOWN = 20

of_folder = click.option(
    "--folder",
    "root",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the exported trails.  [default: audit, in the service's data folder]",
)
of_site = click.option("--site", help="Only this site.")


@click.group()
def audit() -> None:
    """Who did what when, in files that show every change."""


@audit.command()
@of_folder
@of_site
@click.option("--trim", is_flag=True, help="Then remove from Redis what is safe in the files.")
@click.option(
    "--keep-days",
    type=click.IntRange(0, 3650),
    default=30,
    show_default=True,
    help="With --trim: days that stay in Redis, for GET /v1/audit.",
)
def export(root: Path | None, site: str | None, trim: bool, keep_days: int) -> None:
    """Copy what is new to the files. May be run at any time, and again after being killed."""
    from service.commands.stored import with_store  # noqa: PLC0415 - only export needs Redis

    root = root or _default()

    async def work(store: "Store") -> bool:
        known = {site} if site else (await store.access.sites()).known | set(sites(root))
        done = [await _exported(store, name, root, keep_days if trim else None) for name in sorted(known)]
        return all(done)

    try:
        with locked(root):
            is_whole = with_store(work)
    except TrailUnusable as error:
        raise click.ClickException(str(error)) from error
    if not is_whole:
        raise SystemExit(1)


def _hash(_: click.Context, option: click.Parameter, value: str | None) -> str | None:
    if value is not None and not re.fullmatch("[0-9a-f]{64}", value):
        raise click.BadParameter("a hash has 64 hex digits", param=option)
    return value


@audit.command()
@of_folder
@of_site
@click.option("--head", callback=_hash, help="A hash that an export or verify printed: the trail must hold it.")
@click.option(
    "--after", callback=_hash, help="The last hash of older files that were put away.  [default: as 'prune' noted it]"
)
def verify(root: Path | None, site: str | None, head: str | None, after: str | None) -> None:
    """Recompute the hash chain of every file; exit with 1 and say where if anything was changed."""
    root = root or _default()
    names = _sites(root, site)
    if len(names) > 1 and (head or after):
        raise click.UsageError("a hash belongs to one site; say which with --site")
    try:
        damaged = [name for name in names if not _is_whole(root / name, head, after or removed(root / name).hash)]
    except TrailUnusable as error:
        raise click.ClickException(str(error)) from error
    if damaged:
        raise SystemExit(1)


@audit.command("prune")
@of_folder
@of_site
@click.option(
    "--keep-days",
    type=click.IntRange(1, 36_500),
    default=3 * 365,
    show_default=True,
    help="Days that entries stay in the files.",
)
def prune_files(root: Path | None, site: str | None, keep_days: int) -> None:
    """Remove the oldest files once all their entries are older than the files should keep. For cron.

    'verify' and 'rebuild' go on from the hash that is printed; keep it elsewhere with the heads.
    """
    root = root or _default()
    before = datetime.now(UTC) - timedelta(days=keep_days)
    try:
        with locked(root):
            for name in _sites(root, site):
                count, gone = prune(root / name, before)
                since = f"; the rest follows the hash {gone.hash}" if gone.file else ""
                click.echo(f"{name}: {count} entries removed, {gone.entries} in all{since}")
    except TrailUnusable as error:
        raise click.ClickException(str(error)) from error


@audit.command()
@of_folder
@of_site
@click.option("--csv", "is_csv", is_flag=True, help="As CSV; else one JSON object a line.")
@click.option("--comment", help="Only what happened to this comment.")
@click.option("--actor", help="Only what this moderator, key or process did.")
@click.option("--policy", help="Only what was decided by this policy, or on what it had decided, such as default@3.")
@click.option("--request", help="Only what this request did: the X-Request-Id of its answer.")
def show(root: Path | None, site: str | None, is_csv: bool, **wanted: str | None) -> None:
    """Print the exported entries of one site, all of them."""
    root = root or _default()
    names = _sites(root, site)
    if len(names) > 1:
        raise click.UsageError(f"say which site with --site: {', '.join(names)}")
    details = {(name, value) for name, value in wanted.items() if value is not None}

    def found() -> Iterator[Entry]:
        return (entry for entry in entries(root / names[0]) if details <= entry.details.items())

    try:
        for piece in as_csv(found) if is_csv else map(_line, found()):
            click.echo(piece, nl=False)
    except TrailUnusable as error:
        raise click.ClickException(str(error)) from error


async def _exported(store: "Store", site: str, root: Path, keep_days: int | None) -> bool:
    """Export one site and report it. A site whose files are damaged does not stop the others."""
    audit = store.audit
    try:
        trail = Trail(root / site, site)
        try:
            added = await _copied(audit, site, trail)
        finally:
            trail.close()
        await keep_lists(store, site, root / site)
    except TrailUnusable as error:
        click.echo(f"{site}: {error}", err=True)
        return False
    said = f"{site}: {added} new, {trail.n} entries, head {trail.head}"
    if keep_days is not None:
        said += f"; {await _trimmed(audit, site, trail, keep_days)} trimmed from Redis"
    click.echo(said)
    return True


async def _copied(audit: "Audit", site: str, trail: Trail) -> int:
    before = trail.n
    for shard in audit.shards(site):
        if await audit.has_trimmed(shard, trail.cursors.get(shard.number, "")):
            raise TrailUnusable(
                "Redis no longer holds what follows: it was exported to another folder, or these files lack their end"
            )
    async for number, entry in _merged(audit, site, trail.cursors):
        trail.append(number, entry.cursor, entry.at, entry.details)
    trail.sync()
    return trail.n - before


async def _trimmed(audit: "Audit", site: str, trail: Trail, keep_days: int) -> int:
    """Trim Redis only after the sync, and only entries that the files hold."""
    before = datetime.now(UTC) - timedelta(days=keep_days)
    shards = [shard for shard in audit.shards(site) if shard.number in trail.cursors]
    return sum([await audit.trim(shard, trail.cursors[shard.number], before) for shard in shards])


async def _merged(audit: "Audit", site: str, cursors: dict[int, str]) -> AsyncIterator[tuple[int, "AuditEntry"]]:
    """The entries of all shards after their cursors, merged by time."""
    each = {shard.number: _every(audit, shard, cursors.get(shard.number, "")) for shard in audit.shards(site)}
    heads = {shard: await anext(found, None) for shard, found in each.items()}
    while waiting := {shard: entry for shard, entry in heads.items() if entry is not None}:
        number = min(waiting, key=lambda shard: waiting[shard].at)
        yield number, waiting[number]
        heads[number] = await anext(each[number], None)


async def _every(audit: "Audit", shard: "Shard", after: str) -> AsyncIterator["AuditEntry"]:
    while page := await audit.entries(shard, after):
        for entry in page:
            yield entry
        after = page[-1].cursor


def _is_whole(folder: Path, head: str | None, after: str) -> bool:
    check = Check(folder, after=after, kept=head)
    found = 0
    for found, finding in enumerate(check.findings(), 1):
        if found <= MOST_SHOWN:
            where = f"{finding.path}, line {finding.line}" if finding.line else f"{finding.path}"
            click.echo(f"{where}: {finding.problem}")
    if head and check.kept_at is None:
        click.echo(f"{folder}: the kept head is not in it: its end was cut off, or all of it was written anew")
        found += 1
    state = f"DAMAGED, {counted(found, 'finding')}" if found else "whole"
    kept = f" (the kept head is that of entry {check.kept_at})" if head and check.kept_at is not None else ""
    size = f"{counted(check.n, 'entry', 'entries')} in {counted(check.files, 'file')}"
    click.echo(f"{folder.name}: {state}, {size}, head {check.head}{kept}")
    if not head and not found:
        click.echo(f"{folder.name}: the end is unchecked: pass --head with the hash of an earlier export")
    return not found


def _sites(root: Path, site: str | None) -> list[str]:
    found = [name for name in sites(root) if site in (None, name)]
    if not found:
        raise click.ClickException(f"no exported trail in {root / (site or '')}; 'steward audit export' writes it")
    return found


def _line(entry: Entry) -> str:
    return msgspec.json.encode(entry).decode() + "\n"


def _default() -> Path:
    return from_env(os.environ).data_path / "audit"

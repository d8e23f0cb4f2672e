"""steward backup | restore: the data folder of a service with its own Redis, in one archive."""

import asyncio
import io
import os
import shutil
import tarfile
import tempfile
import time
from collections.abc import Coroutine, Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec
from msgspec import Struct

from service.commands.listing import counted
from service.redis import snapshot
from service.redis.embedded import is_served, redis_for_command
from service.settings import Settings, from_env
from service.values.errors import SettingsError, StoreUnavailable

MANIFEST, SNAPSHOT = "manifest.json", "redis.rdb"
Found = TypeVar("Found")
# Beside Redis: the copy of keys and policies, trained models, and the exported audit trail.
PARTS = ("access.json", "models", "audit")


class BackupManifest(Struct, frozen=True):
    """What the archive holds. `keys`: in Redis when the snapshot began."""

    made_at: datetime
    steward: str
    keys: int
    parts: list[str]


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup(file: Path) -> None:
    """Write Redis, trained models and the exported audit trail to FILE (.tar.gz). The service may be running.

    The archive holds readers' texts and the hashes of keys and passwords: store it where only you can read it. It does
    not hold STEWARD_SECRET_FILE; keep that file apart. A Redis of your own (STEWARD_REDIS_URL) is backed up with its
    own tools: docs/deployment.md.
    """
    settings = _own_redis()
    if file.exists():
        raise click.ClickException(f"{file} exists already")
    made = _run(_backed_up(settings, file))
    size = file.stat().st_size / 1_000_000
    others = ", ".join(made.parts) or "no other parts"
    click.echo(f"wrote {file}: {counted(made.keys, 'entry', 'entries')} of Redis, {others} ({size:.1f} MB)")
    click.echo(f"try it: STEWARD_DATA_DIR=/tmp/steward-restored steward restore {file}", err=True)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def restore(file: Path) -> None:
    """Put FILE, which `steward backup` wrote, into an empty data folder (STEWARD_DATA_DIR).

    Nothing that is there is overwritten. What came after the backup is lost; `steward reconcile` names the comments
    that the site must send again.
    """
    settings = _own_redis()
    made, keys = _run(_restored(settings, file))
    restored = counted(keys, "entry", "entries")
    click.echo(f"restored into {settings.data_path}: {restored} of Redis (as of {made.made_at:%Y-%m-%d %H:%M} UTC)")
    click.echo("next: steward fsck, then start the service with the same STEWARD_DATA_DIR", err=True)


def _own_redis() -> Settings:
    settings = from_env(os.environ)
    if settings.redis_url is not None:
        raise click.ClickException("STEWARD_REDIS_URL names a Redis of your own: use its tools (docs/deployment.md)")
    return settings


def _run(work: Coroutine[Any, Any, Found]) -> Found:
    try:
        return asyncio.run(work)
    except (SettingsError, StoreUnavailable) as error:
        raise click.ClickException(str(error)) from error


async def _backed_up(settings: Settings, file: Path) -> BackupManifest:
    folder = settings.data_path
    if not (folder / "redis").exists():
        raise SettingsError(f"{folder} has no data of a service; set STEWARD_DATA_DIR to its folder")
    click.echo(f"store: {folder}", err=True)
    async with redis_for_command(settings):
        path, keys = await snapshot.written(folder)
        try:
            parts = [name for name in PARTS if (folder / name).exists()]
            manifest = BackupManifest(datetime.now(UTC), version("comment-steward"), keys, parts)
            await asyncio.to_thread(_pack, file, manifest, path, folder)
        finally:
            path.unlink(missing_ok=True)
    return manifest


def _pack(file: Path, manifest: BackupManifest, rdb: Path, folder: Path) -> None:
    """Written under another name first, so that a file of the right name is whole."""
    partial = file.with_name(f"{file.name}.part")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as raw, tarfile.open(fileobj=raw, mode="w:gz") as archive:
        body = msgspec.json.format(msgspec.json.encode(manifest))
        entry = tarfile.TarInfo(MANIFEST)
        entry.size, entry.mtime, entry.mode = len(body), int(time.time()), 0o600
        archive.addfile(entry, io.BytesIO(body))
        archive.add(rdb, SNAPSHOT)
        for name in manifest.parts:
            archive.add(folder / name, name)
    partial.rename(file)


async def _restored(settings: Settings, file: Path) -> tuple[BackupManifest, int]:
    folder = settings.data_path
    if await is_served(settings):
        raise SettingsError(f"a service runs on {folder}; restore into another folder (STEWARD_DATA_DIR)")
    there = list(_present(folder))
    if there:
        raise SettingsError(f"{folder} has data ({', '.join(there)}); restore into another folder (STEWARD_DATA_DIR)")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix="restoring-") as unpacked:
        manifest = await asyncio.to_thread(_unpack, file, Path(unpacked))
        keys = await snapshot.loaded(folder, Path(unpacked) / SNAPSHOT)
        for name in manifest.parts:
            shutil.move(Path(unpacked) / name, folder / name)
    return manifest, keys


def _present(folder: Path) -> Iterator[str]:
    for name in ("redis", *PARTS):
        path = folder / name
        if path.is_file() or (path.is_dir() and any(path.iterdir())):
            yield name


def _unpack(file: Path, into: Path) -> BackupManifest:
    """Raises SettingsError for a file that `steward backup` did not write."""
    try:
        with tarfile.open(file) as archive:
            archive.extractall(into, filter="data")  # refuses names and links that lead out of the folder
        manifest = msgspec.json.decode((into / MANIFEST).read_bytes(), type=BackupManifest)
    except (tarfile.TarError, OSError, EOFError, msgspec.DecodeError) as error:
        raise SettingsError(f"{file} is not a whole backup of Steward: {error}") from error
    if not (into / SNAPSHOT).exists() or not {*manifest.parts} <= {*PARTS}:
        raise SettingsError(f"{file} is not a whole backup of Steward: parts are missing")
    return manifest

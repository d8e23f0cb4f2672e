"""A backup of a service, restored into another folder: the same keys, comments and models, or a clear refusal."""

import asyncio
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from service.commands.backup import backup, restore
from service.redis import snapshot
from service.redis.embedded import EmbeddedRedis
from service.settings import Settings
from service.store import open_store

MANY = 500


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short, because a unix socket lies in it."""
    made = Path(tempfile.mkdtemp(prefix="steward-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


def run(command: Any, data: Path, *arguments: object) -> Result:
    return CliRunner(env={"STEWARD_DATA_DIR": str(data)}).invoke(command, list(map(str, arguments)))


async def filled(data: Path, work: Any) -> Any:
    """Run `work` with the store of a service in this folder."""
    async with (
        EmbeddedRedis(data).running() as redis,
        open_store(Settings(data_dir=data, store_timeout_s=30), redis.url) as store,
    ):
        return await work(store)


async def _fill(store: Any) -> None:
    await store.access.first_key("daily")
    for number in range(MANY):
        await store.pipe.call("SET", f"cm:{{daily}}:test:{number}", "x" * 100)


async def _read(store: Any) -> tuple[int, list[bytes]]:
    found = [await store.pipe.call("GET", f"cm:{{daily}}:test:{number}") for number in range(MANY)]
    return len(await store.access.keys()), found


def test_what_a_backup_holds_is_there_again_after_a_restore(folder: Path) -> None:
    data, other, archive = folder / "a", folder / "b", folder / "kept.tar.gz"
    asyncio.run(filled(data, _fill))
    (data / "models" / "mine").mkdir(parents=True)
    (data / "models" / "mine" / "manifest.json").write_text("{}")
    made = run(backup, data, archive)
    assert made.exit_code == 0, made.output
    assert archive.stat().st_mode & 0o777 == 0o600, "it holds readers' texts"
    assert not (data / "redis" / "dump.rdb").exists()
    done = run(restore, other, archive)
    assert done.exit_code == 0, done.output
    assert f"restored into {other}" in done.output
    assert asyncio.run(filled(other, _read)) == (1, [b"x" * 100] * MANY)
    assert (other / "models" / "mine" / "manifest.json").read_text() == "{}"
    assert not list(other.glob("restoring-*"))


def test_a_backup_is_made_while_the_service_runs(folder: Path) -> None:
    async def work(store: Any) -> Result:
        await _fill(store)
        return await asyncio.to_thread(run, backup, folder / "a", folder / "kept.tar.gz")

    made = asyncio.run(filled(folder / "a", work))
    assert made.exit_code == 0, made.output
    assert f"wrote {folder / 'kept.tar.gz'}" in made.output
    assert run(restore, folder / "b", folder / "kept.tar.gz").exit_code == 0


def test_nothing_is_overwritten(folder: Path) -> None:
    asyncio.run(filled(folder / "a", _fill))
    archive = folder / "kept.tar.gz"
    assert run(backup, folder / "a", archive).exit_code == 0
    again = run(backup, folder / "a", archive)
    assert (again.exit_code, "exists already" in again.output) == (1, True)
    into_itself = run(restore, folder / "a", archive)
    assert (into_itself.exit_code, "has data (redis)" in into_itself.output) == (1, True)
    assert asyncio.run(filled(folder / "a", _read))[0] == 1


def test_a_file_that_is_no_backup_is_refused_before_anything_is_made(folder: Path) -> None:
    half, foreign = folder / "half.tar.gz", folder / "foreign.tar.gz"
    asyncio.run(filled(folder / "a", _fill))
    assert run(backup, folder / "a", folder / "kept.tar.gz").exit_code == 0
    half.write_bytes((folder / "kept.tar.gz").read_bytes()[:2000])
    with tarfile.open(foreign, "w:gz") as archive:
        archive.add(__file__, "../outside.py")
    for file in (half, foreign):
        refused = run(restore, folder / "b", file)
        assert refused.exit_code == 1
        assert "is not a whole backup of Steward" in refused.output
        assert not (folder / "b" / "redis").exists()
    assert not (folder / "outside.py").exists()


def test_a_redis_of_ones_own_is_left_to_its_own_tools(folder: Path) -> None:
    done = CliRunner(env={"STEWARD_REDIS_URL": "redis://127.0.0.1:1/0"}).invoke(backup, [str(folder / "x.tar.gz")])
    assert done.exit_code == 1
    assert "docs/deployment.md" in done.output


async def test_a_restore_that_is_interrupted_waits_for_no_server_that_does_not_listen_yet(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, kept = folder / "server", folder / "dump.rdb"
    server.write_text("#!/bin/sh\nexec sleep 600\n")
    server.chmod(0o700)
    kept.write_bytes(b"")

    async def interrupted(*_: object) -> None:
        raise InterruptedError

    monkeypatch.setattr(snapshot, "servers_for", lambda _: [str(server)])
    monkeypatch.setattr(snapshot, "_ready", interrupted)
    async with asyncio.timeout(60):
        with pytest.raises(InterruptedError):
            await snapshot.loaded(folder / "b", kept)

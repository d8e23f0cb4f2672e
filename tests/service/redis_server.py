"""A real Redis for tests: its own process, on a unix socket, never one that was there before."""

import atexit
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from service.redis.server import find_server, find_servers
from service.store.keyspace import is_permanent, waits_in

# Without compression a DUMP shows every byte that is kept.
DURABLE = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction", "rdbcompression": "no"}


def _prefer(wanted: str) -> None:
    """Run all tests, and what they start, on one of the servers that are there: by name, or by path."""
    path = shutil.which(find_servers().get(wanted, wanted))
    if path is None:
        raise pytest.UsageError(f"STEWARD_TEST_SERVER is {wanted}; there are: {', '.join(find_servers())}")
    folder = Path(tempfile.mkdtemp(prefix="steward-server-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "redis-server").symlink_to(Path(path).resolve())
    os.environ["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"  # what is found there comes first


if wanted := os.environ.get("STEWARD_TEST_SERVER"):
    _prefer(wanted)


class RedisServer:
    """One server in a folder of its own; it can be killed, hung and started again over the same data."""

    def __init__(self, **options: str) -> None:
        # Not pytest's tmp_path: the path of a unix socket has room for 107 bytes.
        self._folder = Path(tempfile.mkdtemp(prefix="steward-test-"))
        self._options = {**DURABLE, **options}
        self._process: subprocess.Popen[str] | None = None
        self.socket = self._folder / "redis.sock"
        self.url = f"unix://{self.socket}"

    def start(self, **options: str) -> None:
        """`options`: for this once."""
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "dir": str(self._folder),
            "save": "",
            **self._options,
            **options,
        }
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
            keys = list(client.scan_iter(count=1000))
            with client.pipeline(transaction=False) as pipe:
                for key in keys:
                    pipe.ttl(key)
                lasting = [key for key, ttl in zip(keys, pipe.execute(), strict=True) if ttl == -1]
            return [key for key in lasting if not _may_stay(client, key)]

    def remove(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


def _may_stay(client: Any, key: str) -> bool:
    if is_permanent(key):
        return True
    return any(client.zscore(*place) is not None for place in waits_in(key))

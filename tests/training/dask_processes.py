"""A real Dask scheduler and its workers, as processes on loopback that are ended by their own ids."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from distributed import Client

PATIENCE_S = 240
QUIETLY = ("--no-dashboard",)


class DaskProcesses:
    def __init__(self, folder: Path, environment: Mapping[str, str] = os.environ) -> None:
        self._folder = folder
        self._stack = contextlib.ExitStack()
        self.pids: list[int] = []
        file = folder / "scheduler.json"
        place = ["--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file)]
        self.scheduler = self._start(["scheduler", *place], environment)
        self.address = str(_read(file, self.scheduler)["address"])

    def worker(self, threads: int = 1, environment: Mapping[str, str] = os.environ) -> "subprocess.Popen[bytes]":
        """Without a nanny, which would start another one for a worker that is killed."""
        local = ["--local-directory", str(self._folder), "--host", "127.0.0.1", "--nthreads", str(threads)]
        return self._start(["worker", self.address, *local, "--no-nanny"], environment)

    def wait_for_workers(self, count: int) -> None:
        with Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(count, timeout=PATIENCE_S)

    def close(self) -> None:
        self._stack.close()

    def _start(
        self, arguments: Sequence[str], environment: Mapping[str, str] = os.environ
    ) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "dask", *arguments, *QUIETLY]
        with (self._folder / "log").open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, env={**environment}, cwd=self._folder)
        self._stack.callback(_end, process)
        self.pids.append(process.pid)
        return process


@contextlib.contextmanager
def dask_processes(folder: Path, workers: int = 2, **settings: str) -> Iterator[DaskProcesses]:
    """`settings`: of the scheduler, by the names of their environment variables."""
    processes = DaskProcesses(folder, {**os.environ, **settings})
    try:
        for _ in range(workers):
            processes.worker()
        yield processes
    finally:
        processes.close()


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait(PATIENCE_S)


def _read(file: Path, writer: "subprocess.Popen[bytes]") -> dict[str, object]:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and writer.poll() is None:
        with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
            found: dict[str, object] = json.loads(file.read_text())
            return found
        time.sleep(0.05)
    raise AssertionError(f"the scheduler did not start; see {file.parent}/log")

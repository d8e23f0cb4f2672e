"""What is measured: the real service and the baseline, each a process of its own, ended by its own id."""

import contextlib
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np

NOOP = Path(__file__).parent / "noop.py"


@dataclass(frozen=True, slots=True)
class Running:
    """`others`: processes that serve the same port and are no children of `pid`."""

    port: int
    pid: int
    key: str
    ready_s: float
    others: tuple[int, ...] = ()

    @property
    def resident_mib(self) -> float:
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]

    @property
    def shared_once_mib(self) -> float:
        """Memory of all its processes of Python; what some of them share counts once, as far as they share it."""
        return sum(_proportional_kib(pid) for pid in self._tree if _is_python(pid)) / 1024

    @property
    def cpu_s(self) -> tuple[float, float]:
        """Processor time so far: of the processes of Python, and of the others below them, which are Redis'."""
        own, others = 0.0, 0.0
        for pid in self._tree:
            with contextlib.suppress(OSError):  # it has ended since: Redis forks to rewrite its file
                if _is_python(pid):
                    own += cpu_s(pid)
                else:
                    others += cpu_s(pid)
        return own, others

    @property
    def _tree(self) -> list[int]:
        found = [self.pid, *self.others]
        for pid in found:
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                with contextlib.suppress(OSError):  # as above
                    found += [int(child) for child in children.read_text().split()]
        return found


def _is_python(pid: int) -> bool:
    """False for a process that has ended."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/exe").resolve() == Path(sys.executable).resolve()
    return False


def _proportional_kib(pid: int) -> int:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"Pss:\s+(\d+)", rollup)[1])  # type: ignore[index]


def cpu_s(pid: int) -> float:
    """Processor time of a process so far, by the clock that clock_getcpuclockid(3) of Linux names."""
    return time.clock_gettime(~pid << 3 | 2)


def new_folder() -> "tempfile.TemporaryDirectory[str]":
    """Where TMPDIR says: the disk below it is what `appendfsync always` waits for."""
    return tempfile.TemporaryDirectory(prefix="bench-")


def sync_ms(folder: str, size: int = 32_768) -> tuple[float, float]:
    """Median and 99th percentile of what it takes the disk to keep that many more bytes."""
    took = []
    with Path(folder, "sync").open("wb", buffering=0) as file:
        for _ in range(200):
            file.write(bytes(size))
            started = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append((time.perf_counter() - started) * 1000)
    took.sort()
    return took[100], took[198]


def rest_costs(rest_s: float, mib: int = 8) -> float:
    """How many times as long it takes to read so much memory here and there after each rest, as without one.

    A processor that sleeps may be lent to others meanwhile, who leave its caches full of their own: then a service at
    half load, which rests a thousand times a second, does the same work more slowly than one that never rests.
    """
    lines = mib * 1024 * 1024 // 64
    memory = np.zeros(lines * 8)
    chance = np.random.default_rng(1)
    places = [chance.integers(0, lines, 2_000) * 8 for _ in range(50)]

    def median_s(rest_s: float) -> float:
        took = []
        for turn in range(1_500):
            if rest_s:
                time.sleep(rest_s)
            started = time.perf_counter()
            memory.take(places[turn % len(places)])
            took.append(time.perf_counter() - started)
        return statistics.median(took)

    busy = median_s(0)
    return median_s(rest_s) / busy


@contextlib.contextmanager
def service(
    readers: str = "both",
    workers: int = 1,
    command: Sequence[str] = ("-m", "service"),
    prepare: Callable[[Path], None] = lambda _: None,
) -> Iterator[Running]:
    """`steward serve` with its embedded Redis in a new folder, which `prepare` fills first.

    `command`: what Python runs instead of `steward`.
    """
    with new_folder() as folder:
        prepare(Path(folder))
        # A disk that stalls is seen in the latencies; it must not end the measurement.
        environment = {
            **os.environ,
            "STEWARD_DATA_DIR": folder,
            "STEWARD_PORT": "0",
            "STEWARD_STORE_TIMEOUT_S": "20",
            "STEWARD_READERS": readers,
            "STEWARD_WORKERS": str(workers),
        }
        with _process([sys.executable, *command, "serve"], environment) as (process, started):
            port = int(_line(process, r"ready on http://[^:]+:(\d+)"))
            ready_s = time.perf_counter() - started
            key = _line(process, r"(cmk_live_[\w-]+)")
            yield Running(port, process.pid, key, ready_s)


def ask(running: Running, path: str, body: bytes) -> bytes:
    """The service's answer. Raises httpx.HTTPStatusError for any but a good one."""
    headers = {"Authorization": f"Bearer {running.key}", "Content-Type": "application/json"}
    response = httpx.post(f"http://127.0.0.1:{running.port}/{path}", content=body, headers=headers)
    response.raise_for_status()
    return response.content


@contextlib.contextmanager
def noop(answer_bytes: int, workers: int = 1) -> Iterator[Running]:
    """So many processes that share a port."""
    with contextlib.ExitStack() as started:
        port, pids, ready_s = 0, [], 0.0
        for _ in range(workers):
            command = [sys.executable, str(NOOP), str(answer_bytes), str(port)]
            process, began = started.enter_context(_process(command, dict(os.environ)))
            port = int(_line(process, r"(\d+)"))
            pids.append(process.pid)
            ready_s = time.perf_counter() - began
        yield Running(port, pids[0], "none", ready_s, tuple(pids[1:]))


@contextlib.contextmanager
def _process(command: list[str], environment: dict[str, str]) -> Iterator[tuple[subprocess.Popen[str], float]]:
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True)
    try:
        yield process, started
    finally:
        process.terminate()
        process.wait(30)
        assert process.stdout is not None
        process.stdout.close()


def _line(process: "subprocess.Popen[str]", pattern: str) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        found = re.search(pattern, line)
        if found:
            return found[1]
    raise RuntimeError(f"the process ended with {process.wait()} before it said {pattern}")

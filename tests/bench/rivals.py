"""Queues that people use instead, each as it is run: a process that fills it, then its own worker that empties it.

A job counts when it is acknowledged, which Redis tells; starting a worker does not count. `make bench` installs them.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from redis import Redis

INSTALLED = Path(".rivals").resolve()
PYTHON, NODE = INSTALLED / "python" / "bin", INSTALLED / "node"
HERE = Path(__file__).parent
LOOK_EVERY_S, GIVE_UP_S = 0.002, 120.0
# Threads of Python share a lock, so dramatiq's are spread over processes, as its command does, too.
PROCESSES = 2


@dataclass(frozen=True, slots=True)
class Rival:
    """`fill`, `work`: the commands, given socket, jobs, and consumers. `left`: jobs that are not acknowledged."""

    needs: Path
    fill: Callable[[str, int], Sequence[str]]
    work: Callable[[str, int], Sequence[str]]
    left: Callable[[Redis], int]

    @property
    def is_there(self) -> bool:
        return self.needs.exists()


RIVALS: Mapping[str, Rival] = {
    "arq": Rival(
        PYTHON / "arq",
        lambda socket, jobs: (str(PYTHON / "python"), str(HERE / "rival_arq.py"), socket, str(jobs)),
        lambda _, __: (str(PYTHON / "arq"), "rival_arq.Work"),
        lambda redis: int(redis.zcard("arq:queue")),
    ),
    "dramatiq": Rival(
        PYTHON / "dramatiq",
        lambda socket, jobs: (str(PYTHON / "python"), str(HERE / "rival_dramatiq.py"), socket, str(jobs)),
        lambda _, consumers: (
            *(str(PYTHON / "dramatiq"), "rival_dramatiq", "--processes", str(PROCESSES)),
            *("--threads", str(consumers // PROCESSES)),
        ),
        lambda redis: int(redis.hlen("dramatiq:default.msgs")),
    ),
    "BullMQ": Rival(
        NODE / "node_modules" / "bullmq",
        lambda socket, jobs: ("node", str(HERE / "rival_bullmq.cjs"), "fill", socket, str(jobs)),
        lambda socket, consumers: ("node", str(HERE / "rival_bullmq.cjs"), "work", socket, str(consumers)),
        lambda redis: int(redis.llen("bull:bench:wait")) + int(redis.llen("bull:bench:active")),
    ),
}


def rate(rival: Rival, redis: Redis, socket: str, jobs: int, consumers: int) -> float:
    """Jobs a second that are taken and acknowledged. Raises RuntimeError for a queue that does not get empty."""
    environment = {**os.environ, "SOCKET": socket, "CONSUMERS": str(consumers), "PACKAGES": str(NODE)}
    environment["PYTHONPATH"] = str(HERE)
    subprocess.run(rival.fill(socket, jobs), env=environment, check=True)
    if rival.left(redis) != jobs:
        raise RuntimeError(f"{rival.left(redis)} of {jobs} jobs are queued")
    worker = subprocess.Popen(
        rival.work(socket, consumers), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        return _emptied(rival, redis, jobs, worker)
    finally:
        worker.terminate()
        try:
            worker.wait(30)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()


def _emptied(rival: Rival, redis: Redis, jobs: int, worker: "subprocess.Popen[bytes]") -> float:
    first, began, gives_up = jobs, 0.0, time.perf_counter() + GIVE_UP_S
    while left := rival.left(redis):
        if first == jobs and left < jobs:
            first, began = left, time.perf_counter()
        if worker.poll() is not None or time.perf_counter() > gives_up:
            raise RuntimeError(f"{left} of {jobs} jobs are left; its worker has ended, or takes too long")
        time.sleep(LOOK_EVERY_S)
    return first / (time.perf_counter() - began) if began else jobs / LOOK_EVERY_S


def warn_of_missing() -> None:
    frame = "!" * 100
    for name, rival in RIVALS.items():
        if not rival.is_there:
            print(f"{frame}\nWARNING: {name} is NOT THERE, and not measured: {rival.needs}\n{frame}", file=sys.stderr)

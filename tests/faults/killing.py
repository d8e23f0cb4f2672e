"""kill -9 at random moments: of a worker of the service, of the relay, of Redis. Only of processes that we started."""

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

# A Redis that ends again sooner than this is started again after a pause, which would make the run a test of pauses.
REDIS_REST_S = 11.0


def children(pid: int, named: str) -> list[int]:
    """Processes of that parent whose command line holds `named`."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == pid and named in (process / "cmdline").read_text():
                found.append(int(process.name))
    return found


class Relay:
    """`steward relay` as a process of its own, started again whenever it was killed."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen([sys.executable, "-m", "service", "relay"], env=self._environment)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)
        self.start()

    def stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(30)


class Killer:
    def __init__(self, steward: Any, relay: Relay, chance: random.Random) -> None:
        self._steward = steward
        self._relay = relay
        self._chance = chance
        self._redis_killed_at = float("-inf")
        self.kills: Counter[str] = Counter()

    async def kill(self, count: int, seconds: float) -> None:
        """`count` kills, spread at random over the time; each kind in its turn, as far as it may."""
        ways = {"worker": self._kill_worker, "relay": self._kill_relay, "redis": self._kill_redis}
        loop = asyncio.get_running_loop()
        began = loop.time()
        moments = sorted(began + self._chance.uniform(0.02, 0.98) * seconds for _ in range(count))
        for moment in moments:
            await asyncio.sleep(moment - loop.time())
            kinds = ["worker", "relay"]
            if loop.time() - self._redis_killed_at > REDIS_REST_S:
                kinds.append("redis")
            kind = min(kinds, key=lambda kind: (self.kills[kind], self._chance.random()))
            while not await asyncio.to_thread(ways[kind]):
                await asyncio.sleep(0.05)  # the one before is not back yet
            self.kills[kind] += 1
            if kind == "redis":
                self._redis_killed_at = loop.time()

    def _kill_worker(self) -> bool:
        return self._ended(children(self._steward.process.pid, "service.process.worker"))

    def _kill_redis(self) -> bool:
        return self._ended(children(self._steward.process.pid, "redis.sock"))

    def _kill_relay(self) -> bool:
        self._relay.kill()
        return True

    def _ended(self, pids: list[int]) -> bool:
        """Whether there was one to kill."""
        if not pids:
            return False
        os.kill(self._chance.choice(pids), signal.SIGKILL)
        return True

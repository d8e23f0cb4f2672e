"""Runs long computations in threads and refuses new ones when too many wait."""

import asyncio
import contextlib
import math
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from service import tracing
from service.values.errors import Overloaded

Given = ParamSpec("Given")
Answer = TypeVar("Answer")

LONGEST_WAIT_S = 60
# Weight of the newest job in the moving average of how long a job takes.
_WEIGHT = 0.2


class BoundedExecutor:
    """Runs one job per processor at a time, since jobs release the GIL; at most `max_waiting` more wait."""

    def __init__(self, max_waiting: int, workers: int | None = None) -> None:
        self._max_waiting = max_waiting
        self._workers = workers or os.cpu_count() or 1
        self._unfinished = 0
        self._average_s = 0.1
        self._pool = ThreadPoolExecutor(self._workers, "scoring")

    async def run(self, work: Callable[Given, Answer], *args: Given.args, **kwargs: Given.kwargs) -> Answer:
        """Call `work` in a thread and return its result. Raises Overloaded when too many jobs wait already."""
        if self._unfinished >= self._workers + self._max_waiting:
            wait_s = math.ceil(self._average_s * self._unfinished / self._workers)
            raise Overloaded("too many batches wait to be scored", max(1, min(wait_s, LONGEST_WAIT_S)))
        try:
            done = self._pool.submit(partial(self._timed, work, *args, **kwargs))
        except RuntimeError as error:  # the executor is closed, or the system has no thread left
            raise Overloaded("no thread is available for a batch", 1) from error
        # Counted until the job ends, even if its caller is cancelled: a running job keeps its thread until then.
        self._unfinished += 1
        done.add_done_callback(partial(self._notify, asyncio.get_running_loop()))
        with tracing.step("score in a thread"):
            return await asyncio.wrap_future(done)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _notify(self, loop: asyncio.AbstractEventLoop, _: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed, so no caller waits
            loop.call_soon_threadsafe(self._finished)

    def _finished(self) -> None:
        self._unfinished -= 1

    def _timed(self, work: Callable[Given, Answer], *args: Given.args, **kwargs: Given.kwargs) -> Answer:
        started = time.monotonic()
        try:
            return work(*args, **kwargs)
        finally:
            self._average_s += _WEIGHT * (time.monotonic() - started - self._average_s)

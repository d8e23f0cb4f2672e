"""Long work on the processor stands in a line of bounded length, so that a flood of it is refused and not kept."""

import asyncio
import contextlib
import math
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from service.values.errors import Overloaded

Given = ParamSpec("Given")
Answer = TypeVar("Answer")

LONGEST_WAIT_S = 60
# How much the newest of them counts in how long one takes.
_WEIGHT = 0.2


class Line:
    """As many at once as there are processors, for the work lets go of the interpreter; `most` more wait."""

    def __init__(self, most: int, at_once: int | None = None) -> None:
        self._most = most
        self._at_once = at_once or os.cpu_count() or 1
        self._inside = 0
        self._takes_s = 0.1
        self._pool = ThreadPoolExecutor(self._at_once, "line")

    async def run(self, work: Callable[Given, Answer], *args: Given.args, **kwargs: Given.kwargs) -> Answer:
        """What `work` answers, in a thread. Raises Overloaded when too many wait already."""
        if self._inside >= self._at_once + self._most:
            waits_s = math.ceil(self._takes_s * self._inside / self._at_once)
            raise Overloaded("too many batches wait to be scored", max(1, min(waits_s, LONGEST_WAIT_S)))
        try:
            done = self._pool.submit(partial(self._timed, work, *args, **kwargs))
        except RuntimeError as error:  # the line is closed, or the system has no thread left
            raise Overloaded("no thread can be had for a batch", 1) from error
        # Counted until the work is done, also where whoever asked has gone meanwhile: until then its place is taken.
        self._inside += 1
        done.add_done_callback(partial(self._tell, asyncio.get_running_loop()))
        return await asyncio.wrap_future(done)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _tell(self, loop: asyncio.AbstractEventLoop, _: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile, and nobody waits any more
            loop.call_soon_threadsafe(self._left)

    def _left(self) -> None:
        self._inside -= 1

    def _timed(self, work: Callable[Given, Answer], *args: Given.args, **kwargs: Given.kwargs) -> Answer:
        started = time.monotonic()
        try:
            return work(*args, **kwargs)
        finally:
            self._takes_s += _WEIGHT * (time.monotonic() - started - self._takes_s)

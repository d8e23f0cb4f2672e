"""Background loops: each is restarted after any failure, and reported while it keeps failing."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from typing import TypedDict, Unpack

from service import metrics
from service.values.errors import Retryable, without_message

log = logging.getLogger(__name__)

# A library may swallow a cancellation while it handles an error; cancel again after this long.
ASK_AGAIN_S = 1.0
# Between a failure and the next try; doubled after each failure in a row.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 30.0
# /readyz names a loop that has failed for longer than this. A round that has run for as long shows that it works.
DOWN_S = 10.0
# The same failure of the same item is logged once in this time, and always counted.
SAID_AGAIN_S = 60.0

Work = Callable[[], Awaitable[None]]


class Rhythm(TypedDict, total=False):
    """`every_s`: pause between rounds. `longest_pause_s`: limit of the pause after a failure, which doubles each time.

    `is_once`: the loop ends with the first round that succeeds.
    """

    every_s: float
    longest_pause_s: float
    is_once: bool


class Loop:
    """Repeats one piece of work in a task of its own. A round that returns is a success."""

    def __init__(
        self,
        name: str,
        work: Work,
        *,
        every_s: float = 0.0,
        longest_pause_s: float | None = None,
        is_once: bool = False,
    ) -> None:
        self.name = name
        self._work = work
        self._every_s = every_s
        self._longest_pause_s = LONGEST_PAUSE_S if longest_pause_s is None else longest_pause_s
        self._is_once = is_once
        self._pause_s = 0.0
        self._down_since: float | None = None
        self._round_since: float | None = None
        self._ending = asyncio.Event()
        self.task = self._begun()

    def finish(self) -> None:
        """End after the round that is under way."""
        self._ending.set()

    def down_s(self) -> float:
        """For how many seconds it has been failing; 0: it works."""
        now = time.monotonic()
        if self._down_since is None or (self._round_since is not None and now - self._round_since >= DOWN_S):
            return 0.0
        return now - self._down_since

    def _begun(self) -> "asyncio.Task[None]":
        task = asyncio.create_task(self._run(), name=f"background: {self.name}")
        task.add_done_callback(self._begin_again)
        return task

    def _begin_again(self, task: "asyncio.Task[None]") -> None:
        """A task that is cancelled before its first step cannot catch it."""
        if task.cancelled() and not self._ending.is_set():
            self._failed(asyncio.CancelledError())
            self.task = self._begun()

    async def _run(self) -> None:
        while not self._ending.is_set():
            try:
                await self._rest(self._pause_s or self._every_s)
                if self._ending.is_set():
                    return
                self._round_since = time.monotonic()
                await self._work()
            except asyncio.CancelledError as error:
                if self._ending.is_set():
                    raise
                task = asyncio.current_task()
                assert task is not None  # noqa: S101 - for the type checker
                task.uncancel()
                self._failed(error)
            except Exception as error:  # noqa: BLE001 - the outermost loop: logged and counted
                self._failed(error)
            else:
                self._down_since, self._pause_s = None, 0.0
                if self._is_once:
                    return
            self._round_since = None

    async def _rest(self, pause_s: float) -> None:
        if pause_s <= 0:
            await asyncio.sleep(0)  # lets other tasks run even if a round never waits
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._ending.wait()

    def _failed(self, error: BaseException) -> None:
        is_news = self.down_s() == 0.0
        if is_news:
            self._down_since, self._pause_s = time.monotonic(), 0.0
        self._pause_s = min(max(FIRST_PAUSE_S, 2 * self._pause_s), self._longest_pause_s)
        metrics.BACKGROUND_FAILURES.labels(self.name).inc()
        log.error(
            "%s: %s; the next try is in %g s",
            self.name,
            _named(error),
            self._pause_s,
            exc_info=without_message(error) if is_news else None,
        )


class Background:
    """The loops of one process, or of one application in it."""

    def __init__(self) -> None:
        self._loops: set[Loop] = set()
        self._said: dict[tuple[str, str, str], float] = {}

    def start(self, name: str, work: Work, **rhythm: Unpack[Rhythm]) -> Loop:
        """Do `work` again and again."""
        loop = Loop(name, work, **rhythm)
        self._loops.add(loop)
        return loop

    async def stop(self, loops: Iterable[Loop]) -> None:
        """Cancel them and wait until they are gone."""
        ending = set(loops)
        for loop in ending:
            loop.finish()
        while tasks := [loop.task for loop in ending if not loop.task.done()]:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=ASK_AGAIN_S)
        self._loops -= ending

    @contextlib.asynccontextmanager
    async def beside(self, name: str, work: Work, **rhythm: Unpack[Rhythm]) -> AsyncIterator[Loop]:
        """As `start`, until the block ends."""
        loop = self.start(name, work, **rhythm)
        try:
            yield loop
        finally:
            await self.stop([loop])

    def down(self) -> dict[str, float]:
        """The loops that have failed for longer than DOWN_S, by name, and for how many seconds."""
        found: dict[str, float] = {}
        for loop in self._loops:
            if (down_s := loop.down_s()) > DOWN_S:
                found[loop.name] = max(down_s, found.get(loop.name, 0.0))
        return found

    @contextlib.contextmanager
    def sparing(self, name: str, which: str) -> Iterator[None]:
        """Contain the failure of one of many items: it is logged and counted for the loop `name`.

        `which`: the item, for the log. Retryable errors, such as an unavailable Redis, are ignored.
        """
        try:
            yield
        except Retryable:
            pass
        except Exception as error:  # noqa: BLE001 - logged and counted
            self.note(name, which, error)

    def note(self, name: str, which: str, error: BaseException) -> None:
        """Log and count the failure of one of many items."""
        metrics.BACKGROUND_FAILURES.labels(name).inc()
        said, now = (name, which, _named(error)), time.monotonic()
        if now - self._said.get(said, -SAID_AGAIN_S) < SAID_AGAIN_S:
            return
        self._said = {each: at for each, at in self._said.items() if now - at < SAID_AGAIN_S} | {said: now}
        log.error("%s: %s: %s", name, which, _named(error), exc_info=without_message(error))


def log_failure(name: str, error: BaseException, which: str = "") -> None:
    """Log and count an unexpected failure outside a loop. `which`: the item, for the log."""
    metrics.BACKGROUND_FAILURES.labels(name).inc()
    log.error("%s: %s", f"{name}: {which}" if which else name, _named(error), exc_info=without_message(error))


def _named(error: BaseException) -> str:
    return (
        "cancelled, though nobody asked for it" if isinstance(error, asyncio.CancelledError) else type(error).__name__
    )

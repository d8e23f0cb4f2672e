"""Worker processes: one that cannot be started, or that dies, is started again."""

import asyncio
from typing import Any

import pytest

from service import background
from service.background import Background
from service.process import supervisor
from service.process.supervisor import READY


class Process:
    """A worker that is ready at once and lives until it is told to end."""

    def __init__(self) -> None:
        self.pid, self.returncode = 1, None
        self.stdout = asyncio.StreamReader()
        self.stdout.feed_data(READY)
        self._ended = asyncio.Event()

    def end(self, status: int) -> None:
        self.returncode = status  # type: ignore[assignment]
        self.stdout.feed_eof()
        self._ended.set()

    def send_signal(self, _: int) -> None:
        self.end(0)

    async def wait(self) -> int:
        await self._ended.wait()
        return self.returncode or 0


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What each start comes to: an error that it fails with, or the process; those still to come are added."""
    monkeypatch.setattr(background, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(supervisor, "LEAST_LIFE_S", 0.001)
    outcomes: list[Any] = []

    async def start(*_: Any, **__: Any) -> Process:
        outcome = outcomes.pop(0)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    monkeypatch.setattr(supervisor.asyncio, "create_subprocess_exec", start)
    return outcomes


async def test_a_worker_that_cannot_be_started_is_tried_again(started: list[Any], failures: Any) -> None:
    before, first, second = failures("workers"), Process(), Process()
    started += [OSError(12, "Cannot allocate memory"), OSError(11, "x"), first, OSError(24, "x"), second]
    worker = supervisor._Worker({}, Background())  # noqa: SLF001 - the part that is about one worker
    async with asyncio.timeout(60), worker.running():
        await worker.ready()
        assert failures("workers") == before + 2
        first.end(-9)
        while started:
            await asyncio.sleep(0.001)
    assert second.returncode == 0, "told to end"
    assert failures("workers") == before + 3


async def test_a_cancellation_that_nobody_asked_for_leaves_no_worker_unwatched(started: list[Any]) -> None:
    first, second = Process(), Process()
    started += [first, second]
    beside = Background()
    worker = supervisor._Worker({}, beside)  # noqa: SLF001 - no seam shows it from outside
    async with asyncio.timeout(60), worker.running():
        await worker.ready()
        (loop,) = beside._loops  # noqa: SLF001 - who would cancel it
        loop.task.cancel()
        await asyncio.sleep(0.01)
        assert started == [second], "it is alive, so none is started beside it"
        first.end(-9)
        while started:
            await asyncio.sleep(0.001)


async def test_the_end_is_not_held_up_by_a_worker_that_cannot_be_started(
    started: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "FIRST_PAUSE_S", 60)
    monkeypatch.setattr(supervisor, "LONGEST_PAUSE_S", 60)
    started += [OSError(12, "Cannot allocate memory")]
    async with asyncio.timeout(supervisor.STOP_S - 5):
        async with supervisor._Worker({}, Background()).running():  # noqa: SLF001 - no seam shows it from outside
            while started:
                await asyncio.sleep(0.001)

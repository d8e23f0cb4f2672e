"""Work beside the requests: whatever stops a loop, it starts again; and while it stays down it is reported."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from service import background
from service.background import DOWN_S, Background
from service.values.errors import StoreUnavailable


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.001)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "FIRST_PAUSE_S", 0.001)


async def test_work_is_gone_when_the_block_ends_even_if_it_swallowed_a_cancellation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(background, "ASK_AGAIN_S", 0.01)
    swallowed = asyncio.Event()

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            swallowed.set()
        await asyncio.Event().wait()

    async with asyncio.timeout(60):
        async with Background().beside("stubborn", stubborn) as loop:
            for _ in range(3):
                await asyncio.sleep(0)
        assert loop.task.done()
    assert swallowed.is_set()


@pytest.mark.parametrize("error", [LookupError("what a reader wrote"), asyncio.CancelledError()])
async def test_a_loop_that_is_stopped_by_what_nobody_foresaw_is_logged_counted_and_starts_again(
    caplog: pytest.LogCaptureFixture, error: BaseException, failures: Any
) -> None:
    rounds = 0
    before = failures("frail")

    async def frail() -> None:
        nonlocal rounds
        rounds += 1
        if rounds < 4:
            raise error
        await asyncio.Event().wait()

    with caplog.at_level(logging.ERROR):
        async with Background().beside("frail", frail):
            await until(lambda: rounds == 4)
    assert failures("frail") == before + 3
    assert caplog.text.count("frail: ") == 3
    assert "what a reader wrote" not in caplog.text


async def test_a_cancellation_from_outside_ends_no_loop_even_between_its_rounds() -> None:
    rounds = 0

    async def work() -> None:
        nonlocal rounds
        rounds += 1

    async with Background().beside("work", work, every_s=0.01, longest_pause_s=0.01) as loop:
        for _ in range(20):
            loop.task.cancel()
            await asyncio.sleep(0.001)
        seen = rounds
        await until(lambda: rounds >= seen + 3)
        assert not loop.task.done()
        assert loop.down_s() == 0.0


async def test_the_pause_grows_while_a_loop_fails_and_is_short_again_once_it_worked(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(background, "FIRST_PAUSE_S", 0.002)
    outcomes = [False] * 5 + [True] + [False] + [True]

    async def frail() -> None:
        if not outcomes:
            await asyncio.Event().wait()
        if not outcomes.pop(0):
            raise LookupError

    with caplog.at_level(logging.ERROR):
        async with Background().beside("frail", frail, longest_pause_s=0.016):
            await until(lambda: not outcomes)
    said = [each.getMessage().rpartition(" in ")[2] for each in caplog.records]
    assert said == ["0.002 s", "0.004 s", "0.008 s", "0.016 s", "0.016 s", "0.002 s"]
    assert sum(each.exc_info is not None for each in caplog.records) == 2, "the place is logged once for each time down"


class Clock:
    """In the place of `time`: it goes on when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(background, "time", clock)
    return clock


async def test_a_loop_is_reported_while_it_is_down_for_long_and_no_longer(clock: Clock, failures: Any) -> None:
    beside, before = Background(), failures("frail")
    is_broken = True

    async def frail() -> None:
        if is_broken:
            raise LookupError

    async def steady() -> None:
        await asyncio.Event().wait()

    async with (
        beside.beside("frail", frail, longest_pause_s=0.01),
        beside.beside("steady", steady),
    ):
        await until(lambda: failures("frail") > before)
        clock.now += DOWN_S
        assert not beside.down()
        clock.now += 1
        assert beside.down() == {"frail": DOWN_S + 1}
        is_broken = False
        await until(lambda: not beside.down())
    assert not beside.down()


async def test_a_loop_of_one_long_round_is_well_again_once_it_has_run_for_long(clock: Clock, failures: Any) -> None:
    beside, before, begun = Background(), failures("frail"), asyncio.Event()
    is_broken = True

    async def frail() -> None:
        if is_broken:
            raise LookupError
        begun.set()
        await asyncio.Event().wait()

    async with beside.beside("frail", frail, longest_pause_s=0.01):
        await until(lambda: failures("frail") > before)
        clock.now += DOWN_S + 1
        assert beside.down() == {"frail": DOWN_S + 1}
        is_broken = False
        async with asyncio.timeout(60):
            await begun.wait()
        clock.now += DOWN_S - 1
        assert beside.down() == {"frail": 2 * DOWN_S}, "it may fail yet"
        clock.now += 1
        assert not beside.down()


async def test_what_is_to_succeed_once_is_done_until_it_has() -> None:
    rounds = 0

    async def once() -> None:
        nonlocal rounds
        rounds += 1
        if rounds < 3:
            raise LookupError

    async with Background().beside("once", once, is_once=True) as loop:
        await asyncio.wait([loop.task], timeout=60)
        assert rounds == 3


async def test_a_failure_with_one_of_many_is_counted_each_time_and_logged_once_in_a_while(
    caplog: pytest.LogCaptureFixture, failures: Any
) -> None:
    beside, before = Background(), failures("many")
    with caplog.at_level(logging.ERROR):
        for _ in range(5):
            for which in ("daily", "weekly"):
                with beside.sparing("many", which):
                    raise LookupError(which)
            with beside.sparing("many", "daily"):
                raise StoreUnavailable("away")
    assert failures("many") == before + 10
    assert [each.getMessage() for each in caplog.records] == ["many: daily: LookupError", "many: weekly: LookupError"]

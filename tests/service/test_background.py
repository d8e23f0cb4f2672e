import asyncio
import logging

import pytest

from service.background import beside


async def test_work_is_gone_when_the_block_ends_even_if_it_swallowed_a_cancellation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("service.background.ASK_AGAIN_S", 0.01)
    swallowed = asyncio.Event()

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            swallowed.set()
        await asyncio.Event().wait()

    async with asyncio.timeout(5):
        async with beside(stubborn()):
            await asyncio.sleep(0)
    assert swallowed.is_set()


async def test_work_that_ends_by_a_fault_is_said_at_once_and_raised_at_the_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def broken() -> None:
        raise LookupError

    async def live_beside_it() -> None:
        async with beside(broken()):
            for _ in range(3):
                await asyncio.sleep(0)
            assert "LookupError" in caplog.text

    with caplog.at_level(logging.CRITICAL), pytest.raises(LookupError):
        await live_beside_it()

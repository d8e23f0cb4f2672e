"""The executor runs a bounded number of jobs and refuses more; other requests are answered meanwhile."""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from service import app_keys as keys
from service.cases.bounded_executor import LONGEST_WAIT_S, BoundedExecutor
from service.settings import Settings
from service.values.errors import Overloaded

LONG = {"texts": [f"You are number {number}, idiot." for number in range(40)]}


@pytest.fixture
async def executor() -> AsyncIterator[BoundedExecutor]:
    """Two at once, three wait."""
    executor = BoundedExecutor(3, workers=2)
    yield executor
    executor.close()


async def until_all_wait(*asked: "asyncio.Task[Any]") -> None:
    for _ in asked:
        await asyncio.sleep(0)


async def test_as_much_as_may_wait_is_done_and_the_rest_refused(executor: BoundedExecutor) -> None:
    go = threading.Event()
    asked = [asyncio.create_task(executor.run(go.wait)) for _ in range(5)]
    await until_all_wait(*asked)
    for _ in range(3):
        with pytest.raises(Overloaded) as refused:
            await executor.run(go.wait)
        assert 1 <= refused.value.retry_after_s <= LONGEST_WAIT_S
    go.set()
    assert await asyncio.gather(*asked) == [True] * 5
    assert await executor.run(len, "abc") == 3, "there is room again"


async def test_who_leaves_keeps_no_place_and_work_that_runs_does(executor: BoundedExecutor) -> None:
    go, begun = threading.Event(), threading.Semaphore(0)

    def work() -> bool:
        begun.release()
        return go.wait()

    asked = [asyncio.create_task(executor.run(work)) for _ in range(5)]
    await until_all_wait(*asked)
    for _ in range(2):
        await asyncio.to_thread(begun.acquire)
    for task in asked:
        task.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
    again = [asyncio.create_task(executor.run(len, "abc")) for _ in range(3)]
    await until_all_wait(*again)
    with pytest.raises(Overloaded):
        await executor.run(len, "abc")
    go.set()
    assert await asyncio.gather(*again) == [3, 3, 3]


async def test_an_error_of_the_work_is_its_callers_and_frees_the_place(executor: BoundedExecutor) -> None:
    for _ in range(20):
        with pytest.raises(ZeroDivisionError):
            await executor.run(lambda: 1 / 0)
    assert await executor.run(len, "abc") == 3


async def test_work_that_gets_no_thread_is_refused_and_takes_no_place(
    executor: BoundedExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def submit(_: object) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(executor._pool, "submit", submit)  # noqa: SLF001 - the system has none
        for _ in range(20):
            with pytest.raises(Overloaded, match="thread"):
                await executor.run(len, "abc")
    assert await executor.run(len, "abc") == 3


async def test_the_longer_work_takes_the_later_somebody_is_asked_to_come_again() -> None:
    executor = BoundedExecutor(1, workers=1)
    executor._average_s = 40.0  # noqa: SLF001 - as after much of it that took so long
    go = threading.Event()
    asked = [asyncio.create_task(executor.run(go.wait)) for _ in range(2)]
    await until_all_wait(*asked)
    with pytest.raises(Overloaded) as refused:
        await executor.run(go.wait)
    assert refused.value.retry_after_s == LONGEST_WAIT_S
    go.set()
    await asyncio.gather(*asked)
    executor.close()


async def test_batches_beyond_the_limit_are_told_to_come_again_and_single_texts_are_answered(
    settings: Settings, run: Any, key_for: Any, problem: Any
) -> None:
    go = threading.Event()
    async with run(msgspec.structs.replace(settings, max_waiting_batches=1)) as client:
        app, caller = client.server.app, await key_for(client)
        executor = app[keys.MODERATION].executor
        held = [asyncio.create_task(executor.run(go.wait)) for _ in range(executor._workers + 1)]  # noqa: SLF001 - no seam shows it from outside
        await until_all_wait(*held)
        reply = await caller.post("/v1/score", LONG)
        assert problem(reply, 503)["code"] == "overloaded"
        assert int(reply.headers["Retry-After"]) >= 1
        reply = await caller.post("/v1/moderations", {"input": LONG["texts"]})
        assert (reply.status, int(reply.headers["Retry-After"]) >= 1) == (503, True)
        for path, body in (("/v1/score", {"text": "Hello."}), ("/v1/comments", {"text": "Hello."})):
            assert (await caller.post(path, body)).status == 200
        go.set()
        await asyncio.gather(*held)
        assert len((await caller.post("/v1/score", LONG)).body["results"]) == len(LONG["texts"])

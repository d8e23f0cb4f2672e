"""How a process is told to stop."""

import asyncio
import contextlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator

import pytest

from service.cases.upkeep import Upkeep
from service.process import serving
from service.settings import Settings
from service.values.errors import SettingsError

DRAINING = """
import asyncio, time, uvloop
from service.process import serving

async def work():
    await asyncio.to_thread(int)  # from here on there is another thread, which takes signals as well
    print("serving", flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        print("draining", flush=True)
        await asyncio.sleep(0.5)
        print("drained", flush=True)

uvloop.run(serving.until_stopped(work()))
time.sleep(0.5)
print("ended", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_more_signals_cut_neither_the_draining_nor_the_end_short(number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", DRAINING], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "serving\n"
        process.send_signal(number)
        said = [process.stdout.readline()]
        while process.poll() is None:
            process.send_signal(number)
            time.sleep(0.02)
        said += process.stdout.readlines()
    assert said == ["draining\n", "drained\n", "ended\n"]
    assert process.returncode == 0


async def test_a_stop_while_the_service_starts_ends_all_that_has_begun(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else its loops go on, and the process has to be killed."""
    reached = asyncio.Event()

    @contextlib.asynccontextmanager
    async def never(_: Upkeep) -> AsyncIterator[None]:
        reached.set()
        await asyncio.Event().wait()
        yield

    async def enter(listening: socket.socket) -> None:
        async with serving.serving(settings, listening):
            pytest.fail("it must not have started")

    before = asyncio.all_tasks()
    monkeypatch.setattr(Upkeep, "running", never)
    with serving.bound("127.0.0.1", 0, shared=False) as listening:
        async with asyncio.timeout(60):
            start = asyncio.ensure_future(enter(listening))
            await reached.wait()
            assert len(asyncio.all_tasks()) > len(before) + 1, "loops have begun"
            start.cancel()
            with pytest.raises(asyncio.CancelledError):
                await start
    assert asyncio.all_tasks() == before


@pytest.mark.parametrize("host", ["a..b", "x" * 70, "256.1.1.1"])
def test_a_host_that_is_none_is_refused_by_what_was_asked(host: str) -> None:
    with pytest.raises(SettingsError, match=f"cannot listen on {host}:0: "):
        serving.bound(host, 0, shared=False)


def test_what_only_a_provider_of_sign_in_needs_is_not_loaded() -> None:
    code = "import sys, service.commands.serve, service.process.app, service.process.serving; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "service.console.routes" in said
    assert not {"service.console.provider", "httpx", "joserfc", "rich", "pygments"}.intersection(said)

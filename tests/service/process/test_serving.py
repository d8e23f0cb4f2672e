"""How a process is told to stop."""

import signal
import subprocess
import sys
import time

import pytest

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

"""One of several serving processes: `python -m service.worker`, started by the supervisor."""

import asyncio
import os
import sys

import uvloop

from service import serving
from service.settings import Settings, from_env
from service.supervisor import READY


async def _work(settings: Settings) -> None:
    stop = serving.stop_signal()
    with serving.bound(settings.host, settings.port, shared=True) as listening:
        # The parent alone serves a separate metrics port; it adds up what all workers count.
        async with serving.serving(settings, listening):
            sys.stdout.buffer.write(READY)
            sys.stdout.buffer.flush()
            await _stopped(stop)


async def _stopped(stop: asyncio.Event) -> None:
    """Told to stop, or the parent is gone: nobody would stop us then, and its Redis went with it."""
    parent = os.getppid()
    while not stop.is_set() and os.getppid() == parent:
        try:
            async with asyncio.timeout(1):
                await stop.wait()
        except TimeoutError:
            continue


if __name__ == "__main__":
    settings = from_env(os.environ)
    serving.configure_logging(settings.log_level)
    uvloop.run(_work(settings))

"""One of several serving processes: `python -m service.process.worker`, started by the supervisor."""

import asyncio
import os
import sys

import uvloop

from service.process import serving
from service.process.garbage import end_at_once
from service.process.logs import configure_logging
from service.process.supervisor import READY
from service.settings import Settings, from_env
from service.values.errors import SettingsError


async def _work(settings: Settings) -> None:
    with serving.bound(settings.host, settings.port, shared=True) as listening:
        # The parent alone serves a separate metrics port; it adds up what all workers count.
        async with serving.serving(settings, listening):
            sys.stdout.buffer.write(READY)
            sys.stdout.buffer.flush()
            await _orphaned()


async def _orphaned() -> None:
    """Wait until standard input closes, which means that the parent is gone and cannot stop this process."""
    gone = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), gone.set)
    await gone.wait()


if __name__ == "__main__":
    end_at_once()
    settings = from_env(os.environ)
    configure_logging(settings)
    try:
        uvloop.run(serving.until_stopped(_work(settings)))
    except SettingsError as error:
        raise SystemExit(f"steward: {error}") from error

"""Work that goes on beside the requests for as long as a part of the service lives."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Coroutine
from typing import Any

log = logging.getLogger(__name__)

# A cancellation can be lost in a library that is just then turning an error into an answer; ask again after this long.
ASK_AGAIN_S = 1.0


@contextlib.asynccontextmanager
async def beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run `work` until the block ends, then cancel it and wait until it is gone."""
    task = asyncio.create_task(work)
    task.add_done_callback(_told)
    try:
        yield
    finally:
        while not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=ASK_AGAIN_S)
        if not task.cancelled():
            task.result()


def _told(task: asyncio.Task[None]) -> None:
    """Work that ends by a fault of ours is said at once, not when the service stops days later."""
    if not task.cancelled() and task.exception() is not None:
        log.critical("%s ended by itself: %s", task.get_coro(), type(task.exception()).__name__)

"""Work that goes on beside the requests for as long as a part of the service lives."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from typing import Any

# A cancellation can be lost in a library that is just then turning an error into an answer; ask again after this long.
ASK_AGAIN_S = 1.0


@contextlib.asynccontextmanager
async def beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run `work` until the block ends, then cancel it and wait until it is gone."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        while not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=ASK_AGAIN_S)
        if not task.cancelled():
            task.result()

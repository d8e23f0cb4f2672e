"""A Redis that goes away in the middle of what one request does."""

import contextlib
from collections.abc import Iterator
from typing import Any

from service.store import Store
from service.values.errors import StoreUnavailable


@contextlib.contextmanager
def away_after(store: Store, script: str, times: int = 1) -> Iterator[None]:
    """Within the block, Redis runs `script` that many times; from then on no call arrives."""
    pipe: Any = store.pipe
    left = times

    async def run(named: Any, *args: Any) -> Any:
        nonlocal left
        if not left:
            raise StoreUnavailable("away")
        answer = await type(pipe).run(pipe, named, *args)
        left -= named.name == script
        return answer

    async def call(*command: Any) -> Any:
        if not left:
            raise StoreUnavailable("away")
        return await type(pipe).call(pipe, *command)

    pipe.run, pipe.call = run, call
    try:
        yield
    finally:
        del pipe.run, pipe.call
    assert not left, f"{script} ran too few times"

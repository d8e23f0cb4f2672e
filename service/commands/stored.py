"""What commands beside a running service share: its Redis."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import TypeVar

import click

from service.redis.embedded import redis_for_command
from service.settings import from_env
from service.store import Store, open_store
from service.values.errors import SettingsError, StoreUnavailable

Found = TypeVar("Found")
# Who did it, in the audit trail; no moderator's and no key's name has a space in it.
ACTOR = "command line"


def with_store(work: Callable[[Store], Awaitable[Found]]) -> Found:
    """Do it with the Redis of the running service, or with the embedded one, started just for this command."""

    async def run() -> Found:
        settings = from_env(os.environ)
        async with redis_for_command(settings) as url, open_store(settings, url) as store:
            await store.check()
            return await work(store)

    try:
        return asyncio.run(run())
    except (SettingsError, StoreUnavailable) as error:
        raise click.ClickException(str(error)) from error

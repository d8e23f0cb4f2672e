"""Access to Redis for commands."""

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
# The actor in the audit trail. Names of moderators and keys have no spaces, so it is unique.
ACTOR = "command line"


def with_store(work: Callable[[Store], Awaitable[Found]]) -> Found:
    """Run with the Redis of the running service, or with the embedded one, started for this command."""

    async def run() -> Found:
        settings = from_env(os.environ)
        async with redis_for_command(settings) as url, open_store(settings, url) as store:
            await store.check()
            return await work(store)

    try:
        return asyncio.run(run())
    except (SettingsError, StoreUnavailable) as error:
        raise click.ClickException(str(error)) from error

"""Access to Redis for commands."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from functools import cache
from typing import TypeVar

import click

from service.process.running import RunningService, running_services
from service.redis.embedded import is_served, redis_for_command
from service.settings import Settings, from_env
from service.store import Store, open_store
from service.values import access
from service.values.errors import SettingsError, StoreUnavailable

Found = TypeVar("Found")
# The actor in the audit trail. Names of moderators and keys have no spaces, so it is unique.
ACTOR = "command line"


def with_store(work: Callable[[Store], Awaitable[Found]]) -> Found:
    """Run with the Redis of the running service, or with the embedded one, started for this command.

    Says on standard error which of them it is. Raises ClickException rather than start a second Redis while a service
    of this user runs with other data.
    """

    async def run() -> Found:
        settings = from_env(os.environ)
        _say_once(f"store: {await _place(settings)}")
        async with redis_for_command(settings) as url, open_store(settings, url) as store:
            await store.check()
            return await work(store)

    try:
        return asyncio.run(run())
    except (SettingsError, StoreUnavailable) as error:
        raise click.ClickException(str(error)) from error


@cache
def _say_once(line: str) -> None:
    """A command may open the store several times."""
    click.echo(line, err=True)


async def _place(settings: Settings) -> str:
    if settings.redis_url is not None:
        return f"Redis at {access.address_without_password(settings.redis_url)}"
    if await is_served(settings):
        return f"{settings.data_path} (of the running service)"
    if settings.data_dir is None and (others := running_services()):
        raise click.ClickException(_elsewhere(settings, others))
    return f"{settings.data_path} (no service runs there)"


def _elsewhere(settings: Settings, others: list[RunningService]) -> str:
    """What to set for each running service, so that the command is pasted again with it."""
    lines = [
        f"  {'STEWARD_REDIS_URL' if each.redis else 'STEWARD_DATA_DIR'}={each.redis or each.data_dir}   # {each.url}"
        for each in others
    ]
    return "\n".join(
        [
            f"no service uses {settings.data_path}, but one runs with other data. Say which you mean:",
            *lines,
            f"  STEWARD_DATA_DIR={settings.data_path}   # without a service",
        ]
    )


def check_site(store_sites: frozenset[str], site: str, *, is_new: bool) -> None:
    """Raises ClickException for a site that nobody has used yet, unless `is_new`: it may be a typing error."""
    if site in store_sites or is_new or not store_sites:
        return
    known = ", ".join(sorted(store_sites))
    raise click.ClickException(f"site '{site}' is new (known: {known}). Add --new-site to create it")

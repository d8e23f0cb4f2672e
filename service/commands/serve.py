"""steward serve: the service, with its own Redis unless one is named."""

import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import click
import msgspec
import uvloop

from service.settings import Settings, from_env
from service.values.errors import StoreUnavailable


@click.command()
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=int, help="Port to listen on; 0 takes a free one.")
@click.option("--workers", type=int, help="Processes that share the port.")
@click.option("--data-dir", type=click.Path(path_type=Path, file_okay=False), help="Folder for Redis and models.")
def serve(**given: object) -> None:
    """Serve the API. Every setting is an environment variable; see docs/settings.md."""
    from service.process.garbage import collect_seldom  # noqa: PLC0415 - as below

    collect_seldom()
    from service.process.logs import configure_logging  # noqa: PLC0415 - as below
    from service.process.serving import until_stopped  # noqa: PLC0415 - aiohttp is not needed for --help

    settings = from_env(os.environ, **given)
    configure_logging(settings)
    try:
        uvloop.run(until_stopped(_serve(settings)))
    except StoreUnavailable as error:
        raise SystemExit(f"steward: {error}") from error


async def _serve(settings: Settings) -> None:
    async with _redis(settings) as url:
        known = msgspec.structs.replace(settings, redis_url=url)
        if settings.workers == 1:
            await _serve_here(known)
        else:
            from service.process.supervisor import supervise  # noqa: PLC0415 - as above

            await supervise(known)


async def _serve_here(settings: Settings) -> None:
    from service import app_keys as keys  # noqa: PLC0415 - as above
    from service.process import running, serving  # noqa: PLC0415 - as above
    from service.process.welcome import welcome  # noqa: PLC0415 - as above

    with serving.bound(settings.host, settings.port, shared=False) as listening:
        address = serving.url(listening)
        async with serving.serving(settings, listening) as app, serving.serving_metrics(settings):
            with running.noted(settings, address):
                await welcome(address, app[keys.STORE], settings)
                await serving.forever()


@contextlib.asynccontextmanager
async def _redis(settings: Settings) -> AsyncIterator[str]:
    if settings.redis_url is not None:
        yield settings.redis_url
        return
    from service.redis.embedded import EmbeddedRedis  # noqa: PLC0415 - as above

    async with EmbeddedRedis(settings.data_path).running() as embedded:
        yield embedded.url

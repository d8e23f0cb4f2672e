"""steward relay: deliver webhooks from a process of its own."""

import os

import click
import uvloop

from service.settings import Settings, from_env


@click.command()
def relay() -> None:
    """Deliver webhooks, beside services that have STEWARD_RELAY=false, or in addition to theirs."""
    from service.process.logs import configure_logging  # noqa: PLC0415 - as below
    from service.process.serving import until_stopped  # noqa: PLC0415 - aiohttp is not needed for --help

    settings = from_env(os.environ)
    if settings.redis_url is None:
        raise click.ClickException("STEWARD_REDIS_URL must name the Redis of the service")
    configure_logging(settings)
    uvloop.run(until_stopped(_relay(settings, settings.redis_url)))


async def _relay(settings: Settings, url: str) -> None:
    from service.process.serving import forever, serving_metrics  # noqa: PLC0415 - as above
    from service.process.telemetry import exporting  # noqa: PLC0415 - as above
    from service.store import open_store  # noqa: PLC0415 - as above
    from service.webhooks.administration import open_webhooks  # noqa: PLC0415 - as above

    with exporting(os.environ):
        async with (
            open_store(settings, url) as store,
            store.changes.listening(),
            open_webhooks(settings, store) as webhooks,
            webhooks.relayed(),
            serving_metrics(settings),
        ):
            click.echo("steward: relaying webhooks")
            await forever()

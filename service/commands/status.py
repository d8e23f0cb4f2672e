"""steward status: what runs."""

import asyncio
import os

import click
import msgspec

from service.commands import asked
from service.commands.listing import as_json, show
from service.settings import Settings, from_env
from service.values import access
from service.values.errors import ServiceError, SettingsError


@click.command()
@as_json
def status(is_json: bool) -> None:
    """Show the service, its store, the queue of each site and the model. Starts nothing and changes nothing.

    Asks STEWARD_URL, or the service that uses the data folder. Ends with status 1 if the service is not ready.
    """
    settings = from_env(os.environ)
    ready = asked.readiness(asked.address(settings))
    stored, problem = asyncio.run(_stored(settings))
    if is_json:
        click.echo(msgspec.json.format(msgspec.json.encode({"service": ready, "store": stored, "problem": problem})))
    else:
        _say(ready, stored, problem)
    if ready.parts is None or ready.parts.get("status") != "ok":
        raise SystemExit(1)


async def _stored(settings: Settings) -> tuple[asked.StoreState | None, str]:
    place = access.address_without_password(settings.redis_url) if settings.redis_url else str(settings.data_path)
    try:
        async with asked.opened(settings) as store:
            if store is None:
                return None, f"{place}: no service runs there"
            return await asked.state_of(store, place), ""
    except (ServiceError, SettingsError) as error:
        return None, f"{place}: {error}"


def _say(ready: asked.Readiness, stored: asked.StoreState | None, problem: str) -> None:
    if ready.parts is None:
        click.echo(f"service  {ready.url}: {ready.problem}")
    else:
        click.echo(f"service  {ready.url}: {'ready' if ready.parts.get('status') == 'ok' else 'NOT READY'}")
        for name in ("model", "store", "background"):
            part = ready.parts.get(name) or {}
            if said := part.get("problem") or part.get("version") or part.get("durability"):
                click.echo(f"  {name}: {said}")
    if stored is None:
        click.echo(f"store    {problem}")
        return
    used = f"{stored.server.used_bytes / 1e6:.0f} MB used"
    click.echo(f"store    {stored.place}: server {stored.server.version}, durability {stored.durability}, {used}\n")
    rows = [
        {
            "site": each.site,
            "waiting": each.waiting,
            "being reviewed": each.reviewed,
            "escalated": each.escalated,
            "overdue": each.overdue,
            "stuck": each.stuck,
            "webhooks to send": each.webhooks,
            "dead letters": each.dead,
        }
        for each in stored.sites
    ]
    show(rows, is_json=False, empty="no sites yet")

"""steward coral add | list | remove: the signing secrets of Coral's moderation phases (docs/coral.md)."""

import os
import re
import sys
from datetime import UTC, datetime

import click

from service.commands.keys import NAME_PATTERN
from service.commands.listing import Row, as_json, show
from service.commands.stored import with_store
from service.settings import Settings, from_env
from service.store import Store
from service.values.access import SIGNING_PATTERN, SigningSecret, new_id
from service.values.errors import SettingsError
from service.webhooks.sealing import Sealer

ACTOR = "command-line"


@click.group()
def coral() -> None:
    """Coral's external moderation phases: with what they sign their requests."""


@coral.command()
@click.option("--site", required=True, help="The site whose policy decides, and whose moderators get the doubtful.")
@click.option("--name", required=True, help="Which Coral, or which of its phases; for you to know it by.")
def add(site: str, name: str) -> None:
    """Add a signing secret; it is asked for, or read from standard input. Older ones of the site stay good."""
    if not re.fullmatch(NAME_PATTERN, name):
        raise click.BadParameter(f"{name!r} must be printable ASCII without spaces, at most 64", param_hint="--name")
    settings = _settings()
    try:
        sealer = Sealer.open(settings.secret_file)
    except SettingsError as error:
        raise click.ClickException(str(error)) from error
    secret = _secret()
    record = SigningSecret(new_id(), site, name, sealer.seal(secret), datetime.now(UTC))

    async def keep(store: Store) -> None:
        if all(key.site != site for key in (await store.access.keys()).values()):
            problem = f"no key opens the site '{site}'; make one with 'steward keys create'"
            raise click.BadParameter(problem, param_hint="--site")
        # As with API keys, the audit entry first: no secret may come or go without one.
        await store.audit.write(site, "signing_secret_added", ACTOR, secret=record.id, name=name)
        await store.access.keep_signing_secret(record)

    with_store(keep)
    address = (settings.public_url or "https://<your host>").rstrip("/")
    click.echo(f"added {record.id}; the address of the phase is {address}/coral/{site}")


@coral.command("list")
@as_json
def list_secrets(is_json: bool) -> None:
    """Show which there are; never the secrets."""

    async def read(store: Store) -> list[Row]:
        found = (await store.access.signing_secrets()).values()
        return [
            {"id": record.id, "site": record.site, "name": record.name, "added": record.created_at}
            for record in sorted(found, key=lambda record: (record.site, record.created_at))
        ]

    show(with_store(read), is_json=is_json, empty="no signing secrets; 'steward coral add' adds one")


@coral.command()
@click.argument("secret_id")
def remove(secret_id: str) -> None:
    """Make a signing secret useless, everywhere within seconds."""

    async def forget(store: Store) -> bool:
        known = (await store.access.signing_secrets()).get(secret_id)
        if known is None:
            return False
        await store.audit.write(known.site, "signing_secret_removed", ACTOR, secret=secret_id, name=known.name)
        return await store.access.remove_signing_secret(secret_id)

    if not with_store(forget):
        raise click.ClickException(f"no signing secret '{secret_id}'; 'steward coral list' shows the ids")


def _settings() -> Settings:
    try:
        return from_env(os.environ)
    except SettingsError as error:
        raise click.ClickException(str(error)) from error


def _secret() -> str:
    """Read the secret. It is never an argument, because every process on the machine can read arguments."""
    if sys.stdin.isatty():
        text = click.prompt("Signing secret, as Coral shows it", hide_input=True)
    else:
        text = sys.stdin.readline()
    text = text.strip()
    if not SIGNING_PATTERN.fullmatch(text):
        raise click.ClickException("that is no signing secret: Coral shows one that begins with empsec_")
    return text

"""steward keys create | list | label | rotate | revoke."""

import os
import re
from datetime import UTC, datetime, timedelta

import click

from service.cases import rotating
from service.cases.rotating import DEFAULT_KEEP_HOURS, MOST_KEEP_HOURS, Rotation
from service.commands.listing import Row, as_json, show
from service.commands.stored import ACTOR, check_site, with_store
from service.settings import from_env
from service.store import Store
from service.values import short_keys
from service.values.access import Scope, audit_details, key_id, label_of, mint, origin_of
from service.values.domain import SITE_PATTERN
from service.values.errors import Conflict, NotFound

# The name is used in Redis keys, the audit trail and statistics.
NAME_PATTERN = r"[\x21-\x7e]{1,64}"


@click.group()
def keys() -> None:
    """API keys: who may call the service, for which site, for what."""


@keys.command()
@click.option("--site", required=True, help="The site the key belongs to; it sees no other.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="What the key may do; give it once for each scope.",
)
@click.option("--name", help="Who will use it; moderators appear under it. Unset: the key's id.")
@click.option("--new-site", is_flag=True, help="Create the site, if nobody has used it yet.")
@click.option("--expires-days", type=click.IntRange(1, 3650), help="Days until it stops working. Unset: never.")
@click.option(
    "--rate", type=click.FloatRange(min=0.001), help="Requests a second, per process. Unset: as the service is set."
)
@click.option(
    "--origin",
    "origins",
    multiple=True,
    help="For a key that stands in a page, where everybody can read it: use it only from pages of this origin, as "
    "https://www.example.org; give it once for each. The API answers these pages (CORS).",
)
def create(  # noqa: PLR0917 - one for each option
    site: str,
    scopes: tuple[str, ...],
    name: str | None,
    new_site: bool,
    expires_days: int | None,
    rate: float | None,
    origins: tuple[str, ...],
) -> None:
    """Make a key and print it. It cannot be shown again.

    With the scope `akismet` it is a key of 12 hexadecimal digits, for forms that accept no other, such as WordPress's.
    It opens Akismet's routes only.
    """
    _check(site, SITE_PATTERN, "--site", "lower-case letters, digits and '-', at most 63")
    _check(name or "unset", NAME_PATTERN, "--name", "printable ASCII without spaces, at most 64")
    now = datetime.now(UTC)
    expires_at = now + timedelta(days=expires_days) if expires_days else None
    if Scope.AKISMET in scopes:
        _check_alone(scopes, origins)
        text, record = short_keys.mint(site, name, now, expires_at=expires_at, rate_per_s=rate)
    else:
        text, record = mint(
            site,
            frozenset(map(Scope, scopes)),
            name,
            now,
            expires_at=expires_at,
            rate_per_s=rate,
            origins=frozenset(map(_origin, origins)),
        )

    async def keep(store: Store) -> None:
        check_site((await store.access.sites()).known, site, is_new=new_site)
        if from_env(os.environ).audit_new_sites:
            await store.access.begin(site)
        await store.audit.write(site, "key_made", ACTOR, **audit_details(record))
        await store.access.keep(record)

    with_store(keep)
    click.echo(text)


@keys.command("list")
@as_json
def list_keys(is_json: bool) -> None:
    """Show which keys there are; never the secrets."""

    async def read(store: Store) -> list[Row]:
        found = sorted((await store.access.keys()).values(), key=lambda record: record.created_at)
        used = await store.usage.last_used()
        return [
            {
                "id": record.id,
                "site": record.site,
                "scopes": sorted(record.scopes),
                "name": record.name,
                "created": record.created_at,
                "expires": record.expires_at,
                "origins": sorted(record.origins),
                "used": used.get(record.id),
                "older until": max(record.older_until(datetime.now(UTC)), default=None),
            }
            for record in found
        ]

    show(with_store(read), is_json=is_json, empty="no keys; 'steward keys create' makes one")


@keys.command()
def label() -> None:
    """Print the label of a key: for host names, and wherever an Akismet client takes only short or hexadecimal keys.

    The key is read from STEWARD_KEY, or asked for. The label opens Akismet's routes only, with the key's scopes, and is
    revoked with the key.
    """
    text = os.environ.get("STEWARD_KEY") or click.prompt("Key", hide_input=True)
    if key_id(text.strip()) is None:
        raise click.ClickException("that is no API key; 'steward keys create' makes one")
    click.echo(label_of(text.strip()))


@keys.command()
@click.argument("rotated", metavar="KEY_ID")
@click.option(
    "--keep-hours",
    type=click.IntRange(0, MOST_KEEP_HOURS),
    default=DEFAULT_KEEP_HOURS,
    show_default=True,
    help="How long the text before goes on working. 0: all texts before end within seconds, as after a leak.",
)
def rotate(rotated: str, keep_hours: int) -> None:
    """Print a new text for a key. The one before works for one more day, or for --keep-hours."""

    async def change(store: Store) -> Rotation:
        keep, now = timedelta(hours=keep_hours), datetime.now(UTC)
        return await rotating.rotate(store, rotated, keep, now, actor=ACTOR, may=lambda _: True)

    try:
        done = with_store(change)
    except NotFound as error:
        raise click.ClickException(f"{error}; 'steward keys list' shows the ids") from error
    except Conflict as error:
        raise click.ClickException(str(error)) from error
    until = done.older_until
    click.echo(f"the text before {f'works until {until:%Y-%m-%d %H:%M} UTC' if until else 'has ended'}", err=True)
    click.echo(done.text)


@keys.command()
@click.argument("revoked", metavar="KEY_ID")
def revoke(revoked: str) -> None:
    """Make a key useless, everywhere within seconds."""

    async def remove(store: Store) -> bool:
        return await rotating.revoke(store, revoked, actor=ACTOR, may=lambda _: True)

    if not with_store(remove):
        raise click.ClickException(f"no key '{revoked}'; 'steward keys list' shows the ids")


def _check_alone(scopes: tuple[str, ...], origins: tuple[str, ...]) -> None:
    """A key that can be guessed opens nothing else, and pages do not speak Akismet's protocol."""
    if set(scopes) != {Scope.AKISMET} or origins:
        raise click.BadParameter("akismet stands alone, without --origin; make another key", param_hint="--scope")


def _origin(text: str) -> str:
    try:
        return origin_of(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r}: {error}", param_hint="--origin") from error


def _check(value: str, pattern: str, option: str, wanted: str) -> None:
    if not re.fullmatch(pattern, value):
        raise click.BadParameter(f"{value!r} must be {wanted}", param_hint=option)

"""steward moderators add | list | link | disable | password."""

import os
import re
import sys
from datetime import UTC, datetime, timedelta

import click
import msgspec

from service.commands.listing import Row, as_json, show
from service.commands.stored import check_site, with_store
from service.process.running import running_services
from service.settings import from_env
from service.store import Store
from service.values.accounts import NAME_PATTERN, Account, Role, Ticket, hashed, weakness
from service.values.domain import SITE_PATTERN

LINK_LASTS = timedelta(hours=1)


@click.group()
def moderators() -> None:
    """Who may sign in at the console, for which site, as what."""


@moderators.command()
@click.argument("name")
@click.option("--site", required=True, help="The site; give the command again for each further one.")
@click.option("--role", required=True, type=click.Choice([role.value for role in Role]))
@click.option("--link", "by_link", is_flag=True, help="Set no password; print a link with which one is set.")
@click.option("--new-site", is_flag=True, help="Create the site, if nobody has used it yet.")
@click.option("--subject", help="Who this is at the OpenID provider: the `sub`, or a verified e-mail address.")
def add(name: str, site: str, role: str, by_link: bool, new_site: bool, subject: str | None) -> None:  # noqa: PLR0917 - one for each option
    """Make an account, or give one that is there a role at a further site."""
    _check(name, NAME_PATTERN, "NAME", "printable ASCII without spaces, at most 64")
    _check(site, SITE_PATTERN, "--site", "lower-case letters, digits and '-', at most 63")

    async def look(store: Store) -> Account | None:
        check_site((await store.access.sites()).known, site, is_new=new_site)
        return await store.accounts.get(name)

    there = with_store(look)
    password = None if there or by_link or subject else _password(name)

    async def put(store: Store) -> None:
        account = there or Account(name, {}, datetime.now(UTC), password=password)
        given = {"subject": subject} if subject else {}
        if from_env(os.environ).audit_new_sites:
            await store.access.begin(site)
        await _keep(store, msgspec.structs.replace(account, roles={**account.roles, site: Role(role)}, **given))

    with_store(put)
    click.echo(f"{name} is {role} of {site}")
    if by_link:
        _print_link(name)


@moderators.command("list")
@as_json
def list_moderators(is_json: bool) -> None:
    """Show who may sign in."""

    async def read(store: Store) -> list[Row]:
        return [
            {
                "name": account.name,
                "roles": {site: role.value for site, role in sorted(account.roles.items())},
                "password": account.password is not None,
                "second factor": account.totp is not None,
                "OpenID": account.subject,
                "disabled": account.is_disabled,
                "created": account.created_at,
            }
            for account in sorted(await store.accounts.all(), key=lambda account: account.name)
        ]

    show(with_store(read), is_json=is_json, empty="no moderators; 'steward moderators add' makes an account")


@moderators.command()
@click.argument("name")
def link(name: str) -> None:
    """Print a link that lets NAME in once, within an hour, to set a password."""
    with_store(lambda store: _get(store, name))
    _print_link(name)


@moderators.command()
@click.argument("name")
@click.option("--site", help="Take away only the role at this site.")
@click.option("--enable", is_flag=True, help="Let in again who was disabled.")
def disable(name: str, site: str | None, enable: bool) -> None:
    """Keep NAME out from now on; all sessions end at once."""

    async def change(store: Store) -> None:
        account = await _get(store, name)
        if site is not None:
            roles = {each: role for each, role in account.roles.items() if each != site}
            await _keep(store, msgspec.structs.replace(account, roles=roles))
            await store.filters.forget(site, name)
        else:
            await _keep(store, msgspec.structs.replace(account, is_disabled=not enable, epoch=account.epoch + 1))

    with_store(change)


@moderators.command()
@click.argument("name")
@click.option("--forget-second-factor", is_flag=True, help="For whoever lost the app and the recovery codes.")
def password(name: str, forget_second_factor: bool) -> None:
    """Set the password of NAME, from a prompt or the standard input; all sessions end."""
    with_store(lambda store: _get(store, name))
    kept = _password(name)

    async def change(store: Store) -> None:
        account = await _get(store, name)
        forgotten: dict[str, object] = {"totp": None, "recovery": ()} if forget_second_factor else {}
        changed = msgspec.structs.replace(account, password=kept, epoch=account.epoch + 1, **forgotten)
        await _keep(store, changed)

    with_store(change)


def _password(name: str) -> str:
    """Read a password and hash it. It is never an argument, because every process on the machine can read arguments."""
    if sys.stdin.isatty():
        text = click.prompt("Password (at least 12 characters)", hide_input=True, confirmation_prompt=True)
    else:
        text = sys.stdin.readline().rstrip("\n")
    if problem := weakness(text, name):
        raise click.ClickException(f"the password must have {problem}")
    return hashed(text)


async def _get(store: Store, name: str) -> Account:
    account = await store.accounts.get(name)
    if account is None:
        raise click.ClickException(f"no moderator '{name}'; 'steward moderators list' shows the names")
    return account


async def _keep(store: Store, account: Account) -> None:
    if not await store.accounts.put(account):
        raise click.ClickException(f"'{account.name}' was changed meanwhile; try again")


def _print_link(name: str) -> None:
    async def issue(store: Store) -> str:
        account = await _get(store, name)
        return await store.accounts.issue(Ticket("link", name, account.epoch), LINK_LASTS)

    ticket = with_store(issue)
    click.echo(f"{_address()}/console/sign-in/link?ticket={ticket}")
    click.echo("It lets in once, within an hour.", err=True)


def _address() -> str:
    """Where browsers reach the service: as the settings say, as its note says, or the default."""
    settings = from_env(os.environ)
    if settings.public_url:
        return settings.public_url.rstrip("/")
    if url := os.environ.get("STEWARD_URL"):
        return url.rstrip("/")
    here = [each.url for each in running_services() if each.data_dir == str(settings.data_path)]
    return here[0] if here else f"http://{settings.host}:{settings.port}"


def _check(value: str, pattern: str, option: str, wanted: str) -> None:
    if not re.fullmatch(pattern, value):
        raise click.BadParameter(f"{value!r} must be {wanted}", param_hint=option)

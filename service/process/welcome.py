"""What the service prints when it is ready, and on its very first start: the first key and a way into the console."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta

import click
import msgspec

from service.cases import policies
from service.settings import Settings
from service.store import Store
from service.values.access import FIRST_SITE
from service.values.accounts import Account, Role, Ticket
from service.values.errors import Retryable, StoreUnavailable
from service.values.policy import DEFAULT

FIRST_ADMIN = "admin"
LINK_LASTS = timedelta(hours=1)
LOOK_S = 1.0
# The actor in the audit trail.
ACTOR = "first start"

_READY = "steward: ready on {address}  (console {address}/console, documentation {address}/docs{demo})"
_LINK = """{address}/console/sign-in/link?ticket={ticket}
           (opens once, within an hour; you choose your password there)"""
_NO_LINK = """make a sign-in link with: steward moderators add {name} --site {site} --role admin --link
           (none was made now: {error})"""
_FIRST_START = """
First start. Begin with any of these:

  Console  {console}
  API      curl -s {address}/v1/comments -H "Authorization: Bearer {key}" \\
             -H "Content-Type: application/json" -d '{{"text": "What a thoughtful article, thank you."}}'
  Docs     {address}/docs

Keep the key: it is not shown again. It may do everything at the site '{site}'.

  export STEWARD_KEY={key}
"""


async def welcome(address: str, store: Store, settings: Settings) -> None:
    """Say where the service is, as soon as Redis is there, and on its very first start which key opens it."""
    key = await _first_key(address, store, is_audited=settings.audit_new_sites)
    demo = f", demo {address}/demo" if settings.demo else ""
    click.echo(_READY.format(address=address, demo=demo))
    if key is not None:
        # The key is stored, and would be lost if it were not printed now, whatever fails.
        if settings.demo:
            with contextlib.suppress(Retryable):  # the page Policy can show them later
                await _show_scores(store)
        try:
            console = _LINK.format(address=address, ticket=await _first_ticket(store))
        except Retryable as error:
            console = _NO_LINK.format(name=FIRST_ADMIN, site=FIRST_SITE, error=error)
        click.echo(_FIRST_START.format(address=address, key=key, site=FIRST_SITE, console=console))


async def _show_scores(store: Store) -> None:
    """The demonstration shows all that a card can show. Elsewhere scores stay hidden until a site wants them."""
    before = await policies.newest(store, FIRST_SITE)
    if before.version == DEFAULT.version:
        shown = msgspec.structs.replace(before.review, show_scores=True)
        await policies.replace(store, FIRST_SITE, before, msgspec.structs.replace(before, review=shown), ACTOR)


async def _first_ticket(store: Store) -> str:
    """A sign-in link, valid once, for the first administrator."""
    account = Account(FIRST_ADMIN, {FIRST_SITE: Role.ADMIN}, datetime.now(UTC))
    await store.accounts.put(account)  # where there is one already, it stays as it is
    return await store.accounts.issue(Ticket("link", FIRST_ADMIN), LINK_LASTS)


async def _first_key(address: str, store: Store, *, is_audited: bool) -> str | None:
    reason = ""
    while True:
        try:
            await store.check()
            return await store.access.first_key(FIRST_SITE, is_audited=is_audited)
        except StoreUnavailable as error:
            if str(error) != reason:
                reason = str(error)
                click.echo(f"steward: listening on {address}, not ready: {reason}; trying again every {LOOK_S:g} s")
            await asyncio.sleep(LOOK_S)

"""API keys of the site: list, create (shown once), revoke."""

import asyncio
import re
from collections.abc import Mapping
from datetime import timedelta

from aiohttp import web
from msgspec import Struct

from service import app_keys as keys
from service.console.texts import N_
from service.console.visit import ADMINS, Nav, Page, Visit
from service.values import short_keys
from service.values.access import ApiKey, Scope, audit_details, mint, origin_of
from service.values.accounts import NAME_PATTERN, Role
from service.values.errors import NotFound

SCOPES = {
    Scope.SCORE: N_("Score texts, and keep nothing"),
    Scope.COMMENTS: N_("Send and follow comments"),
    Scope.REVIEW: N_("Work the queue"),
    Scope.ADMIN: N_("Policies, webhooks, labels, audit"),
    Scope.OPERATE: N_("Put a model in use, for all sites"),
    Scope.AKISMET: N_("Akismet's routes only: a key of 12 digits, as WordPress's form takes it"),
}
MOST_DAYS = 3650
# The scope of a short key stands alone: a key that can be guessed must not open more.
ALONE = N_("A key for Akismet's routes opens nothing else. Make another key for the rest.")
SAID = {"revoked": N_("The key is revoked. It is refused everywhere within seconds.")}


class Made(Struct, frozen=True):
    """`text` is shown only once."""

    name: str
    text: str
    is_rotated: bool = False


async def show_keys(visit: Visit) -> web.StreamResponse:
    return await _page(visit)


async def make_key(visit: Visit) -> web.StreamResponse:
    """Show the new key once. Not a redirect, because the key must not appear in a URL."""
    name, days = visit.field("name").strip(), visit.field("days").strip()
    scopes = frozenset(Scope(each) for each in visit.form.get("scope", []) if each in set(Scope))
    problems = {}
    if name and not re.fullmatch(NAME_PATTERN, name):
        problems["name"] = N_("Letters, digits and signs without spaces, at most 64.")
    if not scopes or (Scope.OPERATE in scopes and not visit.operates):
        problems["scope"] = N_("Choose what the key opens.")
    elif Scope.AKISMET in scopes and len(scopes) > 1:
        problems["scope"] = ALONE
    if days and not (re.fullmatch("[0-9]{1,6}", days) and 1 <= int(days) <= MOST_DAYS):
        problems["days"] = N_("A whole number of days from 1 to 3650, or nothing.")
    origins = frozenset[str]()
    try:
        origins = frozenset(origin_of(each) for each in visit.field("origins").split())
    except ValueError:
        problems["origins"] = N_("Scheme and host as https://www.example.org, without a path; one on each line.")
    if problems:
        return await _page(visit, 400, problems=problems)
    expires_at = visit.now + timedelta(days=int(days)) if days else None
    if Scope.AKISMET in scopes:
        text, record = await asyncio.to_thread(
            short_keys.mint, visit.site, name or None, visit.now, expires_at=expires_at
        )
    else:
        text, record = mint(visit.site, scopes, name or None, visit.now, expires_at=expires_at, origins=origins)
    # Write the audit entry first: no key may exist without one.
    await visit.console.store.audit.write(visit.site, "key_made", visit.account.name, **audit_details(record))
    await visit.console.store.access.keep(record)
    await visit.request.app[keys.DIRECTORY].refresh()
    return await _page(visit, made=Made(record.name, text))


async def revoke_key(visit: Visit) -> web.StreamResponse:
    key_id = visit.field("key")
    record = (await visit.console.store.access.keys()).get(key_id)
    if record is None or record.site != visit.site or not await visit.console.store.access.revoke(key_id):
        raise NotFound("no such key; it may have been revoked already")
    await visit.request.app[keys.DIRECTORY].refresh()
    await visit.console.store.audit.write(visit.site, "key_revoked", visit.account.name, key=key_id)
    return visit.go("/keys", said="revoked")


def _changed_meanwhile() -> NotFound:
    return NotFound("the key was revoked or rotated meanwhile")


async def rotate_key(visit: Visit) -> web.StreamResponse:
    """A new text for a short key. The old one works for another day, so that no comment is lost meanwhile."""
    access, key_id = visit.console.store.access, visit.field("key")
    record = (await access.keys()).get(key_id)
    if record is None or record.site != visit.site or record.short_digest is None:
        raise NotFound("no such key of 12 digits; it may have been revoked")
    text, rotated = await asyncio.to_thread(short_keys.rotated, record, visit.now)
    await visit.console.store.audit.write(visit.site, "key_rotated", visit.account.name, **audit_details(record))

    def unless_changed(now: ApiKey) -> ApiKey:
        if now != record:
            raise _changed_meanwhile()
        return rotated

    if not await access.change(key_id, unless_changed):
        raise _changed_meanwhile()
    await visit.request.app[keys.DIRECTORY].refresh()
    return await _page(visit, made=Made(record.name, text, is_rotated=True))


async def _page(
    visit: Visit, status: int = 200, *, problems: Mapping[str, str] | None = None, made: Made | None = None
) -> web.Response:
    found = (await visit.console.store.access.keys()).values()
    own = [record for record in found if record.site == visit.site]
    return visit.show(
        "api_keys.html",
        status,
        keys=sorted(own, key=lambda record: record.created_at, reverse=True),
        # The key may have more scopes than this person may grant.
        meanings=SCOPES,
        scopes={scope: said for scope, said in SCOPES.items() if scope is not Scope.OPERATE or visit.operates},
        problems=problems or {},
        made=made,
        said=SAID.get(visit.request.query.get("said", ""), ""),
        may_change=visit.role is Role.ADMIN,
    )


PAGES = (
    Page(path="/keys", view=show_keys, roles=ADMINS | {Role.AUDITOR}, nav=Nav(title=N_("API keys"), order=90)),
    Page(path="/keys", view=make_key, method="POST", roles=ADMINS),
    Page(path="/keys/rotate", view=rotate_key, method="POST", roles=ADMINS),
    Page(path="/keys/revoke", view=revoke_key, method="POST", roles=ADMINS),
)

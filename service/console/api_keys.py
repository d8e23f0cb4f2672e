"""API keys of the site: list, create and rotate (shown once), revoke."""

import asyncio
import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from aiohttp import web
from msgspec import Struct

from service import app_keys as keys
from service.cases import rotating
from service.cases.rotating import DEFAULT_KEEP_HOURS
from service.console.texts import N_
from service.console.visit import ADMINS, Nav, Page, Visit
from service.http.origin import own_origin
from service.values import short_keys
from service.values.access import ApiKey, Scope, audit_details, mint, origin_of
from service.values.accounts import NAME_PATTERN, Role
from service.values.errors import BadRequest, Fault, NotFound, Retryable

SCOPES = {
    Scope.SCORE: N_("Score texts, and keep nothing"),
    Scope.COMMENTS: N_("Send and follow comments"),
    Scope.REVIEW: N_("Work the queue"),
    Scope.ADMIN: N_("Policies, webhooks, labels, audit"),
    Scope.OPERATE: N_("Put a model in use, for all sites"),
    Scope.AKISMET: N_("Akismet's routes only: a key of 12 digits, as WordPress's form takes it"),
}
MOST_DAYS = 3650
# For how long the text before a rotation may go on working.
KEEP_HOURS = {
    24: N_("one more day"),
    168: N_("one more week"),
    720: N_("30 more days"),
    1: N_("one more hour"),
    0: N_("not at all: it has leaked"),
}
# The scope of a short key stands alone: a key that can be guessed must not open more.
ALONE = N_("A key for Akismet's routes opens nothing else. Make another key for the rest.")
SAID = {"revoked": N_("The key is revoked. It is refused everywhere within seconds.")}


class Made(Struct, frozen=True):
    """`text` is shown only once. `older_until`: when the text before a rotation ends; None: it has ended."""

    name: str
    text: str
    is_rotated: bool = False
    older_until: datetime | None = None


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
    def may(record: ApiKey) -> bool:
        return record.site == visit.site

    if not await rotating.revoke(visit.console.store, visit.field("key"), actor=visit.account.name, may=may):
        raise NotFound(N_("No such key; it may have been revoked already."))
    await visit.request.app[keys.DIRECTORY].refresh()
    return visit.go("/keys", said="revoked")


async def rotate_key(visit: Visit) -> web.StreamResponse:
    """A new text for a key. The one before works for the chosen time, so that nothing is lost meanwhile."""
    hours = visit.field("keep_hours", str(DEFAULT_KEEP_HOURS))
    if hours not in map(str, KEEP_HOURS):
        raise BadRequest("keep_hours: not a time that can be chosen", [Fault("/keep_hours", "not one of the choices")])
    scopes = frozenset(Scope) if visit.operates else frozenset(Scope) - {Scope.OPERATE}

    def may(record: ApiKey) -> bool:
        if record.site != visit.site:
            return False
        rotating.check_scopes(record, scopes)
        return True

    keep = timedelta(hours=int(hours))
    done = await rotating.rotate(
        visit.console.store, visit.field("key"), keep, visit.now, actor=visit.account.name, may=may
    )
    await visit.request.app[keys.DIRECTORY].refresh()
    return await _page(visit, made=Made(done.key.name, done.text, is_rotated=True, older_until=done.older_until))


async def _page(
    visit: Visit, status: int = 200, *, problems: Mapping[str, str] | None = None, made: Made | None = None
) -> web.Response:
    own: list[ApiKey] | None = None
    used: Mapping[str, datetime] = {}
    try:
        used = await visit.request.app[keys.USAGE].last_used()
        own = [record for record in (await visit.console.store.access.keys()).values() if record.site == visit.site]
    except Retryable:
        if made is None:  # otherwise its text would be lost for ever
            raise
    return visit.show(
        "api_keys.html",
        status,
        used=used,
        address=f"{own_origin(visit.request)}/v1",
        keys=None if own is None else sorted(own, key=lambda record: record.created_at, reverse=True),
        # The key may have more scopes than this person may grant.
        meanings=SCOPES,
        scopes={scope: said for scope, said in SCOPES.items() if scope is not Scope.OPERATE or visit.operates},
        problems=problems or {},
        keep_hours=KEEP_HOURS,
        operates=visit.operates,
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

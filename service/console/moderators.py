"""Accounts of the site: add, change roles, create sign-in links, disable."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

import msgspec
from aiohttp import web

from service.console.rendering import ROLES
from service.console.texts import N_
from service.console.visit import ADMINS, Nav, Page, Visit
from service.http.origin import own_origin
from service.values.accounts import NAME_PATTERN, Account, Role, Ticket
from service.values.errors import Conflict, NotFound, Retryable

LINK_LASTS = timedelta(hours=1)

SAID = {
    "role": N_("The role is changed; open sessions go on under it."),
    "removed": N_("That role is taken away. What is open of it ends at the next click."),
    "disabled": N_("The account is disabled, and every session of it has ended."),
    "enabled": N_("The account is enabled again."),
    "sessions": N_("Every session of that account has ended."),
}


class ModeratorRow(NamedTuple):
    """`is_ours`: somebody else, who works only for sites that this administrator administers.

    Only then may more than the role at this site be changed: other sites' moderators must not be disabled from here.
    """

    account: Account
    role: Role
    sessions: int
    is_self: bool
    is_ours: bool


async def show_moderators(visit: Visit) -> web.StreamResponse:
    return await _page(visit)


async def add(visit: Visit) -> web.StreamResponse:
    """Create an account with a sign-in link, shown once; or add the site to an existing account."""
    name, role = visit.field("name").strip(), _role(visit)
    if not re.fullmatch(NAME_PATTERN, name) or role is None:
        problem = N_("Letters, digits and signs without spaces, at most 64.")
        return await _page(visit, 400, problems={"name": problem})
    there = await visit.console.store.accounts.get(name)
    if there is not None and visit.site in there.roles:
        return await _page(visit, 409, problems={"name": N_("There is somebody of this name.")})
    account = there or Account(name, {}, visit.now)
    await _keep(visit, account, "moderator_added", roles={**account.roles, visit.site: role})
    if there is not None:
        return visit.go("/moderators", said="role")
    return await _with_link(visit, account)


async def change_role(visit: Visit) -> web.StreamResponse:
    shown, role = await _other(visit), _role(visit)
    if role is None:
        roles = {site: each for site, each in shown.account.roles.items() if site != visit.site}
        await _keep(visit, shown.account, "moderator_removed", roles=roles)
        await visit.console.store.filters.forget(visit.site, shown.account.name)
        return visit.go("/moderators", said="removed")
    await _keep(visit, shown.account, "role_changed", roles={**shown.account.roles, visit.site: role})
    return visit.go("/moderators", said="role")


async def make_link(visit: Visit) -> web.StreamResponse:
    return await _with_link(visit, (await _ours(visit)).account)


async def disable(visit: Visit) -> web.StreamResponse:
    """Disable an account, or enable it again."""
    account = (await _ours(visit)).account
    is_disabled = visit.field("enable") != "1"
    action = "moderator_disabled" if is_disabled else "moderator_enabled"
    await _keep(visit, account, action, is_disabled=is_disabled, epoch=account.epoch + 1)
    return visit.go("/moderators", said="disabled" if is_disabled else "enabled")


async def end_sessions(visit: Visit) -> web.StreamResponse:
    account = (await _ours(visit)).account
    await _keep(visit, account, "sessions_ended", epoch=account.epoch + 1)
    return visit.go("/moderators", said="sessions")


async def _with_link(visit: Visit, account: Account) -> web.StreamResponse:
    """Show a one-time sign-in link. It does not appear in a URL and is not shown again."""
    await visit.console.store.audit.write(visit.site, "link_made", visit.account.name, moderator=account.name)
    ticket = await visit.console.store.accounts.issue(Ticket("link", account.name, account.epoch), LINK_LASTS)
    link = f"{own_origin(visit.request)}/console/sign-in/link?ticket={ticket}"
    return await _page(visit, link=link, link_of=account.name)


async def _keep(visit: Visit, account: Account, action: str, **fields: object) -> None:
    """Raises Conflict if somebody else changed the account in the meantime."""
    changed: Account = msgspec.structs.replace(account, **fields)
    if not await visit.console.store.accounts.put(changed):
        raise Conflict("account_changed", N_("The account was changed meanwhile; load the page again."), {})
    role = changed.roles.get(visit.site)
    await visit.console.store.audit.write(
        visit.site, action, visit.account.name, moderator=account.name, role=role or ""
    )


async def _other(visit: Visit) -> ModeratorRow:
    """The moderator named in the form, not oneself: nobody may lock themselves out. Raises NotFound and Conflict."""
    account = await visit.console.store.accounts.get(visit.field("name"))
    if account is None or visit.site not in account.roles:
        raise NotFound(N_("No such moderator of this site."))
    if account.name == visit.account.name:
        raise Conflict("own_account", N_("Another administrator must do this to your own account."), {})
    return await _shown(visit, account)


async def _ours(visit: Visit) -> ModeratorRow:
    shown = await _other(visit)
    if not shown.is_ours:
        raise Conflict("other_sites", N_("This account works for sites that you do not administer."), {})
    return shown


async def _shown(visit: Visit, account: Account) -> ModeratorRow:
    roles = visit.account.roles
    return ModeratorRow(
        account,
        account.roles[visit.site],
        len(await visit.console.store.accounts.sessions(account.name, visit.now)),
        is_self=account.name == visit.account.name,
        is_ours=all(roles.get(site) is Role.ADMIN for site in account.roles),
    )


def _role(visit: Visit) -> Role | None:
    said = visit.field("role")
    return Role(said) if said in set(Role) else None


async def _page(
    visit: Visit, status: int = 200, *, problems: Mapping[str, str] | None = None, link: str = "", link_of: str = ""
) -> web.Response:
    rows: list[ModeratorRow] | None = None
    try:
        accounts = [each for each in await visit.console.store.accounts.all() if visit.site in each.roles]
        rows = [await _shown(visit, each) for each in sorted(accounts, key=lambda each: each.name)]
    except Retryable:
        if not link:  # otherwise it would be lost
            raise
    return visit.show(
        "moderators.html",
        status,
        moderators=rows,
        roles=ROLES,
        problems=problems or {},
        link=link,
        link_of=link_of,
        said=SAID.get(visit.request.query.get("said", ""), ""),
        may_change=visit.role is Role.ADMIN,
    )


PAGES = (
    Page(
        path="/moderators",
        view=show_moderators,
        roles=ADMINS | {Role.AUDITOR},
        nav=Nav(title=N_("Moderators"), order=100),
    ),
    Page(path="/moderators", view=add, method="POST", roles=ADMINS),
    Page(path="/moderators/role", view=change_role, method="POST", roles=ADMINS),
    Page(path="/moderators/link", view=make_link, method="POST", roles=ADMINS),
    Page(path="/moderators/disable", view=disable, method="POST", roles=ADMINS),
    Page(path="/moderators/sessions", view=end_sessions, method="POST", roles=ADMINS),
)

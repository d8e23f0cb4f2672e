"""The moderator's own account: password, sessions, preferences, current site."""

import asyncio
from typing import Any

import msgspec
from aiohttp import web

from service import app_keys as keys
from service.console import entry
from service.console.keymap import KEYS, chosen
from service.console.reasons import attribute_name
from service.console.texts import LANGUAGES, N_
from service.console.visit import Page, Visit, own_path
from service.http.shapes import fault_of
from service.values import accounts
from service.values.accounts import Account, Preferences
from service.values.errors import BadRequest, Conflict, NotFound

SAID = {
    "password": N_("Your password was changed. You are signed out everywhere else."),
    "session": N_("That session was ended."),
    "preferences": N_("Saved."),
}


BY_PROVIDER = N_("You sign in through the OpenID provider. To choose a password, ask an administrator for a link.")
WEAK = N_("Take at least 12 characters, not your name, and not the same few again and again.")


async def show_account(visit: Visit) -> web.StreamResponse:
    return await account_page(visit)


async def show_session(visit: Visit) -> web.StreamResponse:
    """For scripts on a page older than the session's secret: who is signed in, the current token, and the mentions."""
    mentions = await visit.request.app[keys.NOTES].count_mentions(visit.site, visit.account.name)
    return visit.answer({"account": visit.account.name, "site": visit.site, "token": visit.token, "mentions": mentions})


def may_choose_password(visit: Visit) -> bool:
    """A first one is chosen only by a link from an administrator: a password of one's own would still open the account
    after the OpenID provider no longer does.
    """
    return visit.account.password is not None or visit.known.session.via == "link"


async def change_password(visit: Visit) -> web.StreamResponse:
    """Ends all other sessions."""
    if not may_choose_password(visit):
        raise Conflict("no_link", BY_PROVIDER, {})
    old, new = visit.field("old"), visit.field("new")
    if visit.account.password is not None:
        if wait_s := await entry.counted_try(visit, visit.account.name):
            return await account_page(visit, 429, password_wait_s=wait_s)
        async with entry.AT_ONCE:
            is_right = await asyncio.to_thread(accounts.is_password, old, visit.account.password)
        if not is_right:
            return await account_page(visit, 400, password_problem=N_("The current password is wrong."))
        await entry.right_try(visit, visit.account.name)
    if accounts.weakness(new, visit.account.name) is not None:
        return await account_page(visit, 400, password_problem=WEAK)
    async with entry.AT_ONCE:
        kept = await asyncio.to_thread(accounts.hashed, new)
    await change(visit, "password_changed", password=kept, epoch=visit.account.epoch + 1)
    return visit.go("/account", said="password")


async def end_session(visit: Visit) -> web.StreamResponse:
    if not await visit.console.store.accounts.end_session(visit.account.name, visit.field("session")):
        raise NotFound(N_("There is no such session; it may have ended by itself."))
    await visit.console.store.audit.write(visit.site, "session_ended", visit.account.name)
    return visit.go("/account", said="session")


async def save_preferences(visit: Visit) -> web.StreamResponse:
    """Change only the fields in the form: the switches for the theme and the density are forms of their own."""
    given = {
        name: visit.field(name) for name in ("language", "theme", "density", "blur", "break_min") if name in visit.form
    }
    raw: dict[str, object] = {**msgspec.to_builtins(visit.preferences), **given}
    if not raw.get("language"):
        raw.pop("language", None)  # use the browser's language
    if "avoided_shown" in visit.form:
        raw["avoided"] = visit.form.get("avoided", [])
    raw["keys"] = _keys_of(visit) if any(name.startswith("key_") for name in visit.form) else visit.preferences.keys
    try:
        preferences = msgspec.convert(raw, Preferences, strict=False)
    except msgspec.ValidationError as error:
        fault = fault_of(str(error), "", Preferences)
        raise BadRequest(f"preferences: {fault.pointer.removeprefix('/')} {fault.detail}") from error
    await visit.console.store.accounts.prefer(visit.account.name, preferences)
    back = own_path(visit.field("back"))
    return visit.go(back) if back else visit.go("/account", said="preferences")


def _keys_of(visit: Visit) -> dict[str, str]:
    """Preferences that differ from the defaults."""
    given = {each.action: visit.field(f"key_{each.action}").strip() for each in KEYS}
    return {each.action: given[each.action] for each in KEYS if given[each.action] not in ("", each.key)}


async def change_site(visit: Visit) -> web.StreamResponse:
    """Switch to another site. The session gets a new secret, because the role may differ."""
    site = visit.field("site")
    role = visit.account.roles.get(site)
    if role is None:
        raise NotFound(N_("There is no such site, or it is not one of yours."))
    session = msgspec.structs.replace(visit.known.session, site=site, role=role)
    await entry.begin(visit, visit.account, session)
    return visit.go("")


async def change(visit: Visit, action: str, account: Account | None = None, **fields: object) -> None:
    """Store the account with `fields` changed, and renew the session's secret. `account`: its current value.

    Raises Conflict if somebody else changed it in the meantime.
    """
    await renew_session(visit, await keep(visit, action, account, **fields))


async def keep(visit: Visit, action: str, account: Account | None = None, **fields: object) -> Account:
    """As `change`, but the session stays as it is. Returns the account as stored."""
    changed: Account = msgspec.structs.replace(account or visit.account, **fields)
    # Write the audit entry first: no change may be stored without one.
    await visit.console.store.audit.write(visit.site, action, changed.name)
    if not await visit.console.store.accounts.put(changed):
        raise Conflict("account_changed", N_("The account was changed meanwhile; load the page again."), {})
    return msgspec.structs.replace(changed, revision=changed.revision + 1)


async def renew_session(visit: Visit, account: Account) -> None:
    """Go on with the changed account, under a new secret."""
    session = msgspec.structs.replace(visit.known.session, epoch=account.epoch, is_enrolling=False)
    await entry.begin(visit, account, session)


async def account_page(visit: Visit, status: int = 200, **problems: Any) -> web.Response:  # noqa: ANN401 - each page has its own problems
    """`problems`: messages for the forms, and the seconds to wait before the next attempt."""
    shown = {"password_problem": "", "password_wait_s": 0, "recovery_problem": "", "recovery_wait_s": 0, **problems}
    response = visit.show(
        "account.html",
        status,
        sessions=await visit.console.store.accounts.sessions(visit.account.name, visit.now),
        this_session=entry.session_id(visit.secret),
        said=SAID.get(visit.request.query.get("said", ""), ""),
        spoken=LANGUAGES,
        keys=KEYS,
        chosen=chosen(visit.preferences.keys),
        by_provider="" if may_choose_password(visit) else BY_PROVIDER,
        attributes={each: attribute_name(each) for each in visit.request.app[keys.MODERATION].attributes(visit.site)},
        **shown,
    )
    return entry.waiting(response, max(shown["password_wait_s"], shown["recovery_wait_s"]))


PAGES = (
    Page(path="/session", view=show_session, is_background=True),
    Page(path="/account", view=show_account),
    Page(path="/account/password", view=change_password, method="POST"),
    Page(path="/account/sessions/end", view=end_session, method="POST"),
    Page(path="/account/preferences", view=save_preferences, method="POST", while_enrolling=True),
    Page(path="/account/site", view=change_site, method="POST"),
)

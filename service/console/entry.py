"""Signing in and out: by name and password, with a second factor where the role asks for one, or by a link."""

import asyncio
import hashlib
import logging
import math
from datetime import timedelta

import msgspec
from aiohttp import web

from service import app_keys as keys
from service.console.codes import accepted
from service.console.protection import PREFIX
from service.console.texts import N_
from service.console.visit import COOKIE, Page, Visit, own_path
from service.http.admission import give_back
from service.http.headers import cookie
from service.http.origin import client_network
from service.store.accounts import Visitor
from service.values import accounts
from service.values.accounts import Account, Session, Ticket

log = logging.getLogger(__name__)

# Attempts without a delay: a person mistypes; an office shares an address.
FREE_FOR_ACCOUNT, FREE_FOR_ADDRESS = 4, 20
CODE_LASTS = timedelta(minutes=5)
LINK_LASTS = timedelta(hours=1)
# Each hash takes 64 MiB and a core, so limit how many run at once.
AT_ONCE = asyncio.Semaphore(2)

WRONG = N_("Name or password is wrong.")
WRONG_CODE = N_("The code is wrong, or was used before.")
OVER = N_("That link has expired.")


async def show_sign_in(visit: Visit) -> web.StreamResponse:
    if visit.visitor is not None:
        return visit.go("")
    return _form(visit, visit.request.query.get("next", ""))


async def sign_in(visit: Visit) -> web.StreamResponse:
    name, password, following = visit.field("name").strip(), visit.field("password"), visit.field("next")
    if wait_s := await counted_try(visit, name):
        log.warning("a sign-in was refused: too many wrong tries (from %s)", client_network(visit.request))
        return _form(visit, following, 429, wait_s=wait_s, name=name)
    account = await visit.console.store.accounts.get(name)
    kept = account.password if account and not account.is_disabled else None
    async with AT_ONCE:
        is_right = await asyncio.to_thread(accounts.is_password, password[: accounts.LONGEST_PASSWORD + 1], kept)
    if not is_right or account is None or not account.roles:
        log.warning("a sign-in failed: wrong name or password (from %s)", client_network(visit.request))
        return _form(visit, following, 401, WRONG, name=name)
    if kept and accounts.is_outdated(kept):
        async with AT_ONCE:
            fresh = msgspec.structs.replace(account, password=await asyncio.to_thread(accounts.hashed, password))
        await visit.console.store.accounts.put(fresh)
    if account.totp is not None:
        await visit.console.store.accounts.give_back(*_whose(visit, name))
        give_back(visit.request)
        return await _ask_code(visit, account, following)
    await right_try(visit, name)
    return await enter(visit, account, "password", following, is_enrolling=account.needs_second_factor)


async def sign_in_with_code(visit: Visit) -> web.StreamResponse:
    """Only the right code consumes the ticket: after a typo or a delay, one need not start again."""
    store, secret, following = visit.console.store.accounts, visit.field("ticket"), visit.field("next")
    account = await _account_of(visit, await store.look_at(secret, "code"))
    if account is None:
        return _form(visit, following, 401, OVER)
    if wait_s := await counted_try(visit, account.name):
        return _code_form(visit, secret, following, 429, wait_s=wait_s)
    checked = await accepted(visit, account, visit.field("code"))
    if checked is None:
        log.warning("a sign-in failed: wrong code for %s (from %s)", account.name, client_network(visit.request))
        return _code_form(visit, secret, following, 401, problem=WRONG_CODE)
    await right_try(visit, account.name)
    if await store.redeem(secret, "code") is None:  # already used, or expired
        return _form(visit, following, 401, OVER)
    return await enter(visit, checked, "password", following)


async def show_link(visit: Visit) -> web.StreamResponse:
    """Show only a form: programs that follow links automatically must not use the link up."""
    secret = visit.request.query.get("ticket", "")
    account = await _account_of(visit, await visit.console.store.accounts.look_at(secret, "link"))
    if account is None:
        return _form(visit, "", 401, OVER)
    return visit.show("link.html", ticket=secret, account=account)


async def enter_by_link(visit: Visit) -> web.StreamResponse:
    account = await _account_of(visit, await visit.console.store.accounts.redeem(visit.field("ticket"), "link"))
    if account is None:
        return _form(visit, "", 401, OVER)
    if account.totp is not None:
        return await _ask_code(visit, account, "")
    following = "" if account.password or account.subject else f"{PREFIX}/welcome"
    return await enter(visit, account, "link", following)


async def sign_out(visit: Visit) -> web.StreamResponse:
    await visit.console.store.accounts.end_session(visit.account.name, session_id(visit.secret))
    await visit.console.store.audit.write(visit.site, "signed_out", visit.account.name)
    visit.fresh_cookie = ""
    return visit.go("/sign-in")


async def enter(
    visit: Visit, account: Account, via: str, following: str, *, is_enrolling: bool = False
) -> web.StreamResponse:
    """Start a session at the account's first site, and redirect to the requested page."""
    give_back(visit.request)
    site = min(account.roles)
    session = Session(
        account.name, account.epoch, site, account.roles[site], visit.now, via, _browser(visit), is_enrolling
    )
    await begin(visit, account, session)
    await visit.console.store.audit.write(visit.site, "signed_in", account.name, via=via)
    return visit.go(own_path(following))


async def begin(visit: Visit, account: Account, session: Session) -> None:
    """Start `session` with a new secret. The browser's previous secret becomes invalid."""
    store = visit.console.store.accounts
    earlier = cookie(visit.request, COOKIE)
    if earlier:
        was = visit.visitor or await store.visitor(earlier, visit.now, is_active=False)
        if was is not None:
            await store.end_session(was.account.name, session_id(earlier))
    secret = await store.open_session(session)
    visit.fresh_cookie = visit.secret = secret
    visit.visitor = Visitor(session, account, visit.preferences)


async def counted_try(visit: Visit, name: str) -> int:
    """Count an attempt for `name`. Returns the seconds to wait if there were too many wrong ones."""
    whose = zip(_whose(visit, name), (FREE_FOR_ACCOUNT, FREE_FOR_ADDRESS), strict=True)
    return math.ceil(await visit.console.store.accounts.delay([*whose]))


async def right_try(visit: Visit, name: str) -> None:
    """Sign-in has succeeded: reset the counter."""
    await visit.console.store.accounts.succeeded(*_whose(visit, name))


def session_id(secret: str) -> str:
    return accounts.digest(secret)


async def _account_of(visit: Visit, ticket: Ticket | None) -> Account | None:
    """The account for a ticket, if it may still sign in and has not changed since the ticket was issued."""
    account = await visit.console.store.accounts.get(ticket.account) if ticket else None
    if ticket is None or account is None or account.epoch != ticket.epoch or account.is_disabled or not account.roles:
        return None
    return account


async def _ask_code(visit: Visit, account: Account, following: str) -> web.StreamResponse:
    ticket = await visit.console.store.accounts.issue(Ticket("code", account.name, account.epoch), CODE_LASTS)
    return _code_form(visit, ticket, following)


def _code_form(
    visit: Visit, ticket: str, following: str, status: int = 200, *, problem: str = "", wait_s: int = 0
) -> web.Response:
    values = {"ticket": ticket, "next": following, "problem": problem, "wait_s": wait_s}
    return waiting(visit.show("code.html", status, **values), wait_s)


def _whose(visit: Visit, name: str) -> tuple[str, str]:
    """The keys under which attempts are counted. They do not reveal names or addresses."""
    salt = visit.request.app[keys.DIRECTORY].salt
    said = (f"account\n{name}", f"address\n{client_network(visit.request)}")
    account, address = (
        hashlib.blake2b(each.encode(errors="replace"), key=salt, digest_size=12).hexdigest() for each in said
    )
    return account, address


def _form(  # noqa: PLR0917 - what the page shows
    visit: Visit, following: str, status: int = 200, problem: str = "", wait_s: int = 0, name: str = ""
) -> web.Response:
    """`name`: as it was typed, so that only the password is typed again."""
    return waiting(
        visit.show("sign_in.html", status, next=following, problem=problem, wait_s=wait_s, name=name), wait_s
    )


def waiting(response: web.Response, wait_s: int) -> web.Response:
    """`response`, with Retry-After if there is a delay."""
    if wait_s:
        response.headers["Retry-After"] = str(wait_s)
    return response


_BROWSERS = {"Edg/": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}


def _browser(visit: Visit) -> str:
    """A shortened form that its owner can recognize."""
    said = visit.request.headers.get("User-Agent", "")
    return next((name for mark, name in _BROWSERS.items() if mark in said), "")


PAGES = (
    Page(path="/sign-in", view=show_sign_in, roles=None),
    Page(path="/sign-in", view=sign_in, method="POST", roles=None),
    Page(path="/sign-in/code", view=sign_in_with_code, method="POST", roles=None),
    Page(path="/sign-in/link", view=show_link, roles=None),
    Page(path="/sign-in/link", view=enter_by_link, method="POST", roles=None),
    Page(path="/sign-out", view=sign_out, method="POST", while_enrolling=True),
)

"""Signing in and out: by name and password, with a second factor where the role asks for one, or by a link."""

import asyncio
import hashlib
import math
from datetime import timedelta

import msgspec
import pyotp
from aiohttp import web

from service import accounts, keys
from service.accounts import Account, Session, Ticket
from service.console.texts import N_
from service.console.visit import COOKIE, Page, Visit, own_path
from service.http.origin import client_address
from service.store.accounts import Visitor

# How many tries come without a delay: a person mistypes; an office shares an address.
FREE_FOR_ACCOUNT, FREE_FOR_ADDRESS = 4, 20
CODE_LASTS = timedelta(minutes=5)
LINK_LASTS = timedelta(hours=1)
TOTP_STEP_S = 30
# Each hash takes 64 MiB and all of a core; guesses must not take them all.
AT_ONCE = asyncio.Semaphore(2)

WRONG = N_("Name or password is wrong.")
WRONG_CODE = N_("The code is wrong, or was used before.")
OVER = N_("This link was used before, or is too old.")


async def show_sign_in(visit: Visit) -> web.StreamResponse:
    if visit.visitor is not None:
        return visit.go("")
    return _form(visit, visit.request.query.get("next", ""))


async def sign_in(visit: Visit) -> web.StreamResponse:
    name, password, following = visit.field("name").strip(), visit.field("password"), visit.field("next")
    if refusal := await _delayed(visit, name, following):
        return refusal
    account = await visit.console.store.accounts.get(name)
    kept = account.password if account and not account.is_disabled else None
    async with AT_ONCE:
        is_right = await asyncio.to_thread(accounts.is_password, password[: accounts.LONGEST_PASSWORD + 1], kept)
    if not is_right or account is None or not account.roles:
        return _form(visit, following, 401, WRONG)
    if kept and accounts.is_outdated(kept):
        async with AT_ONCE:
            fresh = msgspec.structs.replace(account, password=await asyncio.to_thread(accounts.hashed, password))
        await visit.console.store.accounts.put(fresh)
    if account.totp is not None:
        return await _ask_code(visit, account, following)
    await visit.console.store.accounts.succeeded(*_whose(visit, name))
    return await enter(visit, account, "password", following, is_enrolling=account.needs_second_factor)


async def sign_in_with_code(visit: Visit) -> web.StreamResponse:
    store, following = visit.console.store.accounts, visit.field("next")
    ticket = await store.redeem(visit.field("ticket"), "code")
    account = await store.get(ticket.account) if ticket else None
    if ticket is None or account is None or account.epoch != ticket.epoch or account.is_disabled:
        return _form(visit, following, 401, OVER)
    if refusal := await _delayed(visit, account.name, following):
        return refusal
    if not await is_code(visit, account, visit.field("code")):
        return await _ask_code(visit, account, following, WRONG_CODE)
    await store.succeeded(*_whose(visit, account.name))
    return await enter(visit, account, "password", following)


async def show_link(visit: Visit) -> web.StreamResponse:
    """Only a form: whatever looks at links before people do must not use it up."""
    return visit.show("link.html", ticket=visit.request.query.get("ticket", ""))


async def enter_by_link(visit: Visit) -> web.StreamResponse:
    store = visit.console.store.accounts
    ticket = await store.redeem(visit.field("ticket"), "link")
    account = await store.get(ticket.account) if ticket else None
    if ticket is None or account is None or account.epoch != ticket.epoch or account.is_disabled or not account.roles:
        return _form(visit, "", 401, OVER)
    if account.totp is not None:
        return await _ask_code(visit, account, "")
    return await enter(visit, account, "link", "")


async def sign_out(visit: Visit) -> web.StreamResponse:
    await visit.console.store.accounts.end_session(visit.account.name, session_id(visit.secret))
    await visit.console.store.audit.write(visit.site, "signed_out", visit.account.name)
    visit.fresh_cookie = ""
    return visit.go("/sign-in")


async def enter(
    visit: Visit, account: Account, via: str, following: str, *, is_enrolling: bool = False
) -> web.StreamResponse:
    """Begin a session at the account's first site, and go on to where somebody wanted to."""
    site = min(account.roles)
    session = Session(
        account.name, account.epoch, site, account.roles[site], visit.now, via, _browser(visit), is_enrolling
    )
    await begin(visit, account, session)
    await visit.console.store.audit.write(visit.site, "signed_in", account.name, via=via)
    return visit.go(own_path(following))


async def begin(visit: Visit, account: Account, session: Session) -> None:
    """Go on as `session`: under a new secret, and the one that the browser has opens nothing any more."""
    store = visit.console.store.accounts
    earlier = visit.request.cookies.get(COOKIE, "")
    if earlier:
        was = visit.visitor or await store.visitor(earlier, visit.now, is_active=False)
        if was is not None:
            await store.end_session(was.account.name, session_id(earlier))
    secret = await store.open_session(session)
    visit.fresh_cookie = visit.secret = secret
    visit.visitor = Visitor(session, account, visit.preferences)


async def is_code(visit: Visit, account: Account, code: str) -> bool:
    """Whether this is the account's one-time code of now, or of one step before or after; each is good once."""
    if account.totp is None:
        return False
    totp, now = pyotp.TOTP(visit.console.vault.unseal(account.totp)), visit.now
    for drift in (0, -1, 1):
        at = now + timedelta(seconds=drift * TOTP_STEP_S)
        if totp.verify(code.replace(" ", ""), for_time=at):
            return await visit.console.store.accounts.use_code(account.name, totp.timecode(at))
    return False


def session_id(secret: str) -> str:
    return accounts.digest(secret)


async def _ask_code(visit: Visit, account: Account, following: str, problem: str = "") -> web.StreamResponse:
    ticket = await visit.console.store.accounts.issue(Ticket("code", account.name, account.epoch), CODE_LASTS)
    return visit.show("code.html", 401 if problem else 200, ticket=ticket, next=following, problem=problem)


async def _delayed(visit: Visit, name: str, following: str) -> web.StreamResponse | None:
    """Counts the try. An answer instead of it, while too many were wrong."""
    account, address = _whose(visit, name)
    wait_s = await visit.console.store.accounts.delay([(account, FREE_FOR_ACCOUNT), (address, FREE_FOR_ADDRESS)])
    if not wait_s:
        return None
    response = _form(visit, following, 429, wait_s=math.ceil(wait_s))
    response.headers["Retry-After"] = str(math.ceil(wait_s))
    return response


def _whose(visit: Visit, name: str) -> tuple[str, str]:
    """Under which the tries are counted; nobody can read names or addresses from them."""
    salt = visit.request.app[keys.DIRECTORY].salt
    said = (f"account\n{name}", f"address\n{client_address(visit.request)}")
    account, address = (
        hashlib.blake2b(each.encode(errors="replace"), key=salt, digest_size=12).hexdigest() for each in said
    )
    return account, address


def _form(visit: Visit, following: str, status: int = 200, problem: str = "", wait_s: int = 0) -> web.Response:
    return visit.show("sign_in.html", status, next=following, problem=problem, wait_s=wait_s)


_BROWSERS = {"Edg/": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}


def _browser(visit: Visit) -> str:
    """So much of it that its owner knows it again."""
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

"""The second factor of the moderator's account: set up, move to another app, recovery codes."""

import contextlib

import pyotp
import segno
from aiohttp import web

from service.console import codes, entry
from service.console.account import account_page, keep, renew_session
from service.console.texts import N_
from service.console.visit import Page, Visit
from service.values.accounts import Account
from service.values.errors import BadRequest, Fault, Retryable

ISSUER = "Steward"
SECRET_CHARS = 32  # the length of pyotp's secrets

WRONG_OLD_CODE = N_("The code of the app that you used until now is wrong.")


async def show_second_factor(visit: Visit) -> web.StreamResponse:
    return _form(visit, pyotp.random_base32())


async def set_second_factor(visit: Visit) -> web.StreamResponse:
    """Enable the second factor, and show the recovery codes once."""
    secret = visit.field("secret")
    if len(secret) != SECRET_CHARS or not set(secret) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"):
        raise BadRequest("secret: not one of ours", [Fault("/secret", "not one of ours")])
    if wait_s := await entry.counted_try(visit, visit.account.name):
        return _form(visit, secret, 429, wait_s=wait_s)
    step = codes.step_of(secret, visit.field("code"), visit.now)
    if step is None:  # checked first, so that a typo does not use up a code of the old app
        return _form(visit, secret, 400, entry.WRONG_CODE)
    account = await _allowed(visit)
    if account is None:
        return _form(visit, secret, 400, WRONG_OLD_CODE)
    if not await visit.console.store.accounts.use_code(account.name, step, secret):
        return _form(visit, secret, 400, entry.WRONG_CODE)
    await entry.right_try(visit, account.name)
    return await _with_new_codes(visit, "second_factor_set", account, totp=visit.console.sealer.seal(secret))


async def make_recovery_codes(visit: Visit) -> web.StreamResponse:
    """Replace the recovery codes, and show the new ones once."""
    if wait_s := await entry.counted_try(visit, visit.account.name):
        return await account_page(visit, 429, recovery_wait_s=wait_s)
    account = await codes.accepted(visit, visit.account, visit.field("code"))
    if account is None:
        return await account_page(visit, 400, recovery_problem=entry.WRONG_CODE)
    await entry.right_try(visit, visit.account.name)
    return await _with_new_codes(visit, "recovery_codes_made", account)


async def _allowed(visit: Visit) -> Account | None:
    """The account, if it has no second factor or the form holds a valid code; else None."""
    if visit.account.totp is None:
        return visit.account
    return await codes.accepted(visit, visit.account, visit.field("old_code"))


async def _with_new_codes(visit: Visit, action: str, account: Account, **fields: object) -> web.Response:
    """Not a redirect: the codes must not appear in a URL, nor again on reload."""
    changed, fresh = codes.renewed(account)
    kept = await keep(visit, action, changed, **fields)
    with contextlib.suppress(Retryable):  # the earlier codes are gone: these must be shown, if need be signed out
        await renew_session(visit, kept)
    return visit.show("recovery_codes.html", codes=fresh)


def _form(visit: Visit, secret: str, status: int = 200, problem: str = "", wait_s: int = 0) -> web.Response:
    uri = pyotp.TOTP(secret).provisioning_uri(name=visit.account.name, issuer_name=ISSUER)
    picture = segno.make(uri, error="m").svg_data_uri(scale=4, border=3, dark="#111", light="#fff")
    values = {"secret": secret, "picture": picture, "problem": problem, "wait_s": wait_s}
    return entry.waiting(visit.show("second_factor.html", status, **values), wait_s)


PAGES = (
    Page(path="/account/second-factor", view=show_second_factor, while_enrolling=True),
    Page(path="/account/second-factor", view=set_second_factor, method="POST", while_enrolling=True),
    Page(path="/account/recovery-codes", view=make_recovery_codes, method="POST"),
)

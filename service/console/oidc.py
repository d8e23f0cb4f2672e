"""Sign-in through an OpenID provider."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from aiohttp import web

from service.console import entry
from service.console.protection import PREFIX
from service.console.texts import N_
from service.console.visit import Page, Visit, own_path
from service.http.headers import cookie
from service.http.origin import own_origin
from service.values.accounts import Account, Ticket
from service.values.errors import NotFound, SignInRefused

if TYPE_CHECKING:  # slow to import
    from service.console.provider import Provider

# SameSite=Lax, because the browser must send this cookie when the provider redirects it back.
COOKIE = "__Host-cm_oidc"
LASTS = timedelta(minutes=10)

REFUSED = N_("The provider did not let you in, or it took too long. Try again.")
UNKNOWN = N_("The provider knows you, but you have no account here. Ask an administrator.")


async def begin(visit: Visit) -> web.StreamResponse:
    provider = _provider(visit)
    url, was = await provider.begin(_back(visit))
    details = was | {"next": visit.request.query.get("next", "")}
    secret = await visit.console.store.accounts.issue(Ticket("oidc", details=details), LASTS)
    response = web.Response(status=303, headers={"Location": url})
    response.set_cookie(
        COOKIE, secret, path="/", secure=True, httponly=True, samesite="Lax", max_age=int(LASTS.total_seconds())
    )
    return response


async def finish(visit: Visit) -> web.StreamResponse:
    provider = _provider(visit)
    ticket = await visit.console.store.accounts.redeem(cookie(visit.request, COOKIE), "oidc")
    if ticket is None:
        return _sorry(visit, REFUSED)
    try:
        claims = await provider.claims(_back(visit), visit.request.query, ticket.details)
    except SignInRefused:
        return _sorry(visit, REFUSED)
    account = await _account(visit, claims)
    if account is None:
        return _sorry(visit, UNKNOWN)
    await entry.enter(visit, account, "oidc", "")
    # A redirect would still count as the provider's, so the strict cookie would not be sent.
    response = visit.show("again.html", where=PREFIX + own_path(ticket.details.get("next", "")))
    response.del_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="Lax")
    return response


async def _account(visit: Visit, claims: dict[str, Any]) -> Account | None:
    """Find the account by the subject that the administrator set, or by a verified e-mail address."""
    known = {claims["sub"]} | ({claims.get("email")} if claims.get("email_verified") is True else set())
    found = await visit.console.store.accounts.all()
    for account in found:
        if account.subject is not None and account.subject in known and not account.is_disabled and account.roles:
            return account
    return None


def _provider(visit: Visit) -> "Provider":
    if visit.console.provider is None:
        raise NotFound(N_("No OpenID provider is set."))
    return visit.console.provider


def _back(visit: Visit) -> str:
    return f"{own_origin(visit.request)}{PREFIX}/sign-in/oidc/back"


def _sorry(visit: Visit, problem: str) -> web.StreamResponse:
    return visit.show("sign_in.html", 401, next="", problem=problem, wait_s=0, name="")


PAGES = (
    Page(path="/sign-in/oidc", view=begin, roles=None),
    Page(path="/sign-in/oidc/back", view=finish, roles=None),
)

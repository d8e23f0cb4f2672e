"""Who may enter: the key of a request, wherever a protocol carries it, its scopes and its rate."""

from aiohttp import web

from service import keys
from service.access import ApiKey, Scope
from service.errors import Forbidden, Unauthenticated
from service.http.limits import Limits

LIMITS = web.AppKey("limits", Limits)


def bearer(request: web.Request) -> str:
    """The text of `Authorization: Bearer …`, empty when there is none."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""


async def held(request: web.Request, text: str) -> ApiKey | None:
    """The key behind `text`, as long as it opens; who answers for long asks again."""
    return await request.app[keys.DIRECTORY].admit(text) if text else None


async def admitted(request: web.Request, text: str, *scopes: Scope | None) -> ApiKey:
    """The key behind `text`, if it has one of the scopes; one request of its rate is taken.

    Raises Unauthenticated, Forbidden, RateLimited, and StoreUnavailable when keys have never been seen.
    """
    key = await held(request, text)
    if key is None:
        raise Unauthenticated
    if key.scopes.isdisjoint(scopes):
        raise Forbidden
    request.app[LIMITS].take(key)
    return key

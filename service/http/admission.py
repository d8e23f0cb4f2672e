"""Who may enter: the key of a request, wherever a protocol carries it, its scopes and its rate."""

from aiohttp import web

from service import access, keys
from service.access import ApiKey, Scope
from service.errors import Forbidden, Unauthenticated
from service.http.limits import Limits

LIMITS = web.AppKey("limits", Limits)


def bearer(request: web.Request) -> str:
    """The text of `Authorization: Bearer …`, empty when there is none."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""


async def held(request: web.Request, text: str, *, labels: bool = False) -> ApiKey | None:
    """The key behind `text`, as long as it opens; who answers for long asks again.

    `labels`: also the key whose label `text` is. Labels stand in host names, which more people see than headers.
    """
    directory = request.app[keys.DIRECTORY]
    if labels and access.label_digest(text):
        return await directory.admit_label(text)
    return await directory.admit(text) if text else None


async def admitted(request: web.Request, text: str, *scopes: Scope | None, labels: bool = False) -> ApiKey:
    """The key behind `text`, if it has one of the scopes; one request of its rate is taken. `labels`: as for `held`.

    Raises Unauthenticated, Forbidden, RateLimited, and StoreUnavailable when keys have never been seen.
    """
    key = await held(request, text, labels=labels)
    if key is None:
        raise Unauthenticated
    if key.scopes.isdisjoint(scopes):
        raise Forbidden
    request.app[LIMITS].take(key)
    return key

"""Who may enter: the key of a request, wherever a protocol carries it, its scopes and its rate."""

import logging
from functools import cache

from aiohttp import hdrs, web

from service import app_keys as keys
from service.http.limits import Buckets, Limits
from service.http.origin import client_network, is_from_proxy
from service.values import access
from service.values.access import ApiKey, Scope
from service.values.errors import Forbidden, KeyProblem, RateLimited, Unauthenticated, WrongOrigin

log = logging.getLogger(__name__)

LIMITS = web.AppKey("limits", Limits)
# Of addresses that bring no valid key.
STRANGERS = web.AppKey("strangers", Buckets)
# Seconds' worth of them may come at once.
BURST_S = 10


def strangers(rate_per_s: float) -> Buckets:
    """`rate_per_s`: of one address; 0: no limit."""
    said = "too many requests without a valid API key from this address"
    return Buckets(rate_per_s, max(1.0, BURST_S * rate_per_s), said=said)


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


async def recognized(request: web.Request, text: str, *, labels: bool = False) -> ApiKey:
    """The key behind `text`, where it may be used; nothing of its rate is taken. `labels`: as for `held`.

    Raises Unauthenticated, WrongOrigin, RateLimited, and StoreUnavailable when keys have never been seen.
    """
    key = await held(request, text, labels=labels)
    if key is None:
        take_as_stranger(request)
        raise Unauthenticated(_problem(request, text))
    if key.origins and request.headers.get(hdrs.ORIGIN) not in key.origins:
        raise WrongOrigin
    return key


def take_as_stranger(request: web.Request) -> None:
    """Count a request of somebody whom we do not know, by the address. Raises RateLimited."""
    try:
        request.app[STRANGERS].take(client_network(request))
    except RateLimited:
        if "X-Forwarded-For" in request.headers and not is_from_proxy(request):
            _warn_of_proxy()
        raise


@cache
def _warn_of_proxy() -> None:
    """Once: anybody can send that header."""
    log.warning(
        "an address is limited whose requests carry X-Forwarded-For: if it is a proxy of yours, name it in "
        "STEWARD_TRUSTED_PROXIES, or all who come through it share one limit"
    )


def give_back(request: web.Request) -> None:
    """That request was no stranger's."""
    request.app[STRANGERS].give_back(client_network(request))


def _problem(request: web.Request, text: str) -> KeyProblem:
    if access.key_id(text) or access.label_digest(text):
        return KeyProblem.UNKNOWN
    return KeyProblem.MALFORMED if text or hdrs.AUTHORIZATION in request.headers else KeyProblem.MISSING


async def admitted(request: web.Request, text: str, *scopes: Scope | None, labels: bool = False) -> ApiKey:
    """The key behind `text`, if it has one of the scopes; one request of its rate is taken. `labels`: as for `held`.

    Raises what `recognized` does, and Forbidden.
    """
    key = await recognized(request, text, labels=labels)
    if key.scopes.isdisjoint(scopes):
        raise Forbidden
    request.app[LIMITS].take(key)
    return key

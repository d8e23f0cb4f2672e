"""Admission: checks the API key of a request, its scopes, its origins and its rate limit."""

import logging
from functools import cache

from aiohttp import hdrs, web

from service import app_keys as keys
from service.http.guesses import Guesses
from service.http.limits import Buckets, RateLimits
from service.http.origin import client_network, is_from_proxy
from service.values import access, short_keys
from service.values.access import ApiKey, Scope
from service.values.errors import Forbidden, KeyProblem, RateLimited, Unauthenticated, WrongOrigin

log = logging.getLogger(__name__)

LIMITS = web.AppKey("limits", RateLimits)
# Rate limits of addresses that send no valid key.
STRANGERS = web.AppKey("strangers", Buckets)
GUESSES = web.AppKey("guesses", Guesses)
# The burst, in seconds of the average rate.
BURST_S = 10


def strangers(rate_per_s: float) -> Buckets:
    """Rate limits for requests without a valid key. `rate_per_s`: for each address; 0 means no limit."""
    said = "too many requests without a valid API key from this address"
    return Buckets(rate_per_s, max(1.0, BURST_S * rate_per_s), said=said)


def bearer(request: web.Request) -> str:
    """The token of `Authorization: Bearer …`, empty if there is none."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""


async def held(request: web.Request, text: str, *, labels: bool = False) -> ApiKey | None:
    """The key for `text`, None if it is not valid. Long-running requests call this again to notice a revoked key.

    `labels`: also accept the label of a key, and short keys. Labels appear in host names, which more people see than
    headers; short keys can be guessed. Raises RateLimited for guesses.
    """
    directory = request.app[keys.DIRECTORY]
    if labels and short_keys.is_short(text):
        return await _held_short(request, text)
    if labels and access.label_digest(text):
        return await directory.admit_label(text)
    return await directory.admit(text) if text else None


async def _held_short(request: web.Request, text: str) -> ApiKey | None:
    with request.app[GUESSES].looking(client_network(request), text) as say_wrong:
        key = await request.app[keys.DIRECTORY].admit_short(text)
        if key is None:
            say_wrong()
        return key


async def recognized(request: web.Request, text: str, *, labels: bool = False) -> ApiKey:
    """The key for `text`, if its origins allow the request. Does not count against its rate. `labels`: as for `held`.

    Raises Unauthenticated, WrongOrigin, RateLimited, and StoreUnavailable if no keys have been loaded yet.
    """
    key = await held(request, text, labels=labels)
    if key is None:
        take_as_stranger(request)
        raise Unauthenticated(_problem(request, text))
    if key.origins and request.headers.get(hdrs.ORIGIN) not in key.origins:
        raise WrongOrigin
    request.app[keys.USAGE].touch(key)
    return key


def take_as_stranger(request: web.Request) -> None:
    """Count a request without a valid key against its address. Raises RateLimited."""
    try:
        request.app[STRANGERS].take(client_network(request))
    except RateLimited:
        if "X-Forwarded-For" in request.headers and not is_from_proxy(request):
            _warn_of_proxy()
        raise


@cache
def _warn_of_proxy() -> None:
    """Log this only once: anybody can send that header."""
    log.warning(
        "a rate-limited address sends X-Forwarded-For: if it is your proxy, add it to STEWARD_TRUSTED_PROXIES; "
        "otherwise all its clients share one limit"
    )


def give_back(request: web.Request) -> None:
    """Undo `take_as_stranger`: the request has proved legitimate."""
    request.app[STRANGERS].give_back(client_network(request))


def _problem(request: web.Request, text: str) -> KeyProblem:
    if access.key_id(text) or access.label_digest(text):
        return KeyProblem.UNKNOWN
    return KeyProblem.MALFORMED if text or hdrs.AUTHORIZATION in request.headers else KeyProblem.MISSING


async def admitted(request: web.Request, text: str, *scopes: Scope | None, labels: bool = False) -> ApiKey:
    """The key for `text`, if it has one of the scopes. Counts against its rate. `labels`: as for `held`.

    Raises the errors of `recognized`, and Forbidden.
    """
    key = await recognized(request, text, labels=labels)
    if key.scopes.isdisjoint(scopes):
        raise Forbidden
    request.app[LIMITS].take(key)
    models = request.app[keys.MODELS]
    if models.is_waiting(key.site):
        await models.ready(key.site)
    return key

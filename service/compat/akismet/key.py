"""Finds the API key, which clients put in many places (akismet.md section 2)."""

import re
from collections.abc import Sequence

from aiohttp import BasicAuth, web

from service import app_keys as keys
from service.compat.akismet.fields import Fields
from service.http.admission import admitted, bearer, recognized
from service.http.origin import asked_host
from service.values import access
from service.values.access import ApiKey, Scope
from service.values.errors import BadRequest, Forbidden, Unauthenticated

# The name that npm's akismet has unless its user gives it another.
_HOST_ONLY = re.compile(r"Generic Node\.js/\S+ \| Akismet/", re.ASCII)


async def key_of(request: web.Request, fields: Fields, *scopes: Scope) -> ApiKey:
    """The key of the request, if it has one of the scopes. Raises the errors of `admitted`, and BadRequest."""
    places = _places(request, fields, "api_key", "host", "key")
    try:
        return await admitted(request, _first(request, places), *scopes, Scope.AKISMET, labels=True)
    except Unauthenticated as error:
        if len({key for _, key in places}) > 1:
            detail = f"no key that is known here came in the {places[0][0]}, which counts before the {places[1][0]}"
            raise BadRequest(detail) from error
        raise


async def verified(request: web.Request, fields: Fields, *scopes: Scope) -> ApiKey:
    """The key that a request about a key names. Does not count against the key's rate.

    The field `key` comes first here: when WordPress tries a new key, it still sends the old one as `api_key`.
    """
    places = _places(request, fields, "key", "api_key", "host")
    key = await recognized(request, _first(request, places), labels=True)
    if key.scopes.isdisjoint((*scopes, Scope.AKISMET)):
        raise Forbidden
    return key


def will_come_again(request: web.Request) -> bool:
    """Whether checks of this client will carry the key too, as far as that can be told.

    npm's akismet sends its key in a field for verify-key, and for checks only in front of the host name. Where that
    leads nowhere, it takes each `invalid` for "not spam".
    """
    if not _HOST_ONLY.match(request.headers.get("User-Agent", "")):
        return True
    return bool(_of_header(request)) or _host(request) == request.app[keys.SETTINGS].akismet_domain


def _places(request: web.Request, fields: Fields, *order: str) -> list[tuple[str, str]]:
    """Where a key came, and the key: first the places named, then the path and the header."""
    said = {
        "api_key": ("field api_key", fields.get("api_key")),
        "key": ("field key", fields.get("key")),
        "host": ("host name", _label(request)),
    }
    last = (("path", request.match_info.get("key")), ("header Authorization", _of_header(request)))
    found = ((place, (key or "").strip()) for place, key in (*(said[name] for name in order), *last))
    return [(place, key) for place, key in found if key]


def _first(request: web.Request, places: Sequence[tuple[str, str]]) -> str:
    """The key from the first place that has one; the others are not tried."""
    if request.method != "GET":
        _refuse_in_query(request)
    return places[0][1] if places else ""


def _of_header(request: web.Request) -> str:
    """The key as a bearer token, or as the user name of Basic, which clients make of `https://KEY@host`."""
    if token := bearer(request):
        return token
    try:
        return str(BasicAuth.decode(request.headers.get("Authorization", "")).login)
    except ValueError:
        return ""


def _label(request: web.Request) -> str:
    """The label before the operator's domain in the requested host name, if it is a single one."""
    domain, host = request.app[keys.SETTINGS].akismet_domain, _host(request)
    if domain is None or not host.endswith(f".{domain}"):
        return ""
    label = host.removesuffix(f".{domain}")
    return "" if "." in label else label


def _host(request: web.Request) -> str:
    return asked_host(request).partition(":")[0].lower()


def _refuse_in_query(request: web.Request) -> None:
    """The key from the query string, for GET routes only: proxies log query strings."""
    named = "api_key" in request.query or "key" in request.query
    if named or access.masked(request.query_string) != request.query_string:
        raise BadRequest("a key does not belong in the address of a POST request: send it as the field api_key")

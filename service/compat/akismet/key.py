"""Finds the API key, which clients put in many places (akismet.md section 2)."""

from collections.abc import Iterable

from aiohttp import web

from service import app_keys as keys
from service.compat.akismet.fields import Fields
from service.http.admission import admitted, recognized
from service.http.origin import asked_host
from service.values import access
from service.values.access import ApiKey, Scope
from service.values.errors import BadRequest, Forbidden


async def key_of(request: web.Request, fields: Fields, *scopes: Scope) -> ApiKey:
    """The key of the request, if it has one of the scopes. Raises the errors of `admitted`, and BadRequest."""
    places = (fields.get("api_key"), _label(request), fields.get("key"), request.match_info.get("key"))
    return await admitted(request, _first(request, places), *scopes, Scope.AKISMET, labels=True)


async def verified(request: web.Request, fields: Fields, *scopes: Scope) -> ApiKey:
    """The key that a request about a key names. Does not count against the key's rate.

    The field `key` comes first here: when WordPress tries a new key, it still sends the old one as `api_key`.
    """
    places = (fields.get("key"), fields.get("api_key"), _label(request), request.match_info.get("key"))
    key = await recognized(request, _first(request, places), labels=True)
    if key.scopes.isdisjoint((*scopes, Scope.AKISMET)):
        raise Forbidden
    return key


def _first(request: web.Request, places: Iterable[str | None]) -> str:
    """The key from the first place that has one; the others are not tried."""
    if request.method != "GET":
        _refuse_in_query(request)
    return next((said.strip() for said in places if said and said.strip()), "")


def _label(request: web.Request) -> str:
    """The label before the operator's domain in the requested host name, if it is a single one."""
    domain = request.app[keys.SETTINGS].akismet_domain
    host = asked_host(request).partition(":")[0].lower()
    if domain is None or not host.endswith(f".{domain}"):
        return ""
    label = host.removesuffix(f".{domain}")
    return "" if "." in label else label


def _refuse_in_query(request: web.Request) -> None:
    """The key from the query string, for GET routes only: proxies log query strings."""
    named = "api_key" in request.query or "key" in request.query
    if named or access.masked(request.query_string) != request.query_string:
        raise BadRequest("a key does not belong in the address of a POST request: send it as the field api_key")

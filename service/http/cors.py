"""CORS: pages of the origins that a key names may call the API and read its answers (Fetch standard)."""

import re
from collections.abc import Iterable

from aiohttp import hdrs, web

from service import app_keys as keys

PATHS = ("/v1/", "/moderations")
MAX_AGE_S = 600
READABLE = "Date, Retry-After, X-Queue-Pressure, X-Moderation-Model, X-Moderation-Unsupported"
_ALLOWED_HEADERS = ("authorization", "content-type")
_TOKENS = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+(?:\s{0,9},\s{0,9}[A-Za-z0-9!#$%&'*+.^_`|~-]+){0,99}")
_MAX_LIST_LENGTH = 1000


def allowed(request: web.BaseRequest, app: web.Application) -> str | None:
    """The origin of the request, if any key names it. A preflight request carries no key."""
    origin = request.headers.get(hdrs.ORIGIN)
    return origin if origin is not None and origin in app[keys.DIRECTORY].origins else None


async def allow(request: web.Request, response: web.StreamResponse) -> None:
    """Add CORS headers to every answer of the API, including errors."""
    if hdrs.ORIGIN not in request.headers or not request.path.startswith(PATHS):
        return
    response.headers.add(hdrs.VARY, "Origin")
    if origin := allowed(request, request.app):
        response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
        response.headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = READABLE


def preflight(request: web.Request, methods: Iterable[str]) -> web.Response | None:
    """The answer to a preflight request; None if it is not one, or not allowed."""
    if request.method != hdrs.METH_OPTIONS or hdrs.ACCESS_CONTROL_REQUEST_METHOD not in request.headers:
        return None
    if not request.path.startswith(PATHS) or not allowed(request, request.app):
        return None
    headers = {
        hdrs.ACCESS_CONTROL_ALLOW_METHODS: ", ".join(sorted(methods)),
        hdrs.ACCESS_CONTROL_ALLOW_HEADERS: ", ".join(asked_headers(request, _ALLOWED_HEADERS)),
        hdrs.ACCESS_CONTROL_MAX_AGE: str(MAX_AGE_S),
    }
    return web.Response(status=204, headers=headers)


def asked_headers(request: web.Request, always: Iterable[str]) -> list[str]:
    """The headers that the page asks to send, and those in `always`."""
    asked = request.headers.get(hdrs.ACCESS_CONTROL_REQUEST_HEADERS, "").strip().lower()
    is_list = len(asked) <= _MAX_LIST_LENGTH and _TOKENS.fullmatch(asked) is not None
    named = [each.strip() for each in asked.split(",")] if is_list else []
    return list(dict.fromkeys([*named, *always]))

"""Answers: the error envelope, the headers of Google's front end, and CORS."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
from aiohttp import web

from service import app_keys as keys
from service.compat.perspective import errors
from service.compat.perspective.fields import selected
from service.compat.perspective.parameters import query_of
from service.http import cors as http_cors
from service.http.origin import own_origin
from service.http.written import PROTECTION, Head, Written, is_plain
from service.values import errors as service_errors
from service.values.errors import ServiceError

HEADERS = {
    **PROTECTION,
    "Content-Type": "application/json; charset=UTF-8",
    "Vary": "Origin, X-Origin, Referer",
    "Cache-Control": "private",
}
_HEAD = Head(HEADERS)

# HTTP status and google.rpc.Code. Other errors are answered like their base class.
STATUS: dict[type[ServiceError], tuple[int, str]] = {
    service_errors.BadRequest: (400, "INVALID_ARGUMENT"),
    service_errors.TooSlow: (408, "DEADLINE_EXCEEDED"),
    service_errors.Unauthenticated: (400, "INVALID_ARGUMENT"),
    errors.NoKey: (403, "PERMISSION_DENIED"),
    service_errors.Forbidden: (403, "PERMISSION_DENIED"),
    service_errors.Forged: (403, "PERMISSION_DENIED"),
    service_errors.NotFound: (404, "NOT_FOUND"),
    errors.WrongMethod: (405, "UNIMPLEMENTED"),
    service_errors.Conflict: (409, "ABORTED"),
    service_errors.RateLimited: (429, "RESOURCE_EXHAUSTED"),
    service_errors.ModelUnusable: (503, "UNAVAILABLE"),
    service_errors.Retryable: (503, "UNAVAILABLE"),
}
_INTERNAL = (500, "INTERNAL")

encode = msgspec.json.Encoder().encode


class Reply(NamedTuple):
    """An answer that is not yet an HTTP response: a part of a batch has no connection of its own."""

    status: int
    body: bytes
    headers: Mapping[str, str] = {}


def good(answer: dict[str, Any], query: Mapping[str, str]) -> Reply:
    mask = query.get("fields")
    return Reply(200, _written(selected(answer, mask) if mask else answer, query))


def bad(error: ServiceError | None, query: Mapping[str, str], origin: str) -> Reply:
    """`error`: None for an internal error, which is in the log."""
    status, code = _INTERNAL if error is None else status_of(error)
    message = "Internal error encountered." if error is None else str(error)
    said: dict[str, Any] = {"code": status, "message": message, "status": code}
    if details := errors.details(error, origin):
        said["details"] = details
    return Reply(status, _written({"error": said}, query), _headers(error))


def _headers(error: ServiceError | None) -> dict[str, str]:
    if isinstance(error, service_errors.Retryable):
        return {"Retry-After": str(error.retry_after_s)}
    return {"Allow": error.allowed} if isinstance(error, errors.WrongMethod) else {}


def status_of(error: ServiceError) -> tuple[int, str]:
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def respond(request: web.Request, reply: Reply) -> web.StreamResponse:
    if reply.status == 200 and "Origin" not in request.headers and is_plain(request):  # noqa: PLR2004 - OK
        return Written(reply.body, _HEAD)
    headers = {**HEADERS, **reply.headers, **cors(request)}
    return web.Response(body=reply.body, status=reply.status, headers=headers)


def render(request: web.Request, error: ServiceError | None) -> web.StreamResponse:
    """Render any error, for handling.speaking."""
    return respond(request, bad(error, query_of(request.rel_url.raw_query_string), own_origin(request)))


def _written(answer: dict[str, Any], query: Mapping[str, str]) -> bytes:
    body = encode(answer)
    return body if query.get("prettyPrint", "").lower() in _FALSE else msgspec.json.format(body, indent=2) + b"\n"


_FALSE = frozenset({"false", "0"})


_ALLOWED_HEADERS = ("content-type", "x-goog-api-key", "x-goog-api-client", "authorization", "x-requested-with")


def cors(request: web.Request) -> dict[str, str]:
    """Headers that let a page of an allowed origin read the answer, including errors."""
    origin, allowed = request.headers.get("Origin"), request.app[keys.SETTINGS].allowed_origins
    if origin is None or (allowed.isdisjoint(("*", origin)) and http_cors.allowed(request, request.app) is None):
        return {}
    return {
        "Access-Control-Allow-Origin": "*" if "*" in allowed else origin,
        "Access-Control-Expose-Headers": "Date, Retry-After",
    }


async def preflight(request: web.Request) -> web.Response:
    """Answer a preflight request. An origin that is not allowed gets no CORS headers."""
    headers = {"Vary": HEADERS["Vary"]}
    if allowed := cors(request):
        headers |= allowed | {
            "Access-Control-Allow-Methods": "POST, GET, OPTIONS",
            "Access-Control-Allow-Headers": ", ".join(http_cors.asked_headers(request, _ALLOWED_HEADERS)),
            "Access-Control-Max-Age": "3600",
        }
    return web.Response(status=204, headers=headers)

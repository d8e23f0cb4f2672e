"""Maps errors to HTTP statuses and renders them as problem documents (RFC 9457)."""

from typing import Any

import msgspec
import uuid_utils
from aiohttp import web

from service.http import cors
from service.http.handling import Handler, log_unforeseen
from service.values import errors, request_id
from service.values.errors import Fault, ServiceError

STATUS: dict[type[ServiceError], int] = {
    errors.BadRequest: 400,
    errors.TooLarge: 413,
    errors.TooSlow: 408,
    errors.WrongContentType: 415,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.WrongOrigin: 403,
    errors.Forged: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.RateLimited: 429,
    errors.ModelUnusable: 409,
    errors.QueueFull: 503,
    errors.Overloaded: 503,
    errors.ProviderUnavailable: 503,
    errors.StoreUnavailable: 503,
}

TITLES = {
    400: "Bad request",
    401: "Not authenticated",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    408: "Too slow",
    409: "Conflict",
    413: "Too large",
    415: "Unsupported content type",
    429: "Too many requests",
    500: "Internal error",
    503: "Try again later",
}


# Said where the web framework refuses a request.
_DETAILS = {"not_found": "there is nothing at this path; /docs describes the API, and / names what else there is"}


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """application/problem+json. `code` is stable; `instance` names this one occurrence, also in our log."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    errors: tuple[Fault, ...] = ()
    current: dict[str, Any] | None = None


def problem_of(error: ServiceError) -> Problem:
    code = error.reason if isinstance(error, errors.Conflict) else error.code
    status = STATUS[type(error)]
    faults = error.faults if isinstance(error, errors.BadRequest) else ()
    current = dict(error.current) if isinstance(error, errors.Conflict) else None
    return _problem(code, status, str(error), faults, current)


def rendered(problem: Problem) -> dict[str, Any]:
    """The problem as a dictionary, for use inside a larger answer."""
    shown: dict[str, Any] = msgspec.to_builtins(problem)
    return shown


def response_of(error: ServiceError) -> web.Response:
    headers = {}
    if isinstance(error, errors.Retryable):
        headers["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, errors.Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    return _response(problem_of(error), headers)


def not_http(status: int) -> web.Response:
    """For what never became a request. Quotes nothing of it: it may hold a key."""
    detail = "the request cannot be read as HTTP, or its head is too large"
    return _response(_problem("not_http", status, detail if status < 500 else "the error is ours"), {})  # noqa: PLR2004 - by class


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Render every error of a request."""
    request_id.begin(request.headers.get(request_id.HEADER))
    try:
        return await handler(request)
    except ServiceError as error:
        return response_of(error)
    except web.HTTPException as error:
        if error.status < 400:  # noqa: PLR2004 - a redirect is an answer
            raise
        if isinstance(error, web.HTTPMethodNotAllowed) and (answer := cors.preflight(request, error.allowed_methods)):
            return answer
        code = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}.get(error.status, "http_error")
        allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
        return _response(_problem(code, error.status, _DETAILS.get(code) or error.reason or code), allow)
    except Exception as error:  # noqa: BLE001 - the outermost handler: log_unforeseen logs it
        instance = log_unforeseen(error)
        return _response(
            _problem("internal", 500, "the error is ours; it is in the log under this instance", instance=instance), {}
        )


def _problem(
    code: str,
    status: int,
    detail: str,
    faults: tuple[Fault, ...] = (),
    current: dict[str, Any] | None = None,
    *,
    instance: str | None = None,
) -> Problem:
    return Problem(
        type=f"urn:steward:problem:{code}",
        title=TITLES.get(status, "Error"),
        status=status,
        detail=detail,
        instance=instance or uuid_utils.uuid7().urn,
        code=code,
        errors=faults,
        current=current,
    )


def _response(problem: Problem, headers: dict[str, str]) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(rendered(problem)),
        status=problem.status,
        content_type="application/problem+json",
        headers=headers,
    )

"""Renders errors in OpenAI's envelope, and sets the headers of every answer."""

import time
from collections.abc import Mapping
from typing import Any

import msgspec
import uuid_utils
from aiohttp import web

from service.http.admission import LIMITS, bearer
from service.http.handling import INSTANCE
from service.values import access, errors
from service.values.access import ApiKey
from service.values.errors import Fault, ServiceError


class Refusal(Fault, frozen=True):
    """A fault with OpenAI's code for it."""

    code: str | None = None


class Failure(msgspec.Struct, frozen=True):
    """The SDKs read `type`, `param` and `code`, and choose their exception by the status."""

    message: str
    type: str
    param: str | None = None
    code: str | None = None


INVALID = "invalid_request_error"

_STATUS: dict[type[ServiceError], int] = {
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.TooSlow: 408,
    errors.RateLimited: 429,
    errors.ModelUnusable: 503,
    errors.Retryable: 503,
}
# Never 409, because SDKs retry it as a temporary conflict. Other faults are 400.
_OTHERWISE = 400

KEY = web.RequestKey("openai_key", ApiKey)
STARTED = web.RequestKey("openai_started", float)


def answer(request: web.Request, status: int, body: Any, more: Mapping[str, str] | None = None) -> web.Response:  # noqa: ANN401 - anything that msgspec encodes
    """A response with OpenAI's usual headers."""
    # The id of an internal error in the log is also the request id, so that a report of it identifies the log line.
    known_as = request.get(INSTANCE, "").removeprefix("urn:uuid:") or str(uuid_utils.uuid7())
    elapsed_ms = (time.perf_counter() - request.get(STARTED, time.perf_counter())) * 1000
    headers = {
        "x-request-id": f"req_{known_as.replace('-', '')}",
        "openai-version": "2020-10-01",
        "openai-processing-ms": str(round(elapsed_ms)),
        **_limits(request),
        **(more or {}),
    }
    return web.Response(body=msgspec.json.encode(body), status=status, content_type="application/json", headers=headers)


def failure(request: web.Request, status: int, found: Failure, more: Mapping[str, str] | None = None) -> web.Response:
    return answer(request, status, {"error": found}, more)


def render(request: web.Request, error: ServiceError | None) -> web.Response:
    """Render any error of a handler; None stands for an internal error."""
    if error is None:
        told = Failure("The error is ours; it is in the log under the id of this request.", "server_error")
        return failure(request, 500, told, {"x-should-retry": "false"})
    status = next((_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS), _OTHERWISE)
    again: dict[str, str] = {}
    if status in (429, 503):
        wait_s = error.retry_after_s if isinstance(error, errors.Retryable) else 1
        again = {"Retry-After": str(wait_s), "x-should-retry": "true"}
    return failure(request, status, _described(request, error, status), again)


def _described(request: web.Request, error: ServiceError, status: int) -> Failure:
    if isinstance(error, errors.Unauthenticated):
        return _unauthenticated(bearer(request))
    if isinstance(error, errors.Forbidden):
        return Failure(str(error), INVALID, code="insufficient_permissions")
    if isinstance(error, errors.RateLimited):
        return Failure(f"Rate limit reached: {error}.", "requests", code="rate_limit_exceeded")
    if isinstance(error, errors.BadRequest):
        return _bad(error)
    return Failure(str(error), "server_error" if status >= 500 else INVALID)  # noqa: PLR2004 - as HTTP parts them


def _bad(error: errors.BadRequest) -> Failure:
    fault = error.faults[0] if error.faults else None
    param = fault.pointer.split("/")[1] if fault and fault.pointer else None
    if isinstance(error, errors.TooLarge):  # only `input` can be large
        param = "input"
    return Failure(str(error), INVALID, param, fault.code if isinstance(fault, Refusal) else None)


def _unauthenticated(sent: str) -> Failure:
    if not sent:
        said = "You didn't provide an API key. Send one in the header Authorization: Bearer YOUR_KEY."
        return Failure(said, INVALID)
    return Failure(f"Incorrect API key provided: {_shown(sent)}.", INVALID, code="invalid_api_key")


_FEWEST_TO_SHOW = 20


def _shown(sent: str) -> str:
    """The id of one of our keys. For others the first three characters, such as sk-, which identify no key."""
    masked = access.masked(sent)
    if masked != sent and len(sent) == len("cmk_live_") + 8 + 1 + 43 + 1 + 6:
        return masked
    start = sent[:3] if len(sent) >= _FEWEST_TO_SHOW and sent[:3].isascii() and sent[:3].isprintable() else ""
    return f"{start}***"


def _limits(request: web.Request) -> dict[str, str]:
    """Only for a key with a limit. We count requests, not tokens."""
    key = request.get(KEY)
    standing = None if key is None else request.app[LIMITS].standing(key)
    if standing is None:
        return {}
    return {
        "x-ratelimit-limit-requests": str(standing.most),
        "x-ratelimit-remaining-requests": str(standing.left),
        "x-ratelimit-reset-requests": f"{round(standing.reset_s * 1000)}ms",
    }

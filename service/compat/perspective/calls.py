"""A method call, alone or as part of a batch: reads the request, checks the key, answers."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from aiohttp import web

from service.compat.perspective import protojson
from service.compat.perspective.answers import Reply, good
from service.compat.perspective.errors import BadKey, Blocked, BlockedOrigin, NoKey, PayloadTooLarge, QuotaExceeded
from service.compat.perspective.messages import ProtoMessage
from service.compat.perspective.parameters import check, key_of
from service.http import bodies
from service.http.admission import LIMITS, admitted, held, recognized
from service.values.access import ApiKey, Scope
from service.values.errors import Forbidden, RateLimited, TooLarge, Unauthenticated, WrongOrigin

# A comment is small, but its context may hold an article and many comments of up to a megabyte.
MAX_BYTES = 8 * 1024 * 1024

Asked = TypeVar("Asked", bound=ProtoMessage)


@dataclass(frozen=True, slots=True)
class Method(Generic[Asked]):
    """`name`: of the remote procedure, for error messages."""

    name: str
    scope: Scope
    takes: type[Asked]
    answer: Callable[[web.Application, ApiKey, Asked], Awaitable[dict[str, Any]]]


class MethodCall(NamedTuple):
    """`request`: the HTTP request, which may be a whole batch."""

    request: web.Request
    query: Mapping[str, str]
    headers: Mapping[str, str]
    raw: bytes


async def body_of(request: web.Request) -> bytes:
    """Read a body of any content type. Raises PayloadTooLarge, and the errors of bodies.read."""
    try:
        return await bodies.read(request, None, MAX_BYTES)
    except TooLarge as error:
        raise PayloadTooLarge(MAX_BYTES) from error


async def called(call: MethodCall, method: Method[Any]) -> Reply:
    """Check in Perspective's order: the message, the key, the quota, then the method's checks. Raises ServiceError."""
    check(call.query)
    asked = protojson.read(call.raw, method.takes)
    key = await entered(call, method)
    return good(await method.answer(call.request.app, key, asked), call.query)


async def entered(call: MethodCall, method: Method[Any]) -> ApiKey:
    """The key. Counts the request against its rate."""
    text = key_of(call.query, call.headers)
    try:
        return await admitted(call.request, text, method.scope)
    except Unauthenticated as error:
        raise (BadKey if text else NoKey) from error
    except WrongOrigin as error:
        raise BlockedOrigin(call.request.headers.get("Origin", "")) from error
    except Forbidden as error:
        raise Blocked(method.name) from error
    except RateLimited as error:
        key = await held(call.request, text)
        if key is None:  # the limit of an address, not of a key
            raise
        per_minute = 60 * call.request.app[LIMITS].rate_per_s(key)
        raise QuotaExceeded(key, per_minute, method.name, error.retry_after_s) from error


async def known(request: web.Request, text: str) -> None:
    """Raises NoKey, BadKey, BlockedOrigin and RateLimited; does not count against the key's rate."""
    try:
        await recognized(request, text)
    except Unauthenticated as error:
        raise (BadKey if text else NoKey) from error
    except WrongOrigin as error:
        raise BlockedOrigin(request.headers.get("Origin", "")) from error

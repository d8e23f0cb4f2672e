"""The exceptions that the service raises.

ServiceError
├── BadRequest            the body or a parameter is wrong; says where
│   ├── TooLarge          above a limit of the API
│   ├── TooSlow
│   └── WrongContentType
├── Unauthenticated       no key, or an unknown one
├── Forbidden             the key lacks the scope
│   └── WrongOrigin       the key is limited to other origins
├── Forged                a change requested by a page of another site
├── NotFound              the site has no such thing
├── Conflict              the state has changed meanwhile; carries the current one
├── RateLimited           the limit of a key, or of an address without one
├── ModelUnusable         a model folder cannot be loaded
├── QueueFull             too many comments wait for moderators
├── Overloaded            too many requests in flight
├── ProviderUnavailable   the OpenID provider sends no answer, or one that cannot be read
└── StoreUnavailable      Redis cannot be reached, or is not durable enough
SignInRefused             the OpenID provider does not identify the person
SettingsError             a setting is wrong (never an answer to a request)
TrailUnusable             exported audit files cannot be read or continued (never an answer to a request)
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, ClassVar

from msgspec import Struct


class Fault(Struct, frozen=True):
    """An error in a body. `pointer`: where, as a JSON Pointer (RFC 6901)."""

    pointer: str
    detail: str


class ServiceError(Exception):
    """`code` is public and stable. The message is for people and contains no comment text."""

    code: ClassVar[str] = "internal"


class BadRequest(ServiceError):
    code = "bad_request"

    def __init__(self, detail: str, faults: Sequence[Fault] = ()) -> None:
        super().__init__(detail)
        self.faults = tuple(faults)


class TooLarge(BadRequest):
    code = "too_large"


class TooSlow(BadRequest):
    code = "too_slow"


class WrongContentType(BadRequest):
    code = "wrong_content_type"


class KeyProblem(StrEnum):
    """What a client with a wrong key is told: only what the key itself shows.

    It is not told whether a key never existed, was revoked or has expired, nor which part of it is wrong.
    """

    MISSING = "no API key came with the request: send it as 'Authorization: Bearer <key>'"
    MALFORMED = (
        "what came is not an API key: it may be mistyped or cut off, or 'Bearer' is missing; "
        "send it as 'Authorization: Bearer <key>'"
    )
    UNKNOWN = "this API key is not valid here: it is unknown, was revoked, or has expired"


class Unauthenticated(ServiceError):
    code = "unauthenticated"

    def __init__(self, problem: KeyProblem = KeyProblem.MISSING) -> None:
        super().__init__(problem.value)


class Forbidden(ServiceError):
    code = "forbidden"

    # The documentation names the scope. The answer does not, because the key may be stolen.
    def __init__(self, detail: str = "this API key does not open this: it lacks the scope, which /docs names") -> None:
        super().__init__(detail)


class WrongOrigin(Forbidden):
    code = "wrong_origin"

    def __init__(
        self, detail: str = "this API key is for pages of certain origins, and the header Origin names none of them"
    ) -> None:
        super().__init__(detail)


class Forged(ServiceError):
    """A change that was not sent by a current page of the console."""

    code = "forged"


class NotFound(ServiceError):
    code = "not_found"


class Conflict(ServiceError):
    """The state changed before the request arrived. `reason` becomes the public code."""

    code = "conflict"

    def __init__(self, reason: str, detail: str, current: Mapping[str, Any]) -> None:
        super().__init__(detail)
        self.reason = reason
        self.current = current


class ModelUnusable(ServiceError):
    code = "model_unusable"


class Retryable(ServiceError):
    """Nothing was acknowledged; the client may retry after `retry_after_s` seconds."""

    def __init__(self, detail: str, retry_after_s: int = 1) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class RateLimited(Retryable):
    code = "rate_limited"


class QueueFull(Retryable):
    code = "queue_full"


class Overloaded(Retryable):
    code = "overloaded"


class ProviderUnavailable(Retryable):
    code = "provider_unavailable"


class StoreUnavailable(Retryable):
    code = "store_unavailable"


def without_message(error: BaseException) -> BaseException:
    """The type and traceback of an unexpected error, for the log. Its message may quote a comment."""
    return RuntimeError(type(error).__name__).with_traceback(error.__traceback__)


class SignInRefused(Exception):
    """The OpenID provider's answer does not identify the person."""


class SettingsError(Exception):
    """The message names the environment variable."""


class TrailUnusable(Exception):
    """An exported audit trail cannot be read or continued. The message names the file."""

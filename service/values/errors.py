"""What the service raises on purpose.

ServiceError
├── BadRequest            the body or a parameter is at fault; carries where
│   ├── TooLarge          over a limit of the contract
│   ├── TooSlow
│   └── WrongContentType
├── Unauthenticated       no key, or none that we know
├── Forbidden             the key lacks the scope
│   └── WrongOrigin       the key is for pages of other origins
├── Forged                a change that another site's page asked for
├── NotFound              nothing here for this site
├── Conflict              somebody or something was faster; carries the winning state
├── RateLimited           the limit of a key, or of an address without one
├── ModelUnusable         a model folder that cannot be served
├── QueueFull             too many comments wait for moderators
├── Overloaded            more requests in flight than we promise to answer
├── ProviderUnavailable   the OpenID provider gives no answer, or none that we understand
└── StoreUnavailable      Redis cannot be reached, or is not durable enough
SettingsError             an operator's setting is wrong (never an answer to a request)
TrailUnusable             exported audit files that cannot be read or gone on with (never an answer to a request)
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, ClassVar

from msgspec import Struct


class Fault(Struct, frozen=True):
    """One thing wrong in a body: where (JSON Pointer, RFC 6901) and what."""

    pointer: str
    detail: str


class ServiceError(Exception):
    """An error with a public, stable `code`; the message is for people and holds no comment text."""

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
    """What whoever holds a wrong key may know: nothing that cannot be seen from the key itself, but that it is no use.

    Whether a key never was, was revoked or has expired, and which part of it is wrong, is not told.
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

    # Which scope it would take is in the documentation; a stolen key should not be told.
    def __init__(self, detail: str = "this API key does not open this: it lacks the scope, which /docs names") -> None:
        super().__init__(detail)


class WrongOrigin(Forbidden):
    code = "wrong_origin"

    def __init__(
        self, detail: str = "this API key is for pages of certain origins, and the header Origin names none of them"
    ) -> None:
        super().__init__(detail)


class Forged(ServiceError):
    """A change that did not come from one of our own pages, or from an old one."""

    code = "forged"


class NotFound(ServiceError):
    code = "not_found"


class Conflict(ServiceError):
    """The state had changed before the request came; `reason` becomes the public code."""

    code = "conflict"

    def __init__(self, reason: str, detail: str, current: Mapping[str, Any]) -> None:
        super().__init__(detail)
        self.reason = reason
        self.current = current


class ModelUnusable(ServiceError):
    code = "model_unusable"


class Retryable(ServiceError):
    """Nothing was acknowledged; the caller may try again after `retry_after_s` seconds."""

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
    """For the log: the type and the place of an unforeseen error. Its message may quote what a reader wrote."""
    return RuntimeError(type(error).__name__).with_traceback(error.__traceback__)


class SettingsError(Exception):
    """An operator's setting cannot be used; the message names the variable."""


class TrailUnusable(Exception):
    """An exported audit trail cannot be read or gone on with; the message names the place."""

"""Translates the errors of Redis."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import (
    AskError,
    ClusterDownError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)

from service.values.errors import StoreUnavailable

log = logging.getLogger(__name__)

# "Error running script (call to f_…): @user_script:1: @user_script: 1: -OOM command not allowed …": how Redis 6.2
# wraps the error of a command in a script. Redis 7 returns the error of the command itself.
_WRAPPED = re.compile(r"Error running script .*?: \d+: -([A-Z]+) (.*)", re.DOTALL)
_KINDS: dict[str, type[ResponseError]] = {"OOM": OutOfMemoryError, "READONLY": ReadOnlyError}


class NotDurable(RedisError):
    """The server answers, but could lose acknowledged writes."""


class Unconfirmed(RedisError):
    """The primary has the write, but too few replicas confirmed it in time."""


# The errors of a request that Redis does not answer.
FAILURES = (StoreUnavailable, RedisError, OSError, TimeoutError)


def unavailable(error: BaseException) -> StoreUnavailable:
    """Always a new exception, so that each caller gets its own."""
    if isinstance(error, StoreUnavailable):
        return StoreUnavailable(str(error), error.retry_after_s)
    text = str(error) if isinstance(error, NotDurable) else f"Redis cannot be reached: {type(error).__name__}"
    found = StoreUnavailable(text)
    found.__cause__ = error
    return found


@contextmanager
def translated() -> Iterator[None]:
    try:
        yield
    except FAILURES as error:
        raise unavailable(error) from error


def unwrapped(error: ResponseError) -> ResponseError:
    found = _WRAPPED.match(str(error))
    if found is None:
        return error
    kind, text = found.groups()
    return _KINDS[kind](text) if kind in _KINDS else ResponseError(f"{kind} {text}")


def is_elsewhere(answer: object) -> bool:
    """Not executed; the same call can succeed at another node or a moment later."""
    return isinstance(answer, (AskError, TryAgainError, ClusterDownError))  # MovedError is an AskError


def speaks_of_another_primary(answer: object) -> bool:
    """Whether this server is no longer the primary, or has lost its replicas, perhaps to a new primary."""
    if isinstance(answer, ResponseError):
        return isinstance(answer, ReadOnlyError) or str(answer).startswith("NOREPLICAS")
    return isinstance(answer, Unconfirmed)


def understood(error: RedisError) -> StoreUnavailable:
    """The error for the caller. Errors that only a bug or a misconfiguration can cause are logged."""
    if isinstance(error, OutOfMemoryError):
        return StoreUnavailable("Redis is full", retry_after_s=30)
    for kind, meaning in _REFUSALS.items():
        if isinstance(error, kind) if isinstance(kind, type) else str(error).startswith(kind):
            return StoreUnavailable(meaning)
    log.error("Redis refused a command: %s", error)
    return StoreUnavailable("Redis refused a command")


_REFUSALS: dict[type[RedisError] | str, str] = {
    ReadOnlyError: "Redis has become a replica",
    Unconfirmed: "durability unconfirmed: too few replicas have it yet",
    AskError: "this Redis is a node of a Cluster; STEWARD_REDIS_URL must be redis+cluster://...",  # or MovedError
    ClusterDownError: "the Redis Cluster does not serve this site at the moment",
    "NOREPLICAS": "too few replicas are connected to this Redis for it to accept a write",
    "MISCONF": "Redis cannot write to its disk",
}

"""What Redis answers when it does not do as asked, in our words."""

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
# wraps what a command in a script was answered. Redis 7 answers as if the script were that command.
_WRAPPED = re.compile(r"Error running script .*?: \d+: -([A-Z]+) (.*)", re.DOTALL)
_KINDS: dict[str, type[ResponseError]] = {"OOM": OutOfMemoryError, "READONLY": ReadOnlyError}


class NotDurable(RedisError):
    """The server answers, but would lose what it acknowledges."""


class Unconfirmed(RedisError):
    """Done on the primary; too few replicas said in time that they have it."""


# What asking Redis can end with when it does not answer at all.
FAILURES = (StoreUnavailable, RedisError, OSError, TimeoutError)


def unavailable(error: BaseException) -> StoreUnavailable:
    """Always a new one, so that it can be given to one caller alone."""
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
    """Not done here and now; the same call can succeed at another node or a moment later."""
    return isinstance(answer, (AskError, TryAgainError, ClusterDownError))  # MovedError is an AskError


def speaks_of_another_primary(answer: object) -> bool:
    """Whether this server is no primary any more, or has lost its replicas, perhaps to a new one."""
    if isinstance(answer, ResponseError):
        return isinstance(answer, ReadOnlyError) or str(answer).startswith("NOREPLICAS")
    return isinstance(answer, Unconfirmed)


def understood(error: RedisError) -> StoreUnavailable:
    """For the caller; what only a mistake of ours or of the operator can cause is logged."""
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

"""The id of the current request, which is part of its answer and of its audit entries."""

import re
from contextvars import ContextVar
from random import getrandbits

HEADER = "X-Request-Id"

_SAID = re.compile(r"[0-9A-Za-z][0-9A-Za-z.:-]{0,63}")
_current: ContextVar[str] = ContextVar("request_id", default="")

# Empty outside of a request, as in a command or in upkeep.
current = _current.get


def begin(said: str | None) -> None:
    """Name the request that begins now. `said`: by the client or a proxy; what does not look like an id is ignored."""
    # An id is not secret, and random bytes from the operating system would cost a system call.
    _current.set(said if said is not None and _SAID.fullmatch(said) else f"{getrandbits(64):016x}")

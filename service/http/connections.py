"""Limits the number of open connections, in all and for each address. Refuses more of them at little cost."""

import asyncio
import logging
import resource

import msgspec

from service import metrics
from service.http import problems
from service.http.origin import network_of, parsed
from service.http.written import PROTECTION
from service.settings import Settings, networks
from service.values.errors import Overloaded, RateLimited, Retryable

log = logging.getLogger(__name__)

# File descriptors for everything except clients: Redis, files, webhooks.
RESERVED = 256
# Seconds for a refused client to read the answer. MAX_REFUSED clients get one at a time; others are disconnected.
REFUSAL_TIMEOUT_S = 1.0
MAX_REFUSED = 256


class Connections:
    """The open connections of one process."""

    def __init__(self, settings: Settings) -> None:
        self.most = _allowed_by_system(settings.max_connections)
        self._most_of_address = settings.max_connections_per_address
        self._proxies = settings.trusted_proxies
        self._all = 0
        self._of: dict[str, int] = {}
        self._refused = 0

    def enter(self, transport: asyncio.Transport) -> str | None:
        """Count a new connection. Returns the name to pass to `leave`, or None if the connection was refused."""
        name = self._name(transport)
        count = self._of.get(name, 0)
        if self._all >= self.most:
            self._refuse(transport, "all", Overloaded("too many connections are open"))
            return None
        if name and count >= self._most_of_address:
            self._refuse(transport, "address", RateLimited("too many connections are open from this address"))
            return None
        self._all += 1
        self._of[name] = count + 1
        return name

    def leave(self, name: str) -> None:
        self._all -= 1
        left = self._of.pop(name) - 1
        if left:
            self._of[name] = left

    def _name(self, transport: asyncio.Transport) -> str:
        """The client's network. Empty for a trusted proxy, which carries many clients, and if there is no address."""
        peer = transport.get_extra_info("peername")
        address = parsed(str(peer[0]).partition("%")[0]) if isinstance(peer, tuple) else None
        if address is None or any(address in network for network in networks(self._proxies)):
            return ""
        return network_of(str(address))

    def _refuse(self, transport: asyncio.Transport, why: str, error: Retryable) -> None:
        metrics.REFUSED_CONNECTIONS.labels(why).inc()
        if self._refused >= MAX_REFUSED:
            transport.abort()
            return
        self._refused += 1
        transport.set_protocol(_Refused(self, transport))
        transport.write(_answer(error))
        if transport.can_write_eof():
            transport.write_eof()

    def forget_refused(self) -> None:
        self._refused -= 1


class _Refused(asyncio.Protocol):
    """Reads and ignores input for REFUSAL_TIMEOUT_S; closing at once could lose the answer."""

    def __init__(self, connections: Connections, transport: asyncio.Transport) -> None:
        self._connections = connections
        self._end = asyncio.get_running_loop().call_later(REFUSAL_TIMEOUT_S, transport.abort)

    def connection_lost(self, _: Exception | None) -> None:
        self._end.cancel()
        self._connections.forget_refused()


def _answer(error: Retryable) -> bytes:
    problem = problems.problem_of(error)
    body = msgspec.json.encode(problems.rendered(problem))
    headers = {
        "Content-Type": "application/problem+json",
        "Content-Length": str(len(body)),
        "Retry-After": str(error.retry_after_s),
        "Connection": "close",
        **PROTECTION,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {problem.status} {problem.title}\r\n{lines}\r\n".encode() + body


def _allowed_by_system(wanted: int) -> int:
    """`wanted`, or as many connections as the limit on open files allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + RESERVED
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return wanted
    fit = max(1, soft - RESERVED)
    log.warning("the limit of %d open files allows %d connections instead of %d", soft, fit, wanted)
    return fit

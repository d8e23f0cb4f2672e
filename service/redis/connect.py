"""Connections to Redis, and checks of its durability."""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from redis.asyncio import Redis, Sentinel
from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError

from service.redis.address import Address
from service.redis.replies import NotDurable, translated, unwrapped
from service.redis.wire import Wire
from service.values.errors import SettingsError

log = logging.getLogger(__name__)

OLDEST = (6, 2)
# From this version on the first line of a script declares its flags (`#!lua flags=...`).
FLAGGED_SCRIPTS = (7, 0)

# Weakest first: a Cluster is as durable as its weakest node.
_MODES = ("cache", "unknown", "standard", "strict", "replicated")
_CONFIGURATION = ("maxmemory-policy", "appendonly", "appendfsync", "min-replicas-to-write")


class Durability:
    """How durable the servers' writes are, as last seen (review-queue.md, 12).

    `replicated` needs a strict server that refuses writes without a replica, and `wait_replicas` above 0, so that
    writes are acknowledged only after so many replicas have them.
    """

    def __init__(self, *, accept_loss: bool, wait_replicas: int = 0) -> None:
        self._accept_loss = accept_loss
        self._wait_replicas = wait_replicas
        self._modes: dict[str, str] = {}

    @property
    def mode(self) -> str:
        """replicated, strict, standard, cache or unknown."""
        return min(self._modes.values(), key=_MODES.index, default="unknown")

    def keep_only(self, servers: Iterable[str]) -> None:
        """Forget all other servers."""
        self._modes = {server: self._modes[server] for server in servers if server in self._modes}

    def examine(self, version: str, role: str, config: Mapping[str, str] | None, server: str = "") -> None:
        """Raises NotDurable if comments must not be acknowledged on this server."""
        self._modes[server] = "unknown"
        if version_tuple(version) < OLDEST:
            raise NotDurable(f"Redis {version} is too old; at least 6.2 is needed")
        if role != "master":
            raise NotDurable("this Redis is a replica; only its primary can record comments")
        if config is None:
            log.warning("Redis does not show its configuration, so its durability is unknown")
            return
        policy = config["maxmemory-policy"]
        if policy != "noeviction":
            raise NotDurable(f"Redis has maxmemory-policy {policy}; it must be noeviction, or comments are evicted")
        self._modes[server] = self._promised(config)
        if self._modes[server] == "cache" and not self._accept_loss:
            raise NotDurable("Redis has appendonly off: acknowledged comments would be lost with it")

    def _promised(self, config: Mapping[str, str]) -> str:
        if config["appendonly"] != "yes":
            return "cache"
        if config["appendfsync"] != "always":
            return "standard"
        return "replicated" if self._wait_replicas and int(config["min-replicas-to-write"]) else "strict"


class _Peer(NamedTuple):
    """The server at the other end of a connection."""

    place: tuple[str, int]
    takes_flags: bool


class Link:
    """Connections to one server, or to the primary named by the Sentinels. Each is checked before use."""

    def __init__(self, address: Address, durability: Durability, timeout_s: float, server: str = "") -> None:
        self._durability = durability
        self._server = server
        self.place = address.place
        self._peers: WeakKeyDictionary[AbstractConnection, _Peer] = WeakKeyDictionary()
        self._sentinel: Sentinel | None = None
        options = {
            **address.options,
            **fixed_options(timeout_s),
            "redis_connect_func": self._examine,
        }
        try:
            if address.kind == "sentinel":
                self._sentinel = _sentinel(address, timeout_s)
                self.redis: Redis = self._sentinel.master_for(address.service, **options)
            else:
                self.redis = Redis.from_pool(ConnectionPool(**options))
            self.redis.connection_pool.make_connection()  # type: ignore[no-untyped-call] # connects nowhere
        except TypeError as error:
            raise SettingsError("STEWARD_REDIS_URL has an option that redis-py does not know") from error
        self.redis.response_callbacks.clear()

    async def wire(self) -> Wire:
        """A new connection outside the pool. Raises redis-py's errors, and NotDurable."""
        connection = self.redis.connection_pool.make_connection()  # type: ignore[no-untyped-call]
        try:
            await connection.connect()
        except BaseException:  # including a timeout, which would leave it half open
            await connection.disconnect(nowait=True)
            raise
        return Wire(connection, takes_flags=self._peers[connection].takes_flags)

    async def leave(self) -> None:
        """Close the pool's connections, so that the next one finds the current primary.

        Subscriptions at the old server would receive no messages.
        """
        await self._cut()

    async def ping(self, timeout_s: float) -> None:
        """Raises StoreUnavailable with the reason if no comment could be recorded now."""
        with translated():
            async with asyncio.timeout(timeout_s):
                await self.redis.ping()

    async def close(self) -> None:
        await self._cut()
        await self.redis.aclose()
        if self._sentinel is not None:
            await self._sentinel.aclose()

    async def _cut(self) -> None:
        """Close all connections without a wait.

        The pool closes each in a task and waits until the server has answered: over TLS one that hangs answers never.
        If the caller is cancelled meanwhile, tasks that have not begun close nothing.
        """
        for connection in tuple(self._peers):
            await connection.disconnect(nowait=True)

    async def _examine(self, connection: AbstractConnection) -> None:
        await connection.on_connect()
        asked = [("INFO", "server"), ("INFO", "replication"), *(("CONFIG", "GET", name) for name in _CONFIGURATION)]
        server, replication, *config = await _ask(connection, asked)
        version, role = _field(server, "redis_version"), _field(replication, "role")
        refused = any(
            isinstance(each, ResponseError) for each in config
        )  # the user or the provider may not allow CONFIG
        found = None if refused else {name.decode(): value.decode() for name, value in config}
        self._durability.examine(version, role, found, self._server)
        place = (getattr(connection, "host", ""), getattr(connection, "port", 0))
        self._peers[connection] = _Peer(place, version_tuple(version) >= FLAGGED_SCRIPTS)
        for other, peer in tuple(self._peers.items()):
            if peer.place != place:  # a replaced primary, which publishes no more messages
                await other.disconnect(nowait=True)


def fixed_options(timeout_s: float) -> dict[str, Any]:
    """Options that the URL cannot change: no retries, and raw replies (RESP2, bytes)."""
    return {
        "protocol": 2,
        "decode_responses": False,
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "retry": Retry(NoBackoff(), 0),
    }


def version_tuple(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])


def _sentinel(address: Address, timeout_s: float) -> Sentinel:
    # Sentinels are asked in turn, then the server, so one that hangs must leave time for the others.
    share_s = timeout_s / (len(address.nodes) + 1)
    options = {**address.sentinel_options, **fixed_options(share_s), "decode_responses": True}
    return Sentinel(address.nodes, sentinel_kwargs=options)  # type: ignore[no-untyped-call]


async def _ask(connection: AbstractConnection, commands: Iterable[tuple[str, ...]]) -> list[Any]:
    """Send all commands in one round trip. Errors are returned as replies."""
    commands = tuple(commands)
    for command in commands:
        await connection.send_command(*command)
    return [await reply(connection) for _ in commands]


async def reply(connection: AbstractConnection, timeout_s: float | None = None) -> Any:  # noqa: ANN401 - what Redis answers
    """The reply of Redis, which may be an error; `timeout_s` None: the connection's own timeout."""
    try:
        return await connection.read_response(timeout=timeout_s)
    except ResponseError as error:
        return unwrapped(error)


def _field(info: bytes | ResponseError, name: str) -> str:
    if isinstance(info, ResponseError):
        raise info
    return next(line.partition(":")[2] for line in info.decode().splitlines() if line.startswith(f"{name}:"))

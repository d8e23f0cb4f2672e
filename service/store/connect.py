"""The connection to Redis, and whether what it acknowledges is kept."""

import asyncio
import logging
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError

from service.store.pipe import NotDurable, translated

log = logging.getLogger(__name__)

OLDEST = (6, 2)


class Durability:
    """What the server promises, as last seen: `mode` is strict, standard, cache or unknown (review-queue.md, 12)."""

    def __init__(self, *, accept_loss: bool) -> None:
        self._accept_loss = accept_loss
        self.mode = "unknown"

    def examine(self, version: str, config: dict[str, str] | None) -> None:
        """Raises NotDurable when comments must not be acknowledged on this server."""
        self.mode = "unknown"
        if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
            raise NotDurable(f"Redis {version} is too old; at least 6.2 is needed")
        if config is None:
            log.warning("Redis does not show its configuration; whether it keeps what it acknowledges is unknown")
            return
        policy = config["maxmemory-policy"]
        if policy != "noeviction":
            raise NotDurable(f"Redis has maxmemory-policy {policy}; it must be noeviction, or comments are evicted")
        if config["appendonly"] == "yes":
            self.mode = "strict" if config["appendfsync"] == "always" else "standard"
            return
        self.mode = "cache"
        if not self._accept_loss:
            raise NotDurable("Redis has appendonly off: acknowledged comments would be lost with it")


def connect(url: str, durability: Durability, timeout_s: float) -> "Redis":
    """A client that examines the server anew on every connection and never retries by itself.

    Replies come as Redis sends them (RESP2, bytes): each caller knows its own.
    """

    async def examine(connection: AbstractConnection) -> None:
        await connection.on_connect()
        info = await _ask(connection, "INFO", "server")
        version = next(line[14:] for line in info.decode().splitlines() if line.startswith("redis_version:"))
        durability.examine(version, await _configuration(connection))

    client: Redis = Redis.from_url(
        url,
        protocol=2,
        socket_connect_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0),
        redis_connect_func=examine,
    )
    client.response_callbacks.clear()
    return client


async def _configuration(connection: AbstractConnection) -> dict[str, str] | None:
    found: dict[str, str] = {}
    for name in ("maxmemory-policy", "appendonly", "appendfsync"):
        try:
            _, value = await _ask(connection, "CONFIG", "GET", name)
        except ResponseError:  # a user or a provider without CONFIG
            return None
        found[name] = value.decode()
    return found


async def _ask(connection: AbstractConnection, *command: str) -> Any:  # noqa: ANN401 - what Redis answers
    await connection.send_command(*command)
    return await connection.read_response()


async def ping(redis: "Redis", timeout_s: float) -> None:
    """Raises StoreUnavailable, with the reason, when a comment could not be recorded now."""
    with translated():
        async with asyncio.timeout(timeout_s):
            await redis.ping()

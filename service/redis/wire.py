"""Sends commands and reads replies directly on a connection that redis-py has opened.

redis-py uses its pool, locks, streams and timers for every pipeline, which costs much processor time. At half of a
process's maximum load only a few comments share the cost of a pipeline (ADR 5).
"""

import asyncio
from typing import Any, cast

import hiredis
from redis.asyncio.connection import AbstractConnection, DefaultParser
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from service.redis.replies import unwrapped

_NOT_ENOUGH_DATA = object()


class Wire(asyncio.Protocol):
    """Handles one request at a time. A failure closes the connection, or late replies would answer the next request."""

    def __init__(self, connection: AbstractConnection, *, takes_flags: bool) -> None:
        """`connection`: newly opened and unused; from now on only this object uses it.

        `takes_flags`: whether the server reads flags from the first line of a script.
        """
        self.takes_flags = takes_flags
        self._connection = connection
        transport = connection._writer.transport  # type: ignore[union-attr] # noqa: SLF001 - ADR 27: no public access
        self._reader = hiredis.Reader(
            protocolError=InvalidResponse,
            replyError=DefaultParser.parse_error,  # creates redis-py's exceptions
            notEnoughData=_NOT_ENOUGH_DATA,
        )
        self._transport = cast("asyncio.WriteTransport", transport)
        self._streams = cast("asyncio.Protocol", transport.get_protocol())
        self._loop = asyncio.get_running_loop()
        self._replies: list[Any] = []
        self._awaited = 0
        self._answer: asyncio.Future[list[Any]] | None = None
        transport.set_protocol(self)

    @property
    def is_open(self) -> bool:
        return not self._transport.is_closing()

    async def ask(self, commands: bytes, replies: int, deadline: float) -> list[Any]:
        """The given number of replies, which may be errors.

        `deadline`: by the loop's clock. Raises redis-py's ConnectionError and TimeoutError.
        """
        self._replies, self._awaited = [], replies
        answer: asyncio.Future[list[Any]] = self._loop.create_future()
        self._answer = answer
        timer = self._loop.call_at(deadline, self._expire)
        self._transport.write(commands)
        try:
            return await answer
        except BaseException:
            self._transport.abort()
            raise
        finally:
            timer.cancel()
            self._answer = None

    def data_received(self, data: bytes) -> None:
        reader, replies = self._reader, self._replies
        reader.feed(data)
        while (reply := reader.gets()) is not _NOT_ENOUGH_DATA:
            if isinstance(reply, RedisConnectionError):  # such as "LOADING": the server is not ready
                self._fail(reply)
                return
            replies.append(unwrapped(reply) if isinstance(reply, ResponseError) else reply)
        if self._answer is None or len(replies) > self._awaited:
            self._fail(RedisConnectionError("Redis sent more replies than expected"))
            self._transport.abort()
        elif len(replies) == self._awaited and not self._answer.done():
            self._answer.set_result(replies)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or RedisConnectionError("Connection closed by server."))
        self._streams.connection_lost(exc)  # for callers that wait until redis-py's stream is closed

    def _expire(self) -> None:
        self._fail(RedisTimeoutError("Timeout reading from the server"))

    def _fail(self, error: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)

    async def close(self) -> None:
        self._transport.abort()
        await self._connection.disconnect(nowait=True)

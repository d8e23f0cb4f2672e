"""Group commit: what concurrent requests ask of Redis travels in one pipeline, while the next one fills.

With `appendfsync always` Redis answers a whole pipeline after one fsync, so many comments share its cost.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import hiredis
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import NoScriptError, OutOfMemoryError, RedisError, ResponseError

from service.errors import Overloaded, StoreUnavailable
from service.store.scripts import Script

log = logging.getLogger(__name__)


class NotDurable(RedisError):
    """The server answers, but would lose what it acknowledges."""


Argument = str | bytes | int | float
MOST_IN_ONE_PIPELINE = 256


class _Call(NamedTuple):
    command: tuple[Argument, ...]
    script: Script | None
    answer: "asyncio.Future[Any]"


class Pipe:
    """One pipeline in flight at a time, in the order in which the calls came."""

    def __init__(self, redis: "Redis", timeout_s: float, max_pending: int) -> None:
        self._redis = redis
        self._timeout_s = timeout_s
        self._max_pending = max_pending
        self._waiting: deque[_Call] = deque()
        self._running: asyncio.Task[None] | None = None

    async def call(self, *command: Argument) -> Any:  # noqa: ANN401 - what Redis answers
        return await self._enqueue(command, None)

    async def run(self, script: Script, keys: Sequence[str], *args: Argument) -> Any:  # noqa: ANN401
        """Run a script; its answer as Redis gives it.

        A caller that is cancelled leaves its call in the pipe: the write may still happen and nobody else's
        answer is disturbed. Raises StoreUnavailable or Overloaded.
        """
        return await self._enqueue(("EVALSHA", script.sha, len(keys), *keys, *args), script)

    def _enqueue(self, command: tuple[Argument, ...], script: Script | None) -> "asyncio.Future[Any]":
        if len(self._waiting) >= self._max_pending:
            raise Overloaded("too many writes wait for Redis")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        self._waiting.append(_Call(command, script, answer))
        if self._running is None:
            self._running = loop.create_task(self._drain())
        return answer

    async def _drain(self) -> None:
        try:
            while self._waiting:
                size = min(len(self._waiting), MOST_IN_ONE_PIPELINE)
                await self._commit([self._waiting.popleft() for _ in range(size)])
        finally:
            self._running = None
            # Only a bug or the end of the process leaves calls behind; nobody may wait forever for it.
            for call in self._waiting:
                call.answer.cancel()
            self._waiting.clear()

    async def _commit(self, calls: list[_Call]) -> None:
        answers: list[Any] = []
        try:
            with translated():
                async with asyncio.timeout(self._timeout_s):
                    answers = await self._send([call.command for call in calls])
                    await self._load_missing(calls, answers)
        except StoreUnavailable as error:
            # Who waits behind them would find the same, a deadline later each: nothing of theirs was sent.
            calls += self._waiting
            self._waiting.clear()
            answers = [error] * len(calls)
        finally:
            for call in calls[len(answers) :]:
                call.answer.cancel()
        for call, answer in zip(calls, answers, strict=True):
            if call.answer.done():  # its request was cancelled meanwhile
                continue
            if isinstance(answer, Exception):
                call.answer.set_exception(_understood(answer))
            else:
                call.answer.set_result(answer)

    async def _send(self, commands: Sequence[tuple[Argument, ...]]) -> list[Any]:
        """All commands in one write, then all replies; an error of one is its reply.

        redis-py's own pipeline packs in Python and does much beside, which costs more than scoring the comment.
        """
        pool = self._redis.connection_pool
        connection = await pool.get_connection()  # type: ignore[no-untyped-call]
        try:
            packed = [hiredis.pack_command(command) for command in commands]  # type: ignore[arg-type] # of any length
            await connection.send_packed_command(packed)
            return [await _reply(connection) for _ in commands]
        except BaseException:
            # Replies that nobody read would be taken for those of the next commands.
            await connection.disconnect(nowait=True)
            raise
        finally:
            await pool.release(connection)

    async def _load_missing(self, calls: list[_Call], answers: list[Any]) -> None:
        """The script cache is empty after a restart of Redis: send the source where the digest was unknown."""
        missing = [index for index, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if not missing:
            return
        commands = [("EVAL", _source(calls[index]), *calls[index].command[2:]) for index in missing]
        for index, answer in zip(missing, await self._send(commands), strict=True):
            answers[index] = answer

    async def close(self) -> None:
        """Let what is in the pipe finish."""
        while self._running is not None:
            await asyncio.wait([self._running])


async def _reply(connection: AbstractConnection) -> Any:  # noqa: ANN401 - what Redis answers
    try:
        return await connection.read_response()
    except ResponseError as error:
        return error


def _source(call: _Call) -> str:
    assert call.script is not None, "only scripts can be missing"  # noqa: S101 - for the type checker
    return call.script.source


@contextmanager
def translated() -> Iterator[None]:
    try:
        yield
    except NotDurable as error:
        raise StoreUnavailable(str(error)) from error
    except (RedisError, OSError, TimeoutError) as error:
        raise StoreUnavailable(f"Redis cannot be reached: {type(error).__name__}") from error


def _understood(error: Exception) -> Exception:
    if isinstance(error, OutOfMemoryError):
        return StoreUnavailable("Redis is full", retry_after_s=30)
    if isinstance(error, ResponseError):
        log.error("Redis refused a command: %s", error)
        return StoreUnavailable("Redis refused a command")
    if isinstance(error, (RedisError, OSError)):
        return StoreUnavailable(f"Redis cannot be reached: {type(error).__name__}")
    return error

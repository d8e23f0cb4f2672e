"""Group commit: the calls of concurrent requests are sent in one pipeline, while the next one fills.

With `appendfsync always` Redis answers a whole pipeline after one fsync, so many comments share its cost.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Iterable, Sequence
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import hiredis
from redis.asyncio import Redis
from redis.commands import READ_COMMANDS
from redis.exceptions import NoScriptError, RedisError

from service import tracing
from service.background import log_failure
from service.redis.connect import Link
from service.redis.contact import Contact
from service.redis.replies import (
    FAILURES,
    Unconfirmed,
    is_elsewhere,
    speaks_of_another_primary,
    unavailable,
    understood,
)
from service.redis.scripts import Flags, Script, made
from service.redis.wire import Wire
from service.values import request_id
from service.values.errors import BadRequest, Overloaded, StoreUnavailable

Argument = str | bytes | int | float
MOST_IN_ONE_PIPELINE = 256


class Pipe(Protocol):
    """A connection to Redis: to one server, to the primary that the Sentinels name, or to a Cluster."""

    async def call(self, *command: Argument) -> Any:  # noqa: ANN401 - what Redis answers
        """Raises StoreUnavailable, Overloaded, and BadRequest for an argument that cannot be encoded."""

    def run(self, script: Script, keys: Sequence[str], *args: Argument) -> Awaitable[Any]:
        """Run a script and return its raw reply. All keys must be in one slot.

        The id of the current request is added as the last argument (prelude.lua).

        If the caller is cancelled, its call stays in the pipeline: the write may still happen, and other calls are not
        affected. Raises as `call` does.
        """

    async def check(self) -> None:
        """Raises StoreUnavailable, with the reason, when a comment could not be recorded now."""

    async def subscriber(self) -> "Redis":
        """A client for subscriptions to everything published. Get a new one after a failure."""

    async def close(self) -> None:
        """Finish the calls in the pipeline, then close the connections. Later calls raise StoreUnavailable."""


async def traced(answer: Awaitable[Any], name: str) -> Any:  # noqa: ANN401 - what Redis answers
    """The answer; the time until it comes is a part of the current request. `name`: of the command or the script."""
    if tracing.active is None:
        return await answer
    with tracing.active.step(f"redis {name}", {"db.system.name": "redis", "db.operation.name": name}):
        return await answer


class PendingCall(NamedTuple):
    """A script's command begins with its number of keys. `asking`: the node is just importing the slot.

    `packed`: the encoded command; `flagged`: for a server that reads the flags in the first line of a script.
    """

    command: tuple[Argument, ...]
    script: Script | None
    answer: "asyncio.Future[Any]"
    packed: bytes
    flagged: bool
    asking: bool = False

    @property
    def only_reads(self) -> bool:
        return self.script.flags is Flags.READS if self.script else str(self.command[0]).upper() in _READS


class ServerPipe:
    """Sends one pipeline at a time, with the calls in their order."""

    def __init__(self, link: Link, timeout_s: float, max_pending: int, wait_replicas: int = 0) -> None:
        self._link = link
        self._timeout_s = timeout_s
        self._max_pending = max_pending
        self._wait = _Wait(wait_replicas, timeout_s)
        self._waiting: deque[PendingCall] = deque()
        self._running: asyncio.Task[None] | None = None
        self._is_closed = False
        self._wire: Wire | None = None
        self._contact = Contact(link.place)
        # Whether the last server seen reads script flags. Calls are packed for it before they are sent.
        self._flagged = False

    async def call(self, *command: Argument) -> Any:  # noqa: ANN401 - what Redis answers
        return await traced(self._answered(command, None), str(command[0]))

    def run(self, script: Script, keys: Sequence[str], *args: Argument) -> Awaitable[Any]:
        answer = self._answered((len(keys), *keys, *args, request_id.current()), script)
        return answer if tracing.active is None else traced(answer, script.name)

    async def _answered(self, command: tuple[Argument, ...], script: Script | None) -> Any:  # noqa: ANN401 - what Redis answers
        try:
            return await self.enqueue(command, script)
        except RedisError as error:
            raise understood(error) from error

    def enqueue(
        self, command: tuple[Argument, ...], script: Script | None, *, asking: bool = False
    ) -> "asyncio.Future[Any]":
        """The future reply: that of Redis, which may be an error, or StoreUnavailable.

        The command is packed here, so that an argument that cannot be encoded fails only its own caller.
        """
        if self._is_closed:  # a connection opened now would stay open
            raise StoreUnavailable("the connection to Redis is closed")
        if len(self._waiting) >= self._max_pending:
            raise Overloaded("too many writes wait for Redis")
        flagged = self._flagged
        packed = _packed(command, script, flagged=flagged)
        answer: asyncio.Future[Any] = self._loop.create_future()
        self._waiting.append(PendingCall(command, script, answer, packed, flagged, asking))
        if self._running is None:
            self._running = self._loop.create_task(self._drain())
        return answer

    @cached_property
    def _loop(self) -> asyncio.AbstractEventLoop:
        """Cached, because before Python 3.12 each call makes a system call, which is visible in a profile."""
        return asyncio.get_running_loop()

    async def _drain(self) -> None:
        try:
            while self._waiting:
                size = min(len(self._waiting), MOST_IN_ONE_PIPELINE)
                await self._commit([self._waiting.popleft() for _ in range(size)])
        finally:
            self._running = None
            # Calls remain only after an unexpected cancellation. They fail, so that no caller waits forever.
            left, self._waiting = self._waiting, deque()
            _fail(left, None)

    async def _commit(self, calls: list[PendingCall]) -> None:
        """Answer every call in any case, with the reply of Redis or StoreUnavailable, never with a cancellation."""
        try:
            answers = await self._committed(calls, self._loop.time() + self._timeout_s)
        except Exception as error:  # noqa: BLE001 - a bug must not leave all callers without an answer
            if isinstance(error, FAILURES):
                self._contact.lost(error)
            else:
                log_failure("pipe", error)
            # Waiting calls would fail too, each after another timeout. They were not sent, so they fail now.
            calls += self._waiting
            self._waiting.clear()
            _fail(calls, error)
        except BaseException:
            _fail(calls, None)
            raise
        else:
            self._contact.found()
            _give(calls, answers)

    async def _committed(self, calls: Sequence[PendingCall], deadline: float) -> list[Any]:
        """The reply to each call, which may be an error.

        After a restart of Redis its script cache is empty. Then calls are repeated with the source of the script.
        """
        answers = await self._send(calls, deadline, load=False)
        missing = [index for index, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if missing:
            loaded = await self._send([calls[index] for index in missing], deadline, load=True)
            for index, answer in zip(missing, loaded, strict=True):
                answers[index] = answer
        return answers

    async def _send(self, calls: Sequence[PendingCall], deadline: float, *, load: bool) -> list[Any]:
        """Send all commands in one write, then read all replies. An error is the reply of its command."""
        wire = self._wire if self._wire and self._wire.is_open else await self._connected(deadline)
        flagged = self._flagged = wire.takes_flags
        wait = self._wait.commands(calls, flagged)
        packed = [part for each in calls for part in _parts(each, flagged, load)]
        asked = len(packed)
        packed += map(_pack, wait)
        replies = await wire.ask(b"".join(packed), len(packed), deadline)
        answers = _answers(calls, replies[:asked])
        if wait and not self._wait.is_confirmed(replies[asked:], flagged):
            answers = [_unconfirmed(*pair) for pair in zip(calls, answers, strict=True)]
        if any(map(speaks_of_another_primary, answers)):
            await wire.close()
            await self._link.leave()
        return answers

    async def _connected(self, deadline: float) -> Wire:
        if self._wire is not None:
            await self._wire.close()
        async with asyncio.timeout_at(deadline):
            self._wire = await self._link.wire()
        return self._wire

    async def check(self) -> None:
        await self._link.ping(self._timeout_s)

    async def subscriber(self) -> "Redis":
        return self._link.redis

    async def close(self) -> None:
        self._is_closed = True
        while self._running is not None:
            await asyncio.wait([self._running])
        if self._wire is not None:
            await self._wire.close()
        await self._link.close()


class _Wait:
    """Waits until enough replicas have the writes of a pipeline."""

    def __init__(self, replicas: int, timeout_s: float) -> None:
        self._replicas = replicas
        # WAIT must return before the pipeline times out.
        self._timeout_ms = max(1, int(timeout_s * 1000 * 2 / 3))

    def commands(self, calls: Sequence[PendingCall], flagged: bool) -> list[tuple[Argument, ...]]:
        """WAIT covers the writes of this connection, but a call repeated after a lost reply writes nothing.

        So a mark is written to each slot, which makes WAIT cover everything before it.
        """
        writes = {_tag(call) for call in calls if not call.only_reads} if self._replicas else set()
        if not writes:
            return []
        mark = _MARK.source(flagged=flagged).text
        return [*(("EVAL", mark, 1, f"cm:{tag}:mark") for tag in writes), ("WAIT", self._replicas, self._timeout_ms)]

    def is_confirmed(self, answers: list[Any], flagged: bool) -> bool:
        *marks, reached = answers
        if isinstance(reached, Exception) or reached < self._replicas:
            return False
        # A mark that fails with a redirection belongs to a slot that moved, as did its calls. A full Redis before
        # version 7 refuses the mark, but there WAIT covers the writes of all connections.
        return not flagged or all(not isinstance(mark, Exception) or is_elsewhere(mark) for mark in marks)


_MARK = made("mark", "redis.call('SET', KEYS[1], '', 'PX', 1000)", Flags.DRAINS)
_READS = READ_COMMANDS | {"PING", "ECHO", "TIME", "INFO"}


def _tag(call: PendingCall) -> str:
    key = str(call.command[1])  # for a script too, whose first argument is the number of keys
    return key[key.find("{") : key.find("}") + 1]


def _parts(call: PendingCall, flagged: bool, load: bool) -> list[bytes]:
    packed = call.packed
    if call.script is not None and (load or call.flagged is not flagged):
        packed = _packed(call.command, call.script, flagged=flagged, load=load)
    return [_ASKING, packed] if call.asking else [packed]


def _packed(command: tuple[Argument, ...], script: Script | None, *, flagged: bool, load: bool = False) -> bytes:
    """Raises BadRequest for a lone surrogate, which cannot be encoded."""
    if script is not None:
        source = script.source(flagged=flagged)
        command = ("EVAL", source.text, *command) if load else ("EVALSHA", source.sha, *command)
    try:
        return _pack(command)
    except UnicodeEncodeError as error:
        raise BadRequest("a value contains a lone surrogate, which is not valid text") from error


def _pack(command: tuple[Argument, ...]) -> bytes:
    # hiredis accepts commands of any length, although its types do not say so.
    packed: bytes = hiredis.pack_command(command)  # type: ignore[arg-type]
    return packed


_ASKING = _pack(("ASKING",))


def _give(calls: Sequence[PendingCall], answers: Sequence[Any]) -> None:
    for call, answer in zip(calls, answers, strict=True):
        if call.answer.done():  # its request was cancelled meanwhile
            continue
        if isinstance(answer, Exception):
            call.answer.set_exception(answer)
        else:
            call.answer.set_result(answer)


def _fail(calls: Iterable[PendingCall], error: Exception | None) -> None:
    """Each caller gets its own exception: a shared one would collect the tracebacks of all, and two tasks could raise
    it at the same time.
    """
    for call in calls:
        if not call.answer.done():
            failed = unavailable(error) if error else StoreUnavailable("the call to Redis was cut short")
            call.answer.set_exception(failed)


def _answers(calls: Sequence[PendingCall], replies: list[Any]) -> list[Any]:
    """One reply for each call, without the replies to ASKING."""
    if len(replies) == len(calls):
        return replies
    heard = iter(replies)
    return [(next(heard) if call.asking else None, next(heard))[1] for call in calls]


def _unconfirmed(call: PendingCall, answer: Any) -> Any:  # noqa: ANN401 - what Redis answers
    return answer if call.only_reads or isinstance(answer, Exception) else Unconfirmed()

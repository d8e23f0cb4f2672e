"""Connections are held up to a number, in all and of one address; who opens more is told so, and others go on."""

import asyncio
import contextlib
import resource
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
import pytest

from service.http import connections
from service.http.connections import RESERVED, Connections
from service.process.serving import bound, serving
from service.settings import Settings

LIVE = b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"
Open = Callable[..., Awaitable["Line"]]


class Line:
    """A connection from an address of the loopback; there are many."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self) -> bytes:
        """The head of the answer."""
        with contextlib.suppress(ConnectionError):
            self.writer.write(LIVE)
            await self.writer.drain()
        async with asyncio.timeout(60):
            head = await self.reader.readuntil(b"\r\n\r\n")
        if b"200 OK" in head:
            await self.reader.readexactly(len(b'{"status":"ok"}'))
        return head

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


@contextlib.asynccontextmanager
async def listening(settings: Settings) -> AsyncIterator[Open]:
    socket = bound("127.0.0.1", 0, shared=False)
    opened: list[Line] = []

    async def connect(address: str = "127.0.0.1") -> Line:
        port = socket.getsockname()[1]
        line = Line(*await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0)))
        opened.append(line)
        return line

    async with serving(settings, socket):
        yield connect
        for line in opened:
            await line.close()


@pytest.fixture
async def small(settings: Settings) -> AsyncIterator[Open]:
    """Six in all, three of an address."""
    asked = msgspec.structs.replace(settings, max_connections=6, max_connections_per_address=3)
    async with listening(asked) as connect:
        yield connect


async def answered(connect: Open, address: str, count: int) -> list[Line]:
    """So many connections that hold, each after its first answer."""
    lines = [await connect(address) for _ in range(count)]
    for line in lines:
        assert (await line.ask()).startswith(b"HTTP/1.1 200")
    return lines


async def holds_again(connect: Open, address: str) -> Line:
    """A connection that holds, once the service has seen that another one has ended."""
    async with asyncio.timeout(60):
        while not (await (line := await connect(address)).ask()).startswith(b"HTTP/1.1 200"):
            await line.close()
    return line


async def test_one_address_cannot_take_the_connections_of_others(small: Open) -> None:
    held = await answered(small, "127.0.0.1", 3)
    for _ in range(5):
        refused = await (await small("127.0.0.1")).ask()
        assert refused.startswith(b"HTTP/1.1 429 ")
        assert b"Retry-After: 1\r\n" in refused
    await answered(small, "127.0.0.2", 3)
    assert (await held[0].ask()).startswith(b"HTTP/1.1 200"), "those that are open go on"


async def test_beyond_the_number_of_all_new_ones_are_told_to_come_again(small: Open) -> None:
    held = [line for last in (1, 2) for line in await answered(small, f"127.0.0.{last}", 3)]
    line = await small("127.0.0.3")
    refused = await line.ask()
    assert refused.startswith(b"HTTP/1.1 503 ")
    assert b"application/problem+json" in refused
    assert b'"code":"overloaded"' in await line.reader.read()
    await held[0].close()
    await holds_again(small, "127.0.0.3")


async def test_what_was_held_is_free_again_however_it_ended(small: Open) -> None:
    for _ in range(4):
        lines = [await holds_again(small, "127.0.0.1") for _ in range(3)]
        lines[0].writer.transport.abort()
        lines[1].writer.write(b"no HTTP at all\r\n\r\n")
        lines[2].writer.write_eof()
        for line in lines:
            await line.close()
        freed = [await holds_again(small, "127.0.0.1") for _ in lines]
        assert (await (await small("127.0.0.1")).ask()).startswith(b"HTTP/1.1 429 "), "no more than those three"
        for line in freed:
            await line.close()


async def test_a_trusted_proxy_brings_as_many_as_there_may_be_in_all(settings: Settings) -> None:
    asked = msgspec.structs.replace(
        settings, max_connections=6, max_connections_per_address=1, trusted_proxies="127.0.0.9"
    )
    async with listening(asked) as connect:
        await answered(connect, "127.0.0.9", 6)
        assert (await (await connect("127.0.0.9")).ask()).startswith(b"HTTP/1.1 503 ")


async def test_a_flood_is_hung_up_on_without_an_answer_to_each(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MAX_REFUSED", 2)
    monkeypatch.setattr(connections, "REFUSAL_TIMEOUT_S", 60)
    async with listening(msgspec.structs.replace(settings, max_connections=1)) as connect:
        (held,) = await answered(connect, "127.0.0.1", 1)
        for _ in range(2):
            line = await connect()
            assert (await line.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 503 ")
        for _ in range(20):
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await (await connect()).ask()
        assert (await held.ask()).startswith(b"HTTP/1.1 200")


def test_no_more_are_held_than_the_system_lets_one_process_open(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    limits = [(1024, 4096)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, given: limits.append(given))
    assert Connections(msgspec.structs.replace(settings, max_connections=500)).most == 500
    assert limits == [(1024, 4096)]
    assert Connections(msgspec.structs.replace(settings, max_connections=2000)).most == 2000
    assert limits[-1] == (2000 + RESERVED, 4096)
    assert Connections(settings).most == 4096 - RESERVED
    assert f"allows {4096 - RESERVED} connections instead of {settings.max_connections}" in caplog.text


def test_the_defaults_leave_room_for_a_big_site_behind_one_proxy(settings: Any) -> None:
    assert settings.max_connections >= 5 * settings.max_connections_per_address
    assert settings.max_connections_per_address >= 1_000

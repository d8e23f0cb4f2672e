"""The service on a real port, spoken to byte by byte: what is malformed is refused, and never our fault."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from prometheus_client import REGISTRY

from service import app_keys as keys
from service.process.serving import bound, serving
from service.settings import Settings


@pytest.fixture
async def port(settings: Settings) -> AsyncIterator[int]:
    async with listening(msgspec.structs.replace(settings, receipt_timeout_s=1)) as port:
        yield port


@contextlib.asynccontextmanager
async def listening(settings: Settings) -> AsyncIterator[int]:
    socket = bound("127.0.0.1", 0, shared=False)
    async with serving(settings, socket) as app:
        KEY["text"] = await app[keys.STORE].access.first_key("daily") or KEY["text"]
        await app[keys.DIRECTORY].refresh()
        yield socket.getsockname()[1]


KEY = {"text": ""}
BODY = b'{"text": "hello"}'
HEAD = b"POST /v1/comments HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
PLAIN = b"Content-Length: 17\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


async def said(port: int, raw: bytes, *, to_the_end: bool = True) -> bytes:
    """What comes back until the service closes, or the head of the first answer.

    After an answer to a body that it did not want the service reads on for a while, lest the answer be lost.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(raw.replace(b"{key}", KEY["text"].encode()))
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        async with asyncio.timeout(60):
            return await (reader.read() if to_the_end else reader.readuntil(b"\r\n\r\n"))
    except (ConnectionError, asyncio.IncompleteReadError):
        return b""
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def statuses(answer: bytes) -> list[int]:
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]] or [
        int(part[:3]) for part in answer.split(b"HTTP/1.0 ")[1:]
    ]


AUTHORISED = HEAD + b"Authorization: Bearer {key}\r\n"
CLOSE = b"Connection: close\r\n"


async def test_a_well_formed_request_is_answered(port: int) -> None:
    for framed in (PLAIN + CLOSE + b"\r\n" + BODY, CHUNKED + CLOSE + b"\r\n11\r\n" + BODY + b"\r\n0\r\n\r\n"):
        assert statuses(await said(port, AUTHORISED + framed)) == [200]


AMBIGUOUS = {
    "both framings": PLAIN + CHUNKED + b"\r\n11\r\n" + BODY + b"\r\n0\r\n\r\n",
    "both framings, the other way": CHUNKED + PLAIN + b"\r\n11\r\n" + BODY + b"\r\n0\r\n\r\n",
    "two lengths": b"Content-Length: 17\r\nContent-Length: 5\r\n\r\n" + BODY,
    "the same length twice": PLAIN + PLAIN + b"\r\n" + BODY,
    "a list of lengths": b"Content-Length: 17, 17\r\n\r\n" + BODY,
    "a signed length": b"Content-Length: +17\r\n\r\n" + BODY,
    "a length with other digits": "Content-Length: \u0661\u0667\r\n\r\n".encode() + BODY,
    "a negative length": b"Content-Length: -1\r\n\r\n" + BODY,
    "a second host": b"Host: b\r\n" + PLAIN + b"\r\n" + BODY,
    "bare line feeds": PLAIN.replace(b"\r\n", b"\n") + b"\n" + BODY,
    "a bare line feed in a header": b"X: a\nContent-Length: 17\r\n\r\n" + BODY,
    "a bare carriage return": b"X: a\rb\r\n" + PLAIN + b"\r\n" + BODY,
    "a folded header": b"X: a\r\n b\r\n" + PLAIN + b"\r\n" + BODY,
    "a blank before the colon": b"Content-Length : 17\r\n\r\n" + BODY,
    "a NUL in a header": b"X: a\x00b\r\n" + PLAIN + b"\r\n" + BODY,
    "a header without a name": b": x\r\n" + PLAIN + b"\r\n" + BODY,
    "another encoding before chunked": b"Transfer-Encoding: chunked, identity\r\n\r\n11\r\n" + BODY + b"\r\n0\r\n\r\n",
    "chunked in disguise": b"Transfer-Encoding: \x0bchunked\r\n\r\n11\r\n" + BODY + b"\r\n0\r\n\r\n",
    "a chunk size that is none": CHUNKED + b"\r\n0x11\r\n" + BODY + b"\r\n0\r\n\r\n",
    "a chunk without its end": CHUNKED + b"\r\n11\r\n" + BODY + b"0\r\n\r\n",
    "a line feed in a chunk extension": CHUNKED + b"\r\n11;a\nb\r\n" + BODY + b"\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("framed", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
async def test_what_two_servers_could_read_differently_is_refused(port: int, framed: bytes, redis_server: Any) -> None:
    smuggled = b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"
    found = statuses(await said(port, AUTHORISED + framed + smuggled))
    assert found
    assert 400 <= found[0] < 500, found
    assert 200 not in found, "what follows a refused request is not another request"
    with redis_server.client() as client:
        assert not client.keys("*item*")


MALFORMED = {
    "no version": b"GET /livez\r\n\r\n",
    "another version": b"GET /livez HTTP/9.9\r\n\r\n",
    "no host": b"GET /livez HTTP/1.1\r\n\r\n",
    "a method that is none": b"G@T /livez HTTP/1.1\r\nHost: a\r\n\r\n",
    "another protocol": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "a long target": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "a long header": b"GET /livez HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
    "many headers": b"GET /livez HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 50_000 + b"\r\n",
    "bytes in the target": b"GET /v1/comments/\xff\xfe HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "an odd escape in the target": b"GET /v1/comments/%zz%00%ff HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "an absolute target": b"GET http://b:99999/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "a connect": b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "an upgrade": b"POST /v1/score HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
    "an expectation": b"POST /v1/score HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\nContent-Length: 2\r\n\r\n{}",
}


@pytest.mark.parametrize("raw", MALFORMED.values(), ids=MALFORMED.keys())
async def test_what_is_malformed_is_never_our_fault(port: int, raw: bytes) -> None:
    found = statuses(await said(port, raw))
    assert not any(status >= 500 for status in found), found
    assert 200 not in found or raw == MALFORMED["no host"]
    assert statuses(await said(port, b"GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")) == [200]


async def test_a_chunked_body_over_the_limit_is_refused_before_its_end(port: int) -> None:
    chunk = b"1000\r\n" + b"a" * 0x1000 + b"\r\n"
    chunks = AUTHORISED + CHUNKED + b"\r\n" + chunk * 130
    assert statuses(await said(port, chunks, to_the_end=False)) == [413]
    announced = AUTHORISED + b"Content-Length: 99999999999\r\n\r\n{"
    assert statuses(await said(port, announced, to_the_end=False)) == [413]


@pytest.mark.parametrize(
    "raw", [b"", b"POST /v1/score HTTP/1.1\r\nHost: a\r\nX: "], ids=["nothing", "half the headers"]
)
async def test_who_sends_headers_too_slowly_is_hung_up_on(port: int, raw: bytes) -> None:
    assert statuses(await said(port, raw)) in ([], [408], [400])


@pytest.mark.parametrize(
    "framed", [PLAIN + b'\r\n{"te', CHUNKED + b"\r\n11\r\n{"], ids=["half the body", "half a chunk"]
)
async def test_who_sends_a_body_too_slowly_is_told(port: int, framed: bytes) -> None:
    assert statuses(await said(port, AUTHORISED + framed, to_the_end=False)) == [408]


async def test_pipelined_requests_are_answered_in_order(port: int) -> None:
    one = b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"
    other = b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n"
    assert statuses(await said(port, (one + other) * 10)) == [200, 404] * 10


@pytest.mark.parametrize("framed", [PLAIN + b'\r\n{"te', CHUNKED + b"\r\n11\r\n{"])
async def test_a_caller_that_hangs_up_within_its_body_is_no_error_of_ours(
    port: int, framed: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    def counted(outcome: str) -> float:
        labels = {"operation": "submit_comment", "outcome": outcome}
        return REGISTRY.get_sample_value("steward_requests_total", labels) or 0.0

    refused, internal = counted("bad_request"), counted("internal")
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write((AUTHORISED + framed).replace(b"{key}", KEY["text"].encode()))
    await writer.drain()
    writer.close()
    async with asyncio.timeout(60):
        while counted("bad_request") == refused:
            assert counted("internal") == internal
            await asyncio.sleep(0.01)
    assert "ERROR" not in caplog.text


async def test_a_caller_that_hangs_up_disturbs_nobody(port: int) -> None:
    async def hang_up() -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write((AUTHORISED + PLAIN + b"\r\n" + BODY).replace(b"{key}", KEY["text"].encode()))
        writer.transport.abort()

    await asyncio.gather(*(hang_up() for _ in range(30)))
    assert statuses(await said(port, AUTHORISED + PLAIN + CLOSE + b"\r\n" + BODY)) == [200]

"""The answer that is written in one piece is the one that aiohttp would send."""

import asyncio
from typing import Any

import pytest

BODY = b'{"text": "hello"}'


async def _exchange(admin: Any, *connection: str, version: str = "1.1") -> tuple[bytes, dict[bytes, bytes], bytes]:
    """Status line, headers and body of an answer to the same request."""
    server = admin.client.server
    reader, writer = await asyncio.open_connection(server.host, server.port)
    lines = (
        f"POST /v1/score HTTP/{version}",
        "Host: a",
        f"Authorization: Bearer {admin.key}",
        "Content-Type: application/json",
        f"Content-Length: {len(BODY)}",
        *connection,
    )
    writer.write("".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + BODY)
    head = await reader.readuntil(b"\r\n\r\n")
    status, *fields = head.strip().split(b"\r\n")
    headers = {name.lower(): value for name, _, value in (field.partition(b": ") for field in fields)}
    body = await reader.readexactly(int(headers[b"content-length"]))
    writer.close()
    await writer.wait_closed()
    return status, headers, body


async def test_both_ways_send_the_same(admin: Any) -> None:
    status, headers, body = await _exchange(admin)
    standard_status, standard, standard_body = await _exchange(admin, "Connection: close")
    assert standard.pop(b"connection") == b"close"
    assert standard.pop(b"content-type").partition(b";")[0] == headers.pop(b"content-type")
    assert standard.pop(b"date")[:16] == headers.pop(b"date")[:16]
    assert len(standard.pop(b"x-request-id")) == len(headers.pop(b"x-request-id")) == 16
    assert (status, headers, body) == (standard_status, standard, standard_body)


@pytest.mark.parametrize(("connection", "version"), [(("Connection: keep-alive",), "1.0"), ((), "1.0")])
async def test_an_older_client_is_told_about_its_connection(
    admin: Any, connection: tuple[str, ...], version: str
) -> None:
    status, headers, _ = await _exchange(admin, *connection, version=version)
    assert status == b"HTTP/1.0 200 OK"
    assert headers.get(b"connection") == (b"keep-alive" if connection else None)


async def test_requests_that_follow_each_other_at_once_are_answered_in_their_order(admin: Any) -> None:
    server = admin.client.server
    reader, writer = await asyncio.open_connection(server.host, server.port)
    head = (
        f"POST /v1/score HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {admin.key}\r\nContent-Type: application/json\r\n"
    )
    for language in (b"en", b"xx", b"en"):
        body = b'{"text": "hello", "language": "%b"}' % language
        writer.write(head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    found = []
    for _ in range(3):
        answer = await reader.readuntil(b"\r\n\r\n")
        length = int(answer.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
        found.append(b'"language":"xx"' in await reader.readexactly(length))
    writer.close()
    await writer.wait_closed()
    assert found == [False, True, False]

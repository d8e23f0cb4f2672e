"""One bad value fails alone: nothing that a client writes into headers, cookies, paths and numbers is our error."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from service import keys
from service.errors import BadRequest
from service.store.keyspace import Site

HALF = b"\xed\xa0\x80"  # "\ud800", as some encoders write it
NO_TEXT = [HALF, b"\xff", HALF * 12, b"\xff" * 36, b'"\\355\\240\\200"']
NO_NUMBERS = ["nan", "inf", "-inf", "1e999", "9" * 5_000, "²", "x"]


async def status(client: Any, method: str, path: bytes, *headers: bytes, body: bytes = b"") -> int:
    """Of the answer to a request of just these bytes, which no client library would send."""
    lines = [method.encode() + b" " + path + b" HTTP/1.1", b"Host: a", b"Connection: close", *headers]
    reader, writer = await asyncio.open_connection("127.0.0.1", client.server.port)
    try:
        writer.write(b"\r\n".join([*lines, b"Content-Length: %d" % len(body), b"", b""]) + body)
        return int((await reader.readline()).split()[1])
    finally:
        writer.close()


@pytest.fixture
async def demo(settings: Any, run: Any) -> AsyncIterator[Any]:
    async with run(msgspec.structs.replace(settings, demo=True)) as client:
        yield client


async def test_a_cookie_that_is_no_text_is_none_of_ours(demo: Any) -> None:
    for value in NO_TEXT:
        assert await status(demo, "GET", b"/demo", b"Cookie: steward_demo=" + value) == 200
        for path, expected in ((b"/console", 303), (b"/console/sign-in", 200)):
            assert await status(demo, "GET", path, b"Cookie: __Host-cm_session=" + value) == expected


async def test_a_value_that_cannot_be_sent_to_redis_drops_nobody_elses_comment(demo: Any, key_for: Any) -> None:
    admin, store = await key_for(demo), demo.server.app[keys.STORE]

    async def bad() -> None:
        with pytest.raises(BadRequest, match="no text"):
            await store.comments.get(Site("daily"), "c-\ud800")
        assert await status(demo, "GET", b"/demo", b"Cookie: steward_demo=" + HALF * 12) == 200

    replies, *_ = await asyncio.gather(
        asyncio.gather(*(admin.post("/v1/comments", {"id": f"c-{n}", "text": "hello"}) for n in range(60))),
        *(bad() for _ in range(20)),
    )
    assert {reply.status for reply in replies} == {200}


@pytest.mark.parametrize("value", NO_TEXT[:4])
async def test_a_header_that_is_no_text_is_refused_or_passed_over(client: Any, admin: Any, value: bytes) -> None:
    key = b"Authorization: Bearer " + admin.key.encode()
    for path in (b"/v1/comments/c-1", b"/v1/events", b"/demo", b"/console/sign-in", b"/readyz"):
        for name in (b"Last-Event-ID", b"Accept", b"Accept-Language", b"X-Forwarded-For", b"User-Agent", b"Origin"):
            assert await status(client, "GET", path, key, name + b": " + value) < 500, (path, name)
    assert await status(client, "GET", b"/v1/labels", b"Authorization: Bearer " + value) == 401
    headers = (b"Content-Type: application/x-www-form-urlencoded", b"Sec-Fetch-Site: same-origin")
    for path in (b"/console/sign-in", b"/console/sign-in/code", b"/console/sign-in/link", b"/demo"):
        body = b"name=" + value + b"&password=" + value + b"&ticket=" + value + b"&code=" + value + b"&text=" + value
        assert await status(client, "POST", path, *headers, b"User-Agent: " + value, body=body) < 500, path


@pytest.mark.parametrize("value", [HALF, b"\xff", b"%ED%A0%80", b"%FF", b"%00", b"%0A"])
async def test_a_path_or_parameter_that_is_no_text_is_refused(client: Any, admin: Any, value: bytes) -> None:
    key = b"Authorization: Bearer " + admin.key.encode()
    for path in (
        *(b"/v1/comments/?", b"/v1/models/?", b"/v1/policies/?", b"/v1/events?after=?", b"/v1/labels?after=?"),
        *(b"/v1/comments:search?id=?", b"/v1/audit?actor=?", b"/?", b"/console/queue/?", b"/console/queue?article=?"),
        *(b"/console/sign-in?next=?", b"/console/sign-in/link?ticket=?", b"/console/static/?/?", b"/coral/?"),
    ):
        asked = path.replace(b"?", b"\0", 1) if path.count(b"=") else path
        target = asked.replace(b"?", value).replace(b"\0", b"?")
        assert await status(client, "GET", target, key) < 500, target
    assert await status(client, "DELETE", b"/v1/comments/" + value, key) < 500


@pytest.mark.parametrize("value", NO_NUMBERS)
async def test_a_number_that_is_none_is_refused_by_the_api(admin: Any, value: str) -> None:
    for path, name in (
        *(("/v1/events", "limit"), ("/v1/labels", "limit"), ("/v1/comments/c-1", "wait"), ("/v1/audit", "limit")),
        *(("/v1/review/stats", "hours"), ("/v1/comments:search", "cursor"), ("/v1/webhooks/dead", "limit")),
        ("/v1/webhooks/dead", "cursor"),
    ):
        reply = await admin.get(path, params={name: value})
        assert 400 <= reply.status < 500, (path, name, reply.body)

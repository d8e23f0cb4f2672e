"""What takes the short way is answered byte for byte as the application answers it."""

import asyncio
import re
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from service import app_keys as keys
from service.http import shortcut
from service.process.app import OPERATIONS, build_app
from service.settings import Settings

# The time, and the names of a request and of one occurrence of a problem.
CHANGING = re.compile(
    rb"Date: [^\r]+|X-Request-Id: [0-9a-f]{16}|urn:uuid:[0-9a-f-]{36}|\"(?:created_at|decided_at)\":\"[^\"]+\""
)


@pytest.fixture
async def ways(settings: Settings, key_for: Any) -> AsyncIterator[tuple[TestServer, TestServer, str]]:
    """The long one, the short one, and a key that opens both."""
    servers = [TestServer(build_app(settings)) for _ in range(2)]
    for server in servers:
        await server.start_server(auto_decompress=False)
    long, short = servers
    shortcut.install_fast_path(short.runner)
    caller = await key_for(SimpleNamespace(server=short))
    await long.app[keys.DIRECTORY].refresh()
    yield long, short, caller.key
    for server in servers:
        await server.close()


async def answer(server: TestServer, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(request)
    async with asyncio.timeout(60):
        found = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert found
    return CHANGING.sub(b"", found)


ANALYZE = b'{"comment": {"text": "Thank you all for this."}, "requestedAttributes": {"TOXICITY": {}}}'
SCORE, COMMENT = b'{"text": "Thank you all for this."}', b'{"id": "c-1", "text": "You are an idiot."}'
ALIKE: dict[str, tuple[bytes, bytes, bytes]] = {
    "a score": (b"POST /v1/score HTTP/1.1", b"", SCORE),
    "a comment": (b"POST /v1/comments HTTP/1.1", b"", COMMENT),
    "an analysis": (b"POST /v1alpha1/comments:analyze HTTP/1.1", b"", ANALYZE),
    "an analysis with a key that is none": (b"POST /v1alpha1/comments:analyze?key=x HTTP/1.1", b"", ANALYZE),
    "an analysis, spelled otherwise": (b"POST /v1alpha1/comments%3Aanalyze HTTP/1.1", b"", ANALYZE),
    "an old client": (b"POST /v1/score HTTP/1.0", b"", SCORE),
    "no JSON": (b"POST /v1/score HTTP/1.1", b"", b"{"),
    "another shape": (b"POST /v1/comments HTTP/1.1", b"", b'{"text": 1}'),
    "a compressed body": (b"POST /v1/score HTTP/1.1", b"Content-Encoding: gzip\r\n", SCORE),
    "a parameter": (b"POST /v1/score?key=x HTTP/1.1", b"", SCORE),
    "an empty query": (b"POST /v1/score? HTTP/1.1", b"", SCORE),
    "an escaped path": (b"POST /v1/%73core HTTP/1.1", b"", SCORE),
    "a whole address": (b"POST http://a/v1/score HTTP/1.1", b"", SCORE),
    "a path and more": (b"POST /v1/score/ HTTP/1.1", b"", SCORE),
    "a fragment": (b"POST /v1/score#x HTTP/1.1", b"", SCORE),
    "another method": (b"PUT /v1/score HTTP/1.1", b"", SCORE),
    "an expectation": (b"POST /v1/score HTTP/1.1", b"Expect: 100-continue\r\n", SCORE),
    "an expectation of wonders": (b"POST /v1/score HTTP/1.1", b"Expect: wonders\r\n", SCORE),
}


@pytest.mark.parametrize("which", ALIKE)
@pytest.mark.parametrize("is_known", [True, False], ids=["key", "no key"])
async def test_both_ways_answer_the_same_bytes(ways: Any, which: str, is_known: bool) -> None:
    long, short, key = ways
    line, more, body = ALIKE[which]
    common = b"Host: a\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
    secret = b"Authorization: Bearer %b\r\n" % key.encode() if is_known else b""
    request = line + b"\r\n" + common + secret + more + b"\r\n" + body
    assert await answer(short, request) == await answer(long, request)


async def test_a_fault_of_ours_is_answered_the_same(ways: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    long, short, key = ways
    for server in (long, short):
        monkeypatch.setattr(server.app[keys.MODERATION], "score", None)
    head = b"POST /v1/score HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\n"
    request = head + b"Authorization: Bearer %b\r\nContent-Length: %d\r\n\r\n%b" % (key.encode(), len(SCORE), SCORE)
    found = await answer(short, request)
    assert found.startswith(b"HTTP/1.1 500 ")
    assert b"X-Content-Type-Options: nosniff" in found
    assert found == await answer(long, request)


def test_the_hot_operations_take_the_short_way(settings: Settings) -> None:
    app = build_app(settings)
    paths = {"/v1/score", "/v1/comments", "/v1alpha1/comments:analyze"}
    assert {("POST", path) for path in paths} <= set(app[shortcut.HOT_ROUTES])
    assert all(operation.path.count("{") == 0 for operation in OPERATIONS if operation.is_hot), "no parameters"


async def test_only_what_is_marked_takes_the_short_way() -> None:
    """The application's middlewares, handler and `request.app` are found without the application's own way."""
    seen = []

    @web.middleware
    async def looking(request: web.Request, handler: Any) -> web.StreamResponse:
        seen.append((request.path, request.app is app, request.match_info.get_info()["path"]))
        return await handler(request)  # type: ignore[no-any-return]

    async def hello(request: web.Request) -> web.Response:
        return web.Response(text=request.query.get("name", "nobody"))

    app = web.Application(middlewares=[looking])
    app.add_routes([web.post("/hot", hello), web.post("/cold", hello)])
    app[shortcut.HOT_ROUTES] = [("POST", "/hot")]
    server = TestServer(app)
    await server.start_server()
    through = []
    application = server.runner.server.request_handler

    async def counted(request: web.Request) -> web.StreamResponse:
        through.append(request.path)
        return await application(request)  # type: ignore[no-any-return]

    server.runner.server.request_handler = counted
    shortcut.install_fast_path(server.runner)
    async with TestClient(server) as client:
        for path in ("/hot?name=ann", "/cold?name=ann"):
            async with client.post(path) as response:
                assert await response.text() == "ann"
    assert through == ["/cold"]
    assert seen == [("/hot", True, "/hot"), ("/cold", True, "/cold")]

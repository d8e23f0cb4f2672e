"""One bad value fails alone: nothing that a client writes into headers, cookies, paths and numbers is our error."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from service import app_keys as keys
from service.console.visit import COOKIE
from service.values.accounts import Account, Role, Session
from service.values.errors import BadRequest

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
    async with run(msgspec.structs.replace(settings, demo=True, trusted_proxies="127.0.0.0/8")) as client:
        yield client


async def test_a_cookie_that_is_no_text_is_none_of_ours(demo: Any) -> None:
    for value in NO_TEXT:
        assert await status(demo, "GET", b"/demo", b"Cookie: steward_demo=" + value) == 200
        for path, expected in ((b"/console", 303), (b"/console/sign-in", 200)):
            assert await status(demo, "GET", path, b"Cookie: __Host-cm_session=" + value) == expected


async def test_a_value_that_cannot_be_sent_to_redis_drops_nobody_elses_comment(demo: Any, key_for: Any) -> None:
    admin, store = await key_for(demo), demo.server.app[keys.STORE]

    async def bad() -> None:
        with pytest.raises(BadRequest, match="lone surrogate"):
            await store.comments.get("daily", "c-\ud800")
        assert await status(demo, "GET", b"/demo", b"Cookie: steward_demo=" + HALF * 12) == 200

    replies, *_ = await asyncio.gather(
        asyncio.gather(*(admin.post("/v1/comments", {"id": f"c-{n}", "text": "hello"}) for n in range(60))),
        *(bad() for _ in range(20)),
    )
    assert {reply.status for reply in replies} == {200}


SAME_ORIGIN = b"Sec-Fetch-Site: same-origin"
FORM = (b"Content-Type: application/x-www-form-urlencoded", SAME_ORIGIN)
# Requests with a header that the handler, or what stands before it, reads there, and what is answered to one that is no
# text. {key}: may do everything; {session}: of an administrator.
HEADERS = (
    ("GET /v1/labels", b"Authorization: Bearer {value}", 401),
    ("GET /v1/events", b"{key}\r\nAccept: text/event-stream\r\nLast-Event-ID: {value}", 400),
    ("GET /v1/events", b"{key}\r\nAccept: {value}", 200),
    ("GET /v1/events", b"{key}\r\nOrigin: {value}", 200),
    ("GET /v1/events", b"{key}\r\nX-Request-ID: {value}", 200),
    ("POST /v1/score", b"{key}\r\nContent-Type: {value}", 415),
    ("POST /v1/score", b"{key}\r\nContent-Type: application/json\r\nContent-Encoding: {value}", 415),
    ("POST /v1alpha1/comments:analyze?key=x", b"Content-Type: application/json\r\nOrigin: {value}", 400),
    ("POST /v1alpha1/comments:analyze", b"Content-Type: application/json\r\nX-Goog-Api-Key: {value}", 400),
    ("POST /coral/daily", b"Content-Type: application/json\r\nX-Coral-Signature: {value}", 401),
    ("GET /demo", b"X-Forwarded-For: {value}", 200),
    ("GET /demo", b"Accept-Language: {value}", 200),
    ("POST /demo", b"Origin: {value}", 403),
    ("GET /console/queue", b"{session}\r\nAccept-Language: {value}", 200),
    ("GET /console/no-such-page", b"{session}\r\nAccept: {value}", 404),
    ("POST /console/sign-out", b"{session}\r\nSec-Fetch-Site: {value}", 403),
    ("POST /console/sign-out", b"\r\n".join((b"{session}", *FORM, b"X-CSRF-Token: {value}")), 403),
)
# The same of what stands in a path or in its parameters, where {value} is.
PATHS = {
    "/{value}": 404,
    **dict.fromkeys(("/v1/comments/{value}", "/v1/models/{value}", "/v1/policies/{value}"), 404),
    "/v1/comments:search?id={value}": 404,
    "/v1/audit?actor={value}": 200,
    **dict.fromkeys(("/v1/events?after={value}", "/v1/labels?after={value}"), 400),
    **dict.fromkeys(("/console/queue/{value}", "/console/static/{value}/{value}"), 404),
    **dict.fromkeys(("/console/queue?article={value}", "/console/queue?view=list&article={value}"), 200),
    **dict.fromkeys(("/console/search?text={value}", "/console/author?id={value}"), 200),
    "/console/comment?id={value}": 404,
    "/console/sign-in?next={value}": 303,
    "/console/sign-in/link?ticket={value}": 401,
}
ESCAPED = [b"%ED%A0%80", b"%FF"]  # HALF, and what is no UTF-8 at all


@pytest.fixture
async def admins(demo: Any, key_for: Any) -> dict[bytes, bytes]:
    """The headers with which somebody may do everything."""
    key = await key_for(demo)
    accounts, now = demo.server.app[keys.STORE].accounts, datetime.now(UTC)
    account = Account("ann", {"daily": Role.ADMIN}, now)
    assert await accounts.put(account)
    secret = await accounts.open_session(Session("ann", account.epoch, "daily", Role.ADMIN, now, "link"))
    return {b"{key}": f"Authorization: Bearer {key.key}".encode(), b"{session}": f"Cookie: {COOKIE}={secret}".encode()}


@pytest.mark.parametrize("value", NO_TEXT)
async def test_a_header_that_is_no_text_is_refused_or_passed_over(
    demo: Any, admins: dict[bytes, bytes], value: bytes
) -> None:
    found = []
    for asked, header, _ in HEADERS:
        lines = header
        for name, said in (admins | {b"{value}": value}).items():
            lines = lines.replace(name, said)
        method, path = asked.split()
        found.append((asked, header, await status(demo, method, path.encode(), *lines.split(b"\r\n"), body=b"{}")))
    assert tuple(found) == HEADERS


@pytest.mark.parametrize("value", [*ESCAPED, *NO_TEXT[:4]])
async def test_what_is_no_text_in_a_form_opens_nothing(demo: Any, value: bytes) -> None:
    is_escaped = value in ESCAPED  # as bytes, it is no form
    forms = {
        b"/console/sign-in": (b"name=" + value + b"&password=" + value, 401),
        b"/console/sign-in/code": (b"ticket=" + value + b"&code=" + value, 401),
        b"/console/sign-in/link": (b"ticket=" + value, 401),
        b"/demo": (b"name=" + value + b"&text=" + value, 303),
    }
    found = {path: await status(demo, "POST", path, *FORM, body=body) for path, (body, _) in forms.items()}
    assert found == {path: expected if is_escaped else 400 for path, (_, expected) in forms.items()}


async def of_paths(client: Any, admins: dict[bytes, bytes], value: bytes) -> dict[str, int]:
    return {
        path: await status(client, "GET", path.encode().replace(b"{value}", value), *admins.values()) for path in PATHS
    }


@pytest.mark.parametrize("value", ESCAPED)
async def test_a_path_or_parameter_that_is_no_text_is_refused_or_finds_nothing(
    demo: Any, admins: dict[bytes, bytes], value: bytes
) -> None:
    assert await of_paths(demo, admins, value) == PATHS
    assert await status(demo, "DELETE", b"/v1/comments/" + value, *admins.values()) == 204, "it is not there"


@pytest.mark.parametrize("value", [b"%00", b"%0A"])
async def test_a_control_character_in_an_id_is_refused_or_finds_nothing(
    demo: Any, admins: dict[bytes, bytes], value: bytes
) -> None:
    refused = dict.fromkeys(("/console/comment?id={value}", "/console/author?id={value}"), 400)
    blank = dict.fromkeys(("/v1/events?after={value}", "/v1/labels?after={value}"), 200) if value == b"%0A" else {}
    assert await of_paths(demo, admins, value) == {**PATHS, **refused, **blank}


@pytest.mark.parametrize("value", [HALF, b"\xff"])
async def test_a_path_with_bytes_that_no_path_has_is_refused(demo: Any, value: bytes) -> None:
    for path in (b"/" + value, b"/livez?a=" + value):
        assert await status(demo, "GET", path) == 400


@pytest.mark.parametrize("value", NO_NUMBERS)
async def test_a_number_that_is_none_is_refused_by_the_api(admin: Any, value: str) -> None:
    for path, name in (
        *(("/v1/events", "limit"), ("/v1/labels", "limit"), ("/v1/comments/c-1", "wait"), ("/v1/audit", "limit")),
        *(("/v1/review/stats", "hours"), ("/v1/comments:search", "cursor"), ("/v1/webhooks/dead", "limit")),
        ("/v1/webhooks/dead", "cursor"),
    ):
        reply = await admin.get(path, params={name: value})
        assert 400 <= reply.status < 500, (path, name, reply.body)

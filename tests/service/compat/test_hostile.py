"""Whatever is sent to the routes of OpenAI and Akismet: an answer of their protocol, never our fault, no key told."""

import asyncio
import contextlib
import json
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from yarl import URL

from service.settings import Settings
from service.values.access import label_of

CALLS = ["/1.1/verify-key", "/1.1/comment-check", "/1.1/submit-spam", "/1.1/submit-ham"]
AKISMET = [*CALLS, "/1.2/usage-limit", "/1.2/key-sites"]
OPENAI = ["/v1/moderations", "/moderations"]
FORM, JSON = "application/x-www-form-urlencoded", "application/json"

texts = st.text(st.characters(codec=None), max_size=30)
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
names = st.sampled_from(["input", "model", "type", "text", "image_url", "url"])
values = st.recursive(
    leaves | st.sampled_from(["text", "image_url", "omni-moderation-latest"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names | texts, inner, max_size=5),
    max_leaves=20,
)
written = st.text(st.characters(codec="utf-8"), max_size=30)
field_names = st.sampled_from(
    [
        *("api_key", "key", "blog", "user_ip", "comment_content", "comment_author", "comment_author_email"),
        *("user_role", "is_test", "honeypot_field_name", "blog_lang", "blog_charset"),
        *("month", "filter", "format", "order", "limit", "offset"),
    ]
)
fields = st.dictionaries(
    field_names | written,
    written | st.sampled_from(["{key}", "{label}", "https://daily.example", "1", "utf-16", "csv", "2026-11"]),
    max_size=8,
)


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def service(loop: asyncio.Runner, shared_server: Any, run: Any, key_for: Any) -> Iterator[Any]:
    """One service for all examples: what they leave behind is flushed before the next test that asks for Redis."""
    shared_server.flush()
    opened = contextlib.AsyncExitStack()

    async def start() -> Any:
        with tempfile.TemporaryDirectory() as folder:
            made = Settings(
                redis_url=shared_server.url, data_dir=Path(folder), store_timeout_s=30, akismet_domain="akismet.example"
            )
            client = await opened.enter_async_context(run(made))
            return await key_for(client, "score", "comments")

    yield loop.run(start())
    loop.run(opened.aclose())


def answered(service: Any, reply: Any, path: str) -> Any:
    """In the protocol of the path, and without anything that opens a door."""
    told = reply.raw.decode() + str(reply.headers)
    assert service.key[18:] not in told
    assert label_of(service.key) not in told
    if path.endswith("moderations"):
        assert reply.status in (200, 400, 401)
        assert reply.body.keys() == ({"id", "model", "results"} if reply.status == 200 else {"error"})
        return reply
    assert reply.status == 200
    assert reply.headers["Content-Type"] in ("text/plain; charset=utf-8", JSON, "text/csv; charset=utf-8")
    return reply


def filled(service: Any, sent: dict[str, str]) -> dict[str, str]:
    known = {"{key}": service.key, "{label}": label_of(service.key)}
    return {name: known.get(value, value) for name, value in sent.items()}


common = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@common
@given(st.sampled_from(OPENAI), values | st.fixed_dictionaries({"input": values}))
def test_any_json_is_answered_as_openai_would(loop: Any, service: Any, path: str, value: Any) -> None:
    body = json.dumps(value).encode("utf-8", "surrogatepass")
    reply = answered(service, loop.run(service.send(path, body)), path)
    if reply.status == 200:
        given_input = value["input"]
        count = len(given_input) if isinstance(given_input, list) and isinstance(given_input[0], str) else 1
        assert len(reply.body["results"]) == count
        assert all(each["flagged"] is any(each["categories"].values()) for each in reply.body["results"])


@common
@given(st.sampled_from(OPENAI), st.binary(max_size=200), st.sampled_from([JSON, FORM, "text/plain", "a"]))
def test_any_bytes_are_answered_as_openai_would(loop: Any, service: Any, path: str, raw: bytes, kind: str) -> None:
    answered(service, loop.run(service.send(path, raw, kind)), path)


@common
@given(st.sampled_from(AKISMET), fields)
def test_any_form_is_answered_as_akismet_would(loop: Any, service: Any, path: str, sent: dict[str, str]) -> None:
    answered(service, loop.run(service.send(path, urlencode(filled(service, sent)).encode(), FORM)), path)


@common
@given(
    st.sampled_from(AKISMET),
    st.binary(max_size=200),
    st.sampled_from(
        [FORM, JSON, f"{FORM}; charset=gbk", f"{FORM}; charset=iso2022_jp", f"{FORM}; charset=rot13", "a/b"]
    ),
)
def test_any_bytes_are_answered_as_akismet_would(loop: Any, service: Any, path: str, raw: bytes, kind: str) -> None:
    answered(service, loop.run(service.send(path, b"api_key=" + service.key.encode() + b"&" + raw, kind)), path)


@common
@given(st.sampled_from(AKISMET), st.dictionaries(field_names | texts, leaves | values, max_size=6))
def test_any_json_is_answered_as_akismet_would(loop: Any, service: Any, path: str, value: Any) -> None:
    value.setdefault("api_key", service.key)
    answered(service, loop.run(service.send(path, json.dumps(value).encode("utf-8", "surrogatepass"))), path)


@common
@given(st.sampled_from(["/1.2/usage-limit", "/1.2/key-sites"]), fields)
def test_any_query_is_answered_as_akismet_would(loop: Any, service: Any, path: str, sent: dict[str, str]) -> None:
    asked = {"api_key": service.key} | filled(service, sent)
    answered(service, loop.run(service.get(path, params=asked)), path)


@common
@given(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=40).filter(
        lambda name: name.strip() not in {"", ".", ".."}
    )
)
def test_any_key_in_a_path_is_answered_as_akismet_would(loop: Any, service: Any, key: str) -> None:
    path = f"/k/{quote(key, safe='')}/1.2/usage-limit"
    assert answered(service, loop.run(service.get(URL(path, encoded=True))), path).raw == b"invalid"


HEAD = b"POST %b HTTP/1.1\r\nHost: %b\r\n"
MALFORMED = {
    "no length": b"Content-Type: application/json\r\n\r\n{}",
    "half a body": b"Content-Type: application/json\r\nContent-Length: 50\r\n\r\n{",
    "half a form": b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 50\r\n\r\napi_key=",
    "a bad chunk": b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}",
    "a compressed body": b"Content-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
    "an odd charset": b"Content-Type: %b; charset=\xff\xfe\r\nContent-Length: 1\r\n\r\na" % FORM.encode(),
    "an odd key": b"Authorization: Bearer \xff\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
    "a huge length": b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 99999999999\r\n\r\na",
    "both framings": b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
}
HOSTS = [b"a", b"c0de.akismet.example", b"\xff.akismet.example", b"." * 300, b"a\x0bb", b"[::1"]


@pytest.mark.parametrize("framed", MALFORMED.values(), ids=MALFORMED.keys())
async def test_what_is_malformed_is_answered_or_hung_up_on(client: Any, framed: bytes) -> None:
    for path in (b"/v1/moderations", b"/1.1/comment-check"):
        for host in HOSTS:
            answer = await said(client, HEAD % (path, host) + framed)
            assert b" 500 " not in answer.partition(b"\r\n")[0], answer
            assert not answer or answer.startswith(b"HTTP/1.")


async def said(client: Any, raw: bytes) -> bytes:
    """What comes back once we have nothing more to say."""
    reader, writer = await asyncio.open_connection("127.0.0.1", client.server.port)
    writer.write(raw)
    writer.write_eof()
    try:
        async with asyncio.timeout(60):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


CANARY = "canary-4711"


async def test_no_key_and_no_text_is_in_a_log_line_or_an_error(
    own_server: Any, tmp_path: Path, run: Any, key_for: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    made = Settings(redis_url=own_server.url, data_dir=tmp_path, store_timeout_s=30, akismet_domain="akismet.example")
    async with run(made) as client:
        caller, overseer = await key_for(client, "score", "comments"), await key_for(client, "admin")
        told = await everything(caller)
        with own_server.client() as redis:
            redis.config_set("maxmemory", 1)
            told += await everything(caller)
            redis.config_set("maxmemory", 0)
        own_server.kill()
        told += await everything(caller)
        told += (await overseer.get("/metrics")).raw.decode()
    logged = caplog.text + "".join(repr(record.args) for record in caplog.records)
    for secret in (CANARY, caller.key[18:61], label_of(caller.key)[4:36]):
        assert secret not in logged
        assert secret not in told


async def everything(caller: Any) -> str:
    """Every place for a key and a text, right and wrong; what was answered."""
    anybody, label = type(caller)(caller.client, None), label_of(caller.key)
    wrong = caller.key[:-1] + ("a" if caller.key[-1] != "a" else "b")
    replies = [
        await caller.post("/v1/moderations", {"input": CANARY}),
        await caller.post("/v1/moderations", {"input": [CANARY, 1], "model": CANARY}),
        await caller.post("/v1/moderations", {"input": [{"type": CANARY}]}),
        await caller.post(f"/v1/moderations?key={caller.key}", {"input": CANARY}),
        await caller.post(f"/v1/moderations/{caller.key}", {"input": CANARY}),
        await caller.send("/v1/moderations", f'{{"input": "{CANARY}'.encode()),
        await type(caller)(caller.client, wrong).post("/v1/moderations", {"input": CANARY}),
        await type(caller)(caller.client, label).post("/v1/moderations", {"input": CANARY}),
    ]
    for key in (caller.key, label, wrong, label[:-1] + "g"):
        person = {"comment_author": CANARY, "comment_author_email": CANARY, "comment_content": f"<b>{CANARY}</b>"}
        form = urlencode({"api_key": key, "blog": "https://daily.example", "user_ip": CANARY, **person})
        for path in AKISMET:
            replies += [
                await anybody.send(path, form.encode(), FORM),
                await anybody.send(path, form.encode(), f"{FORM}; charset={CANARY}"),
                await anybody.send(f"{path}?api_key={key}", form.encode(), FORM),
                await anybody.send(f"/k/{key}{path}", b"comment_content=" + CANARY.encode(), FORM),
                await anybody.send(path, b"", FORM, headers={"Host": f"{key}.akismet.example".replace("_", "-")}),
                await anybody.get(f"{path}?api_key={key}&month={CANARY}"),
            ]
    return "".join(reply.raw.decode() + str(reply.headers) for reply in replies)

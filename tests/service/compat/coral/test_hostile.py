"""Whatever is sent to Coral's door, signed or not: an answer, never our fault, and no secret in any line of it."""

import asyncio
import contextlib
import json
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.compat.coral.door import DOOR
from service.process.serving import bound, serving
from service.settings import Settings
from service.values.access import masked

SECRET = "empsec_4b1f0c9a7e"
NAMES = ["action", "comment", "body", "parentID", "author", "id", "role", "story", "url", "site", "tenantID", "x"]
CANARY = "canary-4711"

texts = st.text(st.characters(codec=None), max_size=30) | st.sampled_from(
    ["", "<p>", "&#x110000;", "<a href='", "x" * 3000]
)
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | texts, inner, max_size=5),
    max_leaves=15,
)
questions = st.fixed_dictionaries(
    {"comment": st.fixed_dictionaries({"body": texts}, optional={"parentID": leaves})},
    optional={"action": leaves, "author": values, "story": values, "site": values, "tenantID": texts, "more": values},
)


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def coral(loop: asyncio.Runner, shared_server: Any, run: Any, key_for: Any, keep: Any, coral_of: Any) -> Iterator[Any]:
    shared_server.flush()
    with tempfile.TemporaryDirectory() as folder:
        context = run(Settings(redis_url=shared_server.url, data_dir=Path(folder), store_timeout_s=30))
        client = loop.run(context.__aenter__())
        caller = loop.run(key_for(client))
        loop.run(keep(client.server.app, SECRET))
        yield coral_of(type(caller)(client, None))
        loop.run(context.__aexit__(None, None, None))
    assert shared_server.undying() == []


@settings(max_examples=100, deadline=None)
@given(value=values | questions)
def test_any_signed_json_gets_an_answer(loop: asyncio.Runner, coral: Any, value: Any) -> None:
    reply = loop.run(coral.send(json.dumps(value).encode()))
    assert reply.status in {200, 204, 400}, reply.raw
    if reply.status == 200:
        assert b"null" not in reply.raw


@settings(max_examples=60, deadline=None)
@given(raw=st.binary(max_size=200))
def test_any_signed_bytes_get_an_answer(loop: asyncio.Runner, coral: Any, raw: bytes) -> None:
    assert loop.run(coral.send(raw)).status in {204, 400}


@settings(max_examples=60, deadline=None)
@given(
    raw=st.binary(max_size=50),
    signature=st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=100),
)
def test_any_signature_that_is_not_right_gets_401(loop: asyncio.Runner, coral: Any, raw: bytes, signature: str) -> None:
    reply = loop.run(coral.send(raw, signature=signature.strip()))
    assert (reply.status, reply.raw) == (401, b"")


HEAD = b"POST /coral/daily HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\n"
RAW = {
    "no body and no length": HEAD + b"\r\n",
    "a lone signature": HEAD + b"X-Coral-Signature: sha256=00\r\nContent-Length: 2\r\n\r\n{}",
    "two signature headers": HEAD + b"X-Coral-Signature: a\r\nX-Coral-Signature: b\r\nContent-Length: 2\r\n\r\n{}",
    "a signature of other bytes": HEAD + b"X-Coral-Signature: sha256=\xff\xfe\x80\r\nContent-Length: 2\r\n\r\n{}",
    "a long signature": HEAD + b"X-Coral-Signature: " + b"sha256=a," * 800 + b"\r\nContent-Length: 2\r\n\r\n{}",
    "a body that never ends": HEAD + b"Content-Length: 20\r\n\r\n{",
    "a chunked body that never ends": HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
    "a body over the limit": HEAD + b"Content-Length: 99999999999\r\n\r\n{",
    "both framings": HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "a compressed body": HEAD + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b",
    "no content type": b"POST /coral/daily HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",
    "an odd site": HEAD.replace(b"daily", b"%00%ff{x}") + b"Content-Length: 2\r\n\r\n{}",
    "a query": HEAD.replace(b"daily", b"daily?a=%zz") + b"Content-Length: 2\r\n\r\n{}",
}


async def status(port: int, raw: bytes) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(raw)
    async with asyncio.timeout(60):
        head = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    return int(head.split(b" ", 2)[1])


async def test_whatever_comes_on_the_wire_is_answered_and_never_our_fault(settings: Settings, keep: Any) -> None:
    socket = bound("127.0.0.1", 0, shared=False)
    async with serving(msgspec.structs.replace(settings, receipt_timeout_s=0.3), socket) as app:
        await keep(app, SECRET)
        port = socket.getsockname()[1]
        statuses = await asyncio.gather(*(status(port, raw) for raw in RAW.values()))
    assert {name: found for name, found in zip(RAW, statuses, strict=True) if not 400 <= found < 500} == {}


async def test_neither_secret_nor_comment_is_in_a_log_line(
    own_server: Any, tmp_path: Path, run: Any, key_for: Any, keep: Any, coral_of: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with run(Settings(redis_url=own_server.url, data_dir=tmp_path, store_timeout_s=5)) as client:
        admin = await key_for(client)
        await keep(client.server.app, SECRET)
        coral = coral_of(type(admin)(client, None))
        replies = [
            await coral(CANARY, author={"id": CANARY}),
            await coral.send(f'{{"comment": "{CANARY}'.encode()),
            await coral.send(f'{{"comment": "{CANARY}"}}'.encode()),
            await coral.send(CANARY.encode(), signature=f"sha256={CANARY}"),
        ]
        own_server.kill()
        replies += [await coral(f"{CANARY} again"), await coral.send(CANARY.encode())]
        metrics = (await admin.get("/metrics")).raw
        await client.server.app[DOOR].drain(timeout_s=0)  # nobody will start this Redis again
    assert not [reply for reply in replies if CANARY.encode() in reply.raw or SECRET.encode() in reply.raw]
    formatter = logging.Formatter("%(name)s %(message)s")
    said = "\n".join(formatter.format(record) + repr(record.args) for record in caplog.records)
    assert said
    for secret in (CANARY, SECRET):
        assert secret not in said
        assert secret.encode() not in metrics


def test_a_signing_secret_in_a_log_line_is_masked() -> None:
    assert masked(f"secret {SECRET}, {SECRET}") == "secret empsec_***, empsec_***"

"""Whatever is sent to Perspective's paths: an answer in Google's envelope, soon, and never our fault."""

import asyncio
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.settings import Settings

PATHS = ("/v1alpha1/comments:analyze", "/v1alpha1/comments:suggestscore")
NAMES = [
    *(
        "comment",
        "text",
        "type",
        "requestedAttributes",
        "requested_attributes",
        "TOXICITY",
        "INSULT",
        "LIKELY_TO_REJECT",
    ),
    *("scoreType", "score_threshold", "scoreThreshold", "languages", "context", "entries", "articleAndParentComment"),
    *("parent_comment", "article", "doNotStore", "spanAnnotations", "clientToken", "sessionId", "communityId"),
    *("dropUnsupportedAttributes", "attributeScores", "summaryScore", "spanScores", "begin", "end", "score", "value"),
]
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0, 1, 2**63, -(2**64)])
# Whole code points and halves of them.
texts = st.text(st.characters(codec=None), max_size=30)
leaves = (
    st.none() | st.booleans() | numbers | texts | st.sampled_from(["en", "PROBABILITY", "HTML", "0.5", "You fool."])
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | texts, inner, max_size=5),
    max_leaves=20,
)
# Near enough to right that it comes far.
scores = st.dictionaries(st.sampled_from(["value", "type"]), numbers | st.just("PROBABILITY") | st.none())
spans = st.lists(st.fixed_dictionaries({}, optional={"begin": numbers, "end": numbers, "score": scores}), max_size=3)
likely = st.fixed_dictionaries(
    {"comment": st.fixed_dictionaries({"text": texts}, optional={"type": st.sampled_from(["HTML", "PLAIN_TEXT", 2])})},
    optional={
        "requestedAttributes": st.dictionaries(
            st.sampled_from(["TOXICITY", "LIKELY_TO_REJECT", "SPAM@2"]),
            st.fixed_dictionaries({}, optional={"scoreThreshold": numbers, "scoreType": leaves}),
        ),
        "attributeScores": st.dictionaries(
            st.sampled_from(["TOXICITY", "LIKELY_TO_REJECT"]),
            st.fixed_dictionaries({}, optional={"summaryScore": scores, "spanScores": spans}),
        ),
        "languages": st.lists(texts | st.just("en"), max_size=3),
        "context": values,
        "spanAnnotations": st.booleans(),
        "clientToken": texts,
        "communityId": texts,
    },
)


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    """One loop for all examples: hypothesis calls a plain function many times."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def service(loop: asyncio.Runner, shared_server: Any, run: Any, key_for: Any) -> Iterator[Any]:
    shared_server.flush()
    with tempfile.TemporaryDirectory() as folder:
        context = run(Settings(redis_url=shared_server.url, data_dir=Path(folder), store_timeout_s=30))
        client = loop.run(context.__aenter__())
        caller = loop.run(key_for(client))
        wishes = {"queue_doubtful": True, "accept_html": True, "score_maps": {"TOXICITY": [[0.5, 0.2]]}}
        body = {"thresholds": {"toxicity": {"review_at": 0.1}}, "protocols": {"perspective": wishes}}
        assert loop.run(caller("PUT", "/v1/policies/default", body)).status == 200
        yield caller
        loop.run(context.__aexit__(None, None, None))
    assert shared_server.undying() == []


def checked(reply: Any) -> None:
    assert reply.status < 500, reply.body
    if reply.status >= 400:
        assert reply.headers["Content-Type"] == "application/json; charset=UTF-8"
        assert reply.body["error"]["code"] == reply.status
        assert reply.body["error"]["status"]


@pytest.mark.parametrize("path", PATHS)
@settings(max_examples=100, deadline=None)
@given(value=values | likely)
def test_any_json_gets_an_answer_in_the_envelope(loop: asyncio.Runner, service: Any, path: str, value: Any) -> None:
    checked(loop.run(service.send(path, json.dumps(value).encode())))


@pytest.mark.parametrize("path", [*PATHS, "/batch"])
@settings(max_examples=60, deadline=None)
@given(raw=st.binary(max_size=200))
def test_any_bytes_get_an_answer_in_the_envelope(loop: asyncio.Runner, service: Any, path: str, raw: bytes) -> None:
    checked(loop.run(service.send(path, raw)))


lines = st.sampled_from(
    [
        *(b"--b", b"--b--", b"", b"\r", b"Content-Type: application/http", b"Content-ID: <x + 1>", b"Content-ID: \xff"),
        *(b"POST /v1alpha1/comments:analyze HTTP/1.1", b"POST /v1alpha1/comments:analyze?key=x&fields=( HTTP/1.1"),
        *(b"GET / HTTP/1.1", b"POST  HTTP/1.1", b"Content-Transfer-Encoding: base64", b"X-Goog-Api-Key: \xe9", b"{}"),
        b'{"comment": {"text": "You fool."}, "requestedAttributes": {"TOXICITY": {}}}',
    ]
)


@settings(max_examples=150, deadline=None)
@given(parts=st.lists(lines | st.binary(max_size=20), max_size=15), newline=st.sampled_from([b"\n", b"\r\n"]))
def test_any_batch_gets_an_answer(loop: asyncio.Runner, service: Any, parts: list[bytes], newline: bytes) -> None:
    raw = b"--b" + newline + newline.join(parts)
    reply = loop.run(service.send("/batch", raw, "multipart/mixed; boundary=b"))
    checked(reply)
    assert b"HTTP/1.1 5" not in reply.raw


@settings(max_examples=60, deadline=None)
@given(kind=st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=60))
def test_any_content_type_gets_an_answer(loop: asyncio.Runner, service: Any, kind: str) -> None:
    for given_kind in (kind, f"multipart/mixed; boundary={kind}", f"multipart/mixed; boundary*={kind}"):
        checked(loop.run(service.send("/batch", b"--b\n\n--b--", given_kind)))
        checked(loop.run(service.send(PATHS[0], b"{}", given_kind)))


@settings(max_examples=100, deadline=None)
@given(
    query=st.dictionaries(
        st.sampled_from(["key", "alt", "fields", "prettyPrint", "callback", "$.xgafv", "version"]),
        st.text(st.characters(codec="utf-8"), max_size=30)
        | st.sampled_from(["attributeScores(*/", "a.b/c", "*", "json"]),
    )
)
def test_any_parameters_get_an_answer(loop: asyncio.Runner, service: Any, query: dict[str, str]) -> None:
    body = {"comment": {"text": "You fool."}, "requestedAttributes": {"TOXICITY": {}}}
    checked(loop.run(service.post(PATHS[0], body, params=query)))
    checked(loop.run(service.get("/$discovery/rest", params=query)))


# Texts that make a careless pattern or a careless loop take seconds.
TEXTS = [
    "." * 20_480,
    ".a" * 10_240,
    "!" * 20_479 + "x",
    ". " * 10_240,
    "a. " * 6_800,
    ".)" * 10_240,
    "\n" * 20_000 + "a",
]
HTML = ["<" * 20_480, "<a" * 10_240, "<!--" * 5_120, "&" * 20_480, "&#" * 10_240, "&#" + "0" * 20_470]
HTML += ["<a " + "b" * 20_000, "a>" * 10_000]


@pytest.mark.parametrize("text", [*TEXTS, *HTML], ids=lambda text: repr(text[:6]))
@pytest.mark.timeout(300)
def test_a_text_made_to_be_slow_is_not(loop: asyncio.Runner, service: Any, text: str) -> None:
    body = {
        "comment": {"text": text, "type": "HTML" if text in HTML else "PLAIN_TEXT"},
        "requestedAttributes": {"TOXICITY": {}},
        "languages": ["en"],
        "spanAnnotations": True,
        "doNotStore": True,
    }
    reply = loop.run(service.post(PATHS[0], body))
    checked(reply)
    if reply.status == 200:
        assert len(reply.body["attributeScores"]["TOXICITY"]["spanScores"]) <= 500


@pytest.mark.timeout(300)
def test_who_hangs_up_or_sends_half_disturbs_nobody(loop: asyncio.Runner, service: Any) -> None:
    head = f"POST {PATHS[0]}?key={service.key} HTTP/1.1\r\nHost: a\r\n"
    half = [head, head + "Content-Length: 100\r\n\r\n{", head + "Transfer-Encoding: chunked\r\n\r\n5\r\n{"]

    async def hang_up(raw: str) -> None:
        server = service.client.server
        _, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(raw.encode())
        writer.transport.abort()

    async def everybody() -> None:
        await asyncio.gather(*(hang_up(raw) for raw in half * 10))

    loop.run(everybody())
    checked(loop.run(service.post(PATHS[0], {"comment": {"text": "You fool."}})))

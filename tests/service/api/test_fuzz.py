"""Whatever JSON is sent: an answer of the contract, and never our fault."""

import asyncio
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from yarl import URL

from service.settings import Settings

PATHS = (
    "/v1/score",
    "/v1/comments",
    "/v1/comments:batch",
    "/v1/review/claim",
    "/v1/review/decisions",
    "/v1/review/c-1/decision",
    "/v1/review/c-1/extend",
    "/v1/review/c-1/release",
)
JSON = {"Content-Type": "application/json"}
NAMES = [
    "text",
    "texts",
    "id",
    "author",
    "article",
    "parent",
    "created_at",
    "language",
    "callback_url",
    "metadata",
    "attributes",
    "spans",
    "comments",
    "count",
    "lease_seconds",
    "wait",
    "filter",
    "attribute",
    "section",
    "why",
    "decision",
    "lease",
    "reason",
    "labels",
    "note",
    "decisions",
    "skip",
    "name",
    "trusted",
    "url",
]

numbers = (
    st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(
        [
            2**63,
            2**64,
            -(2**63) - 1,
        ]
    )
)
# Whole code points and halves of them; nothing that makes a request wait.
texts = st.text(st.characters(codec=None), max_size=30)
leaves = st.none() | st.booleans() | numbers | texts | st.sampled_from(["c-1", "1.1", "reject", "2026-11-23T10:00:00Z"])
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | texts, inner, max_size=5),
    max_leaves=20,
)
named = st.dictionaries(st.sampled_from(NAMES), values, max_size=6)


def without_waiting(value: Any) -> Any:
    """A long poll that waits for 25 s is right, and of no use here."""
    if isinstance(value, dict):
        return {name: without_waiting(inner) for name, inner in value.items() if name != "wait"}
    return [without_waiting(inner) for inner in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    """One loop for all examples: hypothesis calls a plain function many times."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def service(loop: asyncio.Runner, shared_server: Any, run: Any, key_for: Any) -> Iterator[Any]:
    shared_server.flush()
    with tempfile.TemporaryDirectory() as folder:
        given_settings = Settings(redis_url=shared_server.url, data_dir=Path(folder), store_timeout_s=30)
        context = run(given_settings)
        client = loop.run(context.__aenter__())
        yield loop.run(key_for(client))
        loop.run(context.__aexit__(None, None, None))
    assert shared_server.undying() == []


def checked(reply: Any) -> None:
    assert reply.status < 500, reply.body
    if reply.status >= 400:
        assert reply.headers["Content-Type"] == "application/problem+json"
        assert reply.body["status"] == reply.status
        for fault in reply.body.get("errors", []):
            assert fault["pointer"] == "" or fault["pointer"].startswith("/")


@pytest.mark.parametrize("path", PATHS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=values | named)
def test_any_json_gets_an_answer_of_the_contract(loop: asyncio.Runner, service: Any, path: str, value: Any) -> None:
    body = json.dumps(without_waiting(value)).encode()
    checked(loop.run(service.send(path, body)))


@pytest.mark.parametrize("path", ["/v1/score", "/v1/labels"])
@settings(max_examples=60, deadline=None)
@given(raw=st.binary(max_size=200))
def test_any_bytes_get_an_answer_of_the_contract(loop: asyncio.Runner, service: Any, path: str, raw: bytes) -> None:
    kind = "application/x-ndjson" if path == "/v1/labels" else "application/json"
    checked(loop.run(service.send(path, raw, kind)))


@settings(max_examples=60, deadline=None)
@given(value=values | named)
def test_any_label_gets_an_answer_of_the_contract(loop: asyncio.Runner, service: Any, value: Any) -> None:
    checked(loop.run(service.send("/v1/labels", json.dumps(value).encode(), "application/x-ndjson")))


@settings(max_examples=40, deadline=None)
@given(value=values | st.fixed_dictionaries({"thresholds": st.dictionaries(st.sampled_from(["spam", "x"]), values)}))
def test_any_policy_gets_an_answer_of_the_contract(loop: asyncio.Runner, service: Any, value: Any) -> None:
    checked(loop.run(service("PUT", "/v1/policies/default", data=json.dumps(value).encode(), headers=JSON)))


entries = st.fixed_dictionaries({"text": texts}, optional={"match": leaves, "exception": leaves, "until": leaves})


@settings(max_examples=40, deadline=None)
@given(value=values | st.fixed_dictionaries({"entries": st.lists(entries | values, max_size=4)}))
def test_any_list_gets_an_answer_of_the_contract(loop: asyncio.Runner, service: Any, value: Any) -> None:
    checked(loop.run(service("PUT", "/v1/lists/words", data=json.dumps(value).encode(), headers=JSON)))
    changed = {"add": value.get("entries", value)} if isinstance(value, dict) else value
    checked(loop.run(service("PATCH", "/v1/lists/words", data=json.dumps(changed).encode(), headers=JSON)))


@pytest.mark.parametrize("form", ["csv", "discourse", "wordpress", "coral"])
@settings(max_examples=30, deadline=None)
@given(raw=st.binary(max_size=100) | st.text(st.characters(codec="utf-8"), max_size=100).map(str.encode))
def test_any_file_of_words_gets_an_answer_of_the_contract(
    loop: asyncio.Runner, service: Any, form: str, raw: bytes
) -> None:
    headers = {"Content-Type": "text/csv"}
    checked(loop.run(service("PUT", f"/v1/lists/words?format={form}", data=raw, headers=headers)))
    checked(loop.run(service.get(f"/v1/lists/words:export?format={form}")))


@settings(max_examples=60, deadline=None)
@given(
    path=st.sampled_from(["/v1/review/items", "/v1/labels", "/v1/audit", "/v1/comments/c-1", "/v1/lists/words"]),
    query=st.dictionaries(
        st.sampled_from(["limit", "cursor", "after", "comment", "actor", "attribute", "state"]),
        texts | numbers.map(str),
    ),
)
def test_any_parameters_get_an_answer_of_the_contract(
    loop: asyncio.Runner, service: Any, path: str, query: dict[str, str]
) -> None:
    sent = {name: value.encode("utf-8", "replace").decode() for name, value in query.items()}
    checked(loop.run(service.get(path, params=sent)))


@settings(max_examples=60, deadline=None)
@given(name=st.text(st.characters(codec="utf-8"), min_size=1, max_size=40).filter(lambda name: name not in {".", ".."}))
def test_any_id_in_a_path_gets_an_answer_of_the_contract(loop: asyncio.Runner, service: Any, name: str) -> None:
    path = URL(f"/v1/comments/{quote(name, safe='')}", encoded=True)
    checked(loop.run(service.get(path)))
    checked(loop.run(service("DELETE", path)))

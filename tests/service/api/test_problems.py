"""Every row of the contract's table of errors."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import one_service
import pytest

from service.http.problems import STATUS, TITLES
from service.values import errors
from service.values.errors import ServiceError

redis_server, settings, client, site, key_for, admin, ann, bob = one_service.FIXTURES

BAD_JSON = [
    (b"", ""),
    (b"{", ""),
    (b"\xff\xfe{}", ""),
    (b'{"text": "\xed\xa0\x80"}', ""),
    (b'{"text": "a", "text": "b"}', ""),
    (b'{"text": "a", "metadata": {"x": 1, "x": 2}}', ""),
    (b'{"text": "a", "metadata": {"x": NaN}}', ""),
    (b'{"text": "a", "metadata": {"x": -Infinity}}', ""),
    (b'{"text": "a", "metadata": {"x": 1e999}}', ""),
    (b'{"text": "a", "metadata": {"x": %s}}' % (b"9" * 5000), ""),
    (b'{"text": "a", "metadata": %s%s}' % (b'{"x":' * 25, b"1" + b"}" * 25), ""),
    (b"[" * 60_000, ""),
    (b"[" * 30_000 + b"]" * 30_000, ""),
    (b'"text"', ""),
    (b"[]", ""),
    (b"null", ""),
    (b"{}", "/text"),
    (b'{"text": 1}', "/text"),
    (b'{"text": null}', "/text"),
    (b'{"text": ""}', "/text"),
    (b'{"text": " \\n\\t\\u2003 "}', "/text"),
    (b'{"text": "a", "colour": 1}', "/colour"),
    (b'{"text": "a", "a/b~c": 1}', "/a~1b~0c"),
    (b'{"text": "a", "id": ".."}', "/id"),
    (b'{"text": "a", "id": 7}', "/id"),
    (b'{"text": "a", "author": {"trusted": "yes"}}', "/author/trusted"),
    (b'{"text": "a", "author": {"colour": 1}}', "/author/colour"),
    (b'{"text": "a", "created_at": 1}', "/created_at"),
    (b'{"text": "a", "article": {"published_at": "yesterday"}}', "/article/published_at"),
    (b'{"text": "a", "parent": {"text": 1}}', "/parent/text"),
    (b'{"text": "a", "metadata": [1]}', "/metadata"),
]


@pytest.mark.parametrize(("body", "pointer"), BAD_JSON, ids=[str(body[:40]) for body, _ in BAD_JSON])
async def test_a_body_at_fault_is_400_and_says_where(admin: Any, problem: Any, body: bytes, pointer: str) -> None:
    found = problem(await admin.send("/v1/comments", body), 400)
    assert [fault["pointer"] for fault in found["errors"]] == [pointer]


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("/v1/score", {}, "/text"),
        ("/v1/score", {"text": "a", "texts": ["b"]}, "/text"),
        ("/v1/score", {"texts": []}, "/texts"),
        ("/v1/score", {"texts": ["a", 1]}, "/texts/1"),
        ("/v1/score", {"texts": ["a", " "]}, "/texts/1"),
        ("/v1/score", {"text": "a", "attributes": ["toxicity", "taste"]}, "/attributes/1"),
        ("/v1/comments:batch", {"comments": []}, "/comments"),
        ("/v1/review/claim", {"count": 21}, "/count"),
        ("/v1/review/claim", {"wait": 26}, "/wait"),
        ("/v1/review/claim", {"filter": {"colour": "x"}}, "/filter/colour"),
        ("/v1/review/c-1/decision", {"decision": "perhaps", "lease": "1.1"}, "/decision"),
        ("/v1/review/c-1/decision", {"decision": "reject", "lease": "mine"}, "/lease"),
        ("/v1/review/c-1/decision", {"decision": "reject", "lease": "1.1", "labels": {"x/y": True}}, "/labels/x~1y"),
        ("/v1/review/c-1/decision", {"decision": "reject", "lease": "1.1", "reason": "Free text"}, "/reason"),
        ("/v1/review/c-1/extend", {}, "/lease"),
        ("/v1/review/c-1/release", {"lease": "1.1", "skip": 1}, "/skip"),
        ("/v1/review/decisions", {"decisions": []}, "/decisions"),
    ],
)
async def test_every_operation_says_what_is_wrong_where(
    admin: Any, problem: Any, path: str, body: Any, pointer: str
) -> None:
    found = problem(await admin.post(path, body), 400)
    assert [fault["pointer"] for fault in found["errors"]] == [pointer]


@pytest.mark.parametrize(
    ("thresholds", "pointer"),
    [
        ({}, "/thresholds"),
        ({"toxicity": {"review_at": 1.1}}, "/thresholds/toxicity/review_at"),
        ({"toxicity": {"review_at": 0.5, "reject_at": 0.4}}, "/thresholds/toxicity/review_at"),
        ({"taste/~": {}}, "/thresholds/taste~1~0"),
    ],
)
async def test_a_policy_at_fault_says_where(admin: Any, problem: Any, thresholds: Any, pointer: str) -> None:
    found = problem(await admin("PUT", "/v1/policies/default", {"thresholds": thresholds}), 400)
    assert [fault["pointer"] for fault in found["errors"]] == [pointer]


@pytest.mark.parametrize(
    "query",
    [
        "/v1/review/items?limit=0",
        "/v1/review/items?limit=many",
        "/v1/review/items?cursor=-1",
        f"/v1/review/items?cursor={10**30}",
        "/v1/review/items?state=gone",
        "/v1/review/items?unknown=1",
        "/v1/review/stats?x",
        "/v1/comments/c-1?wait=nan",
        "/v1/comments/c-1?wait=-1",
        "/v1/comments/c-1?wait=1e999",
        "/v1/labels?after=yesterday",
        "/v1/labels?after=1-1%0A",
        f"/v1/labels?after={'9' * 30}-1",
        "/v1/audit?after=0",
        "/v1/audit?limit=1001",
    ],
)
async def test_a_parameter_at_fault_is_400(admin: Any, problem: Any, query: str) -> None:
    problem(await admin.get(query), 400)


@pytest.mark.parametrize("path", ["/v1/score", "/v1/comments", "/v1/comments:batch", "/v1/review/claim", "/v1/labels"])
@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""])
async def test_another_content_type_is_415(admin: Any, problem: Any, path: str, content_type: str) -> None:
    problem(await admin.send(path, b'{"text": "a"}', content_type), 415)


async def test_a_charset_beside_the_content_type_is_fine(admin: Any) -> None:
    reply = await admin.send("/v1/score", b'{"text": "a"}', "application/json; charset=utf-8")
    assert reply.status == 200


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "x"])
async def test_a_compressed_body_is_415(admin: Any, problem: Any, encoding: str) -> None:
    problem(await admin.send("/v1/score", b"\x1f\x8b", headers={"Content-Encoding": encoding}), 415)


@pytest.mark.parametrize(
    "path", ["/nowhere", "/v1", "/v1/comments/", "/v1/models/a/b", "/docs/../app.py", "/docs/x.js"]
)
async def test_what_is_not_there_is_404(admin: Any, problem: Any, path: str) -> None:
    problem(await admin.get(path), 404)


async def test_another_method_is_405_and_says_which_are_allowed(admin: Any, problem: Any) -> None:
    reply = await admin("PATCH", "/v1/comments/c-1")
    problem(reply, 405)
    assert {method.strip() for method in reply.headers["Allow"].split(",")} == {"GET", "HEAD", "DELETE"}


async def test_a_rate_limit_is_429_and_says_when_to_come_again(client: Any, key_for: Any, problem: Any) -> None:
    caller = await key_for(client, "score", rate_per_s=2)
    found = await asyncio.gather(*(caller.post("/v1/score", {"text": "a"}) for _ in range(6)))
    refused = [reply for reply in found if reply.status == 429]
    assert 3 <= len(refused) <= 4
    assert problem(refused[0], 429)["code"] == "rate_limited"
    assert int(refused[0].headers["Retry-After"]) >= 1


def _all(kind: type[ServiceError]) -> Iterator[type[ServiceError]]:
    for each in kind.__subclasses__():
        yield each
        yield from _all(each)


def test_no_error_of_ours_lacks_a_status_or_a_code_of_its_own() -> None:
    # Those of other protocols are told in their own words.
    own = [kind for kind in _all(ServiceError) if not kind.__module__.startswith("service.compat.")]
    raised = [kind for kind in own if kind is not errors.Retryable]
    assert {kind for kind in raised if kind not in STATUS} == set()
    assert all(TITLES[STATUS[kind]] for kind in raised)
    codes = [kind.code for kind in raised]
    assert len(set(codes)) == len(codes)
    assert "internal" not in codes


async def test_a_problem_names_its_occurrence(admin: Any, problem: Any) -> None:
    first, second = [problem(await admin.get("/nowhere"), 404) for _ in range(2)]
    assert first["instance"] != second["instance"]


async def test_a_body_is_not_quoted_back(admin: Any) -> None:
    reply = await admin.send("/v1/comments", b'{"text": "canary-4711')
    assert b"canary" not in reply.raw
    assert json.loads(reply.raw)["status"] == 400

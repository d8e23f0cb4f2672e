"""Each request has an id: it stands in the answer, and in every entry of the audit trail that the request made."""

import asyncio
from typing import Any

import pytest


async def entries(admin: Any, action: str) -> list[dict[str, str]]:
    reply = await admin.get("/v1/audit?limit=1000")
    return [each["details"] for each in reply.body["entries"] if each["details"]["action"] == action]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/comments", {"text": "hello"}),
        ("POST", "/v1/comments", {"text": 1}),
        ("GET", "/v1/comments/nobody", None),
        ("GET", "/nowhere", None),
        ("GET", "/livez", None),
        ("GET", "/console/sign-in", None),
    ],
)
async def test_every_answer_names_its_request(admin: Any, method: str, path: str, body: Any) -> None:
    first, second = [await admin(method, path, body) for _ in range(2)]
    names = [reply.headers.getall("X-Request-Id") for reply in (first, second)]
    assert [len(each) for each in names] == [1, 1]
    assert names[0] != names[1]


async def test_an_id_that_the_client_or_a_proxy_gave_is_kept(admin: Any) -> None:
    reply = await admin.post("/v1/comments", {"text": "hello"}, headers={"X-Request-Id": "edge-7:1.2"})
    assert reply.headers["X-Request-Id"] == "edge-7:1.2"
    assert [each["request"] for each in await entries(admin, "submitted")] == ["edge-7:1.2"]


@pytest.mark.parametrize("said", ["", "a b", "x" * 65, "é", "a'b", '"', "a\tb", "-a", "cmk_live_abcdefgh"])
async def test_what_does_not_look_like_an_id_is_not_kept(admin: Any, said: str) -> None:
    reply = await admin.post("/v1/comments", {"text": "hello"}, headers={"X-Request-Id": said})
    assert reply.status == 200
    (entry,) = await entries(admin, "submitted")
    assert entry["request"] == reply.headers["X-Request-Id"] != said


async def test_each_of_many_requests_at_once_is_named_in_its_own_entry(admin: Any) -> None:
    replies = await asyncio.gather(*(admin.post("/v1/comments", {"id": f"c-{n}", "text": "hello"}) for n in range(40)))
    said = {f"c-{n}": reply.headers["X-Request-Id"] for n, reply in enumerate(replies)}
    assert {each["comment"]: each["request"] for each in await entries(admin, "submitted")} == said


async def test_a_change_by_script_and_one_beside_a_script_are_named(admin: Any) -> None:
    policy = await admin("PUT", "/v1/policies/default", {"thresholds": {"toxicity": {"review_at": 0}}})
    await admin.post("/v1/comments", {"id": "c-1", "text": "hello", "author": {"id": "a-1"}})
    claim = await admin.post("/v1/review/claim", {"count": 1})
    author = await admin.get("/v1/authors/a-1")
    for action, reply in {"policy_changed": policy, "claimed": claim, "author_read": author}.items():
        found = await entries(admin, action)
        assert [each["request"] for each in found] == [reply.headers["X-Request-Id"]], action


async def test_a_decision_is_recorded_with_model_policy_and_score(admin: Any, ann: Any) -> None:
    await admin("PUT", "/v1/policies/default", {"thresholds": {"toxicity": {"review_at": 0}}})
    posted = await admin.post("/v1/comments", {"id": "c-1", "text": "hello", "created_at": "2026-11-01T00:00:00Z"})
    (held,) = (await ann.post("/v1/review/claim", {"count": 1})).body["items"]
    await ann.post("/v1/review/c-1/decision", {"decision": "reject", "lease": held["lease"]})
    (submitted,), (decided,) = await entries(admin, "submitted"), await entries(admin, "decided")
    assert decided["model"] == submitted["model"] == posted.body["model"]
    assert decided["policy"] == submitted["policy"] == "default@2"
    assert decided["score"] == submitted["score"] == f"toxicity {posted.body['scores']['toxicity']:.6f}"


async def test_who_reads_labels_in_bulk_stands_in_the_trail(admin: Any) -> None:
    label = b'{"text": "a", "labels": {"spam": true}}\n{"text": "b", "labels": {"spam": false}}\n'
    await admin.send("/v1/labels", label, "application/x-ndjson")
    first = await admin.get("/v1/labels?limit=1")
    place = first.headers["Steward-Next-Cursor"]
    await admin.get(f"/v1/labels?after={place}")
    found = await entries(admin, "labels_read")
    assert [(each["actor"], each["labels"], each["after"]) for each in found] == [
        ("chief", "1", ""),
        ("chief", "1", place),
    ]
    assert found[0]["request"] == first.headers["X-Request-Id"]
    assert not any("text" in each for each in found)

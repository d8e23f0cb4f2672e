"""A blind audit over HTTP looks like any other comment until it is decided."""

import json
from typing import Any

import pytest

# Beyond what differs between any two comments.
OWN = ("id", "text", "lease", "lease_expires_at", "created_at")
POLICY = {"thresholds": {"toxicity": {"review_at": 0.5}}, "review": {"audit_approved": 1}}


@pytest.fixture
async def both(admin: Any) -> None:
    """`doubtful` waits for an answer, `sampled` was approved; both are due in six hours.

    They may be due in the same millisecond, so their names have the same order.
    """
    assert (await admin("PUT", "/v1/policies/default", POLICY)).status == 200
    for name, text, status in (("doubtful", "you are an idiot", "pending"), ("sampled", "well, hello", "approved")):
        reply = await admin.post("/v1/comments", {"id": name, "text": text})
        assert (reply.body["status"], reply.body["review"]["state"]) == (status, "queued")


def same(items: list[dict[str, Any]]) -> bool:
    for item in items:
        item["review"]["due_at"] = None
    doubtful, sampled = ({name: value for name, value in item.items() if name not in OWN} for item in items)
    return doubtful == sampled


@pytest.mark.usefixtures("both")
async def test_whoever_claims_an_audit_cannot_tell_it_apart(ann: Any) -> None:
    items = (await ann.post("/v1/review/claim", {"count": 2})).body["items"]
    assert [item["id"] for item in items] == ["doubtful", "sampled"]
    assert {"status", "decision", "decided_by", "decided_at", "scores", "reasons", "review"} <= items[1].keys()
    assert "audit" not in json.dumps({name: items[1][name] for name in items[1] if name not in OWN})
    assert same(items)


@pytest.mark.usefixtures("both")
async def test_whoever_looks_at_the_queue_cannot_tell_it_apart(ann: Any) -> None:
    assert same((await ann.get("/v1/review/items")).body["items"])
    held = (await ann.post("/v1/review/claim", {"count": 2})).body["items"]
    assert same((await ann.get("/v1/review/items?state=claimed")).body["items"])
    assert same([(await ann.post(f"/v1/review/{i['id']}/extend", {"lease": i["lease"]})).body for i in held])


@pytest.mark.usefixtures("both")
async def test_whoever_lost_the_lease_cannot_tell_it_apart(ann: Any, problem: Any) -> None:
    for action, body in (("decision", {"decision": "reject"}), ("extend", {}), ("release", {})):
        doubtful, sampled = [
            problem(await ann.post(f"/v1/review/{name}/{action}", {**body, "lease": "1.1"}), 409)["current"]
            for name in ("doubtful", "sampled")
        ]
        assert doubtful | {"id": ""} == sampled | {"id": ""}


@pytest.mark.usefixtures("both")
async def test_nobody_can_filter_audits_out_or_in(ann: Any, bob: Any) -> None:
    assert (await bob.post("/v1/review/claim", {"filter": {"why": "audit"}})).body["items"] == []
    items = (await ann.post("/v1/review/claim", {"count": 2, "filter": {"why": "uncertain"}})).body["items"]
    assert {item["id"] for item in items} == {"doubtful", "sampled"}


@pytest.mark.usefixtures("both")
async def test_an_audit_never_shows_its_scores_before_the_answer(admin: Any, ann: Any) -> None:
    policy = {"thresholds": {"toxicity": {"review_at": 0}}, "review": {"show_scores": True}}
    assert (await admin("PUT", "/v1/policies/default", policy)).status == 200
    for number in range(80):
        await admin.post("/v1/comments", {"id": f"c-{number}", "text": f"well, hello {number}"})
    items = (await ann.get("/v1/review/items?limit=100")).body["items"]
    without = {item["id"] for item in items if item["scores"] is None}
    assert "sampled" in without
    assert 1 < len(without) < len(items) / 2, "a missing score gives nothing away"


@pytest.mark.usefixtures("both")
async def test_the_answer_shows_what_the_automatic_step_said(admin: Any, ann: Any) -> None:
    items = (await ann.post("/v1/review/claim", {"count": 2})).body["items"]
    reply = await ann.post("/v1/review/sampled/decision", {"decision": "approve", "lease": items[1]["lease"]})
    assert (reply.body["status"], reply.body["decided_by"], reply.body["decision"]) == ("approved", "model", "approve")
    assert reply.body["scores"]
    told = (await admin.get("/v1/events")).body["events"]
    assert [event["comment_id"] for event in told if event["comment_id"] == "sampled"] == []


async def test_the_count_of_an_authors_comments_does_not_tell_an_audit(admin: Any, ann: Any) -> None:
    assert (await admin("PUT", "/v1/policies/default", POLICY)).status == 200
    for author, text in (("u-1", "you are an idiot"), ("u-2", "well, hello")):
        await admin.post("/v1/comments", {"id": f"of-{author}", "text": text, "author": {"id": author}})
    doubtful, sampled = [(await ann.get(f"/v1/authors/{author}/status")).body for author in ("u-1", "u-2")]
    assert doubtful | {"author": ""} == sampled | {"author": ""}

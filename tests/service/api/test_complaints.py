"""An appeal is a complaint under article 20: in time, decided by somebody else, and answered with reasons."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from service.settings import Settings

CLAUSES = {
    "other": {"clause": "Section 1", "explanation": "Keep to our rules."},
    "insulting": {"clause": "Section 3", "explanation": "It insults."},
}
DSA = {"in_scope": True, "clauses": CLAUSES, "dispute_url": "https://site.example/disputes"}
COMPLAINT, APPEAL = "/v1/comments/c-1/complaint", "/v1/comments/c-1/appeal"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Without a hold, so that the feed shows a decision at once."""
    return msgspec.structs.replace(settings, undo_hold_s=0)


async def put(chief: Any, dsa: Any = DSA, **thresholds: Any) -> None:
    policy = {"thresholds": {"toxicity": thresholds}} | ({"dsa": dsa} if dsa else {})
    reply = await chief("PUT", "/v1/policies/default", policy)
    assert reply.status == 200, reply.body


async def decide(moderator: Any, verdict: str, reason: str = "insulting") -> None:
    (item,) = (await moderator.post("/v1/review/claim", {"count": 1})).body["items"]
    body = {"decision": verdict, "lease": item["lease"], "reason": reason if verdict == "reject" else ""}
    reply = await moderator.post("/v1/review/c-1/decision", body)
    assert reply.status == 200, reply.body


@pytest.fixture
async def rejected(admin: Any, ann: Any) -> None:
    await put(admin, review_at=0)
    await admin.post("/v1/comments", {"id": "c-1", "text": "hello"})
    await decide(ann, "reject")


async def complaint(chief: Any) -> Any:
    reply = await chief.get(COMPLAINT)
    assert reply.status == 200, reply.body
    return reply.body


@pytest.mark.usefixtures("rejected")
async def test_a_complaint_is_open_until_somebody_else_decides_it(admin: Any, ann: Any) -> None:
    assert (await admin.post(APPEAL, {"reason": "I quoted"})).status == 200
    found = await complaint(admin)
    assert (found["outcome"], found["decided_at"], found["clause"]) == ("open", None, None)
    assert "person who did not take the decision" in found["texts"]["en"]
    assert (await ann.post("/v1/review/claim", {"count": 1})).body["items"] == [], "she rejected it"


@pytest.mark.usefixtures("rejected")
async def test_nobody_decides_a_complaint_about_their_own_rejection_even_without_a_lease(
    client: Any, key_for: Any, admin: Any, problem: Any
) -> None:
    await admin.post(APPEAL, {"reason": "I quoted"})
    same = await key_for(client, "review", "admin", name="ann")
    version = (await admin.get("/v1/comments/c-1")).body["version"]
    reply = await same.post("/v1/review/c-1/decision", {"decision": "reject", "version": version})
    assert problem(reply, 409)["code"] == "own_decision"
    assert (await complaint(admin))["outcome"] == "open"


@pytest.mark.usefixtures("rejected")
async def test_a_complaint_that_is_upheld_is_answered_with_the_clause_and_the_ways_on(admin: Any, bob: Any) -> None:
    await admin.post(APPEAL, {"reason": "I quoted"})
    await decide(bob, "reject")
    found = await complaint(admin)
    assert (found["outcome"], found["reason"], found["clause"]) == ("upheld", "insulting", "Section 3")
    assert datetime.fromisoformat(found["received_at"]) <= datetime.fromisoformat(found["decided_at"])
    for text in found["texts"].values():
        assert "Section 3" in text
        assert "https://site.example/disputes" in text
    assert "bob" not in str(found)
    (event,) = (await admin.get("/v1/events")).body["events"][-1:]
    assert (event["type"], event["complaint"]) == ("decision.created", "upheld")


@pytest.mark.usefixtures("rejected")
async def test_a_complaint_that_is_reversed_says_so_and_an_undo_opens_it_again(admin: Any, bob: Any) -> None:
    await admin.post(APPEAL, {"reason": "I quoted"})
    await decide(bob, "approve")
    found = await complaint(admin)
    assert (found["outcome"], found["clause"], found["dispute_url"]) == ("reversed", None, None)
    assert "published again" in found["texts"]["en"]
    assert (await bob.post("/v1/review/c-1/undo", {})).status == 200
    assert (await complaint(admin))["outcome"] == "open"
    (event,) = (await admin.get("/v1/events")).body["events"][-1:]
    assert (event["type"], event["complaint"]) == ("decision.reverted", "open")


@pytest.mark.usefixtures("rejected")
async def test_a_later_decision_does_not_change_what_became_of_the_complaint(admin: Any, bob: Any) -> None:
    await admin.post(APPEAL, {"reason": "I quoted"})
    await decide(bob, "approve")
    before = await complaint(admin)
    await admin.post("/v1/review/c-1/reopen", {})
    (event,) = (await admin.get("/v1/events")).body["events"][-1:]
    assert "complaint" not in event
    assert (await complaint(admin))["decided_at"] == before["decided_at"]


@pytest.mark.usefixtures("rejected")
@pytest.mark.parametrize(("days", "status"), [(182, 200), (184, 409)])
async def test_a_complaint_is_taken_for_six_months_after_the_decision(
    admin: Any, redis_server: Any, problem: Any, days: int, status: int
) -> None:
    with redis_server.client() as client:
        decided = int(client.hget("cm:{daily}:item:c-1", "decided"))
        ago = timedelta(days=days) // timedelta(milliseconds=1)
        client.hset("cm:{daily}:item:c-1", "decided", decided - ago)
    reply = await admin.post(APPEAL, {"reason": "I quoted"})
    assert reply.status == status
    if status == 409:
        assert problem(reply, 409)["code"] == "complaint_too_late"


@pytest.mark.usefixtures("rejected")
async def test_a_site_that_is_not_in_scope_takes_appeals_as_before(admin: Any, redis_server: Any, problem: Any) -> None:
    await put(admin, None)
    with redis_server.client() as client:
        client.hset("cm:{daily}:item:c-1", "decided", 1_000_000_000_000)
    assert (await admin.post(APPEAL, {"reason": "I quoted"})).status == 200
    assert problem(await admin.get(COMPLAINT), 409)["code"] == "dsa_off"


@pytest.mark.usefixtures("rejected")
async def test_without_a_complaint_none_is_found_and_an_erasure_takes_it(admin: Any, problem: Any) -> None:
    problem(await admin.get(COMPLAINT), 404)
    await admin.post(APPEAL, {"reason": "I quoted"})
    await admin("DELETE", "/v1/comments/c-1")
    problem(await admin.get(COMPLAINT), 404)

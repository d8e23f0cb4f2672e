"""Escalations and appeals: decided by supervisors, with a reason, and never by whoever decided before."""

from typing import Any

import pytest

from service.values.accounts import Role


@pytest.fixture
async def escalated(ann: Any, admin: Any, decide_always: Any) -> None:
    await decide_always("review")
    await admin.post("/v1/comments", {"id": "c-1", "text": "You are an idiot."})
    (item,) = (await ann.post("/v1/review/claim", {})).body["items"]
    body = {"decision": "escalate", "lease": item["lease"], "note": "What says the law?"}
    assert (await ann.post("/v1/review/c-1/decision", body)).status == 200


async def test_an_escalated_comment_is_decided_with_a_reason(as_role: Any, admin: Any, escalated: None) -> None:
    bob = await as_role(Role.SUPERVISOR)
    page = await bob.get("/console/appeals")
    assert "What says the law?" in page.text
    assert 'name="version" value="2"' in page.text
    without = await bob.post("/console/appeals", id="c-1", version="2", verdict="reject", kind="escalated")
    assert without.status == 400
    assert "Choose a reason first." in without.text
    sent = {"id": "c-1", "version": "2", "reason": "hate", "note": "Clear.", "kind": "escalated"}
    assert (await bob.post("/console/appeals", verdict="maybe", **sent)).status == 400
    page = await bob.post("/console/appeals", verdict="reject", **sent)
    assert "Rejected." in (await bob.get(page.location)).text
    assert (await admin.get("/v1/comments/c-1")).body["status"] == "rejected"
    late = await bob.post("/console/appeals", verdict="approve", **sent)
    assert late.status == 409
    assert "Somebody was faster" in late.text
    assert escalated is None


async def test_an_appeal_goes_to_somebody_else_than_who_rejected(as_role: Any, admin: Any, decide_always: Any) -> None:
    await decide_always("review")
    await admin.post("/v1/comments", {"id": "c-1", "text": "You are an idiot."})
    bob, eve = await as_role(Role.SUPERVISOR, "bob"), await as_role(Role.SUPERVISOR, "eve")
    assert "No appeals waiting" in (await bob.get("/console/appeals?kind=appeal")).text
    first = {"id": "c-1", "version": "1", "reason": "hate", "kind": "appeal"}
    assert (await bob.post("/console/appeals", verdict="reject", **first)).status == 303
    await admin.post("/v1/comments/c-1/appeal", {"reason": "It was a quote."})
    own = (await bob.get("/console/appeals?kind=appeal")).text
    assert "It was a quote." in own
    assert "You judged this before" in own
    again = {"id": "c-1", "version": "3", "reason": "no_violation", "kind": "appeal"}
    refused = await bob.post("/console/appeals", verdict="approve", **again)
    assert refused.status == 409
    assert "somebody else must judge it now" in refused.text
    assert (await eve.post("/console/appeals", verdict="approve", **again)).status == 303
    assert (await admin.get("/v1/comments/c-1")).body["status"] == "approved"


async def test_auditors_look_and_decide_nothing(as_role: Any, escalated: None) -> None:
    page = await (await as_role(Role.AUDITOR)).get("/console/appeals")
    assert "What says the law?" in page.text
    assert 'name="verdict"' not in page.text
    assert escalated is None


async def test_what_misleads_in_an_appeal_is_shown_by_name_on_the_card_too(as_role: Any, admin: Any) -> None:
    policy = {"thresholds": {"toxicity": {"reject_at": 0}}}
    assert (await admin("PUT", "/v1/policies/default", policy)).status == 200
    await admin.post("/v1/comments", {"id": "c-1", "text": "hello"})
    await admin.post("/v1/comments/c-1/appeal", {"reason": "see \u202egpj.exe"})
    bob = await as_role(Role.SUPERVISOR, "bob")
    for path in ("/console/appeals?kind=appeal", "/console/queue/c-1"):
        assert ">RLO</span>gpj.exe" in (await bob.get(path)).text, path

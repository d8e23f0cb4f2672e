"""POST /v1/comments/{id}/notices: a receipt, the outcome, and what its reader can do about it."""

import json
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from service.settings import Settings
from service.values.statement_words import LANGUAGES

CLAUSES = {"other": {"clause": "Section 1", "explanation": "Keep to our rules."}}
DSA = {"in_scope": True, "clauses": CLAUSES, "complaint_url": "https://site.example/complain"}
NOTICE = {"reporter": "r-1", "kind": "insult", "explanation": "It insults my family."}
NOTICES = "/v1/comments/c-1/notices"


async def put(chief: Any, dsa: Any = DSA, **thresholds: Any) -> None:
    policy = {"thresholds": {"toxicity": thresholds}} | ({"dsa": dsa} if dsa else {})
    reply = await chief("PUT", "/v1/policies/default", policy)
    assert reply.status == 200, reply.body


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Without a hold, so that the feed shows a decision at once."""
    return msgspec.structs.replace(settings, undo_hold_s=0)


@pytest.fixture
async def approved(admin: Any) -> None:
    await put(admin)
    await admin.post("/v1/comments", {"id": "c-1", "text": "hello"})


async def decide(moderator: Any, verdict: str) -> None:
    (item,) = (await moderator.post("/v1/review/claim", {"count": 1})).body["items"]
    reply = await moderator.post("/v1/review/c-1/decision", {"decision": verdict, "lease": item["lease"]})
    assert reply.status == 200, reply.body


@pytest.mark.usefixtures("approved")
async def test_a_notice_is_answered_with_a_receipt_in_every_language(admin: Any) -> None:
    reply = await admin.post(NOTICES, NOTICE)
    assert reply.status == 200, reply.body
    receipt = reply.body
    assert (receipt["outcome"], receipt["comment_id"], receipt["revision"]) == ("open", "c-1", 1)
    assert receipt["received_at"]
    assert set(receipt["texts"]) == set(LANGUAGES)
    assert "We received your notice" in receipt["texts"]["en"]
    assert (receipt["complaint_until"], receipt["complaint_url"]) == (None, None)
    assert (await admin.post(NOTICES, NOTICE)).body == receipt, "the same notice again has the same receipt"
    (open_one,) = (await admin.get("/v1/notices")).body["comments"]
    assert open_one == {"comment_id": "c-1", "since": receipt["received_at"]}


@pytest.mark.usefixtures("approved")
@pytest.mark.parametrize(("verdict", "outcome"), [("reject", "restricted"), ("approve", "kept")])
async def test_the_outcome_comes_with_the_ways_of_redress(admin: Any, ann: Any, verdict: str, outcome: str) -> None:
    notice = (await admin.post(NOTICES, NOTICE)).body["id"]
    await decide(ann, verdict)
    found = (await admin.get(f"{NOTICES}/{notice}")).body
    decided_at = datetime.fromisoformat(found["decided_at"])
    assert (found["outcome"], found["automated"]) == (outcome, False)
    assert datetime.fromisoformat(found["complaint_until"]) == decided_at + timedelta(days=183)
    assert found["complaint_url"] in found["texts"]["de"]
    assert "court" in found["texts"]["en"]
    assert "A person made the decision." in found["texts"]["en"]
    assert "insults my family" not in str(found["texts"])
    assert (await admin.get("/v1/notices")).body == {"comments": []}
    assert (await admin.get(NOTICES)).body == {"notices": [found], "left": 199}


@pytest.mark.usefixtures("approved")
async def test_the_feed_names_the_notices_that_a_decision_answered(admin: Any, ann: Any) -> None:
    notice = (await admin.post(NOTICES, NOTICE)).body["id"]
    await decide(ann, "reject")
    events = (await admin.get("/v1/events")).body["events"]
    assert [each["type"] for each in events] == ["comment.queued", "decision.created"]
    assert events[-1]["notices"] == {"ids": [notice], "outcome": "restricted", "automated": False}


async def test_an_automatic_outcome_says_so(admin: Any) -> None:
    await put(admin, reject_at=0)
    await admin.post("/v1/comments", {"id": "c-1", "text": "hello"})
    found = (await admin.post(NOTICES, NOTICE)).body
    assert (found["outcome"], found["automated"]) == ("restricted", True)
    assert "automated means alone" in found["texts"]["en"]


@pytest.mark.usefixtures("approved")
async def test_the_readers_export_has_the_notice_and_the_erasure_takes_it(admin: Any, redis_server: Any) -> None:
    await admin.post(NOTICES, NOTICE)
    lines = (await admin.get("/v1/authors/r-1/export")).raw.splitlines()
    (given,) = json.loads(lines[-1])["notices"]
    assert (given["comment"], given["text"], given["reason"]) == ("c-1", "It insults my family.", "insult")
    assert (await admin("DELETE", "/v1/authors/r-1")).status == 200
    assert (await admin.get(NOTICES)).body["notices"][0]["explanation"] == ""
    with redis_server.client() as client:
        for key in client.scan_iter("cm:{daily}:*"):
            assert b"insults my family" not in (client.dump(key) or b""), key


@pytest.mark.usefixtures("approved")
async def test_a_site_that_is_not_in_scope_takes_no_notices(admin: Any, problem: Any) -> None:
    await put(admin, None)
    for reply in (await admin.post(NOTICES, NOTICE), await admin.get(NOTICES), await admin.get("/v1/notices")):
        assert problem(reply, 409)["code"] == "dsa_off"


@pytest.mark.usefixtures("approved")
@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"reporter": "r-1"}, "/explanation"),
        ({"reporter": "r-1", "explanation": " \n"}, "/explanation"),
        ({"reporter": "r-1", "explanation": "x", "kind": "No Code"}, "/kind"),
    ],
)
async def test_a_notice_without_an_explanation_is_refused_by_its_field(
    admin: Any, problem: Any, body: Any, pointer: str
) -> None:
    assert problem(await admin.post(NOTICES, body), 400)["errors"][0]["pointer"] == pointer


@pytest.mark.usefixtures("approved")
@pytest.mark.parametrize("verdict", [None, "approve"])
async def test_the_reader_after_the_last_notice_is_told_so_with_the_outcome(
    admin: Any, ann: Any, problem: Any, verdict: str | None
) -> None:
    for number in range(200):
        assert (await admin.post(NOTICES, {**NOTICE, "reporter": f"r-{number}"})).status == 200
    if verdict:
        await decide(ann, verdict)
    refused = problem(await admin.post(NOTICES, {**NOTICE, "reporter": "one more"}), 409)
    outcome = "kept" if verdict else "open"
    assert refused["code"] == "too_many_notices"
    assert refused["current"] == {"id": "c-1", "limit": 200, "outcome": outcome}
    assert refused["detail"].endswith("the last outcome is kept" if verdict else "they wait for a decision")
    found = (await admin.get(NOTICES)).body
    assert (len(found["notices"]), found["left"]) == (200, 0)


@pytest.mark.usefixtures("approved")
async def test_what_is_not_there_is_not_found(admin: Any, ann: Any, problem: Any) -> None:
    problem(await admin.post("/v1/comments/c-9/notices", NOTICE), 404)
    problem(await admin.get(f"{NOTICES}/n-9"), 404)
    problem(await ann.post(NOTICES, NOTICE), 403)
    assert (await ann.get("/v1/notices")).status == 200, "moderators see how long notices wait"


@pytest.mark.usefixtures("approved")
async def test_moderators_see_what_the_notice_says(admin: Any, ann: Any) -> None:
    await admin.post(NOTICES, NOTICE)
    found = (await ann.get("/v1/comments/c-1/reports")).body
    assert (found["readers"], found["kinds"]) == (1, {"insult": 1})
    assert found["reasons"][0]["text"] == "It insults my family."

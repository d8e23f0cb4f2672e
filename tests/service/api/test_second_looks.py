"""Over HTTP: what brings a decided comment back, and what a moderator takes back."""

from typing import Any

import pytest

URGENT = {"thresholds": {"toxicity": {"review_at": 0}}}


@pytest.fixture
def judged(admin: Any, decide_always: Any) -> Any:
    """Submits a comment that the model decides as the argument says."""

    async def judged(comment: str, decision: str) -> Any:
        await decide_always(decision)
        reply = await admin.post("/v1/comments", {"id": comment, "text": f"hello {comment}"})
        assert reply.status == 200, reply.body
        return reply.body

    return judged


async def claimed(caller: Any, count: int = 1) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await caller.post("/v1/review/claim", {"count": count})).body["items"]
    return found


async def decided(caller: Any, item: dict[str, Any], decision: str, **more: Any) -> Any:
    return await caller.post(
        f"/v1/review/{item['id']}/decision", {"decision": decision, "lease": item["lease"], **more}
    )


async def test_distinct_readers_bring_an_approved_comment_back_and_it_stays_up(
    admin: Any, ann: Any, judged: Any
) -> None:
    await judged("c-1", "approve")
    for reporter, state in (("r-1", "decided"), ("r-1", "decided"), ("r-2", "decided"), ("r-3", "queued")):
        reply = await admin.post("/v1/comments/c-1/report", {"reporter": reporter, "reason": "rude"})
        assert reply.status == 200
        assert reply.body["status"] == "approved"
        shown = reply.body["review"]
        assert (shown["state"] if shown else "decided") == state
    (item,) = await claimed(ann)
    assert (item["reports"], item["review"]["why"], item["status"]) == (3, "reported", "approved")
    assert (await decided(ann, item, "reject")).body["status"] == "rejected"


async def test_the_policy_says_how_many_reports_it_takes(admin: Any, ann: Any, judged: Any) -> None:
    await judged("c-1", "approve")
    policy = {"thresholds": {"toxicity": {}}, "review": {"reports_needed": 1}}
    assert (await admin("PUT", "/v1/policies/default", policy)).status == 200
    await admin.post("/v1/comments/c-1/report", {"reporter": "r-1"})
    assert [item["id"] for item in await claimed(ann)] == ["c-1"]


async def test_an_author_appeals_and_somebody_else_judges(
    admin: Any, ann: Any, bob: Any, judged: Any, problem: Any
) -> None:
    await judged("c-1", "review")
    (item,) = await claimed(ann)
    assert (await decided(ann, item, "reject")).status == 200
    reply = await admin.post("/v1/comments/c-1/appeal", {"reason": "I quoted the minister"})
    assert (reply.status, reply.body["status"]) == (200, "rejected")
    assert reply.body["review"]["why"] == "appeal"
    again = await admin.post("/v1/comments/c-1/appeal", {"reason": "I quoted the minister"})
    assert (again.status, again.body["version"]) == (200, reply.body["version"])
    assert await claimed(ann) == []
    (item,) = await claimed(bob)
    assert item["appeal"] == "I quoted the minister"
    assert (await decided(bob, item, "approve")).body["status"] == "approved"
    refused = problem(await admin.post("/v1/comments/c-1/appeal", {}), 409)
    assert refused["code"] == "already_appealed"
    assert (await admin.get("/v1/review/stats")).body["overturn_rate"] == 1


async def test_only_what_is_rejected_can_be_appealed(admin: Any, judged: Any, problem: Any) -> None:
    await judged("c-1", "approve")
    assert problem(await admin.post("/v1/comments/c-1/appeal", {}), 409)["code"] == "not_rejected"
    await judged("c-2", "review")
    assert problem(await admin.post("/v1/comments/c-2/appeal", {}), 409)["code"] == "not_rejected"


@pytest.mark.parametrize("path", ["report", "appeal"])
async def test_an_unknown_or_foreign_comment_is_not_found(
    client: Any, key_for: Any, judged: Any, problem: Any, path: str
) -> None:
    await judged("c-1", "reject")
    stranger = await key_for(client, site="weekly")
    body = {"reporter": "r-1"} if path == "report" else {}
    problem(await stranger.post(f"/v1/comments/c-1/{path}", body), 404)


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("comments/c-1/report", {}, "/reporter"),
        ("comments/c-1/report", {"reporter": ""}, "/reporter"),
        ("comments/c-1/report", {"reporter": "r", "reason": 7}, "/reason"),
        ("comments/c-1/appeal", {"reason": 7}, "/reason"),
        ("review/c-1/undo", {"version": 0}, "/version"),
        ("review/c-1/undo", {"lease_seconds": 1}, "/lease_seconds"),
        ("review/c-1/reopen", {"why": "x"}, "/why"),
    ],
)
async def test_what_is_wrong_in_a_body_is_named(admin: Any, problem: Any, path: str, body: Any, pointer: str) -> None:
    assert problem(await admin.post(f"/v1/{path}", body), 400)["errors"][0]["pointer"] == pointer


async def test_an_undo_makes_the_comment_pending_and_leases_it_to_the_same_moderator(
    admin: Any, ann: Any, bob: Any, judged: Any, problem: Any
) -> None:
    await judged("c-1", "review")
    (item,) = await claimed(ann)
    done = (await decided(ann, item, "reject")).body
    assert problem(await bob.post("/v1/review/c-1/undo", {}), 409)["code"] == "not_yours"
    stale = await ann.post("/v1/review/c-1/undo", {"version": done["version"] - 1})
    assert problem(stale, 409)["current"]["version"] == done["version"]
    undone = await ann.post("/v1/review/c-1/undo", {"version": done["version"]})
    assert (undone.status, undone.body["status"], undone.body["claimed_by"]) == (200, "pending", "ann")
    assert (await decided(ann, undone.body, "approve")).body["status"] == "approved"
    labels = [line for line in (await admin.get("/v1/labels")).raw.decode().splitlines() if "retracts" not in line]
    assert len(labels) == 1


async def test_a_bulk_decision_can_be_taken_back_at_once(ann: Any, judged: Any) -> None:
    for number in range(3):
        await judged(f"c-{number}", "review")
    items = await claimed(ann, 3)
    given = [{"id": item["id"], "decision": "reject", "lease": item["lease"]} for item in items]
    done = (await ann.post("/v1/review/decisions", {"decisions": given})).body["results"]
    wanted = [{"id": each["id"], "version": each["version"]} for each in done]
    wanted[1]["version"] += 7
    undone = (await ann.post("/v1/review/undo", {"decisions": [*wanted, {"id": 1}]})).body["results"]
    assert [each["status"] for each in undone] == ["pending", 409, "pending", 400]


async def test_an_administrator_has_a_comment_judged_anew(
    admin: Any, ann: Any, bob: Any, judged: Any, problem: Any
) -> None:
    await judged("c-1", "review")
    (item,) = await claimed(ann)
    await decided(ann, item, "approve")
    problem(await ann.post("/v1/review/c-1/reopen", {}), 403)
    assert (await admin.post("/v1/review/c-1/reopen", {})).body["status"] == "approved"
    assert await claimed(ann) == []
    assert [item["id"] for item in await claimed(bob)] == ["c-1"]


async def test_an_administrator_decides_what_nobody_holds_by_the_version_that_was_seen(
    admin: Any, ann: Any, judged: Any, problem: Any
) -> None:
    first = await judged("c-1", "review")
    seen = {"decision": "approve", "version": first["version"]}
    problem(await admin.post("/v1/review/c-1/decision", {"decision": "approve", "version": 9}), 409)
    (item,) = await claimed(ann)
    held = problem(await admin.post("/v1/review/c-1/decision", seen), 409)
    assert held["current"]["claimed_by"] == "ann"
    await ann.post("/v1/review/c-1/release", {"lease": item["lease"]})
    assert (await admin.post("/v1/review/c-1/decision", seen)).body["status"] == "approved"


async def test_what_the_model_said_is_hidden_until_somebody_decided(admin: Any, ann: Any, judged: Any) -> None:
    await judged("c-1", "review")
    (item,) = await claimed(ann)
    assert (item["scores"], item["reasons"], item["spans"], item["review"]["priority"]) == (None, None, None, None)
    done = (await decided(ann, item, "approve")).body
    assert done["scores"]["toxicity"] >= 0
    shown = {"thresholds": {"toxicity": {"review_at": 0}}, "review": {"show_scores": True}}
    assert (await admin("PUT", "/v1/policies/default", shown)).status == 200
    for number in range(50):
        await admin.post("/v1/comments", {"id": f"s-{number}", "text": "hello"})
    items = (await admin.get("/v1/review/items?limit=200")).body["items"]
    with_scores = sum(item["scores"] is not None for item in items)
    assert 25 < with_scores < 50, "about one in five is shown without"


async def test_who_reported_is_kept_as_a_keyed_hash_only(admin: Any, judged: Any, redis_server: Any) -> None:
    await judged("c-1", "approve")
    assert (await admin.post("/v1/comments/c-1/report", {"reporter": "reader-4711"})).status == 200
    with redis_server.client() as client:
        assert not any(b"4711" in client.dump(key) for key in client.scan_iter())


@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
async def test_an_instant_outside_the_calendar_is_refused_by_its_name(admin: Any, problem: Any, instant: str) -> None:
    for body, pointer in (
        ({"created_at": instant}, "/created_at"),
        ({"author": {"created_at": instant}}, "/author/created_at"),
        ({"article": {"published_at": instant}}, "/article/published_at"),
    ):
        reply = await admin.post("/v1/comments", {"text": "hello"} | body)
        assert problem(reply, 400)["errors"][0]["pointer"] == pointer


async def test_the_site_hears_when_an_edit_changes_the_automatic_decision(admin: Any, decide_always: Any) -> None:
    await decide_always("approve")
    await admin.post("/v1/comments", {"id": "c-1", "text": "hello"})
    await decide_always("reject")
    await admin.post("/v1/comments", {"id": "c-1", "text": "hello again"})
    record = (await admin.get("/v1/comments/c-1")).body
    assert (record["status"], record["revision"], record["version"]) == ("rejected", 2, 2)


async def test_who_votes_or_escalates_is_not_shown_the_answer(admin: Any, ann: Any) -> None:
    shown = {"thresholds": {"toxicity": {"review_at": 0}}, "review": {"double_review": 1.0}}
    assert (await admin("PUT", "/v1/policies/default", shown)).status == 200
    await admin.post("/v1/comments", {"id": "c-1", "text": "hello"})
    (item,) = await claimed(ann)
    voted = (await decided(ann, item, "approve")).body
    assert (voted["status"], voted["scores"], voted["reasons"]) == ("pending", None, None)

"""The moderators' story over HTTP."""

import asyncio
from datetime import datetime
from typing import Any

import pytest

from service import app_keys as keys


@pytest.fixture
async def queued(admin: Any, decide_always: Any) -> Any:
    """Queues comments c-0, c-1, …"""
    await decide_always("review")

    async def queued(count: int = 1, **more: Any) -> None:
        for number in range(count):
            await admin.post("/v1/comments", {"id": f"c-{number}", "text": f"hello {number}", **more})

    return queued


async def claimed(caller: Any, **more: Any) -> Any:
    reply = await caller.post("/v1/review/claim", more)
    assert reply.status == 200, reply.body
    return reply.body["items"]


async def test_a_claim_hands_out_what_a_moderator_needs(ann: Any, queued: Any) -> None:
    await queued(author={"name": "Olena"}, article={"id": "a-1"}, parent={"text": "before"}, metadata={"a": 1})
    (item,) = await claimed(ann, count=1, lease_seconds=60)
    assert (item["id"], item["text"], item["status"]) == ("c-0", "hello 0", "pending")
    assert item["author"]["name"] == "Olena"
    assert (item["article"]["id"], item["parent"]["text"], item["metadata"]) == ("a-1", "before", {"a": 1})
    assert item["lease"]
    assert item["lease_expires_at"] > item["created_at"]
    assert item["claimed_by"] == "ann"


async def test_a_reload_strands_nothing(ann: Any, bob: Any, queued: Any) -> None:
    await queued(2)
    first = await claimed(ann, count=2)
    assert await claimed(ann, count=2) == first
    assert await claimed(bob, count=2) == []


async def test_only_the_holder_sees_the_lease(ann: Any, bob: Any, queued: Any) -> None:
    await queued()
    await claimed(ann)
    for caller in (ann, bob):
        (item,) = (await caller.get("/v1/review/items?state=claimed")).body["items"]
        assert (item["lease"], item["claimed_by"]) == (None, "ann")


async def test_a_decision_wins_once_and_its_repeat_is_answered_the_same(
    ann: Any, bob: Any, queued: Any, problem: Any
) -> None:
    await queued()
    (item,) = await claimed(ann)
    decision = {"decision": "reject", "lease": item["lease"], "reason": "personal_attack", "labels": {"insult": True}}
    first = await ann.post("/v1/review/c-0/decision", decision)
    assert (first.status, first.body["status"], first.body["decided_by"]) == (200, "rejected", "moderator")
    for _ in range(3):
        again = await ann.post("/v1/review/c-0/decision", {**decision, "labels": dict(decision["labels"])})
        assert (again.status, again.body) == (200, first.body)
    for caller, other in ((ann, {**decision, "decision": "approve"}), (bob, decision)):
        found = problem(await caller.post("/v1/review/c-0/decision", other), 409)
        assert found["code"] == "already_decided"
        assert found["current"]["moderator"] == "ann"
        assert (found["current"]["status"], found["current"]["reason"]) == ("rejected", "personal_attack")


async def test_fifty_decisions_at_once_leave_one_winner(ann: Any, queued: Any) -> None:
    await queued()
    (item,) = await claimed(ann)
    found = await asyncio.gather(
        *(
            ann.post("/v1/review/c-0/decision", {"decision": "reject", "lease": item["lease"], "note": str(number)})
            for number in range(50)
        )
    )
    assert sorted(reply.status for reply in found) == [200] + [409] * 49


async def test_a_lost_lease_and_a_newer_revision_are_409_with_what_is_now(
    admin: Any, ann: Any, bob: Any, queued: Any, problem: Any
) -> None:
    await queued()
    (item,) = await claimed(ann)
    await ann.post("/v1/review/c-0/release", {"lease": item["lease"]})
    await claimed(bob)
    for action, body in (("decision", {"decision": "reject"}), ("extend", {}), ("release", {})):
        found = problem(await ann.post(f"/v1/review/c-0/{action}", {**body, "lease": item["lease"]}), 409)
        assert (found["code"], found["current"]["claimed_by"]) == ("lease_lost", "bob")
    await admin.post("/v1/comments", {"id": "c-0", "text": "edited"})
    for action, body in (("decision", {"decision": "reject"}), ("extend", {}), ("release", {})):
        found = problem(await ann.post(f"/v1/review/c-0/{action}", {**body, "lease": item["lease"]}), 409)
        assert (found["code"], found["current"]["revision"]) == ("revision_superseded", 2)


async def test_what_is_not_there_is_404(ann: Any, problem: Any) -> None:
    for action, body in (("decision", {"decision": "reject"}), ("extend", {}), ("release", {})):
        problem(await ann.post(f"/v1/review/never-sent/{action}", {**body, "lease": "1.1"}), 404)


async def test_without_a_lease_a_moderator_decides_nothing(ann: Any, queued: Any, problem: Any) -> None:
    await queued()
    found = problem(await ann.post("/v1/review/c-0/decision", {"decision": "reject"}), 400)
    assert found["errors"][0]["pointer"] == "/lease"


async def test_an_escalated_comment_waits_for_somebody_who_may(
    admin: Any, ann: Any, bob: Any, queued: Any, problem: Any
) -> None:
    await queued()
    (item,) = await claimed(ann)
    reply = await ann.post("/v1/review/c-0/decision", {"decision": "escalate", "lease": item["lease"]})
    assert (reply.status, reply.body["status"]) == (200, "pending")
    assert await claimed(bob) == []
    (waiting,) = (await bob.get("/v1/review/items?state=escalated")).body["items"]
    assert waiting["id"] == "c-0"
    lost = problem(await ann.post("/v1/review/c-0/decision", {"decision": "reject", "lease": item["lease"]}), 409)
    assert (lost["code"], lost["current"]["state"]) == ("already_escalated", "escalated")
    found = problem(await admin.post("/v1/review/c-0/decision", {"decision": "escalate"}), 409)
    assert found["current"]["state"] == "escalated"
    reply = await admin.post("/v1/review/c-0/decision", {"decision": "approve"})
    assert (reply.status, reply.body["status"]) == (200, "approved")


async def test_many_decisions_are_each_answered_by_themselves(ann: Any, queued: Any) -> None:
    await queued(3)
    items = await claimed(ann)
    decisions = [{"id": item["id"], "decision": "approve", "lease": item["lease"]} for item in items]
    bad = [{"id": "c-0"}, 7, {"id": "never-sent", "decision": "reject", "lease": "1.1"}]
    reply = await ann.post("/v1/review/decisions", {"decisions": [*decisions, *bad]})
    assert reply.status == 200
    assert [each["status"] for each in reply.body["results"]] == ["approved"] * 3 + [400, 400, 404]
    assert reply.body["results"][3]["errors"][0]["pointer"] == "/decisions/3/decision"
    again = await ann.post("/v1/review/decisions", {"decisions": decisions})
    assert again.body["results"] == reply.body["results"][:3]


async def test_extending_keeps_a_comment_longer(ann: Any, queued: Any) -> None:
    await queued()
    (item,) = await claimed(ann, lease_seconds=60)
    reply = await ann.post("/v1/review/c-0/extend", {"lease": item["lease"], "lease_seconds": 600})
    assert reply.status == 200
    assert reply.body["lease"] == item["lease"]
    earlier, later = (datetime.fromisoformat(each["lease_expires_at"]) for each in (item, reply.body))
    assert later > earlier


async def test_a_skipped_comment_goes_to_another_moderator(ann: Any, bob: Any, queued: Any) -> None:
    await queued()
    (item,) = await claimed(ann)
    for _ in range(2):
        reply = await ann.post("/v1/review/c-0/release", {"lease": item["lease"], "skip": True})
        assert (reply.status, reply.raw) == (204, b"")
    assert await claimed(ann) == []
    assert [each["id"] for each in await claimed(bob)] == ["c-0"]


@pytest.mark.usefixtures("only_told")
async def test_a_claim_that_waits_is_answered_when_a_comment_comes(admin: Any, ann: Any, queued: Any) -> None:
    waiting = asyncio.create_task(claimed(ann, wait=25))
    await admin.get("/v1/review/stats")
    assert not waiting.done()
    await queued()
    async with asyncio.timeout(20):  # before the wait is over
        (item,) = await waiting
    assert item["id"] == "c-0"


@pytest.mark.usefixtures("only_told")
async def test_a_claim_that_waits_is_answered_when_a_comment_is_put_back(ann: Any, bob: Any, queued: Any) -> None:
    await queued()
    (item,) = await claimed(ann)
    waiting = asyncio.create_task(claimed(bob, wait=25))
    await bob.get("/v1/review/stats")
    await ann.post("/v1/review/c-0/release", {"lease": item["lease"]})
    async with asyncio.timeout(20):
        assert [each["id"] for each in await waiting] == ["c-0"]


async def test_nothing_is_leased_to_who_has_gone_while_waiting(client: Any, ann: Any, queued: Any, admin: Any) -> None:
    waiting = client.server.app[keys.STORE].changes._waiting  # noqa: SLF001 - shown to nobody else
    _, writer = await asyncio.open_connection("127.0.0.1", client.server.port)
    body = b'{"wait": 25}'
    writer.write(
        b"POST /v1/review/claim HTTP/1.1\r\nHost: daily.example\r\nContent-Type: application/json\r\n"
        b"Authorization: Bearer %b\r\nContent-Length: %d\r\n\r\n%b" % (ann.key.encode(), len(body), body)
    )
    while ("daily", "queued") not in waiting:
        await asyncio.sleep(0)
    connections = len(client.server.runner.server.connections)
    writer.close()
    while len(client.server.runner.server.connections) == connections:
        await asyncio.sleep(0)
    await queued()
    while ("daily", "queued") in waiting:
        await asyncio.sleep(0)
    stats = (await admin.get("/v1/review/stats")).body
    assert (stats["queued"], stats["claimed"]) == (1, 0)


async def test_of_many_who_wait_one_gets_the_comment(client: Any, key_for: Any, queued: Any) -> None:
    moderators = [await key_for(client, "review", name=f"m-{number}") for number in range(8)]
    waiting = [asyncio.create_task(claimed(each, wait=25)) for each in moderators]
    await queued(3)
    async with asyncio.timeout(20):
        while sum(each.done() for each in waiting) < 3:
            await asyncio.sleep(0.01)
    assert sorted(each.result()[0]["id"] for each in waiting if each.done()) == ["c-0", "c-1", "c-2"]
    for each in waiting:
        each.cancel()
    await asyncio.wait(waiting)


async def test_an_empty_queue_is_answered_at_once_without_wait(ann: Any) -> None:
    async with asyncio.timeout(20):
        assert await claimed(ann) == []


async def test_a_claim_may_ask_for_some_only(admin: Any, ann: Any, queued: Any) -> None:
    await queued(2, article={"id": "a-1", "section": "world"})
    await admin.post("/v1/comments", {"id": "other", "text": "hello", "article": {"id": "a-2", "section": "sport"}})
    assert [each["id"] for each in await claimed(ann, filter={"article": "a-2"})] == ["other"]
    assert (await ann.get("/v1/review/items?article=a-1")).body["items"][0]["article"]["id"] == "a-1"


async def test_the_queue_is_listed_page_by_page(ann: Any, queued: Any) -> None:
    await queued(5)
    seen: list[str] = []
    cursor: int | None = 0
    while cursor is not None:
        page = (await ann.get(f"/v1/review/items?limit=2&cursor={cursor}")).body
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
    assert seen == [f"c-{number}" for number in range(5)]


async def test_statistics_count_what_was_done(ann: Any, queued: Any) -> None:
    await queued(3)
    first, *_ = await claimed(ann, count=2)
    await ann.post(f"/v1/review/{first['id']}/decision", {"decision": "approve", "lease": first["lease"]})
    stats = (await ann.get("/v1/review/stats")).body
    assert (stats["queued"], stats["claimed"], stats["escalated"], stats["overdue"]) == (1, 1, 0, 0)
    assert stats["oldest_age_s"] >= 0
    assert sum(hour["moderators"].get("ann", 0) for hour in stats["decisions_per_hour"]) == 1
    assert sum(hour["automatic"].get("review", 0) for hour in stats["decisions_per_hour"]) == 3
    assert stats["agreement"] is None


async def test_an_erased_comment_is_in_no_list(admin: Any, ann: Any, queued: Any) -> None:
    await queued(2)
    await claimed(ann, count=1)
    await admin("DELETE", "/v1/comments/c-0")
    await admin("DELETE", "/v1/comments/c-1")
    for state in ("queued", "claimed", "escalated"):
        assert (await ann.get(f"/v1/review/items?state={state}")).body["items"] == []
    assert await claimed(ann) == []

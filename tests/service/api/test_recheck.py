"""A label that may be wrong goes back to the queue over HTTP, and looks like any other comment there."""

import json
from typing import Any

import msgspec
import pytest

POLICY = {"thresholds": {"toxicity": {"review_at": 0.5}}}
OWN = ("id", "text", "lease", "lease_expires_at", "created_at", "version")


@pytest.fixture
async def label(admin: Any, ann: Any) -> str:
    """Of `judged`, which Ann rejected with a note; `doubtful` waits."""
    assert (await admin("PUT", "/v1/policies/default", POLICY)).status == 200
    await admin.post("/v1/comments", {"id": "judged", "text": "you are an idiot"})
    (item,) = (await ann.post("/v1/review/claim", {})).body["items"]
    await ann.post("/v1/review/judged/notes", {"text": "An insult, so I reject it."})
    said = {"decision": "reject", "lease": item["lease"], "reason": "insult", "labels": {"insult": True}}
    assert (await ann.post("/v1/review/judged/decision", said)).status == 200
    await admin.post("/v1/comments", {"id": "doubtful", "text": "you are an idiot too"})
    cursor: str = (await labels(admin))[0]["cursor"]
    return cursor


async def labels(admin: Any) -> list[Any]:
    reply = await admin.get("/v1/labels")
    return [msgspec.json.decode(line) for line in reply.raw.splitlines()]


async def recheck(admin: Any, label: str) -> Any:
    return await admin.post("/v1/review/judged/recheck", {"label": label})


async def test_moderators_see_neither_that_it_was_judged_nor_how(admin: Any, bob: Any, label: str) -> None:
    reply = await recheck(admin, label)
    assert (reply.status, reply.body) == (200, {"queued": True})
    items = {each["id"]: each for each in (await bob.post("/v1/review/claim", {"count": 2})).body["items"]}
    for each in items.values():
        each["review"]["due_at"] = None
    judged, doubtful = (
        {name: value for name, value in items[each].items() if name not in OWN} for each in ("judged", "doubtful")
    )
    assert judged == doubtful
    refused = (await bob.post("/v1/review/judged/decision", {"decision": "reject", "lease": "1.1"})).body["current"]
    assert not {"moderator", "reason", "decided_at"} & refused.keys()
    assert refused["status"] == "pending"
    assert "insult" not in json.dumps((await bob.get("/v1/review/judged/notes")).body)


async def test_the_second_answer_is_the_newest_label_of_the_comment(admin: Any, bob: Any, label: str) -> None:
    await recheck(admin, label)
    items = (await bob.post("/v1/review/claim", {"count": 2})).body["items"]
    lease = next(each["lease"] for each in items if each["id"] == "judged")
    done = await bob.post("/v1/review/judged/decision", {"decision": "approve", "lease": lease})
    assert (done.status, done.body["status"]) == (200, "approved")
    found = [each for each in await labels(admin) if each["id"] == "judged"]
    assert [(each["decision"], each["actor"]) for each in found] == [("reject", "ann"), ("approve", "bob")]


async def test_the_same_request_again_queues_nothing(admin: Any, label: str) -> None:
    await recheck(admin, label)
    assert (await recheck(admin, label)).body == {"queued": False}


async def test_another_site_cannot_send_it_back(client: Any, key_for: Any, problem: Any, label: str) -> None:
    other = await key_for(client, "admin", name="other", site="elsewhere")
    problem(await recheck(other, label), 404)


async def test_it_takes_the_scope_admin_and_the_newest_label(admin: Any, ann: Any, problem: Any, label: str) -> None:
    problem(await recheck(ann, label), 403)
    found = problem(await recheck(admin, "1-1"), 409)
    assert found["code"] == "label_replaced"
    problem(await admin.post("/v1/review/unknown/recheck", {"label": label}), 404)


async def test_where_one_moderator_decides_alone_nobody_could_answer(
    client: Any, key_for: Any, ann: Any, problem: Any
) -> None:
    boss = await key_for(client, "admin", "comments", name="boss")
    assert (await boss("PUT", "/v1/policies/default", POLICY)).status == 200
    await boss.post("/v1/comments", {"id": "judged", "text": "you are an idiot"})
    (item,) = (await ann.post("/v1/review/claim", {})).body["items"]
    await ann.post("/v1/review/judged/decision", {"decision": "reject", "lease": item["lease"]})
    cursor = (await labels(boss))[0]["cursor"]
    assert problem(await recheck(boss, cursor), 409)["code"] == "nobody_else"
    assert (await ann.get("/v1/review/items")).body["items"] == []
    await key_for(client, "review", name="bob")
    assert (await recheck(boss, cursor)).body == {"queued": True}


@pytest.mark.parametrize(
    ("body", "where"), [({}, "/label"), ({"label": "x"}, "/label"), ({"label": 1}, "/label"), ({"why": "x"}, "/why")]
)
@pytest.mark.usefixtures("label")
async def test_what_is_wrong_with_a_request_is_named(admin: Any, problem: Any, body: Any, where: str) -> None:
    found = problem(await admin.post("/v1/review/judged/recheck", body), 400)
    assert where in found["detail"]

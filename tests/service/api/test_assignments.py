"""Assignment over HTTP: who is named, what others are told, and how it is taken back."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from service import app_keys as keys
from service.values.accounts import Account, Role

PATH = "/v1/review/c-1/assign"


@pytest.fixture
async def queued(client: Any, admin: Any, decide_always: Any) -> None:
    """One comment waits; olena is a moderator, jan an auditor, and mia is disabled."""
    await decide_always("review")
    assert (await admin.post("/v1/comments", {"id": "c-1", "text": "hello"})).status == 200
    accounts = client.server.app[keys.STORE].accounts
    for name, role, is_disabled in (
        ("olena", Role.MODERATOR, False),
        ("jan", Role.AUDITOR, False),
        ("mia", Role.MODERATOR, True),
    ):
        assert await accounts.put(Account(name, {"daily": role}, datetime.now(UTC), is_disabled=is_disabled))


async def claimed(caller: Any, **wanted: Any) -> list[str]:
    items = (await caller.post("/v1/review/claim", {"count": 5, "filter": wanted})).body["items"]
    return [each["id"] for each in items]


@pytest.mark.usefixtures("queued")
async def test_an_assigned_comment_is_for_the_one_it_is_assigned_to(
    admin: Any, ann: Any, bob: Any, problem: Any
) -> None:
    found = (await ann.post(PATH, {"to": "bob"})).body
    assert (found["assigned_to"], found["lease"]) == ("bob", None)
    assert found["created_at"] < found["reserved_until"] < found["review"]["due_at"]
    assert await claimed(ann) == []
    body = {"decision": "approve", "version": 1}
    refused = problem(await admin.post("/v1/review/c-1/decision", body), 409)
    assert (refused["code"], refused["current"]["assigned_to"]) == ("reserved", "bob")
    listed = (await ann.get("/v1/review/items?assigned_to=bob")).body["items"]
    assert [each["id"] for each in listed] == ["c-1"]
    assert (await ann.get("/v1/review/items?assigned_to=ann")).body["items"] == []
    assert await claimed(ann, mine=True) == []
    assert await claimed(bob, mine=True) == ["c-1"]


@pytest.mark.usefixtures("queued")
async def test_it_is_taken_back_by_anybody_and_by_null(ann: Any, bob: Any) -> None:
    for to in ("olena", None, None):
        assert (await ann.post(PATH, {"to": to})).body["assigned_to"] == to
    assert await claimed(bob) == ["c-1"]


@pytest.mark.usefixtures("queued")
@pytest.mark.parametrize("name", ["jan", "mia", "website", "nobody", "o\u202elena"])
async def test_a_name_that_decides_nothing_here_is_refused_and_its_field_named(
    client: Any, key_for: Any, ann: Any, problem: Any, name: str
) -> None:
    await key_for(client, "comments", name="website")
    found = problem(await ann.post(PATH, {"to": name}), 400)
    assert [each["pointer"] for each in found["errors"]] == ["/to"]


@pytest.mark.usefixtures("queued")
async def test_an_escalated_comment_is_only_assigned_to_whom_may_decide_it(
    admin: Any, ann: Any, bob: Any, problem: Any
) -> None:
    item = (await ann.post("/v1/review/claim", {"count": 1})).body["items"][0]
    await ann.post("/v1/review/c-1/decision", {"decision": "escalate", "lease": item["lease"]})
    for to in ("olena", "bob"):
        assert problem(await bob.post(PATH, {"to": to}), 400)["errors"][0]["pointer"] == "/to"
    assert (await ann.post(PATH, {"to": "chief"})).body["assigned_to"] == "chief"
    body = {"decision": "approve", "version": 2}
    assert (await admin.post("/v1/review/c-1/decision", body)).status == 200


@pytest.mark.usefixtures("queued")
@pytest.mark.parametrize("scopes", [("review", "review admin"), ("review admin", "review")])
async def test_of_several_keys_of_one_name_one_that_may_decide_what_is_escalated_is_enough(
    client: Any, key_for: Any, ann: Any, scopes: tuple[str, ...]
) -> None:
    for each in scopes:
        await key_for(client, *each.split(), name="bot")
    item = (await ann.post("/v1/review/claim", {"count": 1})).body["items"][0]
    await ann.post("/v1/review/c-1/decision", {"decision": "escalate", "lease": item["lease"]})
    assert (await ann.post(PATH, {"to": "bot"})).body["assigned_to"] == "bot"


@pytest.mark.usefixtures("queued")
async def test_what_does_not_wait_and_whoever_may_not_judge_it_are_refused(
    admin: Any, ann: Any, bob: Any, problem: Any
) -> None:
    problem(await ann.post("/v1/review/c-9/assign", {"to": "bob"}), 404)
    item = (await ann.post("/v1/review/claim", {"count": 1})).body["items"][0]
    await ann.post("/v1/review/c-1/decision", {"decision": "approve", "lease": item["lease"]})
    assert problem(await bob.post(PATH, {"to": "bob"}), 409)["code"] == "not_waiting"
    assert (await admin.post("/v1/review/c-1/reopen", {})).status == 200
    assert problem(await bob.post(PATH, {"to": "ann"}), 409)["code"] == "may_not_judge"


@pytest.mark.usefixtures("queued")
async def test_a_claim_that_waits_hears_of_an_assignment(ann: Any, bob: Any) -> None:
    await ann.post(PATH, {"to": "ann"})
    waiting = asyncio.create_task(bob.post("/v1/review/claim", {"count": 1, "wait": 20}))
    while not waiting.done():
        assert (await ann.post(PATH, {"to": "bob"})).status == 200
        await asyncio.sleep(0.05)
    assert [each["id"] for each in (await waiting).body["items"]] == ["c-1"]

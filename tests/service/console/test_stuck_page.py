"""The page of what is stuck, and the API behind it: why, and what sets it going again."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from service import app_keys as keys
from service.cases.stuck import ESCALATION_LATE
from service.store.keyspace import Shard
from service.values.accounts import Role


@pytest.fixture
async def site(admin: Any, decide_always: Any) -> Any:
    await decide_always("review")
    for number in range(6):
        await admin.post("/v1/comments", {"id": f"c-{number}", "text": f"Text {number}.", "author": {"id": "u-1"}})
    return admin


async def change(client: Any, comment_id: str, index: str, score: int, **fields: str | int) -> None:
    """As time does it: give a comment another place in an index, and fields of its state."""
    pipe, shard = client.server.app[keys.STORE].pipe, Shard("daily")
    await pipe.call("ZADD", shard.key(index), score, comment_id)
    if fields:
        await pipe.call("HSET", shard.item(comment_id), *(part for pair in fields.items() for part in pair))


async def overdue(client: Any, comment_id: str, **fields: str | int) -> None:
    at = round((datetime.now(UTC) - timedelta(hours=2)).timestamp() * 1000)
    await change(client, comment_id, "ready", at, due=at, **fields)


async def reasons(site: Any) -> dict[str, list[str]]:
    reply = await site.get("/v1/review/stuck")
    assert reply.status == 200
    return {each["id"]: each["reasons"] for each in reply.body["comments"]}


async def test_each_reason_is_told(site: Any, client: Any, as_role: Any, account: Any) -> None:
    assert await reasons(site) == {}
    chief = await as_role(Role.SUPERVISOR, "chief")
    assert "Nothing is stuck." in (await chief.get("/console/stuck")).text
    await overdue(client, "c-0")
    await overdue(client, "c-1", why="appeal")
    await overdue(client, "c-2", noticed="1")
    gone = await account("gone")
    assert (await site.post("/v1/review/c-3/assign", {"to": "gone"})).status == 200
    store = client.server.app[keys.STORE]
    gone = await store.accounts.get("gone")
    assert await store.accounts.put(msgspec.structs.replace(gone, is_disabled=True))
    everybody = "\nann\nbob\nchief\n" + site.name + "\n"
    await change(client, "c-4", "ready", 2**52, against=everybody, expiries=5)
    item = (await site.post("/v1/review/claim", {"count": 20})).body["items"]
    lease = next(each["lease"] for each in item if each["id"] == "c-5")
    await site.post("/v1/review/c-5/decision", {"decision": "escalate", "lease": lease})
    for each in item:
        await site.post(f"/v1/review/{each['id']}/release", {"lease": each["lease"]})
    long_ago = round((datetime.now(UTC) - ESCALATION_LATE - timedelta(minutes=1)).timestamp() * 1000)
    await change(client, "c-5", "escalated", long_ago, escalated=long_ago)
    assert await reasons(site) == {
        "c-0": ["overdue"],
        "c-1": ["appeal_overdue"],
        "c-2": ["notice_overdue"],
        "c-3": ["assignee_away"],
        "c-4": ["nobody_may_judge", "put_back_often"],
        "c-5": ["escalation_unanswered"],
    }
    body = (await site.get("/v1/review/stuck")).body
    assert (body["total"], body["overdue"], body["escalated_late"], body["dead_letters"]) == (6, 3, 1, 0)
    assert body["counts"]["overdue"] == 1
    page = (await chief.get("/console/stuck")).text
    for said in ("Past its due time", "Appeal past its time", "Assigned to somebody who cannot decide it any more"):
        assert said in page
    assert re.findall(r'\?id=(c-\d)"', (await chief.get("/console/stuck?reason=assignee_away")).text) == ["c-3"]
    assert (await chief.get("/console/stuck?reason=nonsense")).status == 400


async def test_one_click_assigns_releases_and_escalates(site: Any, client: Any, as_role: Any, account: Any) -> None:
    chief = await as_role(Role.SUPERVISOR, "chief")
    await account("ann")
    for each in ("c-0", "c-1"):
        await overdue(client, each)
    await chief.get("/console/stuck")

    async def cure(comment_id: str, **fields: str) -> str:
        found = (await chief.get("/console/stuck")).text
        version = re.search(rf'stuck/{comment_id}".*?name="version" value="(\d+)"', found, re.DOTALL)
        assert version
        return (await chief.post(f"/console/stuck/{comment_id}", version=version[1], **fields)).location

    assert await cure("c-0", do="to", to="ann", reason="overdue") == "/console/stuck?reason=overdue&said=assigned"
    assert (await site.get("/v1/review/items?assigned_to=ann")).body["items"][0]["id"] == "c-0"
    assert await cure("c-0", do="nobody") == "/console/stuck?said=released"
    assert (await site.get("/v1/review/items?assigned_to=ann")).body["items"] == []
    assert await cure("c-1", do="raise") == "/console/stuck?said=raised"
    assert [each["id"] for each in (await site.get("/v1/review/items?state=escalated")).body["items"]] == ["c-1"]
    items = (await site.post("/v1/review/claim", {"count": 20})).body["items"]
    lease = next(each["lease"] for each in items if each["id"] == "c-2")
    await site.post("/v1/review/c-2/decision", {"decision": "approve", "lease": lease})
    late = await chief.post("/console/stuck/c-2", version="1", do="raise")
    assert late.location == "/console/stuck?refused=already_decided"
    assert "Somebody was faster" in (await chief.get(late.location)).text
    for wrong in ({"do": "to", "to": ""}, {"do": "to", "to": "nobody-here"}, {"do": "dance"}, {"do": "raise"}):
        assert (await chief.post("/console/stuck/c-0", **wrong)).status == 400, wrong
    actions = [each["details"]["action"] for each in (await site.get("/v1/audit?actor=chief")).body["entries"]]
    assert [each for each in actions if each in ("assigned", "unassigned", "escalated")] == [
        "assigned",
        "unassigned",
        "escalated",
    ]


async def test_what_is_reserved_for_somebody_else_is_escalated_too(
    site: Any, client: Any, as_role: Any, account: Any
) -> None:
    chief = await as_role(Role.SUPERVISOR, "chief")
    await account("gone")
    assert (await site.post("/v1/review/c-3/assign", {"to": "gone"})).status == 200
    gone = await client.server.app[keys.STORE].accounts.get("gone")
    assert await client.server.app[keys.STORE].accounts.put(msgspec.structs.replace(gone, is_disabled=True))
    await chief.get("/console/stuck")
    assert (await chief.post("/console/stuck/c-3", version="1", do="raise")).location == "/console/stuck?said=raised"
    (item,) = (await site.get("/v1/review/items?state=escalated")).body["items"]
    assert (item["id"], item.get("assigned_to")) == ("c-3", None)


async def test_what_is_assigned_to_a_revoked_key_is_found_and_released(
    site: Any, client: Any, as_role: Any, key_for: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    chief = await as_role(Role.SUPERVISOR, "chief-2")
    store, bot = client.server.app[keys.STORE], await key_for(client, "review", name="bot")
    for each in ("c-3", "c-4"):
        assert (await site.post(f"/v1/review/{each}/assign", {"to": "bot"})).status == 200
    monkeypatch.setattr("service.store.stuck.MOST_LOOKED_AT", 2)  # neither is among the most urgent
    assert await reasons(site) == {}
    (key_id,) = [each.id for each in (await store.access.keys()).values() if each.name == bot.name]
    assert await store.access.revoke(key_id)
    assert await reasons(site) == {"c-3": ["assignee_away"], "c-4": ["assignee_away"]}
    await chief.get("/console/stuck")
    assert (await chief.post("/console/stuck/c-3", do="nobody")).location == "/console/stuck?said=released"
    assert (await chief.post("/console/stuck/c-4", version="1", do="raise")).location == "/console/stuck?said=raised"
    assert await reasons(site) == {}


async def test_people_of_other_sites_do_not_hide_who_is_gone_here(
    site: Any, client: Any, account: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.store.stuck.MOST_LOOKED_AT", 1)
    for number in range(900):
        await account(f"other-{number}", roles={"weekly": Role.MODERATOR})
    store, gone = client.server.app[keys.STORE], await account("gone")
    assert (await site.post("/v1/review/c-3/assign", {"to": "gone"})).status == 200
    gone = await store.accounts.get("gone")
    assert await store.accounts.put(msgspec.structs.replace(gone, roles={"weekly": Role.MODERATOR}))
    assert await reasons(site) == {"c-3": ["assignee_away"]}


async def test_what_is_escalated_is_stuck_with_who_is_no_supervisor_any_more(
    site: Any, client: Any, account: Any
) -> None:
    await account("sam", Role.SUPERVISOR)
    assert (await site.post("/v1/review/c-0/decision", {"decision": "escalate", "version": 1})).status == 200
    assert (await site.post("/v1/review/c-0/assign", {"to": "sam"})).status == 200
    assert (await site.post("/v1/review/c-1/assign", {"to": "sam"})).status == 200
    assert await reasons(site) == {}
    store = client.server.app[keys.STORE]
    sam = await store.accounts.get("sam")
    assert await store.accounts.put(msgspec.structs.replace(sam, roles={"daily": Role.MODERATOR}))
    assert await reasons(site) == {"c-0": ["assignee_away"]}


@pytest.mark.usefixtures("site")
async def test_moderators_do_not_see_it_and_auditors_change_nothing(client: Any, as_role: Any) -> None:
    await overdue(client, "c-0")
    assert (await (await as_role(Role.MODERATOR)).get("/console/stuck")).status == 403
    auditor = await as_role(Role.AUDITOR)
    page = (await auditor.get("/console/stuck")).text
    assert "?id=c-0" in page
    assert 'action="/console/stuck/' not in page
    assert (await auditor.post("/console/stuck/c-0", do="nobody")).status == 403


async def test_hidden_texts_are_hidden_there_too(site: Any, client: Any, as_role: Any) -> None:
    chief = await as_role(Role.SUPERVISOR)
    await overdue(client, "c-0")
    await chief.post("/console/account/preferences", blur="none")
    assert "Text 0." in (await chief.get("/console/stuck")).text
    await chief.post("/console/account/preferences", blur="all")
    page = (await chief.get("/console/stuck")).text
    assert "Text 0." not in page
    assert "?id=c-0" in page
    assert (await site.get("/v1/review/stuck")).raw.find(b"Text 0.") == -1

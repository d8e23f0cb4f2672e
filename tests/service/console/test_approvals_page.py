"""What takes two people in the console: proposed where it is asked for, approved by somebody else, done exactly so."""

import json
from typing import Any

import pytest

from service import app_keys as keys
from service.store.review import Filter
from service.values.accounts import Role

REVIEW_ALL = {"thresholds": {"toxicity": {"review_at": 0}}}


@pytest.fixture
async def want(admin: Any) -> Any:
    async def want(**two_people: Any) -> None:
        assert (await admin("PUT", "/v1/policies/default", REVIEW_ALL | {"two_people": two_people})).status == 200

    return want


async def post(admin: Any, *names: str, author: str = "u-1") -> list[str]:
    """What the boxes of the list send for these comments."""
    found = []
    for name in names:
        reply = await admin.post("/v1/comments", {"id": name, "text": f"text of {name}", "author": {"id": author}})
        found.append(f"{reply.body['version']}  {name}")
    return found


async def status_of(admin: Any, *names: str) -> list[str]:
    return [(await admin.get(f"/v1/comments/{name}")).body["status"] for name in names]


async def proposal(admin: Any) -> Any:
    (found,) = (await admin.get("/v1/approvals")).body["approvals"]
    return found


async def test_more_than_the_site_allows_is_proposed_seen_and_decided_by_somebody_else(
    as_role: Any, admin: Any, want: Any
) -> None:
    await want(bulk=2)
    chosen = await post(admin, "c-1", "c-2", "c-3")
    ann = await as_role(Role.MODERATOR)
    back = await ann.post("/console/queue/decisions", chosen=chosen, reject="spam", in_view="list")
    assert "somebody else must approve it" in (await ann.get(back.location)).text
    assert await status_of(admin, "c-1", "c-2", "c-3") == ["pending"] * 3
    boss = await as_role(Role.SUPERVISOR)
    page = (await boss.get("/console/approvals")).text
    assert "Reject 3 comments" in page
    assert "text of c-2" in page
    assert "Proposed by moderator" in page
    done = await boss.post("/console/approvals/approve", id=(await proposal(admin))["id"])
    page = (await boss.get(done.location)).text
    assert "It is done." in page
    assert "3 comments are decided." in page
    assert await status_of(admin, "c-1", "c-2", "c-3") == ["rejected"] * 3


async def test_as_many_as_the_site_allows_are_decided_at_once(as_role: Any, admin: Any, want: Any) -> None:
    await want(bulk=2)
    chosen = await post(admin, "c-1", "c-2")
    ann = await as_role(Role.MODERATOR)
    await ann.post("/console/queue/decisions", chosen=chosen, decision="approve", in_view="list")
    assert await status_of(admin, "c-1", "c-2") == ["approved"] * 2


async def test_scripts_are_told_too_and_held_comments_are_let_go(as_role: Any, admin: Any, app: Any, want: Any) -> None:
    await want(bulk=1)
    await post(admin, "c-1", "c-2")
    ann = await as_role(Role.MODERATOR)
    held = await app[keys.STORE].queue.claim("daily", "moderator", 2, 60, Filter())
    headers = {"Accept": "application/json", "X-CSRF-Token": ann.token}
    decisions = [{"id": each.id, "lease": str(each.lease), "decision": "approve"} for each in held]
    page = await ann("POST", "/console/queue/decisions", json={"decisions": decisions}, headers=headers)
    assert (page.status, json.loads(page.text)["code"]) == (409, "second_person_needed")
    found = await proposal(admin)
    assert json.loads(page.text)["current"]["approval"] == found["id"]
    boss = await as_role(Role.SUPERVISOR)
    await boss.post("/console/approvals/approve", id=found["id"])
    assert (await proposal(admin))["outcome"] == {"decided": 2, "skipped": 0}


async def test_nobody_approves_an_own_proposal_and_only_an_administrator_an_erasure(
    as_role: Any, admin: Any, want: Any
) -> None:
    await want(erasures=True)
    await post(admin, "c-1")
    chief = await as_role(name="chief-editor")
    back = await chief.post("/console/author/erase", id="u-1", meant="1")
    assert "somebody else must approve it" in (await chief.get(back.location)).text
    assert await status_of(admin, "c-1") == ["pending"]
    name = (await proposal(admin))["id"]
    refused = await chief.post("/console/approvals/approve", id=name)
    page = (await chief.get(refused.location)).text
    assert "You proposed it: somebody else must approve it." in page
    assert "Approve, and do it now" not in page
    boss = await as_role(Role.SUPERVISOR)
    assert (await boss.post("/console/approvals/approve", id=name)).status == 403
    assert "Approve, and do it now" not in (await boss.get("/console/approvals")).text
    deputy = await as_role(name="deputy")
    done = await deputy.post("/console/approvals/approve", id=name)
    assert "1 comment is erased." in (await deputy.get(done.location)).text
    assert (await admin.get("/v1/comments/c-1")).body["erased_at"] is not None


async def test_all_that_waits_of_an_author_is_proposed_where_it_is_too_much(
    as_role: Any, admin: Any, want: Any
) -> None:
    await want(bulk=2)
    await post(admin, "c-1", "c-2", "c-3")
    boss = await as_role(Role.SUPERVISOR)
    back = await boss.post("/console/author/reject-waiting", id="u-1", reason="spam")
    assert "somebody else must approve it" in (await boss.get(back.location)).text
    assert await status_of(admin, "c-1", "c-2", "c-3") == ["pending"] * 3
    deed = (await proposal(admin))["deed"]
    assert (deed["decision"], deed["reason"], len(deed["comments"])) == ("reject", "spam", 3)
    refused = await admin.post("/v1/authors/u-1:reject-waiting", {})
    assert (refused.status, refused.body["code"]) == (409, "second_person_needed")


async def test_a_proposal_is_taken_back(as_role: Any, admin: Any, want: Any) -> None:
    await want(erasures=True)
    await post(admin, "c-1")
    chief = await as_role()
    await chief.post("/console/author/erase", id="u-1", meant="1")
    page = (await chief.get("/console/approvals")).text
    assert "Take it back" in page
    back = await chief.post("/console/approvals/refuse", id=(await proposal(admin))["id"])
    assert "Nothing was done." in (await chief.get(back.location)).text
    assert (await proposal(admin))["state"] == "refused"

"""Macros on pages: on the card, in the list and for two people, and what the trail says of them."""

import json
import re
from typing import Any

import pytest

from service import app_keys as keys
from service.values.accounts import Role

REVIEW = {
    "reasons": [{"key": "advertising", "titles": {"en": "Advertising", "de": "Werbung"}, "label": "spam"}],
    "macros": [
        {
            "name": "Shop link",
            "decision": "reject",
            "reason": "advertising",
            "note": "Links to a <shop>",
            "labels": {"insult": False},
        },
        {"name": "Fan of the team", "decision": "approve"},
        {"name": "Threat", "decision": "escalate", "note": "at once"},
    ],
}


@pytest.fixture
async def want(admin: Any) -> Any:
    async def want(**more: Any) -> None:
        policy = {"thresholds": {"toxicity": {"review_at": 0}}, "review": REVIEW, **more}
        assert (await admin("PUT", "/v1/policies/default", policy)).status == 200

    return want


@pytest.fixture
async def ann(as_role: Any) -> Any:
    return await as_role(Role.MODERATOR, "ann")


@pytest.fixture
async def queued(admin: Any, want: Any) -> None:
    await want()
    for name in ("c-1", "c-2", "c-3"):
        await admin.post("/v1/comments", {"id": name, "text": f"hello {name}"})


async def decisions(admin: Any) -> list[Any]:
    return [
        each["details"]
        for each in (await admin.get("/v1/audit")).body["entries"]
        if each["details"]["action"] in ("decided", "escalated")
    ]


async def by_script(browser: Any, path: str, body: Any) -> Any:
    headers = {"Accept": "application/json", "X-CSRF-Token": browser.token}
    return await browser("POST", path, json=body, headers=headers)


@pytest.mark.usefixtures("queued")
async def test_the_menu_says_what_each_does_in_the_language_of_the_moderator(ann: Any) -> None:
    await ann.post("/console/account/preferences", language="de")
    card = (await ann.get("/console/queue/c-1")).text
    assert re.findall(r'name="macro" value="([^"]*)" data-decision="(\w+)" data-digit="(\d)"', card) == [
        ("Shop link", "reject", "1"),
        ("Fan of the team", "approve", "2"),
        ("Threat", "escalate", "3"),
    ]
    assert "Ablehnen · Werbung · Links to a &lt;shop&gt;" in card


@pytest.mark.usefixtures("queued")
async def test_a_macro_decides_without_scripts_and_the_trail_names_it(ann: Any, admin: Any, app: Any) -> None:
    back = await ann.post("/console/queue/c-1/decision", version="1", macro="Shop link", note="not this one")
    assert "Rejected" in (await ann.get(back.location)).text
    comment = (await admin.get("/v1/comments/c-1")).body
    assert comment["status"] == "rejected"
    assert (await app[keys.STORE].comments.get("daily", "c-1")).note == "Links to a <shop>"
    (entry,) = await decisions(admin)
    assert (entry["macro"], entry["decision"], entry["reason"]) == ("Shop link", "reject", "advertising")
    (label,) = await app[keys.STORE].labels.newest("daily", 1)
    assert label.labels == {"spam": True, "insult": False}
    page = (await ann.get("/console/comment?id=c-1")).text
    assert "macro: <bdi>Shop link</bdi>" in page
    version = str(comment["version"])
    await ann.post("/console/queue/c-1/undo", version=version)
    assert (await admin.get("/v1/comments/c-1")).body["status"] == "pending"
    assert "Shop link" not in (await ann.get("/console/comment?id=c-1")).text.split("<main")[1].split("timeline")[1], (
        "whoever still decides must not be told"
    )


@pytest.mark.usefixtures("queued")
async def test_a_macro_that_escalates_hands_its_note_to_the_supervisors(ann: Any, as_role: Any, admin: Any) -> None:
    await ann.post("/console/queue/c-1/decision", version="1", macro="Threat")
    assert [(each["action"], each["macro"]) for each in await decisions(admin)] == [("escalated", "Threat")]
    chief = await as_role(Role.SUPERVISOR)
    card = (await chief.get("/console/queue/c-1")).text
    assert "at once" in card
    assert re.findall(r'name="macro" value="([^"]*)"', card) == ["Shop link", "Fan of the team"]


@pytest.mark.usefixtures("queued")
async def test_what_is_selected_gets_one_macro_and_is_taken_back_together(ann: Any, admin: Any) -> None:
    chosen = ["1  c-1", "1  c-2"]
    back = await ann.post("/console/queue/decisions", chosen=chosen, macro="Fan of the team", in_view="list")
    page = (await ann.get(back.location)).text
    assert "Approved: 2 / 2" in page
    assert {each["macro"] for each in await decisions(admin)} == {"Fan of the team"}
    batch = re.findall(r'name="batch" value="([^"]+)"', page)[0]
    await ann.post("/console/queue/undo", batch=batch)
    statuses = [(await admin.get(f"/v1/comments/{each}")).body["status"] for each in ("c-1", "c-2")]
    assert statuses == ["pending", "pending"]


@pytest.mark.usefixtures("queued")
async def test_a_macro_that_changed_since_it_was_seen_decides_nothing(ann: Any, admin: Any) -> None:
    body = {"decision": "approve", "version": 1, "macro": "Shop link"}
    refused = await by_script(ann, "/console/queue/c-1/decision", body)
    assert (refused.status, json.loads(refused.text)["code"]) == (409, "macro_changed")
    many = await by_script(
        ann, "/console/queue/decisions", {"decisions": [{**body, "id": "c-2"}, {**body, "id": "c-3"}]}
    )
    assert {each["problem"]["code"] for each in json.loads(many.text)["results"]} == {"macro_changed"}
    for path, more in (("c-1/decision", {"version": "1"}), ("decisions", {"chosen": "1  c-1"})):
        back = await ann.post(f"/console/queue/{path}", macro="Gone", **more)
        assert "The macro was changed meanwhile" in (await ann.get(back.location)).text
    assert await decisions(admin) == []


@pytest.mark.usefixtures("queued")
@pytest.mark.parametrize("field", ["reason", "note"])
async def test_a_macro_has_its_own_reason_and_note(ann: Any, field: str) -> None:
    body = {"decision": "reject", "version": 1, "macro": "Shop link", field: "other"}
    refused = await by_script(ann, "/console/queue/c-1/decision", body)
    assert refused.status == 400
    assert json.loads(refused.text)["errors"] == [{"pointer": f"/{field}", "detail": "the macro says it"}]


@pytest.mark.usefixtures("queued")
async def test_two_people_do_together_what_a_macro_says(ann: Any, as_role: Any, admin: Any, want: Any) -> None:
    await want(two_people={"bulk": 1})
    chosen = ["1  c-1", "1  c-2"]
    back = await ann.post("/console/queue/decisions", chosen=chosen, macro="Shop link", in_view="list")
    assert "somebody else must approve it" in (await ann.get(back.location)).text
    boss = await as_role(Role.SUPERVISOR)
    assert "Macro: <bdi>Shop link</bdi>" in (await boss.get("/console/approvals")).text
    (proposal,) = (await admin.get("/v1/approvals")).body["approvals"]
    deed = proposal["deed"]
    assert (deed["macro"], deed["reason"], deed["labels"]) == (
        "Shop link",
        "advertising",
        {"spam": True, "insult": False},
    )
    await boss.post("/console/approvals/approve", id=proposal["id"])
    assert [each["macro"] for each in await decisions(admin)] == ["Shop link", "Shop link"]


async def test_a_site_without_macros_has_no_menu(ann: Any, admin: Any, decide_always: Any) -> None:
    await decide_always("review")
    await admin.post("/v1/comments", {"id": "c-1", "text": "hello"})
    for path in ("/console/queue/c-1", "/console/queue?view=list"):
        assert 'data-choice="macro"' not in (await ann.get(path)).text

"""Assignment on pages: on the card, in the list and in the history, also without scripts."""

import json
import re
from typing import Any

import pytest

from service.cases import team
from service.values.accounts import Role

ASSIGN = "/console/queue/c-1/assign"
LIST = "/console/queue?view=list"


@pytest.fixture
async def queued(admin: Any, decide_always: Any) -> None:
    await decide_always("review")
    for name in ("c-1", "c-2"):
        await admin.post("/v1/comments", {"id": name, "text": f"hello {name}"})


@pytest.fixture
async def ann(as_role: Any) -> Any:
    return await as_role(Role.MODERATOR, "ann")


@pytest.fixture
async def bob(as_role: Any) -> Any:
    return await as_role(Role.MODERATOR, "bob")


def shown(text: str) -> list[str]:
    return re.findall(r'<tr data-id="([^"]+)"', text)


@pytest.mark.usefixtures("queued")
async def test_who_has_it_is_seen_on_the_card_in_the_list_and_in_the_history(ann: Any, bob: Any) -> None:
    assert (await ann.post(ASSIGN, to="bob", assign="to", back="/console/queue/c-1")).location == "/console/queue/c-1"
    card = (await ann.get("/console/queue/c-1")).text
    assert re.search(r'class="assignee"><bdi>bob</bdi>\s*<span class="small">offered to others from', card)
    assert "It is assigned to bob. To decide it, assign it to yourself." in card
    assert "data-deeds" not in card
    assert "data-deeds" in (await bob.get("/console/queue/c-1")).text
    rows = (await ann.get(LIST)).text
    assert "for bob</span>" in rows
    assert re.findall(r'name="chosen"[^>]*value="\d+  (c-\d)"', rows) == ["c-2"], "it cannot be selected"
    history = (await ann.get("/console/comment?id=c-1")).text
    assert "<strong>Assigned</strong> · <bdi>ann</bdi>" in history
    assert "assigned to: <bdi>bob</bdi>" in history


@pytest.mark.usefixtures("queued")
async def test_mine_shows_what_is_assigned_to_me_in_each_queue_and_takes_only_that(ann: Any, bob: Any) -> None:
    await ann.post(ASSIGN, to="bob", assign="to")
    assert shown((await bob.get(f"{LIST}&mine=1")).text) == ["c-1"]
    nothing = (await ann.get(f"{LIST}&mine=1")).text
    assert (shown(nothing), "Nothing here is assigned to you." in nothing) == ([], True)
    await bob.post("/console/queue/claim", count="5", mine="1")
    assert re.findall(r'<article[^>]*data-id="([^"]+)"', (await bob.get("/console/queue")).text) == ["c-1"]
    held = (await bob.get("/console/queue?queue=held&view=list&mine=1")).text
    assert shown(held) == ["c-1"]


@pytest.mark.usefixtures("queued")
async def test_it_is_taken_over_and_taken_back_by_buttons(ann: Any, bob: Any) -> None:
    await ann.post(ASSIGN, to="bob", assign="to")
    await ann.post(ASSIGN, assign="me")
    assert "for you</span>" in (await ann.get(LIST)).text
    await bob.post(ASSIGN, assign="nobody")
    assert "for " not in re.findall(r'holder"[^>]*>(.*?)</td>', (await ann.get(LIST)).text)[0]


@pytest.mark.usefixtures("queued")
async def test_many_are_assigned_at_once(ann: Any, bob: Any) -> None:
    await ann.post("/console/queue/assign", chosen=["1  c-1", "1  c-2"], to="bob", assign="to", in_view="list")
    assert (await ann.get(LIST)).text.count("for bob</span>") == 2
    headers = {"Accept": "application/json", "X-CSRF-Token": bob.token}
    body = {"ids": ["c-1", "c-9"], "to": "ann"}
    reply = await bob("POST", "/console/queue/assign", json=body, headers=headers)
    one, other = json.loads(reply.text)["results"]
    assert one == {"id": "c-1", "assigned_to": "ann"}
    assert (other["id"], other["problem"]["code"]) == ("c-9", "not_found")


@pytest.mark.usefixtures("queued")
@pytest.mark.parametrize("to", ["", "nobody-here"])
async def test_a_name_that_is_none_is_refused(ann: Any, to: str) -> None:
    assert (await ann.post(ASSIGN, to=to, assign="to")).status == 400
    headers = {"Accept": "application/json", "X-CSRF-Token": ann.token}
    if to:
        many = await ann("POST", "/console/queue/assign", json={"ids": ["c-1"], "to": to}, headers=headers)
        assert (many.status, "/to" in many.text) == (400, True)


@pytest.mark.usefixtures("queued")
async def test_only_those_who_decide_assign_and_are_offered(ann: Any, as_role: Any) -> None:
    auditor = await as_role(Role.AUDITOR, "otto")
    await as_role(Role.SUPERVISOR, "chief")
    headers = {"Accept": "application/json"}
    assert json.loads((await ann.get("/console/queue/people", headers=headers)).text) == {"names": ["ann", "chief"]}
    assert (await auditor.post(ASSIGN, assign="me")).status == 403
    text = (await auditor.get("/console/queue/c-1")).text
    assert ("Assigned to</h2>" in text, "data-assign-form" in text) == (True, False)


@pytest.mark.usefixtures("queued", "bob")
async def test_a_refused_decision_names_the_person(ann: Any) -> None:
    await ann.post(ASSIGN, to="bob", assign="to")
    reply = await ann.post("/console/queue/c-1/decision", version="1", decision="approve")
    assert "assigned to bob" in (await ann.get(reply.location)).text


@pytest.mark.usefixtures("queued")
async def test_the_team_is_read_once_for_many(ann: Any, bob: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    roles = team.roles

    async def counted(store: Any, site: str) -> Any:
        read.append(site)
        return await roles(store, site)

    monkeypatch.setattr(team, "roles", counted)
    await ann.post("/console/queue/assign", chosen=["1  c-1", "1  c-2"], to="bob", assign="to", in_view="list")
    assert read == ["daily"]
    assert len(shown((await bob.get(f"{LIST}&mine=1")).text)) == 2


@pytest.mark.usefixtures("queued")
async def test_without_scripts_a_refusal_is_told_in_the_language_of_the_page(ann: Any) -> None:
    await ann.post("/console/account/preferences", language="de")
    refused = await ann.post(ASSIGN, to="nobody-here", assign="to")
    assert (refused.status, "Niemand dieses Namens" in refused.text) == (400, True)
    nothing = await ann.post("/console/queue/assign", to="ann", assign="to", in_view="list")
    assert "Nichts war ausgewählt." in (await ann.get(nothing.location)).text


async def test_what_a_range_of_scores_lists_is_assigned_too(admin: Any, ann: Any) -> None:
    policy = {"thresholds": {"toxicity": {"review_at": 0}}, "review": {"show_scores": True}}
    assert (await admin("PUT", "/v1/policies/default", policy)).status == 200
    for n in range(9):
        await admin.post("/v1/comments", {"id": f"s-{n}", "text": "hello"})
    page = (await ann.get("/console/scores")).text
    assert page.count('formaction="/console/queue/assign"') == 3
    name = shown(page)[0]
    sent = {"chosen": f"1  {name}", "assign": "me", "in_view": "scores", "in_axis": "toxicity"}
    assert (await ann.post("/console/queue/assign", **sent)).location.startswith("/console/scores")
    assert "for you</span>" in (await ann.get("/console/scores")).text

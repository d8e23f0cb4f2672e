"""The page of an article and the menu on cards: heated, pre-moderated or closed by one button, and taken back."""

import html
import json
import re
from typing import Any
from urllib.parse import quote

import pytest

from service import app_keys as keys
from service.values.accounts import Role

ARTICLE = {"id": "a-1", "title": "On bridges", "section": "sports"}
STATUS = "/v1/articles/a-1"


async def post(admin: Any, comment: str, text: str = "Hello") -> Any:
    return (await admin.post("/v1/comments", {"id": comment, "text": f"{text} {comment}", "article": ARTICLE})).body


async def followed(browser: Any, page: Any) -> str:
    assert page.status == 303, page.text
    return str((await browser.get(page.location)).text)


@pytest.mark.parametrize(
    ("button", "status", "said"),
    [
        ("heated 4", "heated", "Heated"),
        ("premoderated 24", "premoderated", "Pre-moderated"),
        ("closed 0", "closed", "Closed"),
    ],
)
async def test_one_button_changes_an_article_and_another_takes_it_back(
    as_role: Any, admin: Any, button: str, status: str, said: str
) -> None:
    lead = await as_role(Role.SUPERVISOR)
    text = (await lead.get("/console/article?article=a-1")).text
    assert "Nobody has changed it." in text
    assert f'name="set" value="{button}"' in text
    text = await followed(lead, await lead.post("/console/article/status", article="a-1", set=button))
    assert f'<span class="tag article-{status}">{said}</span>' in text
    standing = (await admin.get(STATUS)).body
    assert (standing["status"], standing["history"][0]["by"]) == (status, "supervisor")
    assert (standing["until"] is None) == (status == "closed")
    text = await followed(lead, await lead.post("/console/article/undo", article="a-1", version="1"))
    assert "The change was taken back." in text
    assert (await admin.get(STATUS)).body["status"] == "open"


async def test_a_closed_section_rejects_and_its_comments_say_why(as_role: Any, admin: Any) -> None:
    lead = await as_role(Role.SUPERVISOR)
    fields = {"section": "sports", "status": "closed", "hours": "24", "version": "0", "note": "a\r\nlawyer"}
    text = await followed(lead, await lead.post("/console/article/status", **fields))
    assert "a\nlawyer" in text
    assert (await post(admin, "c-1"))["status"] == "rejected"
    assert "The section is closed" in (await lead.get("/console/comment?id=c-1")).text
    assert (await admin.get("/v1/sections/sports")).body["until"] is not None


async def test_an_article_cannot_be_heated_for_good(as_role: Any, admin: Any) -> None:
    lead = await as_role(Role.SUPERVISOR)
    page = await lead.post("/console/article/status", article="a-1", status="heated", hours="0", note="mind the tone")
    assert page.status == 400
    assert "Choose for how long it is heated." in page.text
    assert "mind the tone</textarea>" in page.text
    assert (await admin.get(STATUS)).body["version"] == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"hours": "2"},
        {"status": "gone"},
        {"version": "x"},
        {"note": "x" * 501},
        {"article": ""},
        {"article": "x" * 257},
        {"set": "closed 5"},
    ],
)
async def test_what_no_form_of_ours_sends_is_refused(as_role: Any, admin: Any, wrong: Any) -> None:
    lead = await as_role(Role.SUPERVISOR)
    fields = {"article": "a-1", "version": "0", "status": "closed", "hours": "0", "note": "", **wrong}
    assert (await lead.post("/console/article/status", **fields)).status == 400
    assert (await admin.get("/v1/articles")).body["articles"] == []


async def test_a_change_that_came_first_is_shown(as_role: Any, admin: Any) -> None:
    lead = await as_role(Role.SUPERVISOR)
    await admin("PUT", STATUS, {"status": "closed"})
    page = await lead.post("/console/article/status", article="a-1", version="0", status="premoderated", hours="0")
    text = await followed(lead, page)
    assert "Somebody else changed the status meanwhile." in text
    assert '<span class="tag article-closed">Closed</span>' in text
    await admin("DELETE", STATUS)
    assert "Somebody else changed" in await followed(
        lead, await lead.post("/console/article/undo", article="a-1", version="1")
    )


async def test_a_moderator_sees_the_status_on_the_page_and_the_card_and_cannot_change_it(
    as_role: Any, admin: Any, decide_always: Any
) -> None:
    await decide_always("review")
    await post(admin, "c-1")
    await admin("PUT", STATUS, {"status": "premoderated", "note": "watch"})
    moderator, lead = await as_role(Role.MODERATOR), await as_role(Role.SUPERVISOR)
    text = (await moderator.get("/console/article?article=a-1")).text
    assert '<span class="tag article-premoderated">Pre-moderated</span>' in text
    assert "watch" in text
    card = (await moderator.get("/console/queue/c-1")).text
    assert "Pre-moderated" in card
    assert "/console/article/status" not in text + card
    assert (await moderator.post("/console/article/status", article="a-1", set="closed 0")).status == 403
    assert "/console/article/status" in (await lead.get("/console/queue/c-1")).text


async def test_a_card_says_that_the_article_is_pre_moderated_and_hides_that_calmer_thresholds_hold_it(
    as_role: Any, admin: Any
) -> None:
    ann = await as_role(Role.MODERATOR)
    await admin("PUT", STATUS, {"status": "premoderated"})
    assert (await post(admin, "c-1"))["status"] == "pending"
    assert "<li>The article is pre-moderated</li>" in (await ann.get("/console/queue/c-1")).text
    score = (await admin.post("/v1/comments", {"id": "probe", "text": "You fool"})).body["scores"]["toxicity"]
    limits = {"toxicity": {"review_at": min(1, score * 1.5)}}
    await admin("PUT", "/v1/policies/default", {"thresholds": limits})
    await admin("PUT", STATUS, {"status": "heated", "until": "2999-01-01T00:00:00Z"})
    comment = {"id": "c-2", "text": "You fool", "article": ARTICLE}
    assert (await admin.post("/v1/comments", comment)).body["reasons"][-1]["code"] == "article_heated"
    assert "The article is heated" not in (await ann.get("/console/queue/c-2")).text
    await admin("PUT", "/v1/policies/default", {"thresholds": limits, "review": {"show_scores": True}})
    shown = [(await ann.get(f"/console/queue/{each}")).text for each in await waiting(admin, 8)]
    assert any("<li>The article is heated: Toxicity" in each for each in shown)
    assert not any("(low)" in each for each in shown)


async def waiting(admin: Any, number: int) -> list[str]:
    """Comments that calmer thresholds hold: of five one shows no score."""
    names = [f"w-{n}" for n in range(number)]
    for name in names:
        await admin.post("/v1/comments", {"id": name, "text": "You fool", "article": ARTICLE})
    return names


async def test_the_menu_of_a_card_is_answered_in_json(as_role: Any, admin: Any) -> None:
    lead = await as_role(Role.SUPERVISOR)
    await lead.get("/console/article")
    headers = {"Accept": "application/json", "X-CSRF-Token": lead.token}

    async def sent(path: str, body: Any) -> Any:
        return json.loads((await lead("POST", f"/console/article/{path}", json=body, headers=headers)).text)

    done = await sent("status", {"article": "a-1", "status": "heated", "hours": 4})
    assert (done["status"], done["version"]) == ("heated", 1)
    assert re.fullmatch(r"Heated until .+", done["said"])
    back = await sent("undo", {"article": "a-1", "version": 1})
    assert back == {"status": "open", "said": "Open", "version": 2}
    assert (await admin.get(STATUS)).body["status"] == "open"
    assert (await sent("status", {"article": "a-1", "status": "heated", "hours": 0}))["status"] == 400
    assert (await sent("status", {"article": "a-1", "status": "heated", "hours": 5}))["status"] == 400
    assert (await sent("undo", {"article": "a-1"}))["code"] == "status_changed"


async def test_those_that_are_not_open_are_listed(as_role: Any, admin: Any) -> None:
    lead = await as_role(Role.SUPERVISOR)
    assert "All articles and sections are open." in (await lead.get("/console/article")).text
    await admin("PUT", "/v1/articles/%3Cb%3E", {"status": "closed"})
    await admin("PUT", "/v1/sections/sports", {"status": "premoderated"})
    text = (await lead.get("/console/article")).text
    assert '<a href="/console/article?article=%3Cb%3E"><bdi>&lt;b&gt;</bdi></a>' in text
    assert '<a href="/console/article?section=sports"><bdi>sports</bdi></a>' in text


@pytest.mark.parametrize("name", ["a&b=c#d?e%2F", "<i>\"'", "\U0001f98a" * 256, "/politics/mayor", "a b  c"])
async def test_an_article_with_a_foreign_id_is_changed_and_taken_back(as_role: Any, admin: Any, name: str) -> None:
    lead = await as_role(Role.SUPERVISOR)
    assert f"<bdi>{name}</bdi>" in html.unescape((await lead.get(f"/console/article?article={quote(name)}")).text)
    text = html.unescape(await followed(lead, await lead.post("/console/article/status", article=name, set="closed 0")))
    assert f'<input type="hidden" name="article" value="{name}">' in text
    path = f"/v1/articles/{quote(name, safe='')}"
    assert (await admin.get(path)).body["status"] == "closed"
    await lead.post("/console/article/undo", article=name, version="1")
    assert (await admin.get(path)).body["status"] == "open"


async def test_a_dead_letter_about_an_article_is_shown(client: Any, as_role: Any, admin: Any) -> None:
    store = client.server.app[keys.STORE]
    await store.outbox.endpoints.put("daily", "https://site.example/", include_text=False, actor="chief")
    await admin("PUT", STATUS, {"status": "closed"})
    chief = await as_role(Role.ADMIN)
    found = [each for shard in store.outbox.shards("daily") for each in (await store.outbox.take(shard, 10, 60)).events]
    (taken,) = [each for each in found if each.event.article]
    await store.outbox.settle(taken, "dead", attempts=1, because="500")
    assert '<a href="/console/article?article=a-1">' in (await chief.get("/console/webhooks")).text
    (letter,) = (await admin.get("/v1/webhooks/dead")).body["letters"]
    assert (letter["article"], letter["comment_id"], letter["status"]) == ("a-1", None, "closed")
    assert (await admin.post(f"/v1/webhooks/dead/{letter['id']}:retry")).status == 200

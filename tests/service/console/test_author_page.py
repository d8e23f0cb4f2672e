"""The page of an author: the status is changed and taken back there, and all that waits is rejected."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from service import app_keys as keys
from service.cases import author_status
from service.values.accounts import Role

AUTHOR = {"id": "u-1", "name": "Reader"}
STATUS = "/v1/authors/u-1/status"


@pytest.fixture
async def author(admin: Any, decide_always: Any) -> str:
    """Three comments of u-1 wait; the stored id."""
    await decide_always("review")
    for number in range(3):
        body = {"id": f"c-{number}", "text": f"Hello {number}", "author": AUTHOR}
        assert (await admin.post("/v1/comments", body)).body["status"] == "pending"
    return str((await admin.get(STATUS)).body["author"])


async def post(admin: Any, comment: str) -> str:
    body = {"id": comment, "text": f"Hello {comment}", "author": AUTHOR}
    return str((await admin.post("/v1/comments", body)).body["status"])


async def statuses(admin: Any) -> list[str]:
    return [(await admin.get(f"/v1/comments/c-{number}")).body["status"] for number in range(3)]


async def followed(browser: Any, page: Any) -> str:
    return str((await browser.get(page.location)).text)


async def test_a_supervisor_bans_an_author_and_takes_it_back(as_role: Any, admin: Any, author: str) -> None:
    lead = await as_role(Role.SUPERVISOR)
    assert "Nobody has changed it." in (await lead.get(f"/console/author?id={author}")).text
    ban = {"id": author, "version": "0", "status": "banned", "days": "0", "why": "spam", "note": "third\r\naccount"}
    text = await followed(lead, await lead.post("/console/author/status", **ban))
    assert "The status is changed." in text
    assert '<span class="tag author-banned">Banned</span>' in text
    assert "third\naccount" in text
    standing = (await admin.get(STATUS)).body
    (change,) = standing["history"]
    assert (change["by"], change["why"], change["note"]) == ("supervisor", "spam", "third\naccount")
    assert await post(admin, "c-9") == "rejected"
    text = await followed(lead, await lead.post("/console/author/status/undo", id=author, version="1"))
    assert "The change was taken back." in text
    assert "Take my last change back" not in text
    assert await post(admin, "c-10") == "pending"


async def test_a_mute_needs_an_end(as_role: Any, admin: Any, author: str) -> None:
    lead = await as_role(Role.SUPERVISOR)
    await lead.get(f"/console/author?id={author}")
    mute = {"id": author, "version": "0", "status": "muted", "note": "calm down"}
    page = await lead.post("/console/author/status", **mute, days="0")
    assert page.status == 400
    assert "Choose for how long the author is muted." in page.text
    assert "calm down</textarea>" in page.text
    assert '<option value="muted" selected>' in page.text
    await followed(lead, await lead.post("/console/author/status", **mute, days="7"))
    standing = (await admin.get(STATUS)).body
    assert (standing["status"], standing["until"] > standing["history"][0]["at"]) == ("muted", True)


@pytest.mark.parametrize(
    "wrong",
    [
        {"days": "2"},
        {"status": "gone"},
        {"version": "x"},
        {"note": "x" * 501},
        {"why": "Not a code"},
        {"id": ""},
    ],
)
async def test_what_no_form_of_ours_sends_is_refused(as_role: Any, admin: Any, author: str, wrong: Any) -> None:
    lead = await as_role(Role.SUPERVISOR)
    fields = {"id": author, "version": "0", "status": "banned", "days": "0", "why": "", "note": "", **wrong}
    assert (await lead.post("/console/author/status", **fields)).status == 400
    assert (await admin.get(STATUS)).body["version"] == 0


async def test_a_change_that_came_first_is_shown(as_role: Any, admin: Any, author: str) -> None:
    lead = await as_role(Role.SUPERVISOR)
    await admin("PUT", STATUS, {"status": "trusted"})
    page = await lead.post("/console/author/status", id=author, version="0", status="banned", days="0")
    text = await followed(lead, page)
    assert "Somebody else changed the status meanwhile." in text
    assert '<span class="tag author-trusted">Trusted</span>' in text
    text = await followed(lead, await lead.post("/console/author/status/undo", id=author, version="1"))
    assert "Somebody else made the last change." in text
    assert (await admin.get(STATUS)).body["status"] == "trusted"


async def test_an_author_who_never_wrote_is_stored_under_the_pseudonym(as_role: Any, admin: Any) -> None:
    lead = await as_role(Role.SUPERVISOR)
    text = (await lead.get("/console/author?id=new-one")).text
    (stored,) = set(re.findall(r'<input type="hidden" name="id" value="([0-9a-f]{32})">', text))
    for sent in (stored, "another"):
        await lead.post("/console/author/status", id=sent, version="0", status="banned", days="0")
    for who in ("new-one", "another"):
        assert (await admin.get(f"/v1/authors/{who}/status")).body["status"] == "banned"
    assert (await admin.get("/v1/authors/new-one/status")).body["author"] == stored


async def test_a_moderator_sees_the_status_and_gets_no_form(as_role: Any, admin: Any, author: str) -> None:
    await admin("PUT", STATUS, {"status": "premoderated", "note": "watch"})
    text = (await (await as_role(Role.MODERATOR)).get(f"/console/author?id={author}")).text
    assert '<span class="tag author-premoderated">Pre-moderated</span>' in text
    assert "watch" in text
    assert "/console/author/" not in re.sub(r'href="[^"]*"', "", text)


async def test_all_that_waits_is_rejected_and_taken_back(
    as_role: Any, admin: Any, author: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(author_status, "MOST_REJECTED", 2)
    lead = await as_role(Role.SUPERVISOR)
    await lead.get(f"/console/author?id={author}")
    page = await lead.post("/console/author/reject-waiting", id=author, reason="spam")
    text = await followed(lead, page)
    assert "2 waiting comments are rejected." in text
    assert "There are more." in text
    (batch,) = parse_qs(urlsplit(page.location).query)["batch"]
    page = await lead.post("/console/author/reject-waiting", id=author, batch=batch)
    text = await followed(lead, page)
    assert "1 waiting comment is rejected." in text
    assert "Reject the rest" not in text
    assert await statuses(admin) == ["rejected"] * 3
    entries = (await admin.get("/v1/audit?limit=1000")).body["entries"]
    decided = [each["details"] for each in entries if each["details"]["action"] == "decided"]
    assert {each["batch"] for each in decided} == {batch}
    assert {each["role"] for each in decided} == {"supervisor"}
    text = await followed(lead, await lead.post("/console/author/undo-rejected", id=author, batch=batch))
    assert "2 rejections were taken back." in text
    assert "Take the rejections back" in text
    text = await followed(lead, await lead.post("/console/author/undo-rejected", id=author, batch=batch))
    assert "1 rejection was taken back." in text
    assert await statuses(admin) == ["pending"] * 3
    page = await lead.post("/console/author/undo-rejected", id=author, batch=batch)
    assert page.status == 404
    assert "This batch was taken back before, or is too old." in page.text


async def test_a_dead_letter_about_an_author_is_shown(client: Any, as_role: Any, admin: Any, author: str) -> None:
    store = client.server.app[keys.STORE]
    await store.outbox.endpoints.put("daily", "https://site.example/", include_text=False, actor="chief")
    await admin("PUT", STATUS, {"status": "banned"})
    chief = await as_role(Role.ADMIN)
    found = [each for shard in store.outbox.shards("daily") for each in (await store.outbox.take(shard, 10, 60)).events]
    (taken,) = [each for each in found if each.event.author]
    await store.outbox.settle(taken, "dead", attempts=1, because="500")
    text = (await chief.get("/console/webhooks")).text
    assert f'<a href="/console/author?id={author}">' in text
    (letter,) = (await admin.get("/v1/webhooks/dead")).body["letters"]
    assert (letter["author"], letter["comment_id"], letter["status"]) == (author, None, "banned")
    assert (await admin.post(f"/v1/webhooks/dead/{letter['id']}:retry")).status == 200


async def test_strikes_stand_on_the_page_and_on_the_card(as_role: Any, admin: Any, author: str) -> None:
    before = (await admin.get("/v1/policies/default")).body
    steps = [{"strikes": 1, "status": "premoderated", "days": 7}]
    policy = {"thresholds": before["thresholds"], "strikes": {"at": steps, "weights": {"spam": 2}}}
    assert (await admin("PUT", "/v1/policies/default", policy)).status == 200
    body = {"decision": "reject", "reason": "spam", "version": 1}
    assert (await admin.post("/v1/review/c-0/decision", body)).status == 200
    moderator = await as_role(Role.MODERATOR)
    text = (await moderator.get(f"/console/author?id={author}")).text
    assert "2 strikes" in text
    assert "weight 2" in text
    assert "rules, for 1 strike" in text
    assert "2 strikes" in (await moderator.get("/console/queue/c-1")).text

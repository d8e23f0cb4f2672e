"""Notes on pages: on the card, in the list and in the history of a comment, also without scripts."""

import re
from typing import Any

import pytest

from service.cases.notes import MOST_CHARS
from service.store.notes import MOST_NOTES
from service.values.accounts import Role

PAGE = "/console/comment?id=c-1"
WRITE = "/console/queue/c-1/note"


@pytest.fixture
async def queued(admin: Any, decide_always: Any) -> None:
    await decide_always("review")
    await admin.post("/v1/comments", {"id": "c-1", "text": "hello", "author": {"id": "u-1"}})


@pytest.mark.usefixtures("queued")
async def test_a_note_is_read_on_the_card_in_the_list_and_in_the_history(as_role: Any) -> None:
    ann, bob = await as_role(Role.MODERATOR, "ann"), await as_role(Role.MODERATOR, "bob")
    reply = await ann.post(WRITE, text="A regular.\r\n<b>Rude</b>, but right.", back=PAGE)
    assert reply.location == PAGE
    said = "A regular.\n&lt;b&gt;Rude&lt;/b&gt;, but right."
    for path in (PAGE, "/console/queue/c-1"):
        text = (await bob.get(path)).text
        assert "<strong><bdi>ann</bdi></strong>" in text
        assert said in text
    assert "1 note</span>" in (await bob.get("/console/queue?view=list")).text
    history = (await bob.get(PAGE)).text.split('aria-labelledby="happened"')[1]
    assert history.index("Note written") < history.index(said)
    assert (await ann.post(WRITE, text="Again.")).location == "/console/queue"


@pytest.mark.usefixtures("queued")
async def test_a_script_gets_the_note_that_was_written(as_role: Any) -> None:
    ann = await as_role(Role.MODERATOR, "ann")
    headers = {"Accept": "application/json", "X-CSRF-Token": ann.token}
    reply = await ann("POST", WRITE, json={"text": "seen"}, headers=headers)
    assert reply.status == 200, reply.text
    assert '"by":"ann"' in reply.text
    too_long = await ann("POST", WRITE, json={"text": "x" * (MOST_CHARS + 1)}, headers=headers)
    assert (too_long.status, "/text" in too_long.text) == (400, True)


@pytest.mark.usefixtures("queued")
async def test_each_removes_own_notes_and_a_supervisor_all(as_role: Any) -> None:
    ann, bob = await as_role(Role.MODERATOR, "ann"), await as_role(Role.MODERATOR, "bob")
    chief = await as_role(Role.SUPERVISOR, "chief")
    for text in ("one", "two"):
        await ann.post(WRITE, text=text, back=PAGE)
    page = (await ann.get(PAGE)).text
    first, second = re.findall(r'name="note" value="([^"]+)"', page)
    assert "/note/remove" not in (await bob.get(PAGE)).text
    assert (await bob.post(f"{WRITE}/remove", note=first, back=PAGE)).status == 409
    assert (await ann.post(f"{WRITE}/remove", note=first, back=PAGE)).location == PAGE
    assert (await chief.post(f"{WRITE}/remove", note=second, back=PAGE)).location == PAGE
    after = (await ann.get(PAGE)).text
    assert after.count("Note written") == after.count("Note removed") == 2
    assert 'name="note"' not in after


@pytest.mark.usefixtures("queued")
async def test_an_auditor_reads_notes_and_writes_none(as_role: Any) -> None:
    ann, auditor = await as_role(Role.MODERATOR, "ann"), await as_role(Role.AUDITOR)
    await ann.post(WRITE, text="seen", back=PAGE)
    page = (await auditor.get(PAGE)).text
    assert '<div class="said-so" dir="auto">seen</div>' in page
    assert "data-note-form" not in page
    assert (await auditor.post(WRITE, text="me, too")).status == 403


async def test_whoever_gives_the_second_opinion_sees_no_note_of_the_first(admin: Any, as_role: Any) -> None:
    policy = {"thresholds": {"toxicity": {"review_at": 0}}, "review": {"double_review": 1}}
    assert (await admin("PUT", "/v1/policies/default", policy)).status == 200
    await admin.post("/v1/comments", {"id": "c-1", "text": "hello"})
    ann, bob = await as_role(Role.MODERATOR, "ann"), await as_role(Role.MODERATOR, "bob")
    await ann.post(WRITE, text="plainly an insult", back=PAGE)
    await ann.post("/console/queue/claim", count="1")
    lease = re.search(r'name="lease" value="([^"]+)"', (await ann.get("/console/queue")).text)
    await ann.post("/console/queue/c-1/decision", lease=lease[1], reject="personal_attack")
    auditor = await as_role(Role.AUDITOR)
    for path in (PAGE, "/console/queue/c-1", "/console/queue?view=list"):
        text = (await bob.get(path)).text
        assert "plainly an insult" not in text
        assert "Note written" not in text
        assert "1 note</span>" not in text
    assert "plainly an insult" in (await auditor.get(PAGE)).text


def badge(text: str) -> str | None:
    found = re.search(r"data-mentions( hidden)?>.*?data-mentions-count>(\d+)<", text)
    assert found
    return None if found[1] else found[2]


@pytest.mark.usefixtures("queued")
async def test_whoever_is_named_sees_a_count_on_every_page_and_a_list(as_role: Any) -> None:
    ann, bob = await as_role(Role.MODERATOR, "ann"), await as_role(Role.AUDITOR, "bob")
    for text in ("@bob please", "@bob again"):
        await ann.post(WRITE, text=text, back=PAGE)
    for path in ("/console/queue", "/console/dashboard"):
        assert (badge((await bob.get(path)).text), badge((await ann.get(path)).text)) == ("2", None)
    page = (await bob.get("/console/mentions")).text
    assert page.index("@bob again") < page.index("@bob please")
    assert 'href="/console/comment?id=c-1"><bdi dir="auto">hello' in page
    (newest, _) = re.findall(r'data-mention="([^"]+)"', page)
    assert (await bob.post("/console/mentions/done", note=newest)).location == "/console/mentions"
    left = (await bob.get("/console/mentions")).text
    assert ("@bob again" in left, "@bob please" in left, badge(left)) == (False, True, "1")
    await bob.post("/console/mentions/done")
    assert "No mentions" in (await bob.get("/console/mentions")).text


@pytest.mark.usefixtures("queued")
async def test_a_mention_whose_note_is_gone_is_neither_counted_nor_promised_for_later(
    as_role: Any, redis_server: Any
) -> None:
    ann, bob = await as_role(Role.MODERATOR, "ann"), await as_role(Role.MODERATOR, "bob")
    await ann.post(WRITE, text="@bob please", back=PAGE)
    with redis_server.client() as client:  # notes expire with the text
        assert client.delete(*client.keys("*}:notes:c-1")) == 1
    page = (await bob.get("/console/mentions")).text
    assert badge(page) is None
    assert "No mentions" in page
    assert "shown later" not in page


@pytest.mark.usefixtures("queued")
async def test_the_comment_of_a_mention_stays_hidden_from_whom_it_is_hidden(admin: Any, as_role: Any) -> None:
    policy = {"thresholds": {"threat": {"review_at": 0}}}
    assert (await admin("PUT", "/v1/policies/default", policy)).status == 200
    await admin.post("/v1/comments", {"id": "c-1", "text": "zorblax threatens"})
    ann, bob = await as_role(Role.MODERATOR, "ann"), await as_role(Role.MODERATOR, "bob")
    await ann.post(WRITE, text="@bob look", back=PAGE)
    page = (await bob.get("/console/mentions")).text
    assert ("zorblax" in page, "@bob look" in page) == (False, True)


@pytest.mark.usefixtures("queued")
async def test_a_page_that_answers_a_form_has_the_count_of_mentions_too(as_role: Any) -> None:
    ann, chief = await as_role(Role.MODERATOR, "ann"), await as_role(Role.SUPERVISOR, "chief")
    await ann.post(WRITE, text="@chief please", back=PAGE)
    refused = await chief.post("/console/appeals", id="c-1", version="1", verdict="reject", kind="escalated")
    assert (refused.status, badge(refused.text)) == (400, "1")
    assert '"mentions":1' in (await chief.get("/console/session")).text


@pytest.mark.usefixtures("queued")
async def test_without_scripts_a_refused_note_is_told_in_the_language_of_the_page(as_role: Any) -> None:
    ann, bob = await as_role(Role.MODERATOR, "ann"), await as_role(Role.MODERATOR, "bob")
    await ann.post("/console/account/preferences", language="de")
    for n in range(MOST_NOTES):
        await ann.post(WRITE, text=f"note {n}", back=PAGE)
    full = await ann.post(WRITE, text="one more", back=PAGE)
    assert (full.status, "die Höchstzahl an Notizen" in full.text) == (409, True)
    assert "Jemand war schneller" not in full.text
    note = re.findall(r'name="note" value="([^"]+)"', (await ann.get(PAGE)).text)[0]
    other = await bob.post(f"{WRITE}/remove", note=note, back=PAGE)
    assert "Somebody else wrote this note; a supervisor can remove it." in other.text

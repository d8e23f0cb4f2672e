"""Notes about comments over HTTP: for moderators, in the author's export without names, never for the site."""

import json
from typing import Any

import pytest

from service.cases.notes import MOST_CHARS

PATH = "/v1/review/c-1/notes"
ABOUT = {"id": "c-1", "text": "hello", "author": {"id": "u-1", "name": "Joe"}}


@pytest.fixture
async def queued(admin: Any, decide_always: Any) -> None:
    await decide_always("review")
    assert (await admin.post("/v1/comments", ABOUT)).status == 200


async def noted(caller: Any, text: str = "seen before") -> Any:
    reply = await caller.post(PATH, {"text": text})
    assert reply.status == 200, reply.body
    return reply.body


async def claimed(caller: Any) -> Any:
    (item,) = (await caller.post("/v1/review/claim", {"count": 1})).body["items"]
    return item


@pytest.mark.usefixtures("queued")
async def test_moderators_read_each_others_notes_and_the_site_does_not(admin: Any, ann: Any, bob: Any) -> None:
    first = await noted(ann)
    assert (first["by"], first["text"], first["revision"]) == ("ann", "seen before", 1)
    assert await noted(ann, " seen before\r\n") == first, "the same again is no second note"
    second = await noted(bob, "so have I")
    assert (await ann.get(PATH)).body == {"notes": [first, second]}
    (listed,) = (await bob.get("/v1/review/items")).body["items"]
    assert listed["notes"] == (await claimed(bob))["notes"] == [first, second]
    for path in ("/v1/comments/c-1", "/v1/events", "/v1/labels"):
        assert b"seen before" not in (await admin.get(path)).raw


@pytest.mark.usefixtures("queued")
async def test_one_removes_ones_own_note_and_an_administrator_any(admin: Any, ann: Any, bob: Any, problem: Any) -> None:
    one, other = await noted(ann), await noted(ann, "another")
    assert problem(await bob("DELETE", f"{PATH}/{one['id']}"), 409)["code"] == "not_yours"
    assert [(await ann("DELETE", f"{PATH}/{one['id']}")).status for _ in range(2)] == [204, 204]
    assert (await admin("DELETE", f"{PATH}/{other['id']}")).status == 204
    assert (await ann.get(PATH)).body == {"notes": []}


@pytest.mark.usefixtures("queued")
@pytest.mark.parametrize("text", ["", " \n ", "x" * (MOST_CHARS + 1), 7, None])
async def test_a_note_that_is_none_is_refused_and_its_field_named(ann: Any, problem: Any, text: Any) -> None:
    found = problem(await ann.post(PATH, {"text": text}), 400)
    assert [fault["pointer"] for fault in found["errors"]] == ["/text"]
    assert (await ann.get(PATH)).body == {"notes": []}


async def test_without_the_comment_or_the_scope_there_is_no_note(
    client: Any, key_for: Any, ann: Any, problem: Any
) -> None:
    problem(await ann.get(PATH), 404)
    problem(await ann.post(PATH, {"text": "hm"}), 404)
    problem(await ann("DELETE", f"{PATH}/n-1"), 404)
    website = await key_for(client, "comments", name="website")
    problem(await website.post(PATH, {"text": "hm"}), 403)
    elsewhere = await key_for(client, "review", site="weekly", name="eve")
    problem(await elsewhere.post(PATH, {"text": "hm"}), 404)


async def test_a_second_opinion_is_given_without_the_notes_of_the_first(admin: Any, ann: Any, bob: Any) -> None:
    policy = {"thresholds": {"toxicity": {"review_at": 0}}, "review": {"double_review": 1}}
    assert (await admin("PUT", "/v1/policies/default", policy)).status == 200
    await admin.post("/v1/comments", ABOUT)
    await noted(admin, "a regular")
    item = await claimed(ann)
    await noted(ann, "plainly an insult")
    body = {"decision": "reject", "lease": item["lease"]}
    assert (await ann.post("/v1/review/c-1/decision", body)).body["status"] == "pending"
    seen = [each["text"] for each in (await claimed(bob))["notes"]]
    assert seen == [each["text"] for each in (await bob.get(PATH)).body["notes"]] == ["a regular"]
    assert len((await ann.get(PATH)).body["notes"]) == 2
    held = await claimed(bob)
    await bob.post("/v1/review/c-1/decision", {"decision": "reject", "lease": held["lease"]})
    assert len((await bob.get(PATH)).body["notes"]) == 2, "it is decided"


@pytest.mark.usefixtures("queued")
async def test_the_author_gets_the_notes_of_own_comments_without_names(admin: Any, ann: Any, bob: Any) -> None:
    await noted(ann, "rude, but right")
    edited = {**ABOUT, "text": "now of somebody else", "author": {"id": "u-2"}}
    item = await claimed(bob)
    said = {"decision": "approve", "lease": item["lease"], "note": "of the first author"}
    await bob.post("/v1/review/c-1/decision", said)
    assert json.loads((await admin.get("/v1/authors/u-1/export")).raw.splitlines()[0])["note"] == said["note"]
    assert (await admin.post("/v1/comments", edited)).status == 200
    await noted(ann, "about the other one")
    exports = {name: (await admin.get(f"/v1/authors/{name}/export")).raw for name in ("u-1", "u-2")}
    for name, text in (("u-1", "rude, but right"), ("u-2", "about the other one")):
        line = json.loads(exports[name].splitlines()[0])
        assert [each["text"] for each in line["notes"]] == [text]
        assert b'"ann"' not in exports[name]
        assert b"of the first author" not in exports["u-2"]
    receipt = (await admin("DELETE", "/v1/authors/u-2")).body
    assert receipt["erased"] == 1
    assert (await ann.get(PATH)).body == {"notes": []}


async def mentioned(caller: Any) -> list[str]:
    return [each["note"]["text"] for each in (await caller.get("/v1/review/mentions")).body["mentions"]]


@pytest.mark.usefixtures("queued", "bob")
@pytest.mark.parametrize(
    ("text", "is_told"),
    [
        ("@bob, what do you say?", True),
        ("please look (@Bob).", True),
        ("@bobby and bob@example.com", False),
        ("@@bob", False),
        ("@nobody", False),
    ],
)
async def test_whoever_is_named_in_a_note_finds_it(ann: Any, bob: Any, text: str, is_told: bool) -> None:
    note = await noted(ann, text)
    assert note["mentions"] == (["bob"] if is_told else [])
    assert await mentioned(bob) == ([text] if is_told else [])
    assert await mentioned(ann) == []
    assert [(await bob("DELETE", f"/v1/review/mentions/{note['id']}")).status for _ in range(2)] == [204, 204]
    assert await mentioned(bob) == []
    assert len((await bob.get(PATH)).body["notes"]) == 1, "the note stays"


@pytest.mark.usefixtures("queued", "bob")
async def test_nobody_is_told_of_own_notes_or_of_notes_that_are_gone(admin: Any, ann: Any, bob: Any) -> None:
    await noted(bob, "remember, @bob")
    note = await noted(ann, "@bob @chief look")
    assert (await mentioned(bob), await mentioned(admin)) == (["@bob @chief look"], ["@bob @chief look"])
    await ann("DELETE", f"{PATH}/{note['id']}")
    assert (await mentioned(bob), await mentioned(admin)) == ([], [])


async def test_a_mention_by_the_first_of_two_waits_until_the_second_has_answered(
    admin: Any, ann: Any, bob: Any
) -> None:
    policy = {"thresholds": {"toxicity": {"review_at": 0}}, "review": {"double_review": 1}}
    assert (await admin("PUT", "/v1/policies/default", policy)).status == 200
    await admin.post("/v1/comments", ABOUT)
    item = await claimed(ann)
    await noted(ann, "an insult, isn't it, @bob?")
    await ann.post("/v1/review/c-1/decision", {"decision": "reject", "lease": item["lease"]})
    assert await mentioned(bob) == []
    item = await claimed(bob)
    await bob.post("/v1/review/c-1/decision", {"decision": "reject", "lease": item["lease"]})
    assert await mentioned(bob) == ["an insult, isn't it, @bob?"]

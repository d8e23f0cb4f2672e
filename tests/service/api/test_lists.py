"""Word lists over HTTP: put, patched, tried before they count, compared, brought back, shared, deleted."""

import asyncio
import io
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from service import app_keys as keys
from service.api.lists import MAX_LIST_BYTES
from service.cases import list_trial
from service.values.policy import DEFAULT
from service.values.rules import MAX_LIST_ENTRIES, Condition, Rule, RuleAction, Then, WordsCondition

LIST = "/v1/lists/house-words"


def entries(*texts: str) -> dict[str, Any]:
    return {"entries": [{"text": text} for text in texts]}


async def put(caller: Any, body: dict[str, Any], path: str = LIST) -> dict[str, Any]:
    reply = await caller("PUT", path, body)
    assert reply.status == 200, reply.body
    found: dict[str, Any] = reply.body
    return found


async def large(caller: Any, method: str, body: dict[str, Any]) -> Any:
    data = io.BytesIO(msgspec.json.encode(body))
    return await caller(method, LIST, data=data, headers={"Content-Type": "application/json"})


async def file(caller: Any, text: str | bytes, form: str, kind: str = "text/csv") -> Any:
    data = text.encode() if isinstance(text, str) else text
    return await caller("PUT", f"{LIST}?format={form}", data=data, headers={"Content-Type": kind})


async def terms(caller: Any, path: str = LIST) -> list[str]:
    return [each["text"] for each in (await caller.get(path)).body["items"]]


async def test_a_list_is_made_and_shown_with_who_added_what(admin: Any) -> None:
    sent = {"text": "Bad  word", "match": "stem", "note": "why", "until": "2030-01-31", "by": "somebody"}
    made = await put(admin, {"entries": [sent, {"text": "Scunthorpe", "exception": True}]})
    assert (made["version"], made["entries"], made["added"], made["added_terms"]) == (
        1,
        2,
        2,
        ["Bad word", "Scunthorpe"],
    )
    shown = (await admin.get(LIST)).body
    first, second = shown["items"]
    assert shown == {**shown, "name": "house-words", "version": 1, "shared": False, "entries": 2, "next": None}
    at = first.pop("at")
    assert abs((datetime.now(UTC) - datetime.fromisoformat(at)).total_seconds()) < 60
    assert first == {"text": "Bad word", "match": "stem", "note": "why", "until": "2030-01-31", "by": "chief"}
    assert second["exception"] is True
    (listed,) = (await admin.get("/v1/lists")).body["lists"]
    assert listed == {**listed, "name": "house-words", "version": 1, "entries": 2, "shared": False, "by": "chief"}


async def test_putting_a_list_again_counts_what_differs_and_keeps_who_added_the_rest(
    admin: Any, client: Any, key_for: Any
) -> None:
    await put(admin, entries("a", "b", "c"))
    eve = await key_for(client, "admin", name="eve")
    change = await put(eve, {"entries": [{"text": "a"}, {"text": "b", "note": "new"}, {"text": "d"}, {"text": "D"}]})
    assert {name: change[name] for name in ("added", "changed", "removed", "unchanged", "duplicates")} == {
        "added": 1,
        "changed": 1,
        "removed": 1,
        "unchanged": 1,
        "duplicates": 1,
    }
    assert change["duplicate_lines"] == [{"line": 4, "first": 3}]
    assert (change["version"], change["changed_terms"], change["removed_terms"]) == (2, ["b"], ["c"])
    by = {each["text"]: each["by"] for each in (await admin.get(LIST)).body["items"]}
    assert by == {"a": "chief", "b": "eve", "d": "eve"}
    again = await put(eve, {"entries": (await admin.get(LIST)).body["items"]})
    assert (again["version"], again["unchanged"]) == (2, 3), "what changes nothing is no version"


async def test_a_change_of_another_version_than_the_one_seen_is_refused(admin: Any, problem: Any) -> None:
    for version, status in ((1, 409), (0, 200), (0, 409), (1, 200)):
        reply = await admin("PUT", f"{LIST}?version={version}", entries(f"word {version}"))
        assert reply.status == status, reply.body
    found = problem(await admin("PUT", f"{LIST}?version=1", entries("b")), 409)
    assert (found["code"], found["current"]["version"], found["current"]["actor"]) == ("list_changed", 2, "chief")
    for method, body in (("PATCH", {"add": [{"text": "x"}]}), ("DELETE", None)):
        assert problem(await admin(method, f"{LIST}?version=1", body), 409)["code"] == "list_changed"
    body = {"version": 1, "current": 1}
    assert problem(await admin.post(f"{LIST}:restore", body), 409)["code"] == "list_changed"
    assert await terms(admin) == ["word 1"]


async def test_of_changes_at_the_same_time_each_is_stored_or_refused(admin: Any) -> None:
    await put(admin, entries("a"))
    adding = [admin("PATCH", LIST, {"add": [{"text": f"word {number}"}]}) for number in range(8)]
    replies = await asyncio.gather(*adding)
    stored = {each.body["added_terms"][0] for each in replies if each.status == 200}
    assert {each.status for each in replies} <= {200, 409}
    assert stored
    assert set(await terms(admin)) == {"a", *stored}


async def test_entries_are_added_and_removed(admin: Any, problem: Any) -> None:
    problem(await admin("PATCH", LIST, {"add": [{"text": "a"}]}), 404)
    await put(admin, entries("a", "b"))
    asked = {"add": [{"text": "c"}, {"text": "A", "match": "part"}], "remove": ["B", "nothing"]}
    change = (await admin("PATCH", LIST, asked)).body
    assert (change["version"], change["added_terms"], change["changed_terms"]) == (2, ["c"], ["A"])
    assert (change["removed_terms"], change["missing"]) == (["b"], ["nothing"])
    assert await terms(admin) == ["A", "c"]


async def test_pages_are_of_one_version(admin: Any, problem: Any) -> None:
    await put(admin, entries(*(f"word {number}" for number in range(25))))
    seen: list[str] = []
    after = ""
    while after is not None:
        page = (await admin.get(f"{LIST}?limit=10&cursor={after}")).body
        seen += [each["text"] for each in page["items"]]
        after = page["next"]
        await put(admin, entries("other", str(len(seen))))
    assert seen == [f"word {number}" for number in range(25)]
    assert await terms(admin, f"{LIST}?text=OTH") == ["other"]
    for number in range(20):
        await put(admin, entries(f"word {number}"))
    assert problem(await admin.get(f"{LIST}?cursor=1-10"), 409)["code"] == "list_changed"
    for cursor in ("x", "1-", "-1", "1-1\n", "1-1-1"):
        assert problem(await admin.get(LIST, params={"cursor": cursor}), 400)
    assert (await admin.get(f"{LIST}?cursor={page['version'] + 20}-999999")).body["items"] == []


FAULTS: list[tuple[str, Any, str]] = [
    ("PUT", {}, "/entries"),
    ("PUT", {"entries": [{"text": "a"}, {"note": "b"}]}, "/entries/1/text"),
    ("PUT", {"entries": [{"text": "a"}, {"text": "b", "txt": "b"}]}, "/entries/1/txt"),
    ("PUT", {"entries": [{"text": "a"}, {"text": "x" * 201}]}, "/entries/1/text"),
    ("PUT", {"entries": [{"text": "a"}, {"text": " "}]}, "/entries/1"),
    ("PUT", {"entries": [{"text": "a"}, {"text": "b\u0007"}]}, "/entries/1"),
    ("PUT", {"entries": [{"text": "a"}, {"text": "A", "exception": True}]}, "/entries/1"),
    ("PUT", {"entries": [{"text": "a", "match": "words"}]}, "/entries/0/match"),
    ("PUT", {"entries": [{"text": "a", "until": "2026-02-30"}]}, "/entries/0/until"),
    ("PATCH", {"add": [{"text": "a"}, {"text": "\u200b"}]}, "/add/1"),
    ("PATCH", {"remove": ["a", 1]}, "/remove/1"),
]


@pytest.mark.parametrize(("method", "body", "pointer"), FAULTS)
async def test_what_is_wrong_is_told_with_its_place(
    admin: Any, problem: Any, method: str, body: Any, pointer: str
) -> None:
    await put(admin, entries("before"))
    found = problem(await admin(method, LIST, body), 400)
    assert found["errors"][0]["pointer"] == pointer
    assert await terms(admin) == ["before"]


@pytest.mark.parametrize("name", ["House", "-a", "a" * 65, "a.b", "a%20b", "%F0%9F%8D%86", "%00", "a%7Bb%7D"])
async def test_a_list_has_a_plain_name(admin: Any, problem: Any, name: str) -> None:
    assert "name of a list" in problem(await admin("PUT", f"/v1/lists/{name}", entries("a")), 400)["detail"]
    for path in (f"/v1/lists/{name}", f"/v1/lists/{name}/versions", f"/v1/lists/{name}:export"):
        problem(await admin.get(path), 404)
    problem(await admin("DELETE", f"/v1/lists/{name}"), 404)


async def test_a_file_is_read_by_its_format_and_comes_back_in_it(admin: Any, problem: Any) -> None:
    csv = 'text,match,exception,note,until\r\nidiot,,,,\r\n"bad, word",stem,,why,2030-01-31\r\nScunthorpe,,true,,\r\n'
    change = (await file(admin, "\ufeff" + csv, "csv")).body
    assert (change["version"], change["added"]) == (1, 3)
    reply = await admin.get(f"{LIST}:export")
    assert (reply.raw.decode(), reply.headers["Content-Type"]) == (csv, "text/csv; charset=utf-8")
    assert reply.headers["Content-Disposition"] == 'attachment; filename="house-words.csv"'
    assert (await file(admin, reply.raw, "csv")).body["unchanged"] == 3
    for form, expected in (("discourse", 'idiot\r\n"bad, word*"\r\n'), ("wordpress", "idiot\nbad, word\n")):
        reply = await admin.get(f"{LIST}:export?format={form}")
        assert (reply.raw.decode(), reply.headers["Steward-Left-Out"]) == (expected, "1")
        assert (await file(admin, reply.raw, form)).status == 200
        await file(admin, csv, "csv")
    assert (await admin.get(f"{LIST}:export?format=csv&version=1")).raw.decode() == csv
    problem(await admin.get(f"{LIST}:export?format=xml"), 400)


async def test_a_file_with_a_fault_changes_nothing_and_the_answer_names_the_line(admin: Any, problem: Any) -> None:
    await put(admin, entries("before"))
    found = problem(await file(admin, "one\ntwo\n" + "x" * 201 + "\nfour\x07\n", "coral", "text/plain"), 400)
    assert found["detail"] == "line 3: longer than 200 characters"
    assert [fault["pointer"] for fault in found["errors"]] == ["/2", "/3"]
    assert "line 2" in problem(await file(admin, b"one\ntw\xff\n", "coral"), 400)["detail"]
    assert problem(await file(admin, "", "csv"), 400)["detail"] == "the file has no entries"
    headers = {"Content-Type": "text/plain"}
    assert "format" in problem(await admin("PUT", LIST, data=b"one", headers=headers), 400)["detail"]
    assert "format" in problem(await admin("PUT", f"{LIST}?format=csv", entries("a")), 400)["detail"]
    found = problem(await file(admin, "one\n", "coral", "text/html"), 415)
    assert "application/json or text/csv or text/plain" in found["detail"]
    data, headers = io.BytesIO(b"a" * (MAX_LIST_BYTES + 1)), {"Content-Type": "text/csv"}
    problem(await admin("PUT", LIST, data=data, headers=headers), 413)
    assert await terms(admin) == ["before"]


async def test_a_file_of_discourse_says_what_is_not_taken_over(admin: Any) -> None:
    change = (await file(admin, "word,action\nfool*,block\ndarn,block\nDARN,flag\n", "discourse")).body
    assert (change["added_terms"], change["duplicate_lines"]) == (["fool", "darn"], [{"line": 4, "first": 3}])
    assert change["remarks"][0] == {
        "line": 2,
        "count": 2,
        "detail": "action block: use the list in a rule with the action reject",
    }


async def test_the_largest_list_is_taken_and_one_entry_more_is_not(admin: Any, problem: Any) -> None:
    words = [f"vile{number}" for number in range(MAX_LIST_ENTRIES)]
    assert (await large(admin, "PUT", entries(*words))).body["added"] == MAX_LIST_ENTRIES
    found = problem(await large(admin, "PUT", entries(*words, "one more")), 400)
    assert found["errors"] == [{"pointer": f"/entries/{MAX_LIST_ENTRIES}", "detail": "more than 50,000 entries"}]
    found = problem(await admin("PATCH", LIST, {"add": [{"text": "one more"}]}), 400)
    assert found["errors"][0]["pointer"] == "/add"
    assert len(await terms(admin, f"{LIST}?limit=1000&cursor=1-49000")) == 1_000


@pytest.fixture
async def comments(admin: Any, decide_always: Any) -> None:
    """Forty that say hello, one of them to an idiot, one to a fool in disguise."""
    await decide_always("approve")
    sent = [{"id": f"c-{number:02}", "text": f"hello number {number}"} for number in range(38)]
    sent += [{"id": "c-idiot", "text": "hello, IDIOT"}, {"id": "c-fool", "text": "hello f.o-o l"}]
    assert (await admin.post("/v1/comments:batch", {"comments": sent})).status == 200


@pytest.mark.usefixtures("comments")
async def test_a_dry_run_says_what_would_change_and_what_would_be_found(admin: Any, problem: Any) -> None:
    asked = entries("idiot", "fool", "hello", "nowhere")
    reply = await admin("PUT", f"{LIST}?dry_run=true", asked)
    assert (reply.status, reply.body["version"], reply.body["added"]) == (200, 0, 4)
    trial = reply.body["trial"]
    assert (trial["comments"], trial["missing"], trial["found"]) == (40, 0, 3)
    assert trial["touches"] == [
        {"text": "hello", "comments": 40, "examples": trial["touches"][0]["examples"]},
        {"text": "fool", "comments": 1, "examples": ["c-fool"]},
        {"text": "idiot", "comments": 1, "examples": ["c-idiot"]},
    ]
    assert len(trial["touches"][0]["examples"]) == 5
    assert [each["text"] for each in trial["too_many"]] == ["hello"]
    problem(await admin.get(LIST), 404)
    assert (await admin.get("/v1/audit")).body["entries"][-1]["details"]["action"] != "list_changed"


@pytest.mark.usefixtures("comments")
async def test_an_entry_that_is_found_in_many_comments_is_asked_about(admin: Any, problem: Any) -> None:
    found = problem(await admin("PUT", LIST, entries("hello", "idiot")), 409)
    assert found["code"] == "list_too_broad"
    assert found["current"]["trial"]["too_many"][0]["comments"] == 40
    problem(await admin.get(LIST), 404)
    await put(admin, entries("hello", "idiot"), f"{LIST}?confirm=true")
    await put(admin, entries("hello", "idiot", "fool"))  # "hello" is not new any more
    found = problem(await admin("PATCH", LIST, {"add": [{"text": "numb", "match": "part"}]}), 409)
    assert found["code"] == "list_too_broad"
    assert (await admin("PATCH", LIST, {"add": [{"text": "numb"}]})).status == 200, "as a word it is nowhere"
    wider = {"add": [{"text": "numb", "match": "stem"}]}
    assert problem(await admin("PATCH", LIST, wider), 409)["code"] == "list_too_broad", "a changed entry is tried too"


@pytest.mark.usefixtures("comments")
async def test_exceptions_and_what_has_ended_are_found_nowhere(admin: Any) -> None:
    await put(admin, {"entries": [{"text": "hello number", "exception": True}]})
    asked = {"add": [{"text": "hello"}, {"text": "number", "until": "2026-01-01"}]}
    trial = (await admin("PATCH", f"{LIST}?dry_run=true", asked)).body["trial"]
    assert [(each["text"], each["comments"]) for each in trial["touches"]] == [("hello", 2)]


@pytest.mark.usefixtures("comments")
async def test_only_the_last_comments_are_looked_at(admin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_trial, "LAST", 3)
    await admin("DELETE", "/v1/comments/c-fool")
    trial = (await admin("PUT", f"{LIST}?dry_run=true", entries("hello", "fool"))).body["trial"]
    assert (trial["comments"], trial["missing"], trial["found"]) == (3, 1, 1)


async def test_a_term_that_cannot_be_found_is_told(admin: Any) -> None:
    assert (await put(admin, entries("--", "ok")))["never_found"] == ["--"]


async def test_versions_say_who_changed_what_and_can_be_brought_back(admin: Any, problem: Any) -> None:
    await put(admin, entries("a", "b"))
    await put(admin, entries("b", "c"))
    newer, older = (await admin.get(f"{LIST}/versions")).body["versions"]
    assert newer == {"version": 2, "at": newer["at"], "actor": "chief", "entries": 2, "added": 1, "removed": 1}
    assert (older["version"], older["added"]) == (1, 2)
    found = (await admin.get(f"{LIST}:diff")).body
    assert (found["before"], found["after"], found["added"], found["changed"], found["removed"]) == (1, 2, 1, 0, 1)
    assert [each["text"] for each in (*found["added_entries"], *found["removed_entries"])] == ["c", "a"]
    back = (await admin.get(f"{LIST}:diff?before=2&after=1")).body
    assert [each["text"] for each in back["added_entries"]] == ["a"]
    change = (await admin.post(f"{LIST}:restore", {"version": 1, "current": 2})).body
    assert (change["version"], change["added_terms"], change["removed_terms"]) == (3, ["a"], ["c"])
    assert await terms(admin) == ["a", "b"]
    assert (await admin.get(f"{LIST}/versions")).body["versions"][0]["restored"] == 1
    problem(await admin.post(f"{LIST}:restore", {"version": 9}), 404)
    problem(await admin.get(f"{LIST}:diff?before=9"), 404)
    problem(await admin.get("/v1/lists/none:diff"), 404)
    problem(await admin.get("/v1/lists/none/versions"), 404)


async def test_a_deleted_list_can_be_brought_back(admin: Any, problem: Any) -> None:
    await put(admin, entries("a", "b"))
    assert (await admin("DELETE", LIST)).status == 204
    problem(await admin("DELETE", LIST), 404)
    problem(await admin.get(LIST), 404)
    problem(await admin("PATCH", LIST, {"add": [{"text": "c"}]}), 404)
    assert (await admin.get("/v1/lists")).body["lists"] == []
    deleted = (await admin.get(f"{LIST}/versions")).body["versions"][0]
    assert (deleted["version"], deleted["deleted"], deleted["removed"]) == (2, True, 2)
    problem(await admin.post(f"{LIST}:restore", {"version": 2}), 404)
    assert (await admin.post(f"{LIST}:restore", {"version": 1, "current": 0})).body["version"] == 3
    assert await terms(admin) == ["a", "b"]
    assert (await admin("DELETE", LIST)).status == 204
    assert (await put(admin, entries("new")))["version"] == 5


async def use_in_a_rule(app: Any, name: str, site: str = "daily") -> None:
    words = Condition(words=WordsCondition(list=name))
    rule = Rule("no-such-words", Condition(all=(words,)), Then(RuleAction.REJECT))
    policy = msgspec.structs.replace(DEFAULT, rules=(rule,), version=2)
    assert await app[keys.STORE].access.keep_policy(site, policy, "chief")
    await app[keys.DIRECTORY].refresh()


async def test_a_list_that_a_rule_names_is_not_deleted(app: Any, admin: Any, problem: Any) -> None:
    await put(admin, entries("a"))
    await put(admin, entries("b"), "/v1/lists/other")
    await use_in_a_rule(app, "house-words")
    found = problem(await admin("DELETE", LIST), 409)
    assert (found["code"], found["current"]) == ("list_in_use", {"rules": ["no-such-words"]})
    assert (await admin("DELETE", "/v1/lists/other")).status == 204
    assert await terms(admin) == ["a"]


async def test_a_list_belongs_to_its_site(admin: Any, client: Any, key_for: Any, problem: Any) -> None:
    await put(admin, entries("a"))
    weekly = await key_for(client, site="weekly")
    for method, path, body in (
        ("GET", LIST, None),
        ("GET", f"{LIST}/versions", None),
        ("GET", f"{LIST}:export", None),
        ("PATCH", LIST, {"remove": ["a"]}),
        ("POST", f"{LIST}:restore", {"version": 1}),
        ("DELETE", LIST, None),
    ):
        problem(await weekly(method, path, body), 404)
    assert (await weekly.get("/v1/lists")).body["lists"] == []
    assert (await put(weekly, entries("b")))["version"] == 1
    assert await terms(admin) == ["a"]


SHARED = "/v1/lists/shared-slurs"


async def test_a_shared_list_is_changed_by_who_may_operate_and_every_trail_says_so(
    app: Any, client: Any, key_for: Any, problem: Any
) -> None:
    chief = await key_for(client, "admin", "operate", name="chief")
    editor = await key_for(client, "admin", site="weekly", name="editor")
    await put(chief, entries("a"), SHARED)
    assert await terms(editor, SHARED) == ["a"]
    assert (await editor.get("/v1/lists")).body["lists"][0]["shared"] is True
    for method, path, body in (
        ("PUT", SHARED, entries("b")),
        ("PUT", f"{SHARED}?dry_run=true", entries("b")),
        ("PATCH", SHARED, {"add": [{"text": "b"}]}),
        ("POST", f"{SHARED}:restore", {"version": 1}),
        ("DELETE", SHARED, None),
    ):
        problem(await editor(method, path, body), 403)
    await use_in_a_rule(app, "shared-slurs", "weekly")
    found = problem(await chief("DELETE", SHARED), 409)
    assert found["current"]["rules"] == ["no-such-words of weekly"]
    for caller, whose in ((chief, None), (editor, "daily")):
        trail = [each["details"] for each in (await caller.get("/v1/audit")).body["entries"]]
        (entry,) = [each for each in trail if each["action"] == "list_changed"]
        assert (entry["actor"], entry["list"], entry["added"]) == ("chief", "shared-slurs@1", "1")
        assert entry.get("actor_site") == whose


async def test_a_changed_list_counts_at_once(app: Any, admin: Any) -> None:
    await put(admin, entries("canary"))
    await use_in_a_rule(app, "house-words")
    said = {"text": "The bird is a canary, a yellow one."}
    assert (await admin.post("/v1/comments", said)).body["decision"] == "reject"
    await put(admin, entries("other"))
    assert (await admin.post("/v1/comments", {**said, "id": "again"})).body["decision"] == "approve"


async def test_a_key_of_another_scope_changes_no_list(client: Any, key_for: Any, problem: Any) -> None:
    problem(await (await key_for(client, "review"))("PUT", LIST, entries("a")), 403)

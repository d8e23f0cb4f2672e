"""The status of an author over HTTP: set, in force at once, undone; and all that waits of one rejected and restored."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from service import app_keys as keys
from service.cases import author_status
from service.settings import Settings
from service.store.author_status import StatusChange
from service.store.keyspace import Shard
from service.values.rules import AuthorStatus

STATUS = "/v1/authors/u-1/status"
BAN = {"status": "banned", "why": "spam", "note": "third account"}
THRESHOLDS = {"approve": {}, "review": {"review_at": 0}, "reject": {"reject_at": 0}}


@pytest.fixture(params=[1, 3])
async def client(request: pytest.FixtureRequest, run: Any, settings: Settings) -> AsyncIterator[Any]:
    async with run(msgspec.structs.replace(settings, shards=request.param, undo_window_s=600)) as client:
        yield client


@pytest.fixture
async def chief(client: Any, key_for: Any) -> Any:
    return await key_for(client, name="chief")


async def decide_always(chief: Any, decision: str) -> None:
    body = {"thresholds": {"toxicity": THRESHOLDS[decision]}}
    assert (await chief("PUT", "/v1/policies/default", body)).status == 200


async def post(chief: Any, comment_id: str, author: str = "u-1") -> Any:
    comment = {"id": comment_id, "text": f"hello {comment_id}", "author": {"id": author}}
    return (await chief.post("/v1/comments", comment)).body


async def put(caller: Any, **body: Any) -> Any:
    return await caller("PUT", STATUS, body)


async def trail(chief: Any, action: str) -> list[Any]:
    entries = (await chief.get("/v1/audit?limit=1000")).body["entries"]
    return [entry["details"] for entry in entries if entry["details"]["action"] == action]


async def test_an_author_whose_status_was_never_changed_is_active(chief: Any) -> None:
    found = (await chief.get(STATUS)).body
    assert (found["status"], found["until"], found["version"], found["history"]) == ("active", None, 0, [])
    assert [each["actor"] for each in await trail(chief, "author_read")] == ["chief"]


async def test_a_ban_is_in_force_at_once_and_told_to_the_trail(chief: Any) -> None:
    assert (await post(chief, "c-1"))["status"] == "approved"
    found = (await put(chief, **BAN)).body
    assert (found["status"], found["version"], found["approved"]) == ("banned", 1, 1)
    (change,) = found["history"]
    assert change.pop("at")
    assert change == {"status": "banned", "version": 1, "by": "chief", "why": "spam", "note": "third account"}
    rejected = await post(chief, "c-2")
    assert (rejected["status"], rejected["decided_by"]) == ("rejected", "rule")
    assert "author_banned" in [each["code"] for each in rejected["reasons"]]
    assert (await post(chief, "c-3", author="u-2"))["status"] == "approved"
    (entry,) = await trail(chief, "author_status")
    assert entry.items() >= {"actor": "chief", "before": "active", "after": "banned", "author": found["author"]}.items()
    assert "third account" not in (await chief.get("/v1/audit?limit=1000")).raw.decode()
    assert (await chief.get(f"/v1/authors/{found['author']}/status")).body == (await chief.get(STATUS)).body


async def test_a_mute_ends_by_itself(chief: Any, client: Any) -> None:
    until = datetime.now(UTC) + timedelta(seconds=600)
    assert (await put(chief, status="muted", until=until.isoformat())).body["status"] == "muted"
    assert (await post(chief, "c-1"))["status"] == "rejected"
    store = client.server.app[keys.STORE]
    author = (await chief.get(STATUS)).body["author"]
    ended = StatusChange(AuthorStatus.MUTED, 2, datetime.now(UTC), "chief", until=datetime.now(UTC))
    assert await store.statuses.put("daily", author, ended)
    assert (await post(chief, "c-2"))["status"] == "approved"
    found = (await chief.get(STATUS)).body
    assert (found["status"], found["until"], found["version"]) == ("active", None, 2)
    assert (await chief.get("/v1/authors/u-1")).body["status"] == "active"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"status": "muted"}, "/until"),
        ({"status": "active", "until": "2099-01-01T00:00:00Z"}, "/until"),
        ({"status": "muted", "until": "2020-01-01T00:00:00Z"}, "/until"),
        ({"status": "banned", "until": "9999-12-31T23:59:59Z"}, "/until"),
        ({"status": "banned", "until": "2099-01-01T00:00:00"}, "/until"),
        ({"status": "gone"}, "/status"),
        ({"status": "banned", "note": "x" * 501}, "/note"),
        ({"status": "banned", "why": "Not a code"}, "/why"),
        ({"status": "banned", "version": -1}, "/version"),
        ({}, "/status"),
    ],
)
async def test_a_wrong_change_names_the_field(chief: Any, problem: Any, body: Any, pointer: str) -> None:
    found = problem(await put(chief, **body), 400)
    assert pointer in found["detail"] or [each["pointer"] for each in found["errors"]] == [pointer]
    assert (await chief.get(STATUS)).body["version"] == 0


async def test_the_same_again_is_no_new_change_and_mends_what_was_interrupted(chief: Any, client: Any) -> None:
    first = (await put(chief, **BAN)).body
    store = client.server.app[keys.STORE]
    for shard in store.outbox.shards("daily"):  # as if the service had ended before all shards knew
        await store.pipe.call("DEL", shard.key(f"status:{first['author']}"))
    assert (await post(chief, "c-1"))["status"] == "approved"
    again = (await put(chief, **BAN)).body
    assert [each["version"] for each in again["history"]] == [1]
    assert (await post(chief, "c-2"))["status"] == "rejected"


async def test_a_change_of_what_was_not_seen_is_refused(chief: Any, problem: Any) -> None:
    await put(chief, **BAN, version=0)
    found = problem(await put(chief, status="trusted", version=0), 409)
    assert (found["code"], found["current"]["version"]) == ("status_changed", 1)
    assert (await put(chief, status="trusted", version=1)).body["status"] == "trusted"


async def test_an_undo_restores_what_was_before(chief: Any, problem: Any) -> None:
    until = "2099-01-01T00:00:00Z"
    await put(chief, status="premoderated", why="spam", note="watch", until=until)
    await put(chief, **BAN)
    found = (await chief.post(f"{STATUS}:undo", {"version": 2})).body
    assert (found["status"], found["until"], found["version"]) == ("premoderated", until, 3)
    newest = found["history"][0]
    assert (newest["why"], newest["note"], newest["undoes"]) == ("spam", "watch", 2)
    assert (await chief.post(f"{STATUS}:undo", {"version": 2})).body["version"] == 3  # asked again
    assert problem(await chief.post(f"{STATUS}:undo", {}), 409)["code"] == "already_undone"
    assert (await post(chief, "c-1"))["status"] == "pending"
    assert [each["after"] for each in await trail(chief, "author_status")] == ["premoderated", "banned", "premoderated"]


async def test_an_undo_of_the_first_change_makes_active(chief: Any) -> None:
    await put(chief, **BAN)
    assert (await chief.post(f"{STATUS}:undo", {})).body["status"] == "active"
    assert (await post(chief, "c-1"))["status"] == "approved"


async def test_an_undo_does_not_restore_what_has_ended(chief: Any, client: Any) -> None:
    author = (await chief.get(STATUS)).body["author"]
    ended = StatusChange(AuthorStatus.MUTED, 1, datetime.now(UTC), "chief", until=datetime.now(UTC))
    await client.server.app[keys.STORE].statuses.put("daily", author, ended)
    await put(chief, **BAN)
    assert (await chief.post(f"{STATUS}:undo", {})).body["status"] == "active"


async def test_what_cannot_be_undone_is_said(chief: Any, client: Any, key_for: Any, problem: Any) -> None:
    assert problem(await chief.post(f"{STATUS}:undo", {}), 409)["code"] == "no_change"
    await put(chief, **BAN)
    other = await key_for(client, name="other")
    assert problem(await other.post(f"{STATUS}:undo", {}), 409)["code"] == "not_yours"
    await put(other, status="trusted")
    found = problem(await chief.post(f"{STATUS}:undo", {"version": 1}), 409)
    assert (found["code"], found["current"]) == (
        "status_changed",
        {"version": 2, "status": "trusted", "by": "other"},
    )
    author = (await chief.get(STATUS)).body["author"]
    old = StatusChange(AuthorStatus.BANNED, 3, datetime.now(UTC) - timedelta(seconds=601), "chief")
    await client.server.app[keys.STORE].statuses.put("daily", author, old)
    assert problem(await chief.post(f"{STATUS}:undo", {}), 409)["code"] == "undo_window_closed"


async def test_moderators_see_a_status_and_do_not_change_it(chief: Any, ann: Any, problem: Any) -> None:
    await put(chief, **BAN)
    assert (await ann.get(STATUS)).body["status"] == "banned"
    problem(await put(ann, status="active"), 403)
    problem(await ann.post(f"{STATUS}:undo", {}), 403)
    problem(await ann.post("/v1/authors/u-1:reject-waiting", {}), 403)
    assert (await ann.get("/v1/authors/u-1")).body["status"] == "banned"


@pytest.fixture
async def waiting(chief: Any) -> None:
    await decide_always(chief, "review")
    for number in range(5):
        await post(chief, f"w-{number}")
    await post(chief, "other", author="u-2")
    await decide_always(chief, "approve")
    await post(chief, "approved")


async def statuses(chief: Any) -> dict[str, str]:
    names = [*(f"w-{number}" for number in range(5)), "other", "approved"]
    return {name: (await chief.get(f"/v1/comments/{name}")).body["status"] for name in names}


@pytest.mark.usefixtures("waiting")
async def test_all_that_waits_of_an_author_is_rejected_and_restored(chief: Any) -> None:
    before = await statuses(chief)
    found = (await chief.post("/v1/authors/u-1:reject-waiting", {"reason": "spam", "note": "n"})).body
    assert (found["rejected"], found["skipped"], found["more"]) == (5, [], False)
    after = await statuses(chief)
    assert [after[f"w-{n}"] for n in range(5)] == ["rejected"] * 5
    assert (after["other"], after["approved"]) == ("pending", "approved")
    assert {each["batch"] for each in await trail(chief, "decided")} == {found["batch"]}
    assert {each["reason"] for each in await trail(chief, "decided")} == {"spam"}
    again = (await chief.post("/v1/authors/u-1:reject-waiting", {"batch": found["batch"]})).body
    assert (again["rejected"], again["batch"]) == (0, found["batch"])
    undone = (await chief.post("/v1/authors:undo-rejected", {"batch": found["batch"]})).body
    assert undone == {"batch": found["batch"], "undone": 5, "skipped": [], "more": False}
    assert await statuses(chief) == before
    assert (await chief.post("/v1/authors:undo-rejected", {"batch": found["batch"]})).status == 404


@pytest.mark.usefixtures("waiting")
async def test_a_rejection_in_several_requests_is_one_batch(chief: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(author_status, "MOST_REJECTED", 2)
    batch = "0190aaaa-0000-7000-8000-000000000000"
    said = [(await chief.post("/v1/authors/u-1:reject-waiting", {"batch": batch})).body for _ in range(3)]
    assert [(each["rejected"], each["more"]) for each in said] == [(2, True), (2, True), (1, False)]
    taken = [(await chief.post("/v1/authors:undo-rejected", {"batch": batch})).body for _ in range(3)]
    assert [(each["undone"], each["more"]) for each in taken] == [(2, True), (2, True), (1, False)]
    assert list((await statuses(chief)).values()).count("pending") == 6


@pytest.mark.usefixtures("waiting")
async def test_what_somebody_holds_or_has_decided_again_is_left_out(chief: Any, ann: Any) -> None:
    held = {item["id"] for item in (await ann.post("/v1/review/claim", {"count": 2})).body["items"]} - {"other"}
    found = (await chief.post("/v1/authors/u-1:reject-waiting", {})).body
    assert {each["id"] for each in found["skipped"]} == held
    assert {each["code"] for each in found["skipped"]} == {"lease_lost"}
    assert found["rejected"] == 5 - len(held)
    changed = next(f"w-{n}" for n in range(5) if f"w-{n}" not in held)
    assert (await chief.post(f"/v1/review/{changed}/reopen", {})).status == 200
    undone = (await chief.post("/v1/authors:undo-rejected", {"batch": found["batch"]})).body
    assert (undone["undone"], [each["id"] for each in undone["skipped"]]) == (4 - len(held), [changed])


async def test_a_batch_that_is_no_uuid_is_refused(chief: Any, problem: Any) -> None:
    found = problem(await chief.post("/v1/authors/u-1:reject-waiting", {"batch": "b-1"}), 400)
    assert "/batch" in found["detail"]
    problem(await chief.post("/v1/authors:undo-rejected", {"batch": "0190aaaa-0000-7000-8000-000000000000"}), 404)


@pytest.mark.usefixtures("waiting")
async def test_an_author_is_exported_and_erased_with_the_status(chief: Any, redis_server: Any) -> None:
    author = (await put(chief, **BAN)).body["author"]
    last = json.loads((await chief.get("/v1/authors/u-1/export")).raw.splitlines()[-1])
    assert (last["kind"], last["author"], last["approved"]) == ("author", author, 1)
    assert [(each["status"], each["note"]) for each in last["history"]] == [("banned", "third account")]
    assert (await chief("DELETE", "/v1/authors/u-1")).body["left"] == 0
    found = (await chief.get(STATUS)).body
    assert (found["status"], found["version"], found["approved"], found["history"]) == ("active", 0, 0, [])
    with redis_server.client() as client:
        assert [key for key in client.scan_iter() if author in key] == []
        assert all("third account" not in str(client.lrange(key, 0, -1)) for key in client.scan_iter("*statuses:*"))
    assert (await post(chief, "c-9"))["status"] == "approved"


async def test_an_author_without_comments_is_erased_with_the_status(chief: Any) -> None:
    author = (await put(chief, **BAN)).body["author"]
    assert (await chief("DELETE", f"/v1/authors/{author}")).body["author"] == author
    assert (await chief.get(STATUS)).body["version"] == 0


@pytest.mark.parametrize("hash_authors", [True, False])
async def test_a_status_needs_no_index(
    run: Any, settings: Settings, key_for: Any, problem: Any, *, hash_authors: bool
) -> None:
    without = msgspec.structs.replace(settings, index_authors=False, hash_authors=hash_authors)
    async with run(without) as client:
        chief = await key_for(client, name="chief")
        author = (await put(chief, **BAN)).body["author"]
        assert (author == "u-1") is not hash_authors
        assert (await post(chief, "c-1"))["status"] == "rejected"
        assert (await chief.get(f"/v1/authors/{author}/status")).body["version"] == 1
        (entry,) = await trail(chief, "author_status")
        assert entry["author"] != "u-1"
        assert problem(await chief.post("/v1/authors/u-1:reject-waiting", {}), 409)["code"] == "authors_not_indexed"
        assert problem(await chief("DELETE", "/v1/authors/u-1"), 409)["code"] == "authors_not_indexed"
        assert (await chief.get(STATUS)).body["history"] == []


async def keeps_bans(chief: Any) -> None:
    body = {"thresholds": {"toxicity": {}}, "keep_ban_on_erase": True}
    assert (await chief("PUT", "/v1/policies/default", body)).status == 200


async def test_a_ban_outlives_an_erasure_if_the_site_says_so_and_nothing_else_does(chief: Any, client: Any) -> None:
    await keeps_bans(chief)
    await post(chief, "c-1")
    await put(chief, status="premoderated", note="first warning")
    await put(chief, **BAN)
    for _ in range(2):  # safe to repeat
        assert (await chief("DELETE", "/v1/authors/u-1")).body["ban_kept"] is True
    found = (await chief.get(STATUS)).body
    (change,) = found["history"]
    assert (found["status"], found["approved"], change["by"], change.keys() & {"why", "note"}) == (
        "banned", 0, "erasure", set(),
    )  # fmt: skip
    assert (await post(chief, "c-2"))["status"] == "rejected"
    store, settings = client.server.app[keys.STORE], client.server.app[keys.SETTINGS]
    for shard in (Shard("daily", number) for number in range(settings.shards)):
        kept = await store.pipe.call("HGETALL", shard.key(f"status:{found['author']}"))
        assert b"third account" not in kept
        assert b"chief" not in kept
    assert (await put(chief, status="active")).body["status"] == "active"
    assert (await post(chief, "c-3"))["status"] == "approved"
    assert (await chief("DELETE", "/v1/authors/u-1")).body["ban_kept"] is False
    assert (await chief.get(STATUS)).body["history"] == []


async def test_only_a_ban_outlives_an_erasure_and_only_if_the_site_says_so(chief: Any) -> None:
    await put(chief, **BAN)
    assert (await chief("DELETE", "/v1/authors/u-1")).body["ban_kept"] is False
    await keeps_bans(chief)
    await put(chief, status="premoderated")
    assert (await chief("DELETE", "/v1/authors/u-1")).body["ban_kept"] is False
    assert (await chief.get(STATUS)).body["status"] == "active"


async def test_no_ban_is_kept_under_the_sites_own_id(run: Any, settings: Settings, key_for: Any) -> None:
    async with run(msgspec.structs.replace(settings, hash_authors=False)) as client:
        chief = await key_for(client, name="chief")
        body = {"thresholds": {"toxicity": {}}, "keep_ban_on_erase": True}
        refused = await chief("PUT", "/v1/policies/default", body)
        assert (refused.status, refused.body["errors"][0]["pointer"]) == (400, "/keep_ban_on_erase")

"""What is kept of an author: counted for moderators, exported and erased for the author."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

import msgspec
import pytest

from service import app_keys as keys
from service.cases import authors
from service.settings import Settings
from service.store.keyspace import Shards
from service.store.saved_filters import SavedFilter
from service.values.accounts import Account, Role


@pytest.fixture(params=[1, 3])
async def chief(request: pytest.FixtureRequest, run: Any, settings: Settings, key_for: Any) -> AsyncIterator[Any]:
    async with run(msgspec.structs.replace(settings, shards=request.param)) as client:
        yield await key_for(client, name="chief")


async def decide_always(chief: Any, decision: str) -> None:
    thresholds = {"approve": {}, "review": {"review_at": 0}, "reject": {"reject_at": 0}}[decision]
    assert (await chief("PUT", "/v1/policies/default", {"thresholds": {"toxicity": thresholds}})).status == 200


async def post(chief: Any, comment_id: str, author: str = "u-1", text: str = "hello") -> None:
    comment = {"id": comment_id, "text": f"{text} {comment_id}", "author": {"id": author, "name": "Ann Reader"}}
    assert (await chief.post("/v1/comments", comment)).status == 200


async def trail(chief: Any, action: str) -> list[Any]:
    entries = (await chief.get("/v1/audit?limit=1000")).body["entries"]
    return [entry["details"] for entry in entries if entry["details"]["action"] == action]


@pytest.fixture
async def history(chief: Any) -> None:
    """Of u-1: approved and rejected by model and people, one waits; and a comment of somebody else."""
    for decision, names in (("approve", ("a-1", "a-2")), ("reject", ("r-1",)), ("review", ("p-1", "p-2", "p-3"))):
        await decide_always(chief, decision)
        for name in names:
            await post(chief, name)
    for verdict in ("approve", "reject"):
        (item,) = (await chief.post("/v1/review/claim", {"count": 1})).body["items"]
        body = {"decision": verdict, "lease": item["lease"], "reason": "spite", "note": "between us"}
        await chief.post(f"/v1/review/{item['id']}/decision", body)
    await post(chief, "other", author="u-2")


@pytest.mark.usefixtures("history")
async def test_what_stands_is_counted_by_who_said_so(chief: Any) -> None:
    found = (await chief.get("/v1/authors/u-1")).body
    assert found["comments"] == 6
    assert found["people"] == {"approved": 1, "rejected": 1}
    assert found["automatic"] == {"approved": 2, "rejected": 1}
    assert found["pending"] == 1
    assert sorted(each["id"] for each in found["latest"]) == ["a-1", "a-2", "p-1", "p-2", "p-3", "r-1"]
    assert datetime.fromisoformat(found["first_at"]) <= datetime.fromisoformat(found["last_at"])
    assert (await chief.get(f"/v1/authors/{found['author']}")).body == found


async def test_only_the_latest_ten_are_named(chief: Any) -> None:
    for number in range(12):
        await post(chief, f"c-{number:02}")
    found = (await chief.get("/v1/authors/u-1")).body
    assert (found["comments"], len(found["latest"])) == (12, 10)


async def test_of_nobody_there_is_nothing(chief: Any) -> None:
    found = (await chief.get("/v1/authors/nobody")).body
    assert (found["comments"], found["pending"], found["first_at"], found["latest"]) == (0, 0, None, [])


@pytest.mark.usefixtures("history")
async def test_who_looks_at_an_author_is_written_down_without_the_sites_id(chief: Any) -> None:
    shown = (await chief.get("/v1/authors/u-1")).body["author"]
    await chief.get("/v1/comments?author=u-1")
    await chief.get("/v1/authors/u-1/export")
    reads = await trail(chief, "author_read")
    assert [(each["actor"], each["author"]) for each in reads] == [("chief", shown)] * 2
    assert [each["author"] for each in await trail(chief, "author_exported")] == [shown]
    assert "u-1" not in (await chief.get("/v1/audit?limit=1000")).raw.decode()


@pytest.mark.usefixtures("history")
async def test_an_author_gets_all_that_is_kept_and_nothing_of_others(chief: Any) -> None:
    await post(chief, "p-3", text="a second try:")
    await chief.post("/v1/comments/r-1/appeal", {"reason": "It was a joke"})
    reply = await chief.get("/v1/authors/u-1/export")
    assert reply.headers["Content-Type"] == "application/x-ndjson"
    *comments, author = map(json.loads, reply.raw.splitlines())
    assert (author["kind"], author["history"]) == ("author", [])
    assert author["approved"] + author["rejected"] == 5
    assert {line["kind"] for line in comments} == {"comment"}
    lines = {line["id"]: line for line in comments}
    assert sorted(lines) == ["a-1", "a-2", "p-1", "p-2", "p-3", "r-1"]
    assert lines["r-1"]["appeal"] == "It was a joke"
    assert [each["comment"]["text"] for each in lines["p-3"]["revisions"]] == ["a second try: p-3"]
    (revision,) = lines["a-1"]["revisions"]
    assert revision["comment"]["author"]["name"] == "Ann Reader"
    assert revision["scores"].keys() >= {"toxicity"}
    said = {name: line["note"] for name, line in lines.items() if line["note"]}
    assert said == {"p-1": "between us", "p-2": "between us"}, "with the decision, by nobody's name"
    assert b"chief" not in reply.raw
    assert (await chief.get("/v1/authors/nobody/export")).raw == b""


@pytest.mark.usefixtures("history")
async def test_an_authors_comments_are_erased_with_a_receipt_and_once(chief: Any, redis_server: Any) -> None:
    receipt = (await chief("DELETE", "/v1/authors/u-1")).body
    assert (receipt["erased"], receipt["left"]) == (6, 0)
    for name in ("a-1", "r-1", "p-1", "p-3"):
        shown = (await chief.get(f"/v1/comments/{name}")).body
        assert (shown["erased_at"] is not None, shown["scores"]) == (True, None)
    again = (await chief("DELETE", "/v1/authors/u-1")).body
    assert (again["erased"], again["left"], again["author"]) == (0, 0, receipt["author"])
    assert (await chief.get("/v1/authors/u-1")).body["comments"] == 0
    assert [each["erased"] for each in await trail(chief, "author_erased")] == ["6", "0"]
    with redis_server.client() as client:
        kept = list(client.scan_iter("*author:*"))
        assert all(receipt["author"] not in key for key in kept)
        texts = {client.dump(key) for key in client.scan_iter("*text:*")}
    assert len(texts) == 1, "that of somebody else"
    assert (await chief.get("/v1/comments/other")).body["erased_at"] is None


@pytest.mark.usefixtures("history")
async def test_what_is_too_much_for_one_request_is_left_for_the_next(
    chief: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authors, "MOST_ERASED", 4)
    monkeypatch.setattr(authors, "AT_ONCE", 2)
    first = (await chief("DELETE", "/v1/authors/u-1")).body
    assert (first["erased"], first["left"]) == (4, 2)
    second = (await chief("DELETE", "/v1/authors/u-1")).body
    assert (second["erased"], second["left"]) == (2, 0)


@pytest.mark.usefixtures("history")
async def test_an_erasure_erases_saved_filters_with_the_id_or_name_of_the_author(chief: Any) -> None:
    store = chief.client.server.app[keys.STORE]
    assert await store.accounts.put(Account("ann", {"daily": Role.MODERATOR}, datetime.now(UTC)))
    saved = {"Ann Reader again": "", "all": "READER, Ann", "of u-1": "", "short": "u-1", "u-12": "Ann Other"}
    for owner in ("", "ann"):
        for name, words in saved.items():
            found = SavedFilter(name, f"view=list&words={quote_plus(words)}", "ann")
            assert await store.filters.save("daily", owner, found) == "ok"
    assert await store.filters.save("weekly", "", SavedFilter("of u-1", "view=list", "ann")) == "ok"
    assert (await chief("DELETE", "/v1/authors/u-1")).body["erased"] == 6
    for owner in ("", "ann"):
        assert [each.name for each in await store.filters.of("daily", owner)] == ["u-12"]
    assert len(await store.filters.of("weekly", "")) == 1, "ids are those of a site"
    assert (await chief("DELETE", "/v1/authors/u-1")).body["erased"] == 0
    assert [each.get("filters") for each in await trail(chief, "author_erased")] == ["8", None]


async def test_a_comment_that_another_author_takes_over_is_found_by_both_and_exported_to_each_as_written(
    chief: Any,
) -> None:
    await decide_always(chief, "review")
    await post(chief, "c-1", author="u-1")
    (item,) = (await chief.post("/v1/review/claim", {"count": 1})).body["items"]
    await chief.post("/v1/review/c-1/decision", {"decision": "reject", "lease": item["lease"]})
    await post(chief, "c-1", author="u-2", text="mine")
    for author, text in (("u-1", "hello c-1"), ("u-2", "mine c-1")):
        lines = map(json.loads, (await chief.get(f"/v1/authors/{author}/export")).raw.splitlines())
        (line,) = (each for each in lines if each["kind"] == "comment")
        assert [each["comment"]["text"] for each in line["revisions"]] == [text]
    assert (await chief("DELETE", "/v1/authors/u-1")).body["erased"] == 1
    assert (await chief("DELETE", "/v1/authors/u-2")).body["left"] == 0


async def test_the_index_expires_with_the_texts_and_an_old_comment_is_still_found_when_it_is_judged_late(
    chief: Any, redis_server: Any
) -> None:
    await decide_always(chief, "review")
    await post(chief, "old")
    day_ms = 86_400_000
    with redis_server.client() as client:
        (key,) = client.scan_iter("*author:*")
        year = client.ttl(key)
        assert 365 + 90 < year / 86_400 < 365 + 100
        (item,) = client.scan_iter("*item:old")
        client.hset(item, "created", int(client.hget(item, "created")) - 400 * day_ms)
        (at,) = (score for _, score in client.zscan_iter(key))
        client.zadd(key, {"old": at - 400 * day_ms})
        client.expire(key, 50 * 86_400)
        (lease,) = (await chief.post("/v1/review/claim", {"count": 1})).body["items"]
        await chief.post("/v1/review/old/decision", {"decision": "reject", "lease": lease["lease"]})
        assert client.ttl(key) >= client.ttl(next(client.scan_iter("*text:old:*")))
        assert client.zscore(key, "old") >= at
        # What was submitted longer ago than any text is kept goes with the next comment of the author.
        client.zadd(key, {"forgotten": at - 600 * day_ms})
        client.expire(key, 86_400)
        app = chief.client.server.app
        home = Shards(app[keys.STORE].pipe, app[keys.SETTINGS].shards)
        same = next(f"new-{n}" for n in range(99) if home.of("daily", f"new-{n}").prefix in key)
        await post(chief, same)
        assert client.zrange(key, 0, -1) == ["old", same]


async def test_without_an_index_nobody_is_found_by_author_and_it_is_said(
    run: Any, settings: Settings, key_for: Any, problem: Any, redis_server: Any
) -> None:
    async with run(msgspec.structs.replace(settings, index_authors=False)) as client:
        chief = await key_for(client, name="chief")
        await post(chief, "c-1")
        for method, path in (
            ("GET", "/v1/authors/u-1"),
            ("DELETE", "/v1/authors/u-1"),
            ("GET", "/v1/authors/u-1/export"),
            ("GET", "/v1/comments?author=u-1"),
        ):
            assert problem(await chief(method, path), 409)["code"] == "authors_not_indexed"
        assert [item["id"] for item in (await chief.get("/v1/comments?id=c-1")).body["items"]] == ["c-1"]
        with redis_server.client() as redis:
            assert not list(redis.scan_iter("*author:*"))


async def test_ids_that_are_kept_as_they_are_stand_in_no_trail(run: Any, settings: Settings, key_for: Any) -> None:
    async with run(msgspec.structs.replace(settings, hash_authors=False)) as client:
        chief = await key_for(client, name="chief")
        await post(chief, "c-1", author="u-17")
        assert (await chief.get("/v1/authors/u-17")).body["comments"] == 1
        assert (await chief("DELETE", "/v1/authors/u-17")).body["erased"] == 1
        assert "u-17" not in (await chief.get("/v1/audit?limit=1000")).raw.decode()


async def test_moderators_see_authors_and_only_administrators_export_or_erase(
    chief: Any, key_for: Any, problem: Any
) -> None:
    ann = await key_for(chief.client, "review", name="ann")
    assert (await ann.get("/v1/authors/u-1")).status == 200
    problem(await ann.get("/v1/authors/u-1/export"), 403)
    problem(await ann("DELETE", "/v1/authors/u-1"), 403)
    site = await key_for(chief.client, "comments", name="site")
    problem(await site.get("/v1/authors/u-1"), 403)


async def test_sites_do_not_see_each_others_authors(chief: Any, key_for: Any) -> None:
    await post(chief, "c-1")
    other = await key_for(chief.client, site="weekly", name="other")
    shown = (await chief.get("/v1/authors/u-1")).body["author"]
    for who in ("u-1", shown):
        assert (await other.get(f"/v1/authors/{who}")).body["comments"] == 0
        assert (await other("DELETE", f"/v1/authors/{who}")).body["erased"] == 0
    assert (await chief.get("/v1/authors/u-1")).body["comments"] == 1

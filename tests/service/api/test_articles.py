"""The status of articles and sections over HTTP: set, in force at once, ended, told to the site."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import AsyncMock

import msgspec
import pytest

from service import app_keys as keys
from service.settings import Settings
from service.store.articles import ArticleChange, ArticleStatuses
from service.values.articles import ArticleStatus, Place, PlaceKind
from service.values.errors import Conflict, StoreUnavailable

ARTICLE, SECTION = "/v1/articles/a-1", "/v1/sections/sports"
CLOSED = {"status": "closed", "note": "a lawyer called"}


@pytest.fixture(params=[1, 3])
async def client(request: pytest.FixtureRequest, run: Any, settings: Settings) -> AsyncIterator[Any]:
    async with run(msgspec.structs.replace(settings, shards=request.param, undo_hold_s=0)) as client:
        yield client


@pytest.fixture
async def chief(client: Any, key_for: Any) -> Any:
    return await key_for(client, name="chief")


async def post(chief: Any, comment_id: str, text: str = "hello", article: str = "a-1") -> Any:
    comment = {"id": comment_id, "text": text, "article": {"id": article, "section": "sports"}}
    return (await chief.post("/v1/comments", comment)).body


async def trail(chief: Any) -> list[Any]:
    entries = (await chief.get("/v1/audit?limit=1000")).body["entries"]
    return [entry["details"] for entry in entries if entry["details"]["action"] == "article_status"]


def codes(answer: Any) -> list[str]:
    return [each["code"] for each in answer["reasons"]]


async def test_an_article_is_open_until_somebody_changes_it(chief: Any) -> None:
    found = (await chief.get(ARTICLE)).body
    assert found == {
        "article": "a-1",
        "section": None,
        "status": "open",
        "until": None,
        "effect": None,
        "version": 0,
        "history": [],
    }
    assert (await chief.get("/v1/articles")).body == {"articles": [], "more": False}
    assert (await chief("DELETE", ARTICLE)).body == found
    assert (await chief("PUT", ARTICLE, {"status": "open"})).body == found
    assert await trail(chief) == []


async def test_a_status_counts_for_a_comment_that_rules_count_too(chief: Any) -> None:
    for status, decision in (("closed", "reject"), ("premoderated", "review")):
        assert (await chief("PUT", ARTICLE, {"status": status})).status == 200
        sent = {"id": f"c-{status}", "text": f"See https://{status}.example/a", "article": {"id": "a-1"}}
        found = (await chief.post("/v1/comments", {**sent, "author": {"id": "ann"}})).body
        assert (found["decision"], codes(found)[-1]) == (decision, f"article_{status}")


@pytest.mark.parametrize(("path", "code"), [(ARTICLE, "article_closed"), (SECTION, "section_closed")])
async def test_a_closed_one_rejects_new_comments_and_says_so(chief: Any, path: str, code: str) -> None:
    first = await post(chief, "c-1")
    found = (await chief("PUT", path, CLOSED)).body
    assert (found["status"], found["version"]) == ("closed", 1)
    assert found["effect"] == {"action": "reject", "reason": code}
    rejected = await post(chief, "c-2")
    assert (rejected["status"], rejected["decided_by"], codes(rejected)[-1]) == ("rejected", "rule", code)
    assert await post(chief, "c-1") == first  # sent again
    assert codes(await post(chief, "c-1", "edited"))[-1] == code
    assert (await chief("DELETE", path)).body["status"] == "open"
    assert (await post(chief, "c-3"))["status"] == "approved"


async def test_changes_are_in_the_trail_and_the_list_without_the_note(chief: Any) -> None:
    await chief("PUT", ARTICLE, CLOSED)
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    await chief("PUT", SECTION, {"status": "heated", "until": until})
    listed = (await chief.get("/v1/articles")).body["articles"]
    assert [(each["article"], each["section"], each["status"]) for each in listed] == [
        (None, "sports", "heated"),
        ("a-1", None, "closed"),
    ]
    assert listed[1]["history"][0]["note"] == "a lawyer called"
    await chief("DELETE", ARTICLE)
    told = [(each.get("article"), each.get("section"), each["before"], each["after"]) for each in await trail(chief)]
    assert set(told) == {
        (None, "sports", "open", "heated"),
        ("a-1", None, "open", "closed"),
        ("a-1", None, "closed", "open"),
    }
    assert "lawyer" not in (await chief.get("/v1/audit?limit=1000")).raw.decode()


async def test_a_heated_article_holds_what_calmer_thresholds_reach(chief: Any) -> None:
    probe = await post(chief, "probe", "what a stupid idea, you muppet", article="elsewhere")
    score = probe["scores"]["toxicity"]
    limits = {"review_at": min(1.0, round(score * 1.5, 6)), "reject_at": 1}
    await chief("PUT", "/v1/policies/default", {"thresholds": {"toxicity": limits}})
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert (await post(chief, "c-1", "what a stupid idea, you muppet"))["status"] == "approved"
    found = (await chief("PUT", ARTICLE, {"status": "heated", "until": until})).body
    assert found["effect"] == {"action": "review", "reason": "article_heated"}
    held = await post(chief, "c-2", "what a stupid idea, you muppet")
    reason = held["reasons"][-1]
    assert (held["status"], held["decided_by"]) == ("pending", "model")
    assert (reason["code"], reason["attribute"], reason["score"]) == ("article_heated", "toxicity", score)
    assert reason["review_at"] == round(limits["review_at"] / 2, 6)
    assert (await post(chief, "c-3", "what a stupid idea, you muppet", article="a-2"))["status"] == "approved"
    waiting = (await chief.get("/v1/review/items?attribute=toxicity&article=a-1")).body["items"]
    assert [each["id"] for each in waiting] == ["c-2"]
    await chief("PUT", "/v1/policies/default", {"thresholds": {"toxicity": limits}, "review": {"heated_factor": 0.9}})
    assert (await post(chief, "c-4", "what a stupid idea, you muppet"))["status"] == "approved"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"status": "heated"}, "/until"),
        ({"status": "open", "until": "2099-01-01T00:00:00Z"}, "/until"),
        ({"status": "closed", "until": "2020-01-01T00:00:00Z"}, "/until"),
        ({"status": "closed", "until": "9999-12-31T23:59:59Z"}, "/until"),
        ({"status": "gone"}, "/status"),
        ({"status": "closed", "note": "x" * 501}, "/note"),
        ({"status": "closed", "version": -1}, "/version"),
        ({}, "/status"),
    ],
)
async def test_a_wrong_change_names_the_field(chief: Any, problem: Any, body: Any, pointer: str) -> None:
    found = problem(await chief("PUT", ARTICLE, body), 400)
    assert pointer in found["detail"] or [each["pointer"] for each in found["errors"]] == [pointer]
    assert (await chief.get(ARTICLE)).body["version"] == 0


@pytest.mark.parametrize("name", ["%20a", "a%20", "%E2%80%AE", "x" * 257])
async def test_an_id_that_no_article_can_have_is_refused(chief: Any, problem: Any, name: str) -> None:
    problem(await chief("PUT", f"/v1/articles/{name}", CLOSED), 400)


async def test_a_change_of_what_was_not_seen_is_refused_and_the_same_again_is_none(chief: Any, problem: Any) -> None:
    first = (await chief("PUT", ARTICLE, CLOSED | {"version": 0})).body
    assert (await chief("PUT", ARTICLE, CLOSED)).body == first
    found = problem(await chief("PUT", ARTICLE, {"status": "open", "version": 0}), 409)
    assert (found["code"], found["current"]) == ("status_changed", {"version": 1, "status": "closed", "by": "chief"})


async def test_the_same_again_mends_what_was_interrupted(chief: Any, client: Any) -> None:
    await chief("PUT", ARTICLE, CLOSED)
    store = client.server.app[keys.STORE]
    for shard in store.outbox.shards("daily"):  # as if the service had ended before all shards knew
        await store.pipe.call("DEL", shard.key("article:a-1"))
    assert (await post(chief, "c-1"))["status"] == "approved"
    await chief("PUT", ARTICLE, CLOSED)
    assert (await post(chief, "c-2"))["status"] == "rejected"


async def test_moderators_see_a_status_and_do_not_change_it(chief: Any, ann: Any, problem: Any) -> None:
    await chief("PUT", ARTICLE, CLOSED)
    assert (await ann.get(ARTICLE)).body["status"] == "closed"
    assert len((await ann.get("/v1/articles")).body["articles"]) == 1
    for path in (ARTICLE, SECTION):
        problem(await ann("PUT", path, CLOSED), 403)
        problem(await ann("DELETE", path), 403)


async def test_the_site_hears_of_a_status_in_the_feed(chief: Any) -> None:
    until = (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)
    await chief("PUT", ARTICLE, {"status": "heated", "until": until.isoformat()})
    events = (await chief.get("/v1/events")).body["events"]
    (event,) = [each for each in events if each["type"] == "article.status_changed"]
    event.pop("at")
    assert event == {
        "type": "article.status_changed",
        "article": "a-1",
        "version": 1,
        "status": "heated",
        "by": "chief",
        "until": until.isoformat().replace("+00:00", "Z"),
    }


@pytest.mark.parametrize("path", [ARTICLE, SECTION])
async def test_an_end_that_was_interrupted_can_be_repeated(client: Any, chief: Any, path: str) -> None:
    await chief("PUT", path, CLOSED)
    articles = client.server.app[keys.STORE].articles
    place = Place(PlaceKind(path.split("/")[2][:-1]), path.split("/")[3])
    change = ArticleChange(ArticleStatus.OPEN, 2, datetime.now(UTC), "chief")
    spread, articles.spread = articles.spread, AsyncMock()
    assert await articles.put("daily", place, change, before=ArticleStatus.CLOSED)
    articles.spread = spread
    assert (await chief("DELETE", path)).body["status"] == "open"
    assert (await post(chief, "c-1"))["status"] == "approved"


async def test_an_undo_that_was_interrupted_can_be_repeated(
    client: Any, chief: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await chief("PUT", ARTICLE, CLOSED)
    articles, place = client.server.app[keys.ARTICLES], Place(PlaceKind.ARTICLE, "a-1")
    with monkeypatch.context() as patch:
        patch.setattr(ArticleStatuses, "spread", AsyncMock(side_effect=StoreUnavailable("the process ended")))
        with pytest.raises(StoreUnavailable):
            await articles.undo("daily", place, "chief", 1)
    with pytest.raises(Conflict):
        await articles.undo("daily", place, "somebody else", 1)
    assert (await articles.undo("daily", place, "chief", 1)).version == 2
    assert (await post(chief, "c-1"))["status"] == "approved"
    await chief("PUT", ARTICLE, {"status": "premoderated"})
    with pytest.raises(Conflict):
        await articles.undo("daily", place, "chief", 2)

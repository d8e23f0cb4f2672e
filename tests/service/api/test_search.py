"""Search among what is still kept: by id, author, words, article and status."""

import itertools
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest

from service.cases import search
from service.settings import Settings

WIDE = "".join(chr(ord(letter) + 0xFEE0) for letter in "bridge")
TEXTS = ("The bridge is closed", "Der FLUSS steht hoch", "The river\n  is high", f"The  {WIDE} again", "Straße")


@pytest.fixture(params=[1, 3])
async def chief(request: pytest.FixtureRequest, run: Any, settings: Settings, key_for: Any) -> AsyncIterator[Any]:
    """Every comment waits for a person; in one shard, and in three."""
    async with run(msgspec.structs.replace(settings, shards=request.param)) as client:
        chief = await key_for(client, name="chief")
        assert (
            await chief("PUT", "/v1/policies/default", {"thresholds": {"toxicity": {"review_at": 0}}})
        ).status == 200
        yield chief


@pytest.fixture
async def comments(chief: Any) -> None:
    for number, text in enumerate(TEXTS):
        comment = {
            "id": f"c-{number}",
            "text": text,
            "author": {"id": f"u-{number % 2}"},
            "article": {"id": f"a-{number % 3}"},
        }
        assert (await chief.post("/v1/comments", comment)).status == 200


async def found(caller: Any, **query: Any) -> list[str]:
    reply = await caller.get(f"/v1/comments?{urlencode(query)}")
    assert reply.status == 200, reply.body
    return [item["id"] for item in reply.body["items"]]


@pytest.mark.usefixtures("comments")
async def test_everything_is_found_the_newest_first(chief: Any) -> None:
    assert await found(chief) == ["c-4", "c-3", "c-2", "c-1", "c-0"]
    (item,) = (await chief.get("/v1/comments?id=c-0")).body["items"]
    assert (item["text"], item["article"]["id"], item["status"]) == ("The bridge is closed", "a-0", "pending")


@pytest.mark.usefixtures("comments")
async def test_words_are_found_in_whatever_case_width_and_spacing(chief: Any) -> None:
    for text, ids in (
        ("bridge", ["c-3", "c-0"]),
        ("THE BRIDGE", ["c-3", "c-0"]),
        ("fluss", ["c-1"]),
        ("river is", ["c-2"]),
        ("strasse", ["c-4"]),
        ("nowhere", []),
    ):
        assert await found(chief, text=text) == ids


@pytest.mark.usefixtures("comments")
async def test_all_that_is_asked_must_hold(chief: Any) -> None:
    assert await found(chief, article="a-0") == ["c-3", "c-0"]
    assert await found(chief, article="a-0", text="again") == ["c-3"]
    assert await found(chief, author="u-0") == ["c-4", "c-2", "c-0"]
    assert await found(chief, author="u-0", article="a-0") == ["c-0"]
    assert await found(chief, author="u-0", text="bridge", id="c-4") == []
    assert await found(chief, author="nobody") == []


@pytest.mark.usefixtures("comments")
async def test_an_author_is_found_by_the_id_that_comments_show_too(chief: Any) -> None:
    (item,) = (await chief.get("/v1/comments?id=c-1")).body["items"]
    assert item["author"]["id"] != "u-1"
    assert await found(chief, author=item["author"]["id"]) == ["c-3", "c-1"]


@pytest.mark.usefixtures("comments")
async def test_an_id_is_found_by_how_it_begins_and_the_very_one_comes_first(chief: Any) -> None:
    await chief.post("/v1/comments", {"id": "c-11", "text": "later"})
    await chief.post("/v1/comments", {"id": "d-1", "text": "other"})
    assert await found(chief, id="c-1") == ["c-1", "c-11"]
    assert await found(chief, id="c-") == ["c-11", "c-4", "c-3", "c-2", "c-1", "c-0"]


@pytest.mark.usefixtures("comments")
async def test_a_comment_is_found_by_its_id_and_author_when_the_trail_has_left_redis(
    chief: Any, redis_server: Any
) -> None:
    with redis_server.client() as client:
        client.delete(*client.scan_iter("*audit"))
    assert await found(chief, id="c-1") == ["c-1"]
    assert await found(chief, author="u-1") == ["c-3", "c-1"]
    assert await found(chief, text="bridge") == []


@pytest.mark.usefixtures("comments")
async def test_by_status_decided_ones_are_told_from_those_that_wait(chief: Any) -> None:
    for verdict in ("approve", "reject"):
        (item,) = (await chief.post("/v1/review/claim", {"count": 1})).body["items"]
        await chief.post(f"/v1/review/{item['id']}/decision", {"decision": verdict, "lease": item["lease"]})
    assert await found(chief, status="approved") == ["c-0"]
    assert await found(chief, status="rejected") == ["c-1"]
    assert await found(chief, status="pending", author="u-1") == ["c-3"]
    (item,) = (await chief.get("/v1/comments?status=rejected")).body["items"]
    assert (item["decided_by"], item["scores"].keys() >= {"toxicity"}) == ("moderator", True)


async def test_an_audit_that_waits_looks_like_any_other_comment(chief: Any) -> None:
    policy = {"thresholds": {"toxicity": {}}, "review": {"audit_approved": 1}}
    assert (await chief("PUT", "/v1/policies/default", policy)).status == 200
    await chief.post("/v1/comments", {"id": "c-1", "text": "hello", "author": {"id": "u-1"}})
    assert (await chief.get("/v1/comments/c-1")).body["status"] == "approved"
    for query in ({}, {"author": "u-1"}):
        assert await found(chief, status="approved", **query) == []
        assert await found(chief, status="pending", **query) == ["c-1"]
    (item,) = (await chief.get("/v1/comments")).body["items"]
    assert (item["status"], item["decision"], item["scores"]) == ("pending", "review", None)
    profile = (await chief.get("/v1/authors/u-1")).body
    assert (profile["pending"], profile["automatic"]) == (1, {"approved": 0, "rejected": 0})


@pytest.mark.usefixtures("comments")
async def test_what_is_erased_is_not_found(chief: Any) -> None:
    await chief("DELETE", "/v1/comments/c-0")
    for query in ({}, {"text": "bridge"}, {"id": "c-0"}, {"author": "u-0"}, {"article": "a-0"}):
        assert "c-0" not in await found(chief, **query)


@pytest.mark.usefixtures("comments")
async def test_of_an_edited_comment_only_the_newest_text_is_found(chief: Any) -> None:
    await chief.post("/v1/comments", {"id": "c-0", "text": "The tunnel is closed", "author": {"id": "u-0"}})
    assert await found(chief, text="bridge is closed") == []
    assert await found(chief, text="tunnel") == ["c-0"]
    assert await found(chief, author="u-0") == ["c-0", "c-4", "c-2"]


@pytest.mark.usefixtures("comments")
async def test_pages_follow_one_another_without_gap_or_repeat(chief: Any) -> None:
    queries: list[dict[str, str]] = [{}, {"author": "u-0"}, {"text": "i"}]
    for query, limit in itertools.product(queries, (1, 2, 5)):
        whole = await found(chief, **query)
        seen: list[str] = []
        more: dict[str, Any] = {}
        while True:
            reply = (await chief.get(f"/v1/comments?{urlencode({**query, **more, 'limit': limit})}")).body
            assert len(reply["items"]) <= limit
            seen += [item["id"] for item in reply["items"]]
            if reply["next"] is None:
                break
            more = {"cursor": reply["next"]}
        assert seen == whole


async def test_one_look_is_bounded_and_says_how_far_it_came(chief: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MOST_LOOKED", 100)
    for start in range(0, 300, 100):
        batch = [{"id": f"c-{start + number}", "text": f"text {start + number}."} for number in range(100)]
        assert (await chief.post("/v1/comments:batch", {"comments": batch})).status == 200
    looks, cursor, ids = 0, "", list[str]()
    while cursor is not None:
        reply = (await chief.get(f"/v1/comments?text=text+7.&cursor={cursor}")).body
        assert reply["looked_at"] <= 300
        assert reply["back_to"] is not None or reply["next"] is None
        ids += [item["id"] for item in reply["items"]]
        looks, cursor = looks + 1, reply["next"]
    assert ids == ["c-7"]
    assert looks > 1


async def test_what_is_asked_wrongly_is_told_so(chief: Any, key_for: Any, problem: Any) -> None:
    for query in ("status=maybe", "limit=0", "limit=101", "cursor=x", "author=u-1&cursor=1-1", "author=u-1&cursor=-1"):
        problem(await chief.get(f"/v1/comments?{query}"), 400)
    problem(await type(chief)(chief.client, None).get("/v1/comments"), 401)
    problem(await (await key_for(chief.client, "comments", name="site")).get("/v1/comments"), 403)
    assert (await (await key_for(chief.client, "review", name="ann")).get("/v1/comments")).status == 200

"""Comments over HTTP: submitted once, followed, erased."""

import asyncio
import io
import re
from datetime import datetime
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from yarl import URL

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
FULL = {
    "id": "c-4711",
    "text": "Good morning from Kyiv",
    "author": {"id": "u-9", "name": "Olena", "created_at": "2026-01-01T00:00:00Z", "trusted": False},
    "article": {"id": "a-1", "url": "https://example.org/a", "title": "A night", "section": "world"},
    "parent": {"id": "c-4700", "text": "Hello"},
    "created_at": "2026-11-23T10:00:00+02:00",
    "language": "en",
    "callback_url": "https://example.org/hook",
    "metadata": {"any": ["thing", 1, None, {"deep": True}]},
}


async def test_the_answer_has_the_shape_of_the_contract(admin: Any, decide_always: Any) -> None:
    await decide_always("review")
    reply = await admin.post("/v1/comments", FULL)
    assert reply.status == 200
    answer = reply.body
    expected = {"id": "c-4711", "site": "daily", "revision": 1, "decision": "review", "status": "pending"}
    assert answer.items() >= {**expected, "decided_by": "model", "policy": "default@2"}.items()
    (reason,) = answer["reasons"]
    assert reason["code"] == "score_in_review_band"
    assert reason["score"] == answer["scores"]["toxicity"] >= reason["review_at"] == 0
    assert answer["review"]["state"] == "queued"
    assert answer["review"]["why"] == "uncertain"
    assert 0 <= answer["review"]["priority"] <= 1
    assert datetime.fromisoformat(answer["created_at"]).tzinfo is not None
    assert answer["created_at"].endswith("Z")


@pytest.mark.parametrize(
    ("decision", "status"), [("approve", "approved"), ("review", "pending"), ("reject", "rejected")]
)
async def test_the_decision_says_where_the_comment_stands(
    admin: Any, decide_always: Any, decision: str, status: str
) -> None:
    await decide_always(decision)
    answer = (await admin.post("/v1/comments", {"text": "hello"})).body
    assert (answer["decision"], answer["status"], answer["decided_by"]) == (decision, status, "model")
    assert (answer["decided_at"] is None) == (decision == "review")
    assert (answer["review"] is not None) == (decision == "review")


async def test_the_same_comment_again_gets_the_stored_answer(admin: Any, decide_always: Any) -> None:
    await decide_always("review")
    first = await admin.post("/v1/comments", FULL)
    await decide_always("reject")
    for _ in range(3):
        again = await admin.post("/v1/comments", FULL)
        assert (again.status, again.body) == (200, first.body)
    assert (await admin.get(f"/v1/comments/{FULL['id']}")).body == first.body
    assert len((await admin.get("/v1/review/items")).body["items"]) == 1


async def test_another_text_under_the_same_id_is_a_new_revision_scored_anew(admin: Any, decide_always: Any) -> None:
    await decide_always("review")
    first = (await admin.post("/v1/comments", {"id": "c-1", "text": "good morning"})).body
    second = (await admin.post("/v1/comments", {"id": "c-1", "text": "you stupid idiot"})).body
    assert (first["revision"], second["revision"]) == (1, 2)
    assert second["scores"]["insult"] > first["scores"]["insult"]
    assert len((await admin.get("/v1/review/items")).body["items"]) == 1


async def test_without_an_id_the_service_makes_one_that_sorts_by_time(admin: Any) -> None:
    made = [(await admin.post("/v1/comments", {"text": "hello"})).body["id"] for _ in range(5)]
    assert all(UUID7.fullmatch(each) for each in made)
    assert made == sorted(made)
    assert len(set(made)) == 5


@pytest.mark.parametrize("comment_id", ["a/b", "a?b#c", "100%25", "x{y}", "a:batch", "a..b", "0" * 128])
async def test_any_valid_id_can_be_followed_and_erased(admin: Any, comment_id: str) -> None:
    await admin.post("/v1/comments", {"id": comment_id, "text": "hello"})
    path = URL(f"/v1/comments/{quote(comment_id, safe='')}", encoded=True)
    assert (await admin.get(path)).body["id"] == comment_id
    assert (await admin("DELETE", path)).status == 204
    assert (await admin.get(path)).body["erased_at"]


async def test_metadata_may_hold_any_json_up_to_its_limit(admin: Any, problem: Any) -> None:
    numbers = {"huge": 10**300, "small": 1e-300, "negative": -(2**70)}
    assert (await admin.post("/v1/comments", {"text": "a", "metadata": numbers})).status == 200
    exactly = {"a": "x" * (4096 - len('{"a":""}'))}
    assert (await admin.post("/v1/comments", {"text": "a", "metadata": exactly})).status == 200
    found = problem(await admin.post("/v1/comments", {"text": "a", "metadata": {"a": exactly["a"] + "x"}}), 413)
    assert [fault["pointer"] for fault in found["errors"]] == ["/metadata"]


async def test_a_bad_item_does_not_spoil_the_batch(admin: Any) -> None:
    items = [{"id": "c-0", "text": "hello"}, {"id": "c-1"}, 7, {"text": " "}, {"id": "c-4", "text": "a" * 20_481}, None]
    reply = await admin.post("/v1/comments:batch", {"comments": [*items, {"id": "c-6", "text": "hello"}]})
    assert reply.status == 200
    good_first, *bad, good_last = reply.body["results"]
    assert (good_first["id"], good_last["id"]) == ("c-0", "c-6")
    assert [each["status"] for each in bad] == [400, 400, 400, 413, 400]
    assert [each["errors"][0]["pointer"] for each in bad] == [
        "/comments/1/text",
        "/comments/2",
        "/comments/3/text",
        "/comments/4/text",
        "/comments/5",
    ]
    assert (await admin.get("/v1/comments/c-6")).status == 200


async def test_a_batch_is_answered_in_order_and_has_a_limit(admin: Any, problem: Any) -> None:
    comments = [{"id": f"c-{number}", "text": "hello"} for number in range(1000)]
    reply = await admin.post("/v1/comments:batch", {"comments": comments})
    assert [answer["id"] for answer in reply.body["results"]] == [comment["id"] for comment in comments]
    problem(await admin.post("/v1/comments:batch", {"comments": [*comments, {"text": "one more"}]}), 413)


async def test_the_same_id_twice_in_a_batch_is_one_comment(admin: Any) -> None:
    reply = await admin.post("/v1/comments:batch", {"comments": [{"id": "c", "text": "a"}, {"id": "c", "text": "a"}]})
    first, second = reply.body["results"]
    assert first == second


async def chunked(size: int) -> Any:
    yield b'{"text": "'
    for _ in range(size // 1024):
        yield b"a" * 1024
    yield b'"}'


@pytest.mark.parametrize(
    ("path", "size"), [("/v1/comments", 525_000), ("/v1/comments", 10_000_000), ("/v1/score", 4_300_000)]
)
async def test_a_body_over_the_limit_is_413_however_it_is_framed(
    admin: Any, problem: Any, path: str, size: int
) -> None:
    json = {"Content-Type": "application/json"}
    problem(await admin("POST", path, data=io.BytesIO(b"a" * size), headers=json), 413)
    problem(await admin("POST", path, data=chunked(size), headers=json), 413)


async def test_a_chunked_body_within_the_limit_is_fine(admin: Any) -> None:
    reply = await admin("POST", "/v1/comments", data=chunked(10_240), headers={"Content-Type": "application/json"})
    assert reply.status == 200


@pytest.mark.usefixtures("only_told")
async def test_who_waits_is_told_as_soon_as_a_moderator_decides(admin: Any, ann: Any, decide_always: Any) -> None:
    await decide_always("review")
    await admin.post("/v1/comments", {"id": "c-1", "text": "hello"})
    waiting = asyncio.create_task(admin.get("/v1/comments/c-1?wait=60"))
    (item,) = (await ann.post("/v1/review/claim", {})).body["items"]
    assert not waiting.done()
    await ann.post("/v1/review/c-1/decision", {"decision": "approve", "lease": item["lease"]})
    async with asyncio.timeout(20):  # before the wait is over
        answer = (await waiting).body
    assert (answer["status"], answer["decided_by"], answer["decision"]) == ("approved", "moderator", "review")


@pytest.mark.usefixtures("only_told")
async def test_who_waits_for_an_erased_comment_is_told(admin: Any, decide_always: Any) -> None:
    await decide_always("review")
    await admin.post("/v1/comments", {"id": "c-1", "text": "hello"})
    waiting = asyncio.create_task(admin.get("/v1/comments/c-1?wait=60"))
    await admin.get("/v1/comments/c-1")
    await admin("DELETE", "/v1/comments/c-1")
    async with asyncio.timeout(20):
        assert (await waiting).body["erased_at"]


async def test_a_wait_ends_when_the_seconds_are_over(admin: Any, decide_always: Any) -> None:
    await decide_always("review")
    await admin.post("/v1/comments", {"id": "c-1", "text": "hello"})
    assert (await admin.get("/v1/comments/c-1?wait=0.05")).body["status"] == "pending"


async def test_a_final_comment_is_answered_at_once(admin: Any, decide_always: Any) -> None:
    await decide_always("approve")
    await admin.post("/v1/comments", {"id": "c-1", "text": "hello"})
    async with asyncio.timeout(20):
        assert (await admin.get("/v1/comments/c-1?wait=60")).body["status"] == "approved"


async def test_an_unknown_comment_is_404(admin: Any, problem: Any) -> None:
    problem(await admin.get("/v1/comments/never-sent"), 404)
    problem(await admin.get("/v1/comments/%00%ED%A0%80"), 404)


async def test_erasing_is_204_also_the_second_time_and_leaves_the_outcome(
    admin: Any, decide_always: Any, problem: Any
) -> None:
    await decide_always("reject")
    before = (await admin.post("/v1/comments", FULL)).body
    for _ in range(2):
        reply = await admin("DELETE", f"/v1/comments/{FULL['id']}")
        assert (reply.status, reply.raw) == (204, b"")
    after = (await admin.get(f"/v1/comments/{FULL['id']}")).body
    for kept in ("id", "site", "revision", "decision", "status", "created_at", "decided_at"):
        assert after[kept] == before[kept]
    assert (after["scores"], after["reasons"], after["spans"]) == (None, None, None)
    found = problem(await admin.post("/v1/comments", FULL), 409)
    assert (found["code"], found["current"]["id"]) == ("comment_erased", FULL["id"])
    assert (await admin("DELETE", "/v1/comments/never-sent")).status == 204


async def test_a_full_queue_is_503_and_nothing_was_acknowledged(
    settings: Any, run: Any, key_for: Any, problem: Any
) -> None:
    async with run(msgspec.structs.replace(settings, max_queued=1)) as client:
        admin = await key_for(client)
        await admin("PUT", "/v1/policies/default", {"thresholds": {"toxicity": {"review_at": 0}}})
        await admin.post("/v1/comments", {"id": "c-1", "text": "hello"})
        reply = await admin.post("/v1/comments", {"id": "c-2", "text": "hello"})
        assert problem(reply, 503)["code"] == "queue_full"
        assert int(reply.headers["Retry-After"]) >= 1
        problem(await admin.get("/v1/comments/c-2"), 404)
        batch = await admin.post(
            "/v1/comments:batch", {"comments": [{"id": "c-3", "text": "a"}, {"id": "c-1", "text": "hello"}]}
        )
        assert [each["status"] for each in batch.body["results"]] == [503, "pending"]


async def test_answers_say_how_full_a_nearly_full_queue_is(settings: Any, run: Any, key_for: Any) -> None:
    async with run(msgspec.structs.replace(settings, max_queued=5)) as client:
        admin = await key_for(client)

        async def submitted(path: str, body: Any) -> str | None:
            reply = await admin.post(path, body)
            assert reply.headers["Cache-Control"] == "no-store", "as every answer"
            return reply.headers.get("X-Queue-Pressure")

        await admin("PUT", "/v1/policies/default", {"thresholds": {"toxicity": {"review_at": 0}}})
        found = [await submitted("/v1/comments", {"id": f"c-{n}", "text": "hello"}) for n in range(4)]
        assert found == [None, None, None, "0.80"]
        assert await submitted("/v1/comments", {"id": "c-1", "text": "hello, changed while it waits"}) == "0.80"
        await admin("PUT", "/v1/policies/default", {"thresholds": {"toxicity": {"review_at": 1}}})
        assert await submitted("/v1/comments", {"id": "approved", "text": "hello"}) == "0.80"
        assert await submitted("/v1/comments:batch", {"comments": [{"id": "also", "text": "hello"}]}) == "0.80"
        for _ in range(2):
            (item,) = (await admin.post("/v1/review/claim", {"count": 1})).body["items"]
            decision = {"lease": item["lease"], "decision": "approve"}
            assert (await admin.post(f"/v1/review/{item['id']}/decision", decision)).status == 200
        await admin("GET", "/v1/review/stats")  # looks at the queue, as the service itself does every few seconds
        assert await submitted("/v1/comments", {"id": "approved", "text": "hello"}) is None


async def test_an_author_is_kept_as_a_keyed_hash_the_same_for_the_same_author(
    admin: Any, decide_always: Any, redis_server: Any
) -> None:
    await decide_always("review")
    for comment, author in (("c-1", "u-4711"), ("c-2", "u-4711"), ("c-3", "u-4712")):
        await admin.post("/v1/comments", {"id": comment, "text": "hello", "author": {"id": author, "name": "A"}})
    found = (await admin.post("/v1/review/claim", {"count": 3})).body["items"]
    first, same, other = (item["author"]["id"] for item in found)
    assert first == same != other
    assert found[0]["author"]["name"] == "A"
    with redis_server.client() as client:
        assert not any(b"u-47" in client.dump(key) for key in client.scan_iter())


async def test_an_author_is_kept_as_sent_where_the_operator_wants_it(run: Any, settings: Any, key_for: Any) -> None:
    async with run(msgspec.structs.replace(settings, hash_authors=False)) as client:
        admin = await key_for(client)
        await admin("PUT", "/v1/policies/default", {"thresholds": {"toxicity": {"review_at": 0}}})
        await admin.post("/v1/comments", {"text": "hello", "author": {"id": "u-4711"}})
        (item,) = (await admin.post("/v1/review/claim", {})).body["items"]
        assert item["author"]["id"] == "u-4711"

"""Redis away: said clearly and soon, scoring goes on, and all is well again without a restart."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from service.settings import Settings

# Longer than a busy machine needs for anything, and short enough to wait for.
TIMEOUT_S = 5
NEEDS_REDIS = [
    ("POST", "/v1/comments", {"text": "hello"}),
    ("GET", "/v1/comments/c-1", None),
    ("GET", "/v1/comments/c-1?wait=30", None),
    ("DELETE", "/v1/comments/c-1", None),
    ("POST", "/v1/review/claim", {"wait": 25}),
    ("POST", "/v1/review/c-1/decision", {"decision": "reject", "lease": "1.1"}),
    ("POST", "/v1/review/c-1/extend", {"lease": "1.1"}),
    ("POST", "/v1/review/c-1/release", {"lease": "1.1"}),
    ("GET", "/v1/review/items", None),
    ("GET", "/v1/review/stats", None),
    ("GET", "/v1/labels", None),
    ("GET", "/v1/audit", None),
    ("GET", "/v1/policies/default", None),
    ("PUT", "/v1/policies/default", {"thresholds": {"spam": {}}}),
    ("GET", "/v1/lists", None),
    ("GET", "/v1/lists/words", None),
    ("PUT", "/v1/lists/words", {"entries": [{"text": "idiot"}]}),
    ("POST", "/v1/models:rollback", None),
]


@pytest.fixture
def mortal(own_server: Any, tmp_path: Path) -> Settings:
    """A service over a Redis that the test may kill."""
    return Settings(redis_url=own_server.url, data_dir=tmp_path, store_timeout_s=TIMEOUT_S)


def test_a_write_is_given_up_within_a_second() -> None:
    assert Settings().store_timeout_s < 1


@pytest.fixture
async def caller(mortal: Settings, run: Any, key_for: Any) -> AsyncIterator[Any]:
    async with run(mortal) as client:
        yield await key_for(client)


async def all_refused(caller: Any, problem: Any) -> None:
    """Each waits for Redis once, and none for another one."""
    started = time.monotonic()
    for reply in await asyncio.gather(*(caller(method, path, body) for method, path, body in NEEDS_REDIS)):
        assert problem(reply, 503)["code"] == "store_unavailable"
        assert int(reply.headers["Retry-After"]) >= 1
    assert time.monotonic() - started < 2 * TIMEOUT_S


async def nothing_else_is_hurt(caller: Any) -> None:
    assert (await caller.post("/v1/score", {"text": "you idiot"})).status == 200
    assert (await caller.get("/v1/models")).status == 200
    assert (await caller.get("/livez")).status == 200
    ready = await caller.get("/readyz")
    assert ready.status == 503
    assert "Redis cannot be reached" in ready.body["store"]["problem"]
    assert "problem" not in ready.body["model"]
    batch = await caller.post("/v1/comments:batch", {"comments": [{"text": "a"}, {"text": " "}]})
    assert [each["status"] for each in batch.body["results"]] == [503, 400]


async def all_well(caller: Any) -> None:
    assert (await caller.get("/readyz")).status == 200
    assert (await caller.post("/v1/comments", {"id": "after", "text": "hello"})).status == 200
    assert (await caller.get("/v1/comments/after")).status == 200


async def test_a_redis_that_was_killed(caller: Any, own_server: Any, problem: Any) -> None:
    before = (await caller.post("/v1/comments", {"id": "before", "text": "hello"})).body
    own_server.kill()
    await all_refused(caller, problem)
    await nothing_else_is_hurt(caller)
    own_server.start()
    await all_well(caller)
    assert (await caller.get("/v1/comments/before")).body == before


async def test_a_redis_that_hangs(caller: Any, own_server: Any, problem: Any) -> None:
    before = (await caller.post("/v1/comments", {"id": "before", "text": "hello"})).body
    own_server.hang()
    try:
        await all_refused(caller, problem)
        await nothing_else_is_hurt(caller)
    finally:
        own_server.resume()
    await all_well(caller)
    assert (await caller.get("/v1/comments/before")).body == before


async def test_a_redis_that_is_away_at_the_start(
    mortal: Settings, run: Any, key_for: Any, own_server: Any, problem: Any
) -> None:
    async with run(mortal) as client:
        caller = await key_for(client)
    own_server.kill()
    async with run(mortal) as client:
        again = type(caller)(client, caller.key)
        await all_refused(again, problem)
        await nothing_else_is_hurt(again)
        own_server.start()
        await all_well(again)


async def test_without_any_memory_of_keys_the_answer_is_503_not_401(
    mortal: Settings, run: Any, key_for: Any, own_server: Any, problem: Any, tmp_path: Path
) -> None:
    async with run(mortal) as client:
        caller = await key_for(client)
    own_server.kill()
    (tmp_path / "access.json").unlink()
    async with run(mortal) as client:
        again = type(caller)(client, caller.key)
        problem(await again.post("/v1/score", {"text": "a"}), 503)
        own_server.start()
        assert (await again.post("/v1/score", {"text": "a"})).status == 200


async def test_who_waits_for_news_hears_them_after_redis_came_back(caller: Any, own_server: Any) -> None:
    await caller("PUT", "/v1/policies/default", {"thresholds": {"toxicity": {"review_at": 0}}})
    await caller.post("/v1/comments", {"id": "c-1", "text": "hello"})
    own_server.kill()
    assert (await caller.get("/v1/comments/c-1?wait=5")).status == 503
    own_server.start()
    (item,) = (await caller.post("/v1/review/claim", {"wait": 5})).body["items"]
    reply = await caller.post("/v1/review/c-1/decision", {"decision": "approve", "lease": item["lease"]})
    assert reply.status == 200
    assert (await caller.get("/v1/comments/c-1?wait=5")).body["status"] == "approved"


async def test_the_service_leaves_while_redis_is_away(mortal: Settings, run: Any, own_server: Any) -> None:
    async with run(mortal):
        own_server.kill()
        started = time.monotonic()
    assert time.monotonic() - started < 30

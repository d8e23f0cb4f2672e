"""GET /v1/review/stats: the queue over time, and what blind audits say of all comments."""

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from service import app_keys as keys
from service.cases.upkeep import Upkeep
from service.settings import Settings
from service.store.keyspace import Shards

HOUR = int(time.time()) // 3600


@pytest.fixture(params=[1, 3])
async def chief(request: pytest.FixtureRequest, run: Any, settings: Settings, key_for: Any) -> AsyncIterator[Any]:
    async with run(msgspec.structs.replace(settings, shards=request.param)) as client:
        yield await key_for(client, name="chief")


async def put(chief: Any, thresholds: Any, **review: Any) -> None:
    policy = {"thresholds": {"toxicity": thresholds}, "review": review}
    assert (await chief("PUT", "/v1/policies/default", policy)).status == 200


async def stats(chief: Any, hours: int = 24) -> Any:
    reply = await chief.get(f"/v1/review/stats?hours={hours}")
    assert reply.status == 200, reply.body
    return reply.body


async def decide(moderator: Any, decision: str, count: int = 1) -> list[str]:
    items = (await moderator.post("/v1/review/claim", {"count": count})).body["items"]
    for item in items:
        body = {"decision": decision, "lease": item["lease"]}
        assert (await moderator.post(f"/v1/review/{item['id']}/decision", body)).status == 200
    return [item["id"] for item in items]


async def test_the_week_of_the_specification_is_estimated_as_it_says(chief: Any, redis_server: Any) -> None:
    week = {
        "automatic:reject@0.05": 4_000,
        "automatic:review": 3_000,
        "automatic:approve@0.01": 43_000,
        "audited:reject@0.05:reject": 188,
        "audited:reject@0.05:approve": 12,
        "judged:reject": 1_350,
        "judged:approve": 1_650,
        "audited:approve@0.01:reject": 6,
        "audited:approve@0.01:approve": 424,
    }
    app = chief.client.server.app
    with redis_server.client() as client:  # spread over two hours and, where there are some, shards
        for number, (name, count) in enumerate(week.items()):
            shards = Shards(app[keys.STORE].pipe, app[keys.SETTINGS].shards).each("daily")
            key = shards[number % len(shards)].key(f"stat:{HOUR - number % 2}")
            client.hset(key, name, count)
            client.expire(key, 3600)
    found = (await stats(chief, 168))["quality"]
    assert found["rejected"] == {"comments": 4_000, "judged": 200, "violating": 188}
    assert found["reviewed"] == {"comments": 3_000, "judged": 3_000, "violating": 1_350}
    assert found["approved"] == {"comments": 43_000, "judged": 430, "violating": 6}
    assert found["violating"]["value"] == pytest.approx(0.1142)
    expected = {
        "precision_of_rejections": (0.94, 0.897538, 0.968616),
        "missed_in_approvals": (0.0139535, 0.0051374, 0.0301221),
        "recall_of_rejections": (0.658494, 0.6012, 0.7115),
        "recall": (0.894921, 0.7941, 0.9495),
    }
    for name, values in expected.items():
        assert [found[name][each] for each in ("value", "low", "high")] == pytest.approx(values, abs=1e-4), name
        assert [found[name][each] for each in ("lowest", "highest")] == pytest.approx(values[1:], abs=1e-4), name


async def test_each_audit_counts_for_the_decision_and_the_share_that_it_was_drawn_by(chief: Any) -> None:
    await put(chief, {"reject_at": 0}, audit_rejected=1)
    for number in range(3):
        await chief.post("/v1/comments", {"id": f"r-{number}", "text": "hello"})
    await put(chief, {}, audit_approved=0)
    await chief.post("/v1/comments", {"id": "a-1", "text": "hello"})
    assert (await stats(chief))["quality"]["rejected"] == {"comments": 3, "judged": 0, "violating": 0}
    assert len(await decide(chief, "reject", 2)) == 2
    (overturned,) = await decide(chief, "approve")
    found = await stats(chief)
    assert found["quality"]["rejected"] == {"comments": 3, "judged": 3, "violating": 2}
    assert found["quality"]["precision_of_rejections"]["value"] == pytest.approx(2 / 3)
    assert found["quality"]["approved"] == {"comments": 1, "judged": 0, "violating": 0, "unaudited": 1}
    assert (found["quality"]["missed_in_approvals"], found["quality"]["recall"]) == (None, None), "nobody audits them"
    assert found["overturn_rate"] == pytest.approx(1 / 3)
    await chief.post(f"/v1/review/{overturned}/undo", {})
    assert (await stats(chief))["quality"]["rejected"] == {"comments": 3, "judged": 2, "violating": 2}


async def test_an_audit_that_is_escalated_counts_once_and_as_it_was_first_answered(chief: Any) -> None:
    await put(chief, {"reject_at": 0}, audit_rejected=1, audit_overturns=False)
    await chief.post("/v1/comments", {"id": "r-1", "text": "hello"})
    await decide(chief, "approve")
    assert (await stats(chief))["escalated"] == 1
    assert (await stats(chief))["quality"]["rejected"] == {"comments": 1, "judged": 1, "violating": 0}


async def test_answers_to_the_doubtful_count_once_also_after_an_undo(chief: Any) -> None:
    await put(chief, {"review_at": 0})
    for number in range(2):
        await chief.post("/v1/comments", {"id": f"c-{number}", "text": "hello"})
    (first,) = await decide(chief, "reject")
    assert (await stats(chief))["quality"]["reviewed"] == {"comments": 2, "judged": 1, "violating": 1}
    await chief.post(f"/v1/review/{first}/undo", {})
    assert (await stats(chief))["quality"]["reviewed"] == {"comments": 2, "judged": 0, "violating": 0}
    await decide(chief, "approve", 2)
    await chief.post(f"/v1/review/{first}/reopen", {})
    bob = await type(chief)(chief.client, chief.key).get("/v1/review/stats")
    assert bob.body["quality"]["reviewed"] == {"comments": 2, "judged": 2, "violating": 0}


async def test_two_who_judge_one_comment_are_compared_beyond_chance(chief: Any, key_for: Any) -> None:
    await put(chief, {"review_at": 0}, double_review=1)
    ann, bob = [await key_for(chief.client, "review", name=name) for name in ("ann", "bob")]
    for number in range(6):
        await chief.post("/v1/comments", {"id": f"c-{number}", "text": "hello"})
    assert (await stats(chief))["double_review"] is None
    for votes in (("reject", "reject"), ("approve", "approve"), ("approve", "approve"), ("reject", "approve")):
        for moderator, vote in zip((ann, bob), votes, strict=True):
            (last,) = await decide(moderator, vote)
    found = await stats(chief)
    assert found["agreement"] == 0.75
    assert (found["double_review"]["pairs"], found["double_review"]["observed"]) == (4, 0.75)
    assert found["double_review"]["kappa"] == pytest.approx(0.5)
    assert found["double_review"]["low"] <= 0.5 <= found["double_review"]["high"]
    assert last


async def test_each_hour_says_what_came_and_what_was_decided(chief: Any) -> None:
    await put(chief, {"review_at": 0}, audit_approved=1)
    for number in range(2):
        await chief.post("/v1/comments", {"id": f"c-{number}", "text": "hello"})
    await put(chief, {}, audit_approved=1)
    await chief.post("/v1/comments", {"id": "a-1", "text": "hello"})
    await decide(chief, "approve")
    found = await stats(chief)
    hours = found["decisions_per_hour"]
    assert sum(hour["inflow"] for hour in hours) == 3, "two doubtful ones and an audit"
    assert sum(hour["automatic"].get("review", 0) for hour in hours) == 2
    assert sum(hour["automatic"].get("approve", 0) for hour in hours) == 1
    assert sum(hour["decisions"].get("approve", 0) for hour in hours) == 1
    assert found["automated"] == pytest.approx(1 / 3)
    assert found["hours"] == 24
    assert all(hour["automated"] is None or 0 <= hour["automated"] <= 1 for hour in hours)


async def test_the_length_and_age_of_the_queue_are_kept_over_time(chief: Any, redis_server: Any) -> None:
    await put(chief, {"review_at": 0})
    app = chief.client.server.app
    for number in range(3):
        await chief.post("/v1/comments", {"id": f"c-{number}", "text": "hello"})
    shards = Shards(app[keys.STORE].pipe, app[keys.SETTINGS].shards).each("daily")
    with redis_server.client() as client:
        for shard in shards:
            for each in client.zrange(shard.key("waiting"), 0, -1):
                client.zincrby(shard.key("waiting"), -60_000, each)
        upkeep = Upkeep(app[keys.STORE], app[keys.DIRECTORY])
        await upkeep.measure()
        await upkeep.measure()
        *_, sample = (await stats(chief))["queue"]
        assert sample["waiting"] == 3
        assert 60 <= sample["oldest_age_s"] < 120
        at = datetime.fromisoformat(sample["at"])
        assert at.timestamp() % 300 == 0
        assert at <= datetime.now(UTC)
        for shard in shards:
            assert client.ttl(shard.key(f"stat:{int(at.timestamp()) // 3600}")) > 0


async def test_what_lies_further_back_than_is_kept_cannot_be_asked_for(chief: Any, problem: Any) -> None:
    assert (await stats(chief, 62 * 24))["hours"] == 1488
    for hours in (0, 62 * 24 + 1):
        problem(await chief.get(f"/v1/review/stats?hours={hours}"), 400)

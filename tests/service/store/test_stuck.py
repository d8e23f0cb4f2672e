"""The bounded look at what may be stuck: every place of the queue, in every shard, however much waits."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from service.settings import Settings
from service.store import Store, open_store, stuck
from service.store.keyspace import Shard, Shards
from service.store.review import Answer, Filter
from service.values.domain import Verdict

DAY = timedelta(days=1)


@pytest.fixture(params=[1, 3])
async def sharded(settings: Settings, request: Any) -> AsyncIterator[Store]:
    assert settings.redis_url is not None
    async with open_store(msgspec.structs.replace(settings, shards=request.param), settings.redis_url) as store:
        yield store


def shard(store: Store, site: str, comment_id: str) -> Any:
    return Shards(store.pipe, store.shards).of(site, comment_id)


async def look(store: Store, site: str, *deciders: str) -> stuck.StuckFound:
    return await store.stuck.look(site, datetime.now(UTC), DAY, deciders)


async def test_overdue_and_late_escalations_are_counted_and_found(
    sharded: Store, site: str, submit: Any, redis_server: Any
) -> None:
    for number in range(6):
        await submit(f"c-{number}", sla_ms=600_000, to=sharded)
    held = await sharded.queue.claim(site, "ann", 2, 60, Filter())
    for record in held:
        answer = Answer(Verdict.ESCALATE, record.lease, digest=record.id)
        await sharded.queue.decide(site, record.id, "ann", answer, may_overrule=False)
    late = held[0].id
    with redis_server.client() as client:
        client.zadd(shard(sharded, site, late).key("escalated"), {late: 1})
        for each in ("c-4", "c-5"):
            client.zadd(shard(sharded, site, each).key("ready"), {each: 1})
    found = await look(sharded, site)
    assert (found.overdue, found.escalated) == (2, 1)
    assert sorted(each.id for each in found.entries) == [f"c-{number}" for number in range(6)]
    assert {each.id: each.state.value for each in found.entries}[late] == "escalated"


async def test_a_look_is_bounded_and_has_each_comment_once(
    store: Store, site: str, submit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stuck, "MOST_LOOKED_AT", 3)
    for number in range(9):
        await submit(f"c-{number}", sla_ms=1_000 * (9 - number))
    for each in ("c-0", "c-8"):
        assert (await store.assignments.assign(site, each, "chief", "ann"))[0] == "ok"
    found = await look(store, site, "bob", "chief")
    assert sorted(each.id for each in found.entries) == ["c-0", "c-6", "c-7", "c-8"]
    assert {each.id: each.assignee for each in found.entries} == {"c-0": "ann", "c-6": None, "c-7": None, "c-8": "ann"}
    found = await look(store, site, "ann")
    assert sorted(each.id for each in found.entries) == ["c-6", "c-7", "c-8"], "ann may decide hers"
    assert (await look(store, "weekly")).entries == []


async def test_what_is_assigned_is_looked_at_as_long_as_it_is(
    store: Store, site: str, submit: Any, redis_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stuck, "MOST_LOOKED_AT", 1)
    monkeypatch.setattr(stuck, "MOST_AWAY", 2)
    for number in range(6):
        await submit(f"c-{number}", sla_ms=1_000 * (number + 1))
    for number, name in enumerate(("ann", "ann", "bob", "eve"), start=1):
        assert (await store.assignments.assign(site, f"c-{number}", "chief", name))[0] == "ok"

    async def assigned(*deciders: str) -> list[str]:
        return sorted(each.id for each in (await look(store, site, *deciders)).entries if each.assignee)

    assert len(await assigned()) == 2, "of two of the three"
    assert await assigned("bob") == ["c-1", "c-4"]
    await store.assignments.assign(site, "c-1", "chief", "")
    assert await assigned("bob") == ["c-2", "c-4"]
    await store.assignments.assign(site, "c-2", "chief", "bob")
    index = Shard(site).key("assignees")
    with redis_server.client() as client:
        assert client.smembers(index) == {"bob", "eve"}
        assert [each async for each in store.fsck.examine(site)] == []
        client.delete(index)  # as an earlier release left it
        assert await assigned() == []
        assert [each async for each in store.fsck.examine(site, repair=True)] == []
        assert client.smembers(index) == {"bob", "eve"}


async def test_what_was_put_back_five_times_is_found_until_it_is_decided(
    store: Store, site: str, submit: Any, redis_server: Any
) -> None:
    await submit("c-1")
    index = Shard(site).key("stuck")
    with redis_server.client() as client:
        for times in range(1, 6):
            await store.queue.claim(site, "ann", 1, 60, Filter())
            client.zadd(Shard(site).key("lease"), {"c-1": 1})  # as if its time were over
            await store.queue.tend(site)
            assert client.zcard(index) == (times == 5)
        (entry,) = (await look(store, site)).entries
        assert (entry.id, entry.expiries) == ("c-1", 5)
        assert [each async for each in store.fsck.examine(site)] == []
        # A release before that index kept the number alone.
        client.delete(index)
        assert [each async for each in store.fsck.examine(site, repair=True)] == []
        assert client.zrange(index, 0, -1) == ["c-1"]
        (held,) = await store.queue.claim(site, "ann", 1, 60, Filter())
        answer = Answer(Verdict.APPROVE, held.lease, digest="d")
        assert (await store.queue.decide(site, "c-1", "ann", answer, may_overrule=False))[0] == "ok"
        assert not client.exists(index)
        client.zadd(index, {"c-1": 1})
        (breach,) = [each async for each in store.fsck.examine(site, repair=True)]
        assert (breach.what, breach.is_mended) == ("in stuck and decided", True)
        assert not client.exists(index)

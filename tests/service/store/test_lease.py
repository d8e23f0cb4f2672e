"""What the holder of a lease may do beside deciding: put it back, skip it, keep it longer."""

import asyncio
from typing import Any

import msgspec

from service.settings import Settings
from service.store import Store, open_store
from service.store.base import Record
from service.store.keyspace import Shard
from service.store.review import SKIP_MS, Answer, Filter
from service.values.domain import Lease, State, Verdict

ANY = Filter()


async def claimed(store: Store, site: str, moderator: str = "ann") -> Record:
    (record,) = await store.queue.claim(site, moderator, 1, 60, ANY)
    return record


async def test_a_released_comment_is_where_it_was(store: Store, site: str, submit: Any) -> None:
    await submit("second", sla_ms=20_000)
    held = await claimed(store, site)
    await submit("first", sla_ms=10_000)
    await submit("third", sla_ms=30_000)
    outcome, record = await store.queue.release(site, "second", "ann", held.lease, skip=False)
    assert outcome == "ok"
    assert (record.state, record.due_at, record.owner) == (State.QUEUED, held.due_at, None)
    assert [each.id for each in await store.queue.items(site, State.QUEUED, 0, 9)] == ["first", "second", "third"]


async def test_a_release_repeated_is_answered_the_same(store: Store, site: str, submit: Any, trail: Any) -> None:
    await submit("c-1")
    held = await claimed(store, site)
    outcomes = [(await store.queue.release(site, "c-1", "ann", held.lease, skip=True))[0] for _ in range(3)]
    assert outcomes == ["ok", "ok", "ok"]
    assert await trail() == ["submitted", "claimed", "skipped"]


async def test_an_old_release_does_not_take_a_new_lease_away(store: Store, site: str, submit: Any) -> None:
    await submit("c-1")
    held = await claimed(store, site)
    await store.queue.release(site, "c-1", "ann", held.lease, skip=False)
    await claimed(store, site, "bob")
    outcome, record = await store.queue.release(site, "c-1", "ann", held.lease, skip=False)
    assert (outcome, record.owner) == ("stale", "bob")


async def test_a_skipped_comment_goes_to_others_for_a_day(
    store: Store, site: str, submit: Any, redis_server: Any
) -> None:
    await submit("c-1")
    held = await claimed(store, site)
    await store.queue.release(site, "c-1", "ann", held.lease, skip=True)
    assert (await store.queue.claim(site, "ann", 1, 60, ANY)) == []
    with redis_server.client() as client:
        assert SKIP_MS - 60_000 < client.pttl(Shard(site).skipped("ann")) <= SKIP_MS
        client.zadd(Shard(site).skipped("ann"), {"c-1": 1000})
    assert (await claimed(store, site)).id == "c-1"


async def test_what_a_supervisor_frees_goes_to_others_and_its_lease_ends(
    store: Store, site: str, submit: Any, trail: Any
) -> None:
    await submit("c-1")
    assert (await store.assignments.assign(site, "c-1", "chief", "ann"))[0] == "ok"
    held = await claimed(store, site)
    assert (await store.queue.free(site, "c-1", "chief", "bob"))[0] == "stale", "bob does not hold it"
    outcome, record = await store.queue.free(site, "c-1", "chief", "ann", role="supervisor")
    assert (outcome, record.state, record.owner, record.assignee) == ("ok", State.QUEUED, None, None)
    assert (await store.queue.free(site, "c-1", "chief", "ann"))[0] == "duplicate"
    answer = Answer(Verdict.APPROVE, held.lease)
    assert (await store.queue.decide(site, "c-1", "ann", answer, may_overrule=False))[0] == "stale"
    assert await store.queue.claim(site, "ann", 1, 60, ANY) == []
    assert (await claimed(store, site, "bob")).id == "c-1"
    assert await trail() == ["submitted", "assigned", "claimed", "freed", "claimed"]
    entry = (await store.audit.page(site, "", 10))[0][3].details
    assert (entry["actor"], entry["holder"], entry["role"]) == ("chief", "ann", "supervisor")
    assert (await store.queue.free(site, "none", "chief", "ann"))[0] == "gone"


async def test_only_the_holder_may_release_or_extend(store: Store, site: str, submit: Any) -> None:
    await submit("c-1")
    held = await claimed(store, site)
    wrong = Lease(held.token + 1, 1)
    for moderator, lease in (("bob", held.lease), ("ann", wrong)):
        assert (await store.queue.release(site, "c-1", moderator, lease, skip=False))[0] == "stale"
        assert (await store.queue.extend(site, "c-1", moderator, lease, 60))[0] == "stale"
    assert (await store.comments.get(site, "c-1")).owner == "ann"


async def test_a_lease_of_an_older_revision_is_superseded(store: Store, site: str, submit: Any) -> None:
    await submit("c-1", "one")
    held = await claimed(store, site)
    await submit("c-1", "two")
    assert (await store.queue.release(site, "c-1", "ann", held.lease, skip=False))[0] == "superseded"
    assert (await store.queue.extend(site, "c-1", "ann", held.lease, 60))[0] == "superseded"


async def test_what_is_not_there_is_gone(store: Store, site: str, submit: Any) -> None:
    await submit("erased")
    await store.comments.erase(site, "erased", "site-key")
    for comment_id in ("never-sent", "erased"):
        assert await store.queue.release(site, comment_id, "ann", Lease(1, 1), skip=False) == ("gone", None)
        assert await store.queue.extend(site, comment_id, "ann", Lease(1, 1), 60) == ("gone", None)


async def test_an_extended_lease_lasts_longer(store: Store, site: str, submit: Any) -> None:
    await submit("c-1")
    held = await claimed(store, site)
    outcome, record = await store.queue.extend(site, "c-1", "ann", held.lease, 600)
    assert outcome == "ok"
    assert 530 < (record.leased_until - held.leased_until).total_seconds() < 600
    assert record.lease == held.lease


async def test_no_lease_lasts_longer_than_the_longest(
    redis_server: Any, settings: Settings, site: str, submit: Any
) -> None:
    short = msgspec.structs.replace(settings, lease_s=60, max_lease_age_s=60)
    async with open_store(short, redis_server.url) as store:
        await submit("c-1", to=store)
        (held,) = await store.queue.claim(site, "ann", 1, 3600, ANY)
        with redis_server.client() as client:
            granted_ms = int(client.hget(Shard(site).item("c-1"), "claimed"))
        assert held.leased_until.timestamp() * 1000 - granted_ms <= 60_000
        outcome, record = await store.queue.extend(site, "c-1", "ann", held.lease, 3600)
        assert outcome == "ok"
        assert record.leased_until.timestamp() * 1000 - granted_ms <= 60_000
        with redis_server.client() as client:
            client.hset(Shard(site).item("c-1"), "claimed", granted_ms - 60_000)
        assert (await store.queue.extend(site, "c-1", "ann", held.lease, 3600))[0] == "too_old"


async def test_one_comment_is_in_one_place_whatever_happens_at_once(
    store: Store, site: str, submit: Any, redis_server: Any
) -> None:
    await asyncio.gather(*(submit(f"c-{number}") for number in range(20)))

    async def work(moderator: str) -> None:
        for _ in range(5):
            for record in await store.queue.claim(site, moderator, 3, 60, ANY):
                await store.queue.release(site, record.id, moderator, record.lease, skip=False)

    await asyncio.gather(*(work(f"m-{number}") for number in range(10)))
    with redis_server.client() as client:
        assert client.zcard(Shard(site).key("ready")) == 20
        assert client.zcard(Shard(site).key("lease")) == 0
        assert client.zcard(Shard(site).key("waiting")) == 20
        assert client.keys(Shard(site).held("*")) == []

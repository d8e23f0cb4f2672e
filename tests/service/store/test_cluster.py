"""A real Redis Cluster of three: every site is served, whatever moves, and a dead node takes only its own with it."""

import asyncio
import contextlib
import gc
import itertools
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from ports import BUS, free_port
from redis.crc import key_slot
from rings import PATIENCE_S, SITES, TIMEOUT_S, Ring, a_ring, replica_of, until, until_done

from service.redis.address import parse
from service.redis.cluster import Topology
from service.settings import Settings
from service.store import Store, open_store
from service.store.keyspace import Shard
from service.store.review import Answer, Filter
from service.values.domain import Author, State, Verdict
from service.values.errors import StoreUnavailable


@pytest.fixture(scope="module")
def lasting_ring(shared_server: Any) -> Iterator[Ring]:
    # No node takes another for dead, however long that one is kept waiting by the machine or by a test.
    with a_ring(type(shared_server), **{"cluster-node-timeout": "60000"}) as ring:
        yield ring


@pytest.fixture
def ring(lasting_ring: Ring) -> Ring:
    """Empty, shared with other tests."""
    for node in lasting_ring.nodes:
        node("FLUSHALL")
    return lasting_ring


@pytest.fixture
def own_ring(shared_server: Any) -> Iterator[Ring]:
    """For a test that breaks it, or changes who serves what."""
    with a_ring(type(shared_server)) as ring:
        yield ring


@pytest.fixture
async def clustered(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    """Over the ring that the test asks for."""
    name = "own_ring" if "own_ring" in request.fixturenames else "ring"
    url = request.getfixturevalue(name).url
    async with open_store(Settings(redis_url=url, store_timeout_s=TIMEOUT_S), url) as store:
        yield store


async def decide_one(store: Store, site: str) -> None:
    (held,) = await store.queue.claim(site, "ann", 1, 60, Filter())
    answer = Answer(Verdict.REJECT, held.lease, digest="d")
    assert (await store.queue.decide(site, held.id, "ann", answer, may_overrule=False))[0] == "ok"


async def test_sites_on_every_node_are_served(ring: Ring, clustered: Store, submit: Any) -> None:
    for site in SITES:
        assert (await submit("c-1", at=site, to=clustered))[0] == "created"
        assert (await submit("c-1", at=site, to=clustered))[0] == "exists"
    await asyncio.gather(*(decide_one(clustered, site) for site in SITES))
    for site in SITES:
        assert (await clustered.comments.get(site, "c-1")).state is State.DECIDED
    assert all(node("DBSIZE") > 0 for node in ring.nodes)
    await clustered.check()
    assert clustered.durability.mode == "strict"
    assert await clustered.pipe.call("PING") == b"PONG"


async def test_news_of_every_node_is_heard(ring: Ring, clustered: Store, submit: Any) -> None:
    async with clustered.changes.listening():
        for node in ring.nodes:
            site = ring.sites_of(node)[0]
            with clustered.changes.watch(site, "queued") as news:
                # The subscription may not have been there for the first ones.
                async with asyncio.timeout(PATIENCE_S):
                    for number in itertools.count():
                        await submit(f"c-{number}", at=site, to=clustered)
                        started = time.monotonic()
                        await news.next(1)
                        if time.monotonic() - started < 1:
                            break


async def test_a_site_on_every_node_is_looked_back_over_and_its_authors_are_found(ring: Ring, submit: Any) -> None:
    site = next(
        site
        for site in SITES
        if len({ring.home(shard) for shard in (Shard(site, number) for number in range(6))}) == len(ring.nodes)
    )
    async with open_store(Settings(redis_url=ring.url, store_timeout_s=TIMEOUT_S, shards=6), ring.url) as store:
        ids = [f"c-{number}" for number in range(40)]
        for each in ids:
            await submit(each, at=site, to=store, author=Author(id="u-1"))
        back = store.recent.backwards(site, most=1000)
        seen = [each async for each in back]
        assert sorted(each.id for each in seen) == sorted(ids)
        assert [each.at for each in seen] == sorted((each.at for each in seen), reverse=True)
        assert back.cursor is None
        page = await store.authors.page(site, "u-1", 10, 100)
        assert (page.total, len(page.comments)) == (40, 30)
        await store.queue.sample(site)
        stats = await store.queue.stats(site, 2)
        assert [waiting for waiting, _ in stats["samples"].values()][-1] == 40
        assert sum(counted.get("automatic:review", 0) for _, counted in stats["hours"]) == 40
        (held,) = await store.queue.claim(site, "ann", 1, 60, Filter())
        await store.queue.decide(site, held.id, "ann", Answer(Verdict.REJECT, held.lease), may_overrule=False)
        assert [label.id for label in await store.labels.newest(site, 10)] == [held.id]
        assert [await store.comments.erase(site, each, "chief") for each in ids] == [True] * 40
        assert await store.authors.count(site, "u-1") == 0


async def test_the_url_of_one_server_does_not_do_for_a_cluster(ring: Ring, submit: Any) -> None:
    node, other = ring.nodes[:2]
    url = f"redis://127.0.0.1:{node.port}"
    async with open_store(Settings(store_timeout_s=TIMEOUT_S), url) as store:
        with pytest.raises(StoreUnavailable, match=r"must be redis\+cluster://"):
            await submit("c-1", at=ring.sites_of(other)[0], to=store)


async def test_one_server_does_not_do_for_the_url_of_a_cluster(make_server: Any, submit: Any) -> None:
    port = free_port()
    make_server(port=str(port), bind="127.0.0.1")
    async with open_store(Settings(store_timeout_s=TIMEOUT_S), f"redis+cluster://127.0.0.1:{port}") as store:
        with pytest.raises(StoreUnavailable):
            await submit("c-1", to=store)
        with pytest.raises(StoreUnavailable, match="no node of the Redis Cluster"):
            await store.check()


class Migration:
    """Moves the slot of a site from its home to another node, as redis-cli does it."""

    def __init__(self, ring: Ring, site: str) -> None:
        self.slot = key_slot(Shard(site).prefix.encode())
        self.ring = ring
        self.source = ring.home(Shard(site))
        self.target = next(node for node in ring.nodes if node is not self.source)

    def begin(self) -> None:
        self.target("CLUSTER", "SETSLOT", self.slot, "IMPORTING", self.source.id)
        self.source("CLUSTER", "SETSLOT", self.slot, "MIGRATING", self.target.id)

    def move(self, most: int) -> list[str]:
        keys: list[str] = self.source("CLUSTER", "GETKEYSINSLOT", self.slot, most)
        if keys:
            self.source("MIGRATE", "127.0.0.1", self.target.port, "", 0, 5000, "KEYS", *keys)
        return keys

    def end(self) -> None:
        for node in (self.target, self.source, *self.ring.nodes):
            node("CLUSTER", "SETSLOT", self.slot, "NODE", self.target.id)


async def test_a_slot_that_moves_loses_and_doubles_nothing(own_ring: Ring, clustered: Store, submit: Any) -> None:
    site = SITES[0]
    migration = Migration(own_ring, site)
    recorded: list[str] = []

    async def submit_until_told(stop: asyncio.Event) -> None:
        for number in itertools.count():
            if stop.is_set():
                return
            with contextlib.suppress(StoreUnavailable):
                await submit(f"c-{number}", at=site, to=clustered)
                recorded.append(f"c-{number}")

    async with open_store(Settings(store_timeout_s=TIMEOUT_S), own_ring.url) as unaware:
        await unaware.check()
        stop = asyncio.Event()
        running = asyncio.create_task(submit_until_told(stop))
        await until(lambda: len(recorded) > 50)
        await asyncio.to_thread(migration.begin)
        assert await asyncio.to_thread(migration.move, 20)

        # Half of the keys are there, half here: one key alone is found where it is, a script is refused.
        assert await clustered.pipe.call("ZCARD", Shard(site).key("ready")) >= 50
        assert len((await clustered.audit.page(site, "", 10))[0]) == 10
        with pytest.raises(StoreUnavailable, match="does not serve this site"):
            await clustered.queue.claim(site, "ann", 1, 60, Filter())

        while await asyncio.to_thread(migration.move, 20):
            pass
        before = len(recorded)
        await asyncio.to_thread(migration.end)
        await until(lambda: len(recorded) > before + 50)
        stop.set()
        await running
        # Who never heard of it is sent on, and asks the right node within the same call.
        assert (await submit(recorded[0], at=site, to=unaware))[0] == "exists"

    assert migration.source("CLUSTER", "COUNTKEYSINSLOT", migration.slot) == 0
    for comment in recorded:
        assert (await clustered.comments.get(site, comment)).state is State.QUEUED
    found = [record.id for record in await clustered.queue.items(site, State.QUEUED, 0, 100_000)]
    assert len(found) == len(set(found))
    assert set(recorded) <= set(found)
    await decide_one(clustered, site)


async def test_who_stops_in_the_middle_of_reading_the_slot_map_leaves_no_connection_open(ring: Ring) -> None:
    """Stopped after each number of turns of the event loop."""
    for turns in [*range(60)] * 5:
        topology = Topology(parse(ring.url), 1, lambda: None)
        topology.refresh_soon()
        for _ in range(turns):
            await asyncio.sleep(0)
        await topology.close()
    gc.collect()  # pytest fails the test for a connection that was never closed


async def test_who_calls_after_the_end_is_refused_and_nothing_begins_anew(ring: Ring) -> None:
    """A call that was refused looks for another primary; nobody would wait for the end of that."""
    before = asyncio.all_tasks()
    async with open_store(Settings(redis_url=ring.url, store_timeout_s=TIMEOUT_S), ring.url) as store:
        await store.check()
        pipe = store.pipe
    for key in SITES:
        with pytest.raises(StoreUnavailable):
            await pipe.call("GET", key)
    assert asyncio.all_tasks() == before
    async with open_store(Settings(redis_url=ring.url, store_timeout_s=TIMEOUT_S), ring.url) as never_used:
        pass
    with pytest.raises(StoreUnavailable):
        await never_used.check()
    assert asyncio.all_tasks() == before
    gc.collect()  # pytest fails the test for a connection that was never closed


async def test_a_promoted_replica_is_followed(own_ring: Ring, clustered: Store, make_server: Any, submit: Any) -> None:
    primary = own_ring.nodes[-1]
    replica = await replica_of(primary, own_ring, make_server)
    site = own_ring.sites_of(primary)[0]
    await submit("c-1", at=site, to=clustered)
    await until(lambda: replica("DBSIZE") == primary("DBSIZE"))
    primary.server.kill()
    assert (await until_done(lambda: submit("c-1", at=site, to=clustered)))[0] == "exists"
    await until_done(clustered.check)


async def test_a_dead_node_takes_only_its_own_sites_with_it(own_ring: Ring, clustered: Store, submit: Any) -> None:
    for site in SITES:
        await submit("c-1", at=site, to=clustered)
    dead, survivor = own_ring.nodes[2], own_ring.nodes[0]
    lost, served = own_ring.sites_of(dead), [site for site in SITES if own_ring.home(Shard(site)) is not dead]
    assert lost
    dead.server.kill()

    async def submit_to_all(comment: str) -> list[Any]:
        calls = [submit(comment, at=site, to=clustered) for site in (*lost, *served)]
        return await asyncio.gather(*calls, return_exceptions=True)

    started = time.monotonic()
    found = await submit_to_all("c-2")
    assert time.monotonic() - started < TIMEOUT_S, "nobody waits for what refuses connections"
    assert [type(each) for each in found[: len(lost)]] == [StoreUnavailable] * len(lost)
    assert [outcome for outcome, _ in found[len(lost) :]] == ["created"] * len(served)
    with pytest.raises(StoreUnavailable):
        await clustered.check()

    await until(
        lambda: f"{dead.id} 127.0.0.1:{dead.port}@{dead.port + BUS} master,fail " in survivor("CLUSTER", "NODES")
    )
    found = await submit_to_all("c-3")
    assert [isinstance(each, StoreUnavailable) for each in found] == [True] * len(lost) + [False] * len(served)

    dead.server.start()
    await until_done(clustered.check)
    for site in lost:
        await until_done(lambda site=site: submit("c-4", at=site, to=clustered))
        assert (await clustered.comments.get(site, "c-1")).state is State.QUEUED, "what was acknowledged is there"


async def test_a_hung_node_is_given_up_in_time_and_holds_up_nobody_else(
    ring: Ring, clustered: Store, submit: Any
) -> None:
    assert Settings().store_timeout_s < 1
    await clustered.check()
    hung = ring.nodes[0]
    lost, served = ring.sites_of(hung)[0], ring.sites_of(ring.nodes[1])[0]
    hung.server.hang()
    try:
        started = time.monotonic()
        waits = asyncio.ensure_future(submit("c-1", at=lost, to=clustered))
        assert (await submit("c-1", at=served, to=clustered))[0] == "created"
        assert not waits.done()
        with pytest.raises(StoreUnavailable):
            await waits
        assert time.monotonic() - started < 2 * TIMEOUT_S, "it does not wait a second time"
    finally:
        hung.server.resume()
    await until_done(lambda: submit("c-1", at=lost, to=clustered))

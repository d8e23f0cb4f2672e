"""The order in which comments are handed out, and how much one call may do for it."""

import asyncio
from typing import Any

from deeds import ANY, HOUR_MS, claim, decide

from service.store import Store
from service.store.keyspace import Shard
from service.store.review import Filter
from service.store.scripts import script
from service.values.domain import Action

MOST_URGENT_MS, LEAST_URGENT_MS = HOUR_MS // 4, 24 * HOUR_MS
SCANNED, REAPED = 200, 50


async def test_of_ten_thousand_comments_fifty_moderators_get_each_once_and_in_order(
    store: Store, site: str, submit: Any
) -> None:
    sla_ms = [HOUR_MS + 1_000 * (n * 7_919 % 10_000) for n in range(10_000)]
    for start in range(0, 10_000, 500):
        await asyncio.gather(*(submit(f"c-{n:05}", sla_ms=sla_ms[n]) for n in range(start, start + 500)))
    given: list[Any] = []

    async def work(moderator: str) -> None:
        for _ in range(10):
            found = await store.queue.claim(site, moderator, 20, 60, ANY)
            assert len(found) == 20
            given.extend(found)
            await asyncio.gather(*(decide(store, site, each) for each in found))

    await asyncio.gather(*(work(f"m-{n}") for n in range(50)))
    assert len({each.id for each in given}) == len(given) == 10_000
    assert len({each.token for each in given}) == 10_000
    in_order = sorted(given, key=lambda each: each.token)
    assert in_order == sorted(given, key=lambda each: (each.due_at, each.id)), "nobody was overtaken"


async def test_of_two_that_are_due_at_once_the_smaller_id_comes_first(
    store: Store, site: str, submit: Any, redis_server: Any
) -> None:
    for comment_id in ("c-2", "c-10", "c-1"):
        await submit(comment_id)
    with redis_server.client() as client:
        client.zadd(Shard(site).key("ready"), dict.fromkeys(("c-2", "c-10", "c-1"), 5))
    assert [each.id for each in await store.queue.claim(site, "ann", 3, 60, ANY)] == ["c-1", "c-10", "c-2"]


async def test_however_many_urgent_comments_come_a_patient_one_waits_no_longer_than_the_window(
    store: Store, site: str, submit: Any, redis_server: Any
) -> None:
    """Two of the most urgent class arrive for each one that is judged, for ever; an hour goes by each time."""
    await submit("patient", sla_ms=LEAST_URGENT_MS)
    window_ms = LEAST_URGENT_MS - MOST_URGENT_MS
    with redis_server.client() as client:
        started_ms = client.zscore(Shard(site).key("waiting"), "patient")
        judged: list[str] = []
        for hour in range(1000):
            arrived_ms = started_ms + hour * HOUR_MS
            for number in range(2):
                comment_id = f"urgent-{hour}-{number}"
                await submit(comment_id, sla_ms=MOST_URGENT_MS)
                client.zadd(Shard(site).key("ready"), {comment_id: arrived_ms + MOST_URGENT_MS})
                client.hset(Shard(site).item(comment_id), "due", int(arrived_ms + MOST_URGENT_MS))
            judged.append((await claim(store, site, f"m-{hour}")).id)
            if judged[-1] == "patient":
                break
    overtook = [int(comment_id.split("-")[1]) for comment_id in judged[:-1]]
    assert max(overtook) * HOUR_MS <= window_ms
    assert len(judged) - 1 <= 2 * (window_ms // HOUR_MS + 1)


async def test_one_claim_reads_so_many_comments_and_goes_on_where_it_stopped(
    store: Store, site: str, submit: Any, redis_server: Any
) -> None:
    await asyncio.gather(*(submit(f"c-{n:03}") for n in range(450)))
    offsets = []
    with redis_server.client() as client:
        offset = 0
        while offset >= 0:
            client.config_resetstat()
            offset, *given = await claim_once(store, site, "ann", offset)
            assert given == []
            assert client.info("commandstats")["cmdstat_hgetall"]["calls"] <= SCANNED
            offsets.append(offset)
    assert offsets == [SCANNED, 2 * SCANNED, -1]


async def claim_once(store: Store, site: str, moderator: str, offset: int) -> Any:
    """One call of the script, for comments about threats, of which there are none."""
    wanted = ("threat", "", "", "", "")
    return await store.pipe.run(script("claim"), [Shard(site).prefix], moderator, 5, 60_000, 20, offset, *wanted)


async def test_one_call_puts_so_many_leases_back(store: Store, site: str, submit: Any, redis_server: Any) -> None:
    await asyncio.gather(*(submit(f"c-{n:03}") for n in range(120)))
    for number in range(6):
        await store.queue.claim(site, f"m-{number}", 20, 60, ANY)
    with redis_server.client() as client:
        client.zadd(Shard(site).key("lease"), dict.fromkeys(client.zrange(Shard(site).key("lease"), 0, -1), 1000))
        left = []
        for _ in range(3):
            await claim_once(store, site, "ann", 0)
            left.append(client.zcard(Shard(site).key("lease")))
    assert left == [120 - REAPED, 120 - 2 * REAPED, 0]
    assert len(await store.queue.claim(site, "ann", 20, 60, ANY)) == 20


async def test_one_step_of_upkeep_decides_so_many(store: Store, site: str, submit: Any, redis_server: Any) -> None:
    await asyncio.gather(*(submit(f"c-{n:03}") for n in range(120)))
    with redis_server.client() as client:
        client.zadd(Shard(site).key("waiting"), {f"c-{n:03}": 1000 for n in range(120)})
        for left in (70, 20, 0):
            arguments = (60_000, "rejected", 0, 60, 0, HOUR_MS, HOUR_MS)
            _, expired, _ = await store.pipe.run(script("tend"), [Shard(site).prefix], *arguments)
            assert expired <= REAPED
            assert client.zcard(Shard(site).key("waiting")) == left


async def test_what_automatic_decisions_settled_takes_no_place_in_the_order(
    store: Store, site: str, submit: Any
) -> None:
    for decision in (Action.APPROVE, Action.REJECT):
        await submit(f"c-{decision}", decision=decision)
    assert await store.queue.claim(site, "ann", 5, 60, Filter()) == []

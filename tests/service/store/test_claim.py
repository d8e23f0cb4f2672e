"""Claiming: the most urgent first, to one moderator at a time, and back again when a lease ends."""

import asyncio
from collections import Counter
from typing import Any

import msgspec
import pytest

from service.settings import Settings
from service.store import Store, open_store
from service.store.keyspace import Shard
from service.store.review import Filter
from service.values.domain import Article, State

ANY = Filter()


def ids(claimed: Any) -> list[str]:
    return [record.id for record in claimed]


def end_leases(redis_server: Any, site: str) -> None:
    """What the clock would do: every lease ended a second after 1970."""
    with redis_server.client() as client:
        for comment_id in client.zrange(Shard(site).key("lease"), 0, -1):
            owner = client.hget(Shard(site).item(comment_id), "owner")
            client.zadd(Shard(site).key("lease"), {comment_id: 1000})
            client.zadd(Shard(site).held(owner), {comment_id: 1000})
            client.hset(Shard(site).item(comment_id), "until", 1000)


async def test_the_most_urgent_comes_first(store: Store, site: str, submit: Any) -> None:
    for comment_id, sla_ms in (("later", 90_000), ("now", 1_000), ("soon", 30_000)):
        await submit(comment_id, sla_ms=sla_ms)
    assert ids(await store.queue.claim(site, "ann", 10, 60, ANY)) == ["now", "soon", "later"]


async def test_the_urgent_cannot_starve_what_came_much_earlier(store: Store, site: str, submit: Any) -> None:
    await submit("old", sla_ms=60_000)
    await submit("urgent-later", sla_ms=60_001)
    assert ids(await store.queue.claim(site, "ann", 1, 60, ANY)) == ["old"]


async def test_a_claimed_comment_carries_its_lease(store: Store, site: str, submit: Any) -> None:
    await submit("c-1")
    (record,) = await store.queue.claim(site, "ann", 1, 60, ANY)
    assert (record.state, record.owner) == (State.LEASED, "ann")
    assert record.lease is not None
    assert record.lease.revision == 1
    assert record.content.comment.text == "hello"


async def test_own_live_leases_come_first_and_are_not_leased_again(store: Store, site: str, submit: Any) -> None:
    await submit("c-1", sla_ms=50_000)
    first = await store.queue.claim(site, "ann", 1, 60, ANY)
    await submit("c-2", sla_ms=1_000)
    again = await store.queue.claim(site, "ann", 1, 60, ANY)
    assert again == first
    assert ids(await store.queue.claim(site, "ann", 2, 60, ANY)) == ["c-1", "c-2"]


async def test_no_comment_is_handed_to_two_moderators(store: Store, site: str, submit: Any) -> None:
    await asyncio.gather(*(submit(f"c-{number}") for number in range(300)))
    found = await asyncio.gather(*(store.queue.claim(site, f"m-{number}", 5, 60, ANY) for number in range(50)))
    given = Counter(comment_id for claimed in found for comment_id in ids(claimed))
    assert set(given.values()) == {1}
    assert len(given) == 250
    tokens = [record.token for claimed in found for record in claimed]
    assert len(set(tokens)) == 250


async def test_more_claimers_than_comments_share_what_is_there(store: Store, site: str, submit: Any) -> None:
    await asyncio.gather(*(submit(f"c-{number}") for number in range(7)))
    found = await asyncio.gather(*(store.queue.claim(site, f"m-{number}", 1, 60, ANY) for number in range(50)))
    assert sorted(comment_id for claimed in found for comment_id in ids(claimed)) == [f"c-{n}" for n in range(7)]


@pytest.mark.parametrize(
    "wanted",
    [Filter(attribute="threat"), Filter(article="a-1"), Filter(section="world"), Filter("threat", "a-1", "world")],
)
async def test_a_filter_finds_what_lies_beyond_what_one_call_reads(
    store: Store, site: str, submit: Any, wanted: Filter
) -> None:
    other = Article(id="a-0", section="sport")
    await asyncio.gather(*(submit(f"c-{number:03}", sla_ms=1_000, article=other) for number in range(450)))
    await submit("wanted-1", attribute="threat", article=Article(id="a-1", section="world"), sla_ms=500_000)
    await submit("wanted-2", attribute="threat", article=Article(id="a-1", section="world"), sla_ms=600_000)
    assert ids(await store.queue.claim(site, "ann", 5, 60, wanted)) == ["wanted-1", "wanted-2"]


async def test_a_rare_filter_looks_at_so_many_of_the_most_urgent_and_no_more(
    store: Store, site: str, submit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.store.review.MOST_LOOKS", 2)
    await asyncio.gather(*(submit(f"c-{number:03}", sla_ms=1_000) for number in range(399)))
    await submit("near", attribute="threat", sla_ms=500_000)
    await submit("far", attribute="threat", sla_ms=600_000)
    assert ids(await store.queue.claim(site, "ann", 5, 60, Filter(attribute="threat"))) == ["near"]
    assert ids(await store.queue.claim(site, "bob", 5, 60, Filter(attribute="threat"))) == ["far"], "it moved up"


async def test_a_filter_matches_whole_words_only(store: Store, site: str, submit: Any) -> None:
    await submit("c-1", attribute="severe_toxicity")
    assert ids(await store.queue.claim(site, "ann", 1, 60, Filter(attribute="toxicity"))) == []
    assert ids(await store.queue.claim(site, "ann", 1, 60, Filter(why="appeal"))) == []
    assert ids(await store.queue.claim(site, "ann", 1, 60, Filter(attribute="severe_toxicity", why="uncertain")))


async def test_a_moderator_holds_at_most_so_many(redis_server: Any, settings: Settings, site: str, submit: Any) -> None:
    few = msgspec.structs.replace(settings, max_open_leases=3)
    async with open_store(few, redis_server.url) as store:
        for number in range(6):
            await submit(f"c-{number}", to=store)
        first = await store.queue.claim(site, "ann", 10, 60, ANY)
        assert len(first) == 3
        assert ids(await store.queue.claim(site, "ann", 10, 60, ANY)) == ids(first)
        assert len(ids(await store.queue.claim(site, "bob", 10, 60, ANY))) == 3


async def test_an_expired_lease_goes_back_to_its_old_place(
    store: Store, site: str, submit: Any, redis_server: Any, trail: Any
) -> None:
    await submit("second", sla_ms=20_000)
    (held,) = await store.queue.claim(site, "ann", 1, 60, ANY)
    await submit("first", sla_ms=10_000)
    await submit("third", sla_ms=30_000)
    end_leases(redis_server, site)
    again = await store.queue.claim(site, "bob", 3, 60, ANY)
    assert ids(again) == ["first", "second", "third"]
    assert again[1].due_at == held.due_at
    assert again[1].token > held.token
    assert again[1].expiries == 1
    assert ids(await store.queue.claim(site, "ann", 1, 60, ANY)) == []
    assert (await trail()).count("expired") == 1


async def test_many_expired_leases_all_come_back(store: Store, site: str, submit: Any, redis_server: Any) -> None:
    await asyncio.gather(*(submit(f"c-{number}") for number in range(120)))
    for number in range(6):
        await store.queue.claim(site, f"gone-{number}", 20, 60, ANY)
    end_leases(redis_server, site)
    found = [await store.queue.claim(site, f"m-{number}", 20, 60, ANY) for number in range(6)]
    assert len({comment_id for claimed in found for comment_id in ids(claimed)}) == 120


async def test_an_empty_queue_gives_nothing(store: Store, site: str) -> None:
    claimed = await store.queue.claim(site, "ann", 10, 60, ANY)
    assert claimed == []


async def test_a_queue_of_exactly_what_one_call_reads_ends(store: Store, site: str, submit: Any) -> None:
    await asyncio.gather(*(submit(f"c-{number}") for number in range(200)))
    assert ids(await store.queue.claim(site, "ann", 1, 60, Filter(attribute="spam"))) == []


async def test_waiting_comments_can_be_looked_at_without_a_lease(
    store: Store, site: str, submit: Any, redis_server: Any
) -> None:
    await submit("later", sla_ms=90_000)
    await submit("sooner", sla_ms=1_000)
    await submit("held", sla_ms=1)
    await store.queue.claim(site, "ann", 1, 60, ANY)
    with redis_server.client() as client:
        before = client.zrange(Shard(site).key("lease"), 0, -1, withscores=True)
        assert [record.id for record in await store.queue.items(site, State.QUEUED, 0, 10)] == ["sooner", "later"]
        assert [record.id for record in await store.queue.items(site, State.QUEUED, 1, 1)] == ["later"]
        assert [record.id for record in await store.queue.items(site, State.LEASED, 0, 10)] == ["held"]
        assert client.zrange(Shard(site).key("lease"), 0, -1, withscores=True) == before
    stats = await store.queue.stats(site, 1)
    assert (stats["queued"], stats["leased"], stats["escalated"]) == (2, 1, 0)
    assert stats["hours"][0][1] == {"automatic:review": 3}

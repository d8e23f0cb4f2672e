"""Who looks at a queue, in Redis: told to others of the site, and forgotten without being taken away."""

import time

from service.store import Store
from service.store.base import encode
from service.store.keyspace import Shard
from service.store.presence import MOST, PRESENT_S, Here

ANN, BOB = Here("page-1", "ann", ""), Here("page-2", "bob", "c-1")


async def test_open_pages_are_told_to_others_of_the_site(store: Store, site: str) -> None:
    assert await store.presence.here(site, ANN) == [ANN]
    assert {*await store.presence.here(site, BOB)} == {ANN, BOB}
    assert {*await store.presence.here(site, ANN)} == {ANN, BOB}
    assert await store.presence.here("weekly", ANN) == [ANN]


async def test_a_page_that_was_closed_is_not_told_any_more(store: Store, site: str) -> None:
    await store.presence.here(site, ANN)
    await store.presence.here(site, BOB)
    await store.presence.left(site, ANN)
    await store.presence.left(site, ANN)
    assert await store.presence.here(site, BOB) == [BOB]


async def test_a_page_that_says_no_more_is_forgotten(store: Store, site: str) -> None:
    key = Shard(site).key("here")
    await store.pipe.call("ZADD", key, int(time.time() * 1000) - 1, encode(ANN))
    assert await store.presence.here(site, BOB) == [BOB]
    assert 0 < await store.pipe.call("PTTL", key) <= PRESENT_S * 1000
    score = float(await store.pipe.call("ZSCORE", key, encode(BOB)))
    seconds, _ = await store.pipe.call("TIME")
    assert score - int(seconds) * 1000 <= (PRESENT_S + 1) * 1000


async def test_no_more_pages_are_told_than_a_page_can_show(store: Store, site: str) -> None:
    pages = [Here(f"page-{n}", f"name-{n}", "") for n in range(MOST + 1)]
    told = [await store.presence.here(site, each) for each in pages]
    assert [len(each) for each in told] == [*range(1, MOST + 1), MOST]

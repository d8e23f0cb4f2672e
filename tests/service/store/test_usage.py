"""Figures of keys in Redis: added once for each batch, bounded, and gone after a year."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.cases.usage import Usage
from service.store import Store
from service.store.keyspace import Shard
from service.store.usage import KEPT_S, MOST_PLACES, OTHERS
from service.values.access import ApiKey, Scope, mint
from service.values.errors import StoreUnavailable

MONTH = "2026-11"
ONE = {("daily.example", "api_calls"): 1, ("daily.example", "ham"): 1}


async def test_figures_add_up(store: Store, site: str) -> None:
    await store.usage.add(site, "key-1", MONTH, ONE, ("process-1", 1))
    await store.usage.add(site, "key-1", MONTH, {("daily.example", "api_calls"): 41}, ("process-1", 2))
    await store.usage.add(site, "key-1", MONTH, ONE, ("process-2", 1))
    assert (await store.usage.of(site, "key-1", MONTH))["daily.example"] == {"seen": 1, "api_calls": 43, "ham": 2}
    assert await store.usage.of(site, "key-1", "2026-10") == {}
    assert await store.usage.of(site, "key-2", MONTH) == {}
    assert await store.usage.of("weekly", "key-1", MONTH) == {}


async def test_the_same_batch_again_is_not_counted_again(store: Store, site: str) -> None:
    for number in (1, 1, 2, 1, 2):
        await store.usage.add(site, "key-1", MONTH, ONE, ("process-1", number))
    assert (await store.usage.of(site, "key-1", MONTH))["daily.example"]["api_calls"] == 2


async def test_beyond_so_many_places_the_rest_is_counted_together(store: Store, site: str) -> None:
    many = {(f"{number}.example", "api_calls"): 1 for number in range(MOST_PLACES + 20)}
    await store.usage.add(site, "key-1", MONTH, many, ("process-1", 1))
    await store.usage.add(site, "key-1", MONTH, many, ("process-1", 2))
    found = await store.usage.of(site, "key-1", MONTH)
    assert (found[OTHERS]["api_calls"], found["0.example"]["api_calls"]) == (40, 2)
    assert len([place for place, figures in found.items() if "api_calls" in figures]) == MOST_PLACES + 1


async def test_figures_expire(store: Store, site: str, redis_server: Any) -> None:
    await store.usage.add(site, "key-1", MONTH, ONE, ("process-1", 1))
    with redis_server.client() as client:
        assert 0 < client.ttl(Shard(site).usage("key-1", MONTH)) <= KEPT_S
        assert all(client.ttl(key) > 0 for key in client.scan_iter() if "usage" in key or "counted" in key)


class Unsure:
    """A Redis that does as it is told and then does not answer."""

    def __init__(self, store: Store) -> None:
        self.of = store.usage.of
        self._add = store.usage.add
        self.is_silent = False

    async def add(self, *asked: Any) -> None:
        await self._add(*asked)
        if self.is_silent:
            raise StoreUnavailable("no answer")


@pytest.fixture
def key() -> ApiKey:
    return mint("daily", frozenset(), None, datetime.now(UTC))[1]


async def test_what_may_have_been_written_is_not_counted_twice(store: Store, key: ApiKey) -> None:
    unsure = Unsure(store)
    usage = Usage(unsure, store.background)
    usage.count(key, "daily.example", "api_calls", "ham")
    unsure.is_silent = True
    for _ in range(3):
        usage.count(key, "daily.example", "api_calls", "spam")
        with pytest.raises(StoreUnavailable):
            await usage.write()
    unsure.is_silent = False
    found = (await usage.of(key, usage.month))["daily.example"]
    assert (found.api_calls, found.ham, found.spam) == (4, 1, 3)


async def test_a_month_that_is_over_is_written_and_let_go(store: Store, key: ApiKey) -> None:
    clock = [datetime(2026, 11, 30, 23, 59, tzinfo=UTC)]
    usage = Usage(store.usage, store.background, lambda: clock[0])
    usage.count(key, "daily.example", "api_calls")
    clock[0] = datetime(2026, 12, 1, tzinfo=UTC)
    usage.count(key, "daily.example", "api_calls")
    assert [(await usage.of(key, month))["daily.example"].api_calls for month in ("2026-11", "2026-12")] == [1, 1]


async def used(store: Store, name: str) -> ApiKey:
    _, key = mint("daily", frozenset({Scope.SCORE}), name, datetime.now(UTC))
    await store.access.keep(key)
    return key


async def test_the_last_use_of_all_keys_is_one_write_in_a_minute(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [datetime(2026, 11, 30, 12, tzinfo=UTC)]
    usage = Usage(store.usage, store.background, lambda: clock[0])
    one, two = await used(store, "one"), await used(store, "two")
    writes: list[dict[str, datetime]] = []
    note = store.usage.note_used

    async def noted(at: dict[str, datetime]) -> None:
        writes.append(at)
        await note(at)

    monkeypatch.setattr(store.usage, "note_used", noted)
    for _ in range(3):
        for _ in range(1000):
            usage.touch(one)
            usage.touch(two)
        await usage._write()  # noqa: SLF001 - as its loop does every second
        clock[0] += timedelta(seconds=1)
    assert [set(each) for each in writes] == [{one.id, two.id}]
    assert (await usage.last_used())[one.id] == clock[0] - timedelta(seconds=1), "of this process to the second"
    assert (await store.usage.last_used())[one.id] == clock[0] - timedelta(seconds=3), "of others to a minute"


async def test_a_service_that_ends_writes_the_last_use(store: Store) -> None:
    usage = Usage(store.usage, store.background)
    key = await used(store, "one")
    async with usage.written():
        usage.touch(key)
    assert key.id in await store.usage.last_used()


async def test_a_last_use_that_could_not_be_written_is_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = Usage(store.usage, store.background)
    key = await used(store, "one")
    usage.touch(key)

    async def away(_: object) -> None:
        raise StoreUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(store.usage, "note_used", away)
        await usage._write()  # noqa: SLF001 - as its loop does every second
    assert await store.usage.last_used() == {}
    await usage._write()  # noqa: SLF001 - as above
    assert key.id in await store.usage.last_used()


async def test_a_revoked_key_leaves_no_last_use(store: Store) -> None:
    first, second = await used(store, "one"), await used(store, "two")
    await store.usage.note_used({first.id: datetime.now(UTC)})
    await store.access.revoke(first.id)
    await store.access.revoke(second.id)
    await store.usage.note_used({second.id: datetime.now(UTC)})
    assert await store.usage.last_used() == {}

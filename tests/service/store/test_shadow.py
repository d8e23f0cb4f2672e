"""Counts of a model in shadow in Redis: added once for each batch, apart for each site, model and day, and expiring."""

from datetime import UTC, date, datetime, timedelta

from service.store import Store
from service.store.comments import DAY_S
from service.store.draws import EPOCH
from service.store.keyspace import Shard
from service.store.shadow import DIGEST_CHARS, KEPT_DAYS
from service.values.domain import Action
from service.values.shadow import Pair

TODAY = date(2026, 11, 30)
DIGEST, OTHER = "a" * 64, "b" * 64
SAME, MISSED = Pair("m-1", Action.APPROVE, Action.APPROVE), Pair("m-1", Action.REJECT, Action.APPROVE)


async def test_batches_add_up_and_a_repeated_one_changes_nothing(store: Store, site: str) -> None:
    for number in (1, 1, 2, 1, 2):
        await store.shadow.add(site, DIGEST, TODAY, {SAME: 5, MISSED: 1}, ("process-1", number))
    await store.shadow.add(site, DIGEST, TODAY, {SAME: 3}, ("process-2", 1))
    assert await store.shadow.of(site, DIGEST, TODAY) == {TODAY: {SAME: 13, MISSED: 2}}


async def test_sites_models_and_days_are_apart(store: Store, site: str) -> None:
    yesterday = TODAY - timedelta(days=1)
    await store.shadow.add(site, DIGEST, TODAY, {SAME: 1}, ("p", 1))
    await store.shadow.add(site, DIGEST, yesterday, {SAME: 2}, ("p", 2))
    await store.shadow.add(site, OTHER, TODAY, {SAME: 4}, ("p", 3))
    await store.shadow.add("weekly", DIGEST, TODAY, {SAME: 8}, ("p", 4))
    assert await store.shadow.of(site, DIGEST, TODAY) == {TODAY: {SAME: 1}, yesterday: {SAME: 2}}
    assert await store.shadow.of(site, OTHER, TODAY) == {TODAY: {SAME: 4}}
    assert await store.shadow.of(site, DIGEST, TODAY + timedelta(days=KEPT_DAYS)) == {}


async def test_every_key_expires_after_its_days(store: Store, site: str) -> None:
    today = datetime.now(UTC).date()
    await store.shadow.add(site, DIGEST, today, {SAME: 1}, ("p", 1))
    key = Shard(site).key(f"shadow:{DIGEST[:DIGEST_CHARS]}:{(today - EPOCH).days}")
    assert 0 < await store.pipe.call("TTL", key) <= (KEPT_DAYS + 1) * DAY_S
    names = await store.pipe.call("KEYS", Shard(site).key("shadow*"))
    assert len(names) == 2
    assert all([await store.pipe.call("TTL", name) > 0 for name in names])

"""The streams of a site in several shards, read as one."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from service.settings import Settings
from service.store import Store, events, open_store
from service.store.keyspace import Shard, Shards
from service.store.labels import Imported


@pytest.fixture
async def sharded(settings: Settings) -> AsyncIterator[Store]:
    assert settings.redis_url is not None
    of_three = msgspec.structs.replace(settings, shards=3, undo_hold_s=0)
    async with open_store(of_three, settings.redis_url) as store:
        yield store


async def all_of(page: Any, site: str, limit: int) -> list[Any]:
    """Every entry, read page by page from the beginning to the end."""
    seen: list[Any] = []
    after: str | None = ""
    while after is not None:
        found, after = await page(site, after, limit)
        seen += found
        assert after is None or len(after.split("~")) == 3
        assert after is None or all(after.split("~"))
    return seen


async def test_each_stream_is_read_page_by_page_without_gap_or_repeat(sharded: Store, site: str, submit: Any) -> None:
    for number in range(20):
        await submit(f"c-{number}", to=sharded)
        label = Imported(f"l-{number}", "d", f"text {number}", {"spam": True}, "reject", "", "import", 1.0)
        assert await sharded.labels.add(site, label, "admin")
    each = sorted(f"c-{number}" for number in range(20))
    for limit in (1, 3, 7, 100):
        told = await all_of(sharded.events.site_events, site, limit)
        happened = await all_of(sharded.events.page, site, limit)
        for found in (told, happened):
            assert sorted(event.details["comment"] for event in found) == each
            assert [event.at for event in found] == sorted(event.at for event in found)
        labels = await all_of(sharded.labels.page, site, limit)
        assert sorted(label.id for label in labels) == sorted(f"l-{number}" for number in range(20))
        assert [label.at for label in labels] == sorted(label.at for label in labels)
        trail = await all_of(sharded.audit.page, site, limit)
        assert sorted(e.details["comment"] for e in trail if e.details["action"] == "submitted") == each
        assert [entry.at for entry in trail] == sorted(entry.at for entry in trail)


async def test_a_shard_in_which_nothing_happened_has_a_place_too(sharded: Store, site: str, submit: Any) -> None:
    await submit("c-1", to=sharded)
    _, after = await sharded.events.page(site, "", 10)
    assert after is not None
    assert sorted(after.split("~"))[:2] == ["0-0", "0-0"]
    await submit("c-2", to=sharded)
    assert [event.details["comment"] for event in (await sharded.events.page(site, after, 10))[0]] == ["c-2"]


async def test_behind_each_event_reading_goes_on_with_the_next(sharded: Store, site: str, submit: Any) -> None:
    for number in range(12):
        await submit(f"c-{number}", to=sharded)
    found, _ = await sharded.events.page(site, "", 100)
    assert len(found) == 12
    for number, event in enumerate(found):
        rest, _ = await sharded.events.page(site, event.cursor, 100)
        assert rest == found[number + 1 :]


async def test_what_sites_are_not_told_is_passed_over_a_bounded_part_at_a_time(
    store: Store, site: str, submit: Any, redis_server: Any
) -> None:
    with redis_server.client() as client, client.pipeline(transaction=False) as pipeline:
        for _ in range(events.AT_ONCE * events.MOST_READS + 10):
            pipeline.xadd(Shard(site).key("events"), {"kind": "claimed", "comment": "old"})
        pipeline.execute()
        await submit("c-1")
        client.config_resetstat()
        hasty = events.Events(store.pipe, 0, Shards(store.pipe))
        found, after = await hasty.site_events(site, "", 10)
        assert found == []
        assert client.info("commandstats")["cmdstat_xrange"]["calls"] == events.MOST_READS
    assert after is not None
    assert [event.details["comment"] for event in (await hasty.site_events(site, after, 10))[0]] == ["c-1"]

"""A change of an author's status is recorded, written to the trail and told to the site in one step."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from service.settings import Settings
from service.store import Store, open_store
from service.store.author_status import KEPT_CHANGES, StatusChange, event_name
from service.store.batches import MOST_IN_BATCH
from service.store.outbox import Taken
from service.values.rules import AuthorStatus

pytestmark = pytest.mark.asyncio
URL = "https://site.example/"
ENDS = datetime(2099, 1, 1, tzinfo=UTC)


@pytest.fixture(params=[1, 3])
async def store(request: pytest.FixtureRequest, settings: Settings) -> AsyncIterator[Store]:
    changed = msgspec.structs.replace(settings, shards=request.param, undo_hold_s=0)
    assert changed.redis_url is not None
    async with open_store(changed, changed.redis_url) as store:
        yield store


def change(version: int, status: AuthorStatus = AuthorStatus.BANNED, **more: Any) -> StatusChange:
    return StatusChange(status, version, datetime.now(UTC), "chief", **more)


async def taken(store: Store, site: str) -> list[Taken]:
    found = [await store.outbox.take(shard, 10, 60) for shard in store.outbox.shards(site)]
    return [each for some in found for each in some.events]


async def breaches(store: Store, site: str) -> list[str]:
    return [each.what async for each in store.fsck.examine(site)]


async def test_a_change_is_kept_told_and_written_to_the_trail(store: Store, site: str) -> None:
    await store.outbox.endpoints.put(site, URL, include_text=True, actor="chief")
    muted = change(1, AuthorStatus.MUTED, why="insult", note="between us", until=ENDS)
    assert await store.statuses.put(site, "ann", muted, before=AuthorStatus.TRUSTED, pseudonym="f00")
    (kept,) = await store.statuses.history(site, "ann")
    assert msgspec.structs.replace(kept, event=None) == muted
    (entry,) = [e for e in (await store.audit.page(site, "", 100))[0] if e.details["action"] == "author_status"]
    ends = str(round(ENDS.timestamp() * 1000))
    assert entry.details == {
        "action": "author_status",
        "actor": "chief",
        "author": "f00",
        "before": "trusted",
        "after": "muted",
        "version": "1",
        "why": "insult",
        "until": ends,
    }
    (event,), _ = await store.events.site_events(site, "", 10)
    assert event.details["type"] == "author.status_changed"
    assert event.details["ends"] == ends
    (sent,) = await taken(store, site)
    assert (sent.event.author, sent.event.status, sent.event.by, sent.event.why) == ("ann", "muted", "chief", "insult")
    assert sent.event.ends == int(ends)
    assert (sent.callback, sent.text) == (None, None)


async def test_of_changes_with_the_same_version_one_wins(store: Store, site: str) -> None:
    said = await asyncio.gather(*(store.statuses.put(site, "ann", change(1)) for _ in range(5)))
    assert sorted(said) == [False, False, False, False, True]
    assert len(await store.statuses.history(site, "ann")) == 1
    events, _ = await store.events.site_events(site, "", 10)
    assert len(events) == 1


async def test_without_an_endpoint_only_the_feed_has_it(store: Store, site: str) -> None:
    assert await store.statuses.put(site, "ann", change(1))
    assert await taken(store, site) == []
    assert await breaches(store, site) == []


async def test_the_events_of_an_author_leave_in_order_and_beside_those_of_a_comment_of_that_name(
    store: Store, site: str, submit: Any
) -> None:
    await store.outbox.endpoints.put(site, URL, include_text=True, actor="chief")
    for version in (1, 2):
        assert await store.statuses.put(site, "ann", change(version))
    await submit("author:ann", to=store)
    first = {each.event.comment: each for each in await taken(store, site)}
    assert {name: each.event.version for name, each in first.items()} == {event_name("ann"): 1, "author:ann": 1}
    assert [first["author:ann"].event.type, first[event_name("ann")].event.type] == [
        "comment.queued",
        "author.status_changed",
    ]
    await store.outbox.settle(first[event_name("ann")], "delivered")
    (second,) = await taken(store, site)
    assert (second.event.author, second.event.version) == ("ann", 2)
    assert await breaches(store, site) == []


async def test_a_letter_of_an_author_is_sent_again(store: Store, site: str) -> None:
    await store.outbox.endpoints.put(site, URL, include_text=True, actor="chief")
    assert await store.statuses.put(site, "ann", change(1))
    (sent,) = await taken(store, site)
    await store.outbox.settle(sent, "dead", attempts=1, because="500")
    (letter,) = await store.outbox.letters(site, None, 10)
    assert (letter.author, letter.version) == ("ann", 1)
    assert await store.outbox.replay(site, letter.comment, letter.version) == "ok"
    assert [each.event.author for each in await taken(store, site)] == ["ann"]


async def test_old_changes_are_dropped(store: Store, site: str) -> None:
    for version in range(1, KEPT_CHANGES + 3):
        assert await store.statuses.put(site, "ann", change(version))
    versions = [each.version for each in await store.statuses.history(site, "ann")]
    assert versions == list(range(KEPT_CHANGES + 2, 2, -1))
    newest = await store.statuses.newest(site, "ann")
    assert newest is not None
    assert newest.version == KEPT_CHANGES + 2


@pytest.mark.parametrize("is_dead", [False, True])
async def test_nothing_is_left_of_a_forgotten_author(
    store: Store, site: str, redis_server: Any, *, is_dead: bool
) -> None:
    await store.outbox.endpoints.put(site, URL, include_text=True, actor="chief")
    assert await store.statuses.put(site, "needle", change(1, note="needle"))
    if is_dead:
        (sent,) = await taken(store, site)
        await store.outbox.settle(sent, "dead", attempts=1, because="500")
    assert await store.statuses.put(site, "needle", change(2), pseudonym="f00")
    assert await store.statuses.put(site, "other", change(1))
    with redis_server.client() as client:
        # In the trail stands the pseudonym that the caller gives; the first change was given none.
        client.delete(*client.scan_iter("*:audit"))
        await store.statuses.forget(site, "needle")
        assert all("needle" not in key for key in client.scan_iter())
    assert await store.statuses.history(site, "needle") == []
    assert await store.outbox.letters(site, None, 10) == []
    assert [each.event.author for each in await taken(store, site)] == ["other"]
    events, _ = await store.events.site_events(site, "", 10)
    assert [each.details["author"] for each in events] == ["other"]
    assert await breaches(store, site) == []


async def test_a_status_that_has_ended_is_not_in_force(store: Store, site: str) -> None:
    now = datetime.now(UTC)
    assert await store.statuses.put(site, "ann", change(1, AuthorStatus.MUTED, until=now + timedelta(seconds=5)))
    newest = await store.statuses.newest(site, "ann")
    assert newest is not None
    assert newest.is_in_force(now)
    assert not newest.is_in_force(now + timedelta(seconds=5))


async def test_a_batch_holds_so_many_and_expires(store: Store, site: str, redis_server: Any) -> None:
    decisions = {f"c-{number}": number for number in range(MOST_IN_BATCH)}
    assert await store.batches.note(site, "b-1", decisions)
    assert await store.batches.get(site, "b-1") == decisions
    assert not await store.batches.note(site, "b-1", {"one more": 1})
    await store.batches.drop(site, "b-1", ["c-0"])
    assert await store.batches.note(site, "b-1", {"one more": 1})
    assert await store.batches.get(site, "b-2") == {}
    with redis_server.client() as client:
        (key,) = client.scan_iter("*:batch:*")
        assert 0 < client.ttl(key) <= 86_400

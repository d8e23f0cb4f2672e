"""Events leave in order, one at a time for a comment, and what cannot be told is kept where people see it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from service.settings import Settings
from service.store import Store, open_store
from service.store.endpoint import TooManySecrets
from service.store.keyspace import Shard
from service.store.outbox import CALLBACK_LIFE_S, LetterPosition, Taken
from service.values.errors import StoreUnavailable

URL = "https://site.example/hook"


@pytest.fixture
async def told(store: Store, site: str) -> None:
    await store.outbox.endpoints.put(site, URL, include_text=False, actor="admin")


async def take(store: Store, site: str, most: int = 10, **more: Any) -> list[Taken]:
    return list((await store.outbox.take(Shard(site), most, 60, **more)).events)


async def take_one(store: Store, site: str) -> Taken:
    (taken,) = await take(store, site)
    return taken


async def bury(store: Store, site: str) -> Taken:
    taken = await take_one(store, site)
    await store.outbox.settle(taken, "dead", attempts=10, because="500")
    return taken


def versions(found: list[Taken]) -> list[tuple[str, int]]:
    return [(each.event.comment, each.event.version) for each in found]


async def edited(submit: Any, comment_id: str, times: int, **more: Any) -> None:
    """Each edit of a waiting comment is two events: the revision is withdrawn, the next is queued."""
    for n in range(times):
        await submit(comment_id, f"text {n}", **more)


async def test_nobody_is_told_where_nobody_listens(store: Store, site: str, submit: Any) -> None:
    await submit("c-1")
    assert await take(store, site) == []
    assert (await store.outbox.take(Shard(site), 10, 60)).next_s is None


@pytest.mark.usefixtures("told")
async def test_an_event_says_what_happened(store: Store, site: str, submit: Any) -> None:
    await submit("c-1")
    taken = await take_one(store, site)
    event = taken.event
    assert (event.type, event.comment, event.revision, event.version) == ("comment.queued", "c-1", 1, 1)
    assert (event.status, event.decided_by, taken.attempts, taken.callback) == ("pending", "model", 0, None)
    assert abs(event.at / 1000 - datetime.now(UTC).timestamp()) < 60


async def test_a_callback_is_told_without_an_endpoint(store: Store, site: str, submit: Any) -> None:
    await submit("c-1", callback_url=URL)
    assert (await take_one(store, site)).callback == URL


@pytest.mark.usefixtures("told")
async def test_the_text_goes_along_only_when_asked_for(store: Store, site: str, submit: Any) -> None:
    await submit("plain", "what I wrote")
    await submit("callback", "what I wrote", callback_url=URL)
    assert {each.text for each in await take(store, site)} == {None}
    with_text = "weekly"
    await store.outbox.endpoints.put(with_text, URL, include_text=True, actor="admin")
    await submit("plain", "what I wrote", at=with_text)
    await submit("callback", "what I wrote", at=with_text, callback_url=URL)
    found = {each.event.comment: each.text for each in await take(store, with_text, with_text=True)}
    assert found == {"plain": "what I wrote", "callback": None}


@pytest.mark.usefixtures("told")
async def test_one_event_of_a_comment_is_with_one_relay(store: Store, site: str, submit: Any) -> None:
    await edited(submit, "c-1", 2)
    await submit("c-2")
    found = await asyncio.gather(*(take(store, site, 1) for _ in range(20)))
    assert sorted(versions([each for some in found for each in some])) == [("c-1", 1), ("c-2", 1)]


@pytest.mark.usefixtures("told")
async def test_events_of_a_comment_leave_in_order(store: Store, site: str, submit: Any) -> None:
    await edited(submit, "c-1", 3)
    seen = []
    while found := await take(store, site):
        seen += versions(found)
        await store.outbox.settle(found[0], "delivered")
    assert seen == [("c-1", version) for version in range(1, 6)]


@pytest.mark.usefixtures("told")
async def test_a_failed_event_comes_again_and_holds_up_the_next(store: Store, site: str, submit: Any) -> None:
    await edited(submit, "c-1", 2)
    first = await take_one(store, site)
    assert await store.outbox.settle(first, "failed", attempts=1, delay_s=30) == 30
    assert await take(store, site) == []
    next_s = (await store.outbox.take(Shard(site), 10, 60)).next_s
    assert next_s is not None
    assert 25 < next_s <= 30
    assert await store.outbox.settle(first, "failed", attempts=1, delay_s=0) is None, "settled twice"


@pytest.mark.usefixtures("told")
async def test_attempts_are_counted_for_each_event(store: Store, site: str, submit: Any) -> None:
    await edited(submit, "c-1", 2)
    for attempts in (0, 1, 2):
        taken = await take_one(store, site)
        assert (taken.event.version, taken.attempts) == (1, attempts)
        await store.outbox.settle(taken, "failed", attempts=attempts + 1)
    await store.outbox.settle(await take_one(store, site), "deferred", attempts=3)
    last = await take_one(store, site)
    assert last.attempts == 3
    await store.outbox.settle(last, "delivered")
    following = await take_one(store, site)
    assert (following.event.version, following.attempts) == (2, 0)


@pytest.mark.usefixtures("told")
async def test_a_relay_whose_lease_passed_to_another_settles_nothing(
    store: Store, site: str, submit: Any, redis_server: Any
) -> None:
    await submit("c-1")
    slow = await take_one(store, site)
    with redis_server.client() as client:
        client.zadd(Shard(site).key("out:due"), {"c-1": 1})
    other = await take_one(store, site)
    assert other.token > slow.token
    for outcome in ("delivered", "failed", "dead", "deferred"):
        assert await store.outbox.settle(slow, outcome, attempts=1) is None
    assert (await store.outbox.backlog(site)).dead == 0
    assert (await store.outbox.backlog(site)).pending == 1
    await store.outbox.settle(other, "delivered")
    assert (await store.outbox.backlog(site)).pending == 0


@pytest.mark.usefixtures("told")
async def test_a_late_relay_still_settles_what_nobody_else_took(
    store: Store, site: str, submit: Any, redis_server: Any
) -> None:
    await submit("c-1")
    slow = await take_one(store, site)
    with redis_server.client() as client:
        client.zadd(Shard(site).key("out:due"), {"c-1": 1})
    await store.outbox.settle(slow, "delivered")
    assert await take(store, site) == []


@pytest.mark.usefixtures("told")
async def test_what_is_for_a_pausing_endpoint_is_put_off_and_callbacks_are_not(
    store: Store, site: str, submit: Any
) -> None:
    for n in range(30):
        await submit(f"c-{n}")
    await submit("callback", callback_url=URL)
    found = await take(store, site, 2, pause_s=20)
    assert versions(found) == [("callback", 1)]
    next_s = (await store.outbox.take(Shard(site), 10, 60)).next_s
    assert next_s is not None
    assert 15 < next_s <= 20


@pytest.mark.usefixtures("told")
async def test_after_the_last_event_nothing_is_left(store: Store, site: str, submit: Any, redis_server: Any) -> None:
    await edited(submit, "c-1", 3, callback_url=URL)
    while found := await take(store, site):
        await store.outbox.settle(found[0], "failed", attempts=1)
        await store.outbox.settle(await take_one(store, site), "delivered")
    with redis_server.client() as client:
        assert client.keys(Shard(site).key("out:*")) == []


@pytest.mark.usefixtures("told")
async def test_a_dead_letter_lets_the_next_event_go(store: Store, site: str, submit: Any) -> None:
    await edited(submit, "c-1", 2)
    await bury(store, site)
    assert versions(await take(store, site)) == [("c-1", 2)]
    (letter,) = await store.outbox.letters(site, None, 10)
    assert (letter.comment, letter.version, letter.type) == ("c-1", 1, "comment.queued")
    assert (letter.because, letter.attempts, letter.callback) == ("500", 10, None)


@pytest.mark.usefixtures("told")
async def test_a_replayed_letter_goes_before_what_is_newer(store: Store, site: str, submit: Any) -> None:
    await edited(submit, "c-1", 3)
    await bury(store, site)
    await bury(store, site)
    assert await store.outbox.replay(site, "c-1", 2) == "ok"
    assert await store.outbox.replay(site, "c-1", 1) == "ok"
    assert await store.outbox.replay(site, "c-1", 1) == "ok", "asked again after a lost answer"
    assert await store.outbox.letters(site, None, 10) == []
    seen = []
    while found := await take(store, site):
        seen += [(each.event.version, each.attempts) for each in found]
        await store.outbox.settle(found[0], "delivered")
    assert seen == [(1, 0), (2, 0), (3, 0), (4, 0), (5, 0)]


@pytest.mark.usefixtures("told")
async def test_a_letter_is_not_sent_after_a_newer_version(
    store: Store, site: str, submit: Any, redis_server: Any
) -> None:
    await edited(submit, "c-1", 2)
    await bury(store, site)
    await store.outbox.settle(await take_one(store, site), "delivered")
    assert [await store.outbox.replay(site, "c-1", 1) for _ in range(2)] == ["superseded"] * 2
    replay = await store.outbox.replay_all(site, 100)
    assert (replay.sent, replay.superseded, replay.busy, replay.is_more) == (0, 1, 0, False)
    assert await store.outbox.replay(site, "c-1", 1) == "unknown"
    await store.outbox.settle(await take_one(store, site), "delivered")
    with redis_server.client() as client:
        assert client.keys(Shard(site).key("out:*")) == []


@pytest.mark.usefixtures("told")
async def test_a_letter_waits_while_a_newer_event_is_on_its_way(store: Store, site: str, submit: Any) -> None:
    await edited(submit, "c-1", 2)
    await bury(store, site)
    newer = await take_one(store, site)
    assert await store.outbox.replay(site, "c-1", 1) == "busy"
    await store.outbox.settle(newer, "failed", attempts=1, delay_s=60)
    assert await store.outbox.replay(site, "c-1", 1) == "ok"
    again = await take_one(store, site)
    assert (again.event.version, again.attempts) == (1, 0)


@pytest.mark.usefixtures("told")
async def test_all_letters_are_replayed_in_order(store: Store, site: str, submit: Any) -> None:
    for n in range(130):
        await edited(submit, f"c-{n:03}", 2)
    for _ in range(3):
        while found := await take(store, site, 200):
            await asyncio.gather(*(store.outbox.settle(each, "dead", attempts=1, because="500") for each in found))
    assert (await store.outbox.backlog(site)).dead == 390
    replay = await store.outbox.replay_all(site, 1000)
    assert (replay.sent, replay.superseded, replay.busy, replay.is_more) == (390, 0, 0, False)
    seen: dict[str, list[int]] = {}
    while found := await take(store, site, 200):
        for each in found:
            seen.setdefault(each.event.comment, []).append(each.event.version)
            await store.outbox.settle(each, "delivered")
    assert len(seen) == 130
    assert all(each == [1, 2, 3] for each in seen.values())


@pytest.mark.usefixtures("told")
async def test_letters_are_listed_in_pages(store: Store, site: str, submit: Any) -> None:
    for n in range(25):
        await submit(f"c:{n}")
    for each in await take(store, site, 50):
        await store.outbox.settle(each, "dead", attempts=1, because="500")
    seen, place = [], None
    while page := await store.outbox.letters(site, place, 7):
        assert len(page) <= 7
        seen += [each.comment for each in page]
        place = LetterPosition(page[-1].comment, page[-1].version, page[-1].died)
        # A letter that goes meanwhile makes nobody be passed over.
        await store.outbox.forget(site, page[-1].comment, page[-1].version)
    assert {f"c:{n}" for n in range(25)} == set(seen)


@pytest.mark.usefixtures("told")
async def test_letters_are_kept_for_some_time_only(store: Store, site: str, submit: Any, redis_server: Any) -> None:
    for n in range(3):
        await submit(f"c-{n}")
        await bury(store, site)
    oldest, _, newest = await store.outbox.letters(site, None, 10)
    assert await store.outbox.purge(Shard(site), oldest.died_at) == 0
    assert await store.outbox.purge(Shard(site), newest.died_at + timedelta(milliseconds=1), most=2) == 2
    assert await store.outbox.purge(Shard(site), newest.died_at + timedelta(milliseconds=1), most=2) == 1
    with redis_server.client() as client:
        assert client.keys(Shard(site).key("out:*")) == []


async def test_a_callback_outlives_the_text_as_long_as_somebody_is_to_be_told(
    store: Store, site: str, submit: Any, redis_server: Any
) -> None:
    await submit("c-1", callback_url=URL)
    with redis_server.client() as client:
        key = f"{Shard(site).prefix}callback:c-1"
        client.expire(key, 60)
        taken = await take_one(store, site)
        await store.outbox.settle(taken, "failed", attempts=1)
        assert client.ttl(key) > CALLBACK_LIFE_S - 10
        await bury(store, site)
        client.delete(key)
    (letter,) = await store.outbox.letters(site, None, 10)
    assert letter.callback == URL
    await store.outbox.replay(site, "c-1", 1)
    assert (await take_one(store, site)).callback == URL


async def test_a_full_redis_still_settles(make_server: Any, settings: Settings, site: str, submit: Any) -> None:
    server = make_server()
    async with open_store(msgspec.structs.replace(settings, redis_url=server.url), server.url) as store:
        await store.outbox.endpoints.put(site, URL, include_text=False, actor="admin")
        await asyncio.gather(*(submit(f"c-{n}", to=store) for n in range(3)))
        with server.client() as client:
            client.config_set("maxmemory", 1)
            with pytest.raises(StoreUnavailable, match="full"):
                await submit("c-9", to=store)
            delivered, failed, dead = await take(store, site)
            await store.outbox.settle(delivered, "delivered")
            await store.outbox.settle(failed, "failed", attempts=1, delay_s=60)
            await store.outbox.settle(dead, "dead", attempts=10, because="500")
            backlog = await store.outbox.backlog(site)
            assert (backlog.pending, backlog.dead) == (1, 1)
            client.config_set("maxmemory", 0)


async def test_every_shard_tells_and_lists(settings: Settings, site: str, submit: Any) -> None:
    sharded = msgspec.structs.replace(settings, shards=4)
    assert sharded.redis_url is not None
    async with open_store(sharded, sharded.redis_url) as store:
        await store.outbox.endpoints.put(site, URL, include_text=False, actor="admin")
        for n in range(40):
            await submit(f"c-{n}", to=store)
        assert (await store.outbox.backlog(site)).pending == 40
        for shard in store.outbox.shards(site):
            found = (await store.outbox.take(shard, 40, 60)).events
            assert len(found) > 1
            for each in found:
                await store.outbox.settle(each, "dead", attempts=1, because="500")
        seen, place = [], None
        while page := await store.outbox.letters(site, place, 7):
            seen += [each.comment for each in page]
            place = LetterPosition(page[-1].comment, page[-1].version, page[-1].died)
        assert sorted(seen) == sorted(f"c-{n}" for n in range(40))
        assert (await store.outbox.replay_all(site, 1000)).sent == 40
        await store.outbox.endpoints.remove(site, "admin")
        await submit("later", to=store)
        assert (await store.outbox.backlog(site)).pending == 40


async def test_a_secret_signs_until_its_own_end(store: Any, site: str) -> None:
    endpoints = store.outbox.endpoints
    for sealed, overlap_s in (("first", 60), ("second", 60), ("third", 0), ("fourth", 60)):
        await endpoints.rotate(site, sealed, overlap_s, "admin")
    # The second one ended when the third came.
    assert (await endpoints.get(site)).secrets == ("fourth", "third", "first")
    for number in range(3):
        await endpoints.rotate(site, f"later-{number}", 60, "admin")
    before = await endpoints.get(site)
    with pytest.raises(TooManySecrets) as refused:
        await endpoints.rotate(site, "too-many", 60, "admin")
    assert (await endpoints.get(site)) == before
    assert before.previous_until is not None
    assert refused.value.until <= before.previous_until
    # After a lost reply the same secret is told once more.
    assert await endpoints.rotate(site, "later-2", 60, "admin") == before.previous_until

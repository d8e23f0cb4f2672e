"""A broken promise is stored, told and written to the trail in one step; one process stores what the watch knows."""

from collections.abc import AsyncIterator

import msgspec
import pytest

from service.settings import Settings
from service.store import Store, open_store
from service.store.outbox import Taken
from service.store.watch import Counted, SideWatch, WatchState
from service.values.policy import Policy, Thresholds
from service.values.targets import Side
from service.values.watching import Evidence

pytestmark = pytest.mark.asyncio
POLICY = Policy({"spam": Thresholds(0.1)}, version=2)
URL = "https://site.example/"


@pytest.fixture(params=[1, 3])
async def store(request: pytest.FixtureRequest, settings: Settings) -> AsyncIterator[Store]:
    changed = msgspec.structs.replace(settings, shards=request.param, undo_hold_s=0)
    assert changed.redis_url is not None
    async with open_store(changed, changed.redis_url) as store:
        yield store


async def taken(store: Store, site: str) -> list[Taken]:
    found = [await store.outbox.take(shard, 10, 60) for shard in store.outbox.shards(site)]
    return [each for some in found for each in some.events]


async def broken(store: Store, site: str, version: int = 2) -> bool:
    return await store.access.keep_policy(
        site,
        msgspec.structs.replace(POLICY, version=version),
        "watch",
        action="promise_broken",
        details={"promise": "max_missed"},
        broken="max_missed",
    )


async def test_a_broken_promise_is_told_once(store: Store, site: str) -> None:
    await store.outbox.endpoints.put(site, URL, include_text=True, actor="chief")
    assert await broken(store, site)
    assert not await broken(store, site), "another process was faster"
    (sent,) = await taken(store, site)
    event = sent.event
    assert (event.type, event.promise, event.policy, event.version) == ("promise.broken", "max_missed", "default@2", 2)
    entries = [each.details for each in (await store.audit.page(site, "", 100))[0]]
    (entry,) = [each for each in entries if each["action"] == "promise_broken"]
    assert (entry["actor"], entry["policy"], entry["promise"]) == ("watch", "default@2", "max_missed")
    assert [each async for each in store.fsck.examine(site)] == []


async def test_a_letter_of_a_promise_is_sent_again(store: Store, site: str) -> None:
    await store.outbox.endpoints.put(site, URL, include_text=True, actor="chief")
    assert await broken(store, site)
    (sent,) = await taken(store, site)
    await store.outbox.settle(sent, "dead", attempts=1, because="500")
    (letter,) = await store.outbox.letters(site, None, 10)
    assert letter.promise == "max_missed"
    assert await store.outbox.replay(site, letter.comment, letter.version) == "ok"
    assert [each.event.promise for each in await taken(store, site)] == ["max_missed"]


async def test_an_ordinary_change_of_the_policy_tells_nobody(store: Store, site: str) -> None:
    await store.outbox.endpoints.put(site, URL, include_text=True, actor="chief")
    assert await store.access.keep_policy(site, POLICY, "chief")
    assert await taken(store, site) == []


async def test_what_the_watch_knows_is_stored_by_whoever_is_first(store: Store, site: str) -> None:
    assert await store.watches.read(site) == (0, WatchState())
    evidence = Evidence().with_outcome(True, 0.05).with_outcome(False, 0.05)
    state = WatchState(
        certificate="c",
        cursor="1-0",
        sides={Side.APPROVE: SideWatch(evidence)},
        counted=(Counted("1-0", "c-1", Side.APPROVE, is_wrong=True),),
    )
    assert await store.watches.put(site, 0, state)
    assert await store.watches.read(site) == (1, state)
    assert not await store.watches.put(site, 0, WatchState())
    assert await store.watches.put(site, 1, WatchState())

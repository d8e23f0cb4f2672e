"""Copies are counted once each, while comments race, are sent twice, edited and erased, and Redis is lost."""

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rings import TIMEOUT_S, Node, a_ring, replica_of, until
from sending import THREE_ALIKE, send_to

from service.settings import Settings
from service.store import Store, open_store
from service.store.asked import CopyLimit, CountLimits
from service.store.keyspace import Shard
from service.store.scripts import script
from service.values.domain import Action, Comment, Judgement
from service.values.errors import StoreUnavailable

pytestmark = pytest.mark.asyncio

COMMENTS, AT_ONCE, LOST_EVERY = 150, 12, 60
WINDOW_S = 3_600
POOL = tuple(f"n{each}" for each in range(25))
JUDGEMENT = Judgement(Action.APPROVE, {"toxicity": 0.1}, (), "m-1", "default@1")


async def until_answered(deed: Callable[[], Awaitable[Any]]) -> Any:
    """As clients do: what was not answered is sent again, and may have been done the first time."""
    while True:
        try:
            return await deed()
        except StoreUnavailable:
            await asyncio.sleep(0.01)


class Lives:
    """Sends comments, loses the server meanwhile, and remembers which comments had which fingerprint.

    `ways`: to lose the server, one after the other.
    """

    def __init__(self, store: Store, site: str, ways: Iterable[Callable[[], Awaitable[None]]], seed: int) -> None:
        self.store, self.site = store, site
        self.had: dict[str, set[str]] = {each: set() for each in POOL}
        self.answered = self.lost = 0
        self._ways, self._one_at_a_time = iter(ways), asyncio.Lock()
        self._chance = random.Random(seed)  # noqa: S311 - nearly the same each time

    async def live_all(self) -> None:
        numbers = iter(range(COMMENTS))

        async def live_some() -> None:
            for number in numbers:
                await self.live(f"c{number}")

        await asyncio.gather(*(live_some() for _ in range(AT_ONCE)))

    async def live(self, comment_id: str) -> None:
        """Sent twice at once, then some are edited or erased."""
        for revision in range(self._chance.choice((1, 1, 2))):
            prints = tuple(self._chance.sample(POOL, 3))
            send = self._chance.choice((self._watched, self._ruled))
            sent = partial(send, comment_id, f"text {revision}", prints)
            await asyncio.gather(until_answered(sent), until_answered(sent))
            for each in prints:
                self.had[each].add(comment_id)
            self.answered += 1
            if self.answered % LOST_EVERY == 0 and (lose := next(self._ways, None)):
                async with self._one_at_a_time:
                    await lose()
                    self.lost += 1
        if self._chance.random() < 0.2:
            await until_answered(partial(self.store.comments.erase, self.site, comment_id, "site-key"))
            for some in self.had.values():
                some.discard(comment_id)

    async def _watched(self, comment_id: str, text: str, prints: tuple[str, ...]) -> None:
        """With limits that no comment passes."""
        watch = CountLimits(copies=(CopyLimit(WINDOW_S, 999, 1, len(prints)),), prints=prints, window_s=WINDOW_S)
        outcome, _ = await self.store.comments.submit(
            self.site, comment_id, Comment(text), JUDGEMENT, urgency=None, actor="site-key", watch=watch
        )
        assert outcome in {"created", "revised", "exists"}

    async def _ruled(self, comment_id: str, text: str, prints: tuple[str, ...]) -> None:
        more: Any = {"prints": {"near:site": prints}, "window_s": WINDOW_S}
        await send_to(self.store, self.site)(comment_id, THREE_ALIKE, text=text, author=None, **more)

    async def counts(self) -> dict[str, int]:
        return {each: await self._counted(each) for each in POOL}

    async def _counted(self, fingerprint: str) -> int:
        asks = [("same", "near:site", WINDOW_S)]
        question = msgspec.msgpack.encode(("another", "", asks, {"near:site": [fingerprint]}))
        (found,) = await self.store.pipe.run(script("observe"), [Shard(self.site).prefix], question)
        return int(found)


@pytest.mark.parametrize("seed", [1, 2])
async def test_copies_are_counted_as_a_model_in_memory_does(
    own_server: Any, tmp_path: Path, site: str, seed: int
) -> None:
    async def kill() -> None:
        own_server.kill()
        own_server.start()

    settings = Settings(redis_url=own_server.url, data_dir=tmp_path, store_timeout_s=30)
    async with open_store(settings, own_server.url) as store:
        lives = Lives(store, site, itertools.repeat(kill), seed)
        await lives.live_all()
        assert lives.lost > 2
        counts = await lives.counts()
    assert counts == {each: len(some) for each, some in lives.had.items()}


class Pair:
    """A primary of a Cluster and its replica. `others`: the primaries that vote."""

    def __init__(self, primary: Node, replica: Node, others: Sequence[Node]) -> None:
        self.primary, self.replica, self.others = primary, replica, others

    async def replace_killed(self) -> None:
        """The primary is killed while the replica lacks its newest writes. It comes back as the other's replica."""
        self.replica("CONFIG", "SET", "masterauth", "refused")
        self.replica("CLIENT", "KILL", "TYPE", "master")
        await until(lambda: self.primary("DBSIZE") > self.replica("DBSIZE"))
        self.primary.server.kill()
        await self._promoted()
        self.primary("CONFIG", "SET", "masterauth", "")
        self.replica.server.start()
        await self._followed()

    async def replace_living(self) -> None:
        """By hand, as before maintenance."""
        self.replica("CLUSTER", "FAILOVER")
        await self._promoted()
        await self._followed()

    async def _promoted(self) -> None:
        await until(lambda: "role:master" in self.replica("INFO", "replication"))
        self.primary, self.replica = self.replica, self.primary

    async def _followed(self) -> None:
        await until(lambda: "master_link_status:up" in self.replica("INFO", "replication"))
        knowing = [self.primary, *self.others]
        await until(lambda: all(f"slave {self.primary.id}" in node("CLUSTER", "NODES") for node in knowing))


async def test_they_are_counted_so_if_a_replica_takes_over_that_lacks_writes(
    shared_server: Any, make_server: Any, tmp_path: Path
) -> None:
    """What the replica confirmed is all that was acknowledged (STEWARD_WAIT_REPLICAS); the rest is sent again."""
    with a_ring(type(shared_server)) as ring:
        *others, primary = ring.nodes
        pair = Pair(primary, await replica_of(primary, ring, make_server), others)
        ways = [pair.replace_killed, pair.replace_living]
        settings = Settings(redis_url=ring.url, data_dir=tmp_path, store_timeout_s=TIMEOUT_S, wait_replicas=1)
        async with open_store(settings, ring.url) as store:
            lives = Lives(store, ring.sites_of(primary)[0], ways, 1)
            await lives.live_all()
            assert lives.lost == len(ways)
            counts = await lives.counts()
    assert counts == {each: len(some) for each, some in lives.had.items()}

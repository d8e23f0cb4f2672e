"""A site in several shards is told as one in one."""

from typing import Any

import msgspec
import pytest

from service.settings import Settings
from service.store import Store
from service.store.keyspace import Shard, Shards
from service.webhooks.administration import open_webhooks


async def test_every_shard_is_relayed(
    quick: Settings, open_stored: Any, receiver: Any, submit: Any, until: Any, site: str
) -> None:
    receiver.answers(*[500] * 10)
    sharded = msgspec.structs.replace(quick, shards=4)
    async with open_stored(sharded) as store, open_webhooks(sharded, store) as administration:
        await administration.put(site, receiver.url, include_text=False, actor="admin")
        async with administration.relayed(), administration.relayed():
            for edit in range(2):
                for n in range(40):
                    await submit(f"c-{n}", f"text {edit}", to=store)

            async def is_settled() -> bool:
                return bool((await store.outbox.backlog(site)).pending == 0)

            await until(is_settled)
        assert (await store.outbox.backlog(site)).dead == 0
    assert len(set(receiver.ids)) == 120
    for n in range(40):
        told = [version for _, comment, version in receiver.events if comment == f"c-{n}"]
        assert sorted(set(told)) == [1, 2, 3]
        assert told == sorted(told)


def begin_endpoint(store: Store, redis_server: Any, site: str, url: str) -> str:
    """The first step of setting an endpoint: all shards have it but the one that counts. A comment of those shards."""
    with redis_server.client() as client:
        for shard in store.outbox.shards(site)[1:]:
            client.hset(shard.key("webhook"), mapping={"url": url, "include_text": ""})
    shards = Shards(store.pipe, len(store.outbox.shards(site)))
    return next(name for name in (f"c-{n}" for n in range(100)) if shards.of(site, name) != Shard(site))


def outcomes(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What relays record of events from now on."""
    found, settle = [], store.outbox.settle

    async def noted(taken: Any, outcome: Any, **more: Any) -> Any:
        found.append(outcome)
        return await settle(taken, outcome, **more)

    monkeypatch.setattr(store.outbox, "settle", noted)
    return found


async def test_an_event_waits_while_an_endpoint_is_set(
    quick: Settings,
    open_stored: Any,
    receiver: Any,
    submit: Any,
    until: Any,
    site: str,
    redis_server: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sharded = msgspec.structs.replace(quick, shards=4)
    async with open_stored(sharded) as store, open_webhooks(sharded, store) as administration:
        comment = begin_endpoint(store, redis_server, site, receiver.url)
        recorded = outcomes(store, monkeypatch)
        async with administration.relayed():
            await submit(comment, to=store)
            await until(lambda: recorded)
            assert recorded[0] == "deferred"
            await administration.put(site, receiver.url, include_text=False, actor="admin")
            await until(lambda: "delivered" in recorded)
        assert (await store.outbox.backlog(site)).dead == 0
    assert receiver.events == [("comment.queued", comment, 1)]


async def test_an_event_without_an_endpoint_does_not_wait_for_ever(
    quick: Settings,
    open_stored: Any,
    receiver: Any,
    submit: Any,
    until: Any,
    site: str,
    redis_server: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("service.webhooks.relay.SETTLING_S", 0.2)
    sharded = msgspec.structs.replace(quick, shards=4)
    async with open_stored(sharded) as store, open_webhooks(sharded, store) as administration:
        comment = begin_endpoint(store, redis_server, site, receiver.url)
        recorded = outcomes(store, monkeypatch)
        async with administration.relayed():
            await submit(comment, to=store)
            await until(lambda: "dead" in recorded)
        (letter,) = await store.outbox.letters(site, None, 10)
    assert letter.because == "no_endpoint"
    assert not receiver.came

"""A site in several shards is told as one in one."""

from typing import Any

import msgspec

from service.settings import Settings
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

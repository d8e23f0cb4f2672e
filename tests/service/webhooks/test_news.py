"""The relay hears of an event from Redis, and need not look for it."""

from typing import Any

import pytest

from service.store import changes
from service.store.keyspace import CHANGES
from service.webhooks import relay
from service.webhooks.administration import Webhooks


@pytest.mark.usefixtures("endpoint")
async def test_news_is_told_at_once(
    administration: Webhooks,
    receiver: Any,
    submit: Any,
    until: Any,
    redis_server: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing else would bring it to the relay for hours."""
    await submit("first")  # found without news, as the relay starts
    monkeypatch.setattr(relay, "POLL_S", 3600)
    monkeypatch.setattr(changes, "LOOK_AGAIN_S", 3600)
    with redis_server.client() as client:
        await until(lambda: dict(client.pubsub_numsub(CHANGES))[CHANGES] == 1)
    async with administration.relayed():
        for n in range(10):
            await until(lambda n=n: len(receiver.came) == n + 1)
            await submit(f"c-{n}")
        await until(lambda: len(receiver.came) == 11)

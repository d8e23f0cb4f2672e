"""What the relay does once a minute: forget old dead letters, and show operators what waits."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.background import Background
from service.metrics import render
from service.store import Store
from service.store.keyspace import Shard
from service.webhooks.upkeep import keep_up


async def test_dead_letters_are_kept_for_30_days(store: Store, receiver: Any, submit: Any, site: str) -> None:
    await submit("c-1", callback_url=receiver.url)
    (taken,) = (await store.outbox.take(Shard(site), 1, 60)).events
    await store.outbox.settle(taken, "dead", attempts=1, because="500")
    now = datetime.now(UTC)
    await keep_up(store.outbox, ["daily"], now + timedelta(days=29), Background())
    assert [each.comment for each in await store.outbox.letters(site, None, 10)] == ["c-1"]
    await keep_up(store.outbox, ["daily"], now + timedelta(days=31), Background())
    assert await store.outbox.letters(site, None, 10) == []


@pytest.mark.usefixtures("endpoint")
async def test_operators_see_what_waits(store: Store, submit: Any, site: str) -> None:
    await submit("c-1")
    await submit("c-2")
    (taken,) = (await store.outbox.take(Shard(site), 1, 60)).events
    await store.outbox.settle(taken, "dead", attempts=1, because="500")
    await keep_up(store.outbox, ["daily"], datetime.now(UTC), Background())
    shown = render().decode()
    assert "\nsteward_webhooks_pending 1.0\n" in shown
    assert "\nsteward_webhooks_dead_letters 1.0\n" in shown

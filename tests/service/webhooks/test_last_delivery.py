"""When a webhook of a site last arrived: written once a minute, not with each event."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.store import Store
from service.webhooks import relay
from service.webhooks.administration import Webhooks


@pytest.mark.usefixtures("endpoint", "receiver")
async def test_the_last_delivery_of_a_site_is_noted_not_with_each_event(
    administration: Webhooks, store: Store, submit: Any, until: Any, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "KEEP_UP_S", 0.2)
    writes: list[object] = []
    note = store.usage.note_delivered

    async def noted(delivered: Any) -> None:
        writes.extend(delivered)
        await note(delivered)

    monkeypatch.setattr(store.usage, "note_delivered", noted)
    before = datetime.now(UTC)
    async with administration.relayed():
        for number in range(20):
            await submit(f"c-{number}")
        await until(lambda: writes)
    at = await store.usage.last_delivered(site)
    assert at is not None
    assert at >= before - timedelta(milliseconds=1)
    assert len(writes) < 20
    assert await store.usage.last_delivered("weekly") is None

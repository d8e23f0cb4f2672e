"""A webhook about a decision names the notices that it answered, and what their readers can do about it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from service.store import Store
from service.store.access import Access
from service.store.outbox import Event
from service.values.dsa import Clause, Dsa
from service.values.errors import StoreUnavailable
from service.values.policy import Policy, Thresholds
from service.webhooks import message
from service.webhooks.notices import notices_for

SITE, AT = "daily", datetime(2026, 11, 30, tzinfo=UTC)
EVENT = Event(
    comment="c-1",
    revision=1,
    version=3,
    at=int(AT.timestamp() * 1000),
    type="decision.created",
    status="approved",
    decided_by="moderator",
    notices='{"ids":["n-1","n-2"],"outcome":"kept","automated":false}',
)
DSA = Dsa(in_scope=True, clauses={"other": Clause("Section 1", "Keep.")}, complaint_url="https://site.example/complain")


async def sent(store: Store, event: Event = EVENT) -> Any:
    return json.loads(message.body(SITE, event, None, None, await notices_for(store, SITE, event)))["data"]


async def in_scope(store: Store) -> None:
    assert await store.access.keep_policy(SITE, Policy({"spam": Thresholds(0.1)}, version=2, dsa=DSA), "chief")


async def test_the_site_is_told_the_outcome_and_the_ways_of_redress(store: Store) -> None:
    await in_scope(store)
    assert (await sent(store))["notices"] == {
        "ids": ["n-1", "n-2"],
        "outcome": "kept",
        "automated": False,
        "complaint_until": (AT + timedelta(days=183)).isoformat().replace("+00:00", "Z"),
        "complaint_url": "https://site.example/complain",
    }


async def test_notices_that_are_open_again_have_no_redress(store: Store) -> None:
    await in_scope(store)
    reopened = msgspec.structs.replace(EVENT, notices='{"ids":["n-1"],"outcome":"open","automated":false}')
    assert (await sent(store, reopened))["notices"] == {"ids": ["n-1"], "outcome": "open", "automated": False}


async def test_an_event_of_no_notice_says_nothing_of_notices(store: Store) -> None:
    await in_scope(store)
    assert "notices" not in await sent(store, msgspec.structs.replace(EVENT, notices=None))


async def test_without_redis_the_outcome_is_sent_all_the_same(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    await in_scope(store)

    async def gone(*_: Any) -> Any:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(Access, "policy", gone)
    assert (await sent(store))["notices"] == {"ids": ["n-1", "n-2"], "outcome": "kept", "automated": False}


async def test_two_hundred_notices_fit_into_a_webhook(store: Store) -> None:
    await in_scope(store)
    ids = [f"0193d7a2-7c1e-7cc3-98c4-dc0c0c07{number:04d}" for number in range(200)]
    told = json.dumps({"ids": ids, "outcome": "kept", "automated": False})
    event = msgspec.structs.replace(EVENT, notices=told)
    body = message.body(SITE, event, "x" * 19_000, None, await notices_for(store, SITE, event))
    assert len(body) <= message.MAX_BODY_BYTES
    assert len(json.loads(body)["data"]["notices"]["ids"]) == 200

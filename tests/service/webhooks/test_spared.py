"""What is wrong with one event, one text or one site keeps no other one's webhooks waiting."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web

from service.settings import Settings
from service.store import Store, open_store
from service.store.keyspace import Shard
from service.values.access import Scope, mint
from service.values.domain import Action, Comment, Judgement, Urgency, Why
from service.values.errors import StoreUnavailable
from service.webhooks.administration import Webhooks, open_webhooks
from service.webhooks.delivery import DeliveryOutcome, WebhookSender


@pytest.mark.parametrize("kept", [b"\xc1", b"{", b"\x92\x01\x02", b"\x92\x91\xa1a\x97\x63\x90\x90\xa0\xa0\x90\xc0"])
async def test_a_text_that_cannot_be_unpacked_keeps_no_event_of_its_shard_waiting(
    administration: Webhooks,
    receiver: Any,
    submit: Any,
    until: Any,
    site: str,
    redis_server: Any,
    kept: bytes,
    failures: Any,
) -> None:
    await administration.put(site, receiver.url, include_text=True, actor="admin")
    before = failures("texts")
    for n in range(5):
        await submit(f"c-{n}", f"text {n}")
    with redis_server.client() as client:
        client.set(f"{Shard(site).text('c-0')}1", kept)
    async with administration.relayed():
        await until(lambda: len(receiver.came) == 5)
    said = {json.loads(body)["data"]["comment_id"]: json.loads(body)["data"].get("text") for _, body in receiver.came}
    assert said == {"c-0": None, **{f"c-{n}": f"text {n}" for n in range(1, 5)}}
    assert failures("texts") > before


@pytest.mark.usefixtures("endpoint")
@pytest.mark.parametrize(
    "kept", [b"{", b"[]", b'{"revision":"1","version":"1","comment":"c-0","type":"of.a.newer.release"}']
)
async def test_an_event_that_cannot_be_read_is_reported_and_kept_and_the_others_are_told(
    administration: Webhooks,
    receiver: Any,
    submit: Any,
    until: Any,
    site: str,
    redis_server: Any,
    kept: bytes,
    caplog: pytest.LogCaptureFixture,
    failures: Any,
) -> None:
    before = failures("events")
    await submit("c-0")
    with redis_server.client() as client:
        client.lset(Shard(site).key("out:q:c-0"), 0, kept)
        async with administration.relayed():
            for n in range(1, 5):
                await submit(f"c-{n}")
            await until(lambda: len(receiver.came) == 4)
        assert client.lrange(Shard(site).key("out:q:c-0"), 0, -1) == [kept.decode()]
        assert client.zscore(Shard(site).key("out:due"), "c-0"), "a release that can read it finds it"
    assert failures("events") > before
    assert "events: daily: an event cannot be read: damaged ('steward fsck'), or of a newer release" in caplog.text


@pytest.mark.usefixtures("endpoint")
async def test_what_nobody_foresaw_with_one_event_goes_by_the_schedule_and_the_others_are_told(
    administration: Webhooks,
    receiver: Any,
    submit: Any,
    until: Any,
    store: Store,
    site: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    post = WebhookSender.post

    async def frail(sender: WebhookSender, url: str, message_id: str, body: bytes, secrets: Any) -> DeliveryOutcome:
        if message_id == "evt_daily_bad_1":
            raise LookupError
        return await post(sender, url, message_id, body, secrets)

    monkeypatch.setattr(WebhookSender, "post", frail)
    async with administration.relayed():
        await submit("bad")
        for n in range(20):
            await submit(f"c-{n}")
        await until(lambda: len(receiver.came) == 20)

        async def is_given_up() -> bool:
            return (await store.outbox.backlog(site)).dead == 1

        await until(is_given_up)
    (letter,) = await store.outbox.letters(site, None, 10)
    assert (letter.comment, letter.because) == ("bad", "internal")


async def test_a_site_whose_last_key_was_revoked_keeps_its_webhooks(
    quick: Settings, redis_server: Any, receiver: Any, until: Any
) -> None:
    other = "weekly"
    async with open_store(quick, redis_server.url) as store, open_webhooks(quick, store) as administration:
        _, key = mint("weekly", frozenset(Scope), "admin", datetime.now(UTC))
        await store.access.keep(key)
        await administration.put(other, receiver.url, include_text=False, actor="admin")

        judgement = Judgement(Action.REVIEW, {"toxicity": 0.5}, (), "m", "p@1")
        urgency = Urgency(Why.UNCERTAIN, 0.5, 60_000)
        await store.comments.submit(other, "c-1", Comment("hello"), judgement, urgency=urgency, actor="key")
        await store.access.revoke(key.id)
        assert (await store.access.sites()).known >= {"weekly"}
    async with (
        open_store(quick, redis_server.url) as store,
        store.changes.listening(),
        open_webhooks(quick, store) as administration,
        administration.relayed(),
    ):
        await until(lambda: receiver.events == [("comment.queued", "c-1", 1)])


@pytest.mark.usefixtures("endpoint")
async def test_a_look_that_fails_at_the_end_keeps_no_event_from_being_handed_back(
    administration: Webhooks,
    receiver: Any,
    submit: Any,
    until: Any,
    store: Store,
    site: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    take, looking, gone = store.outbox.take, asyncio.Event(), asyncio.Event()

    async def hang(_: web.Request, __: dict[str, Any]) -> web.Response:
        await asyncio.sleep(600)
        return web.Response()

    async def frail(*given: Any, **more: Any) -> Any:
        if not receiver.came:
            return await take(*given, **more)
        looking.set()
        await gone.wait()
        raise StoreUnavailable("away")

    receiver.answer = hang
    await submit("c-1")
    monkeypatch.setattr(store.outbox, "take", frail)
    async with administration.relayed():
        await until(looking.is_set)
        asyncio.get_running_loop().call_later(0.2, gone.set)
    monkeypatch.undo()
    (taken,) = (await store.outbox.take(Shard(site), 1, 60)).events
    assert taken.event.comment == "c-1"

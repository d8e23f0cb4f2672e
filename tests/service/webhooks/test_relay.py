"""The relay delivers what the outbox holds: every event, in order, at least once, to nobody else."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from aiohttp import web

from service.settings import Settings
from service.store import Store
from service.store.author_status import StatusChange
from service.store.keyspace import Shard
from service.store.review import Answer, Filter
from service.values.domain import Verdict
from service.values.rules import AuthorStatus
from service.webhooks import message
from service.webhooks.administration import Webhooks, open_webhooks
from service.webhooks.delivery import open_sender
from service.webhooks.signature import sign


async def is_settled(store: Store, site: str) -> bool:
    return (await store.outbox.backlog(site)).pending == 0


@pytest.mark.usefixtures("endpoint")
async def test_a_site_hears_of_what_happens(
    administration: Webhooks, receiver: Any, submit: Any, decide: Any, until: Any
) -> None:
    async with administration.relayed():
        await submit("c-1")
        await decide("c-1")
        await until(lambda: len(receiver.came) == 2)
    assert receiver.events == [("comment.queued", "c-1", 1), ("decision.created", "c-1", 2)]
    decided = json.loads(receiver.came[1][1])
    assert decided["data"]["status"] == "approved"
    assert decided["data"]["decision"] == "approve"
    assert decided["data"]["decided_by"] == "moderator"
    assert "text" not in decided["data"]


async def test_webhooks_are_signed_with_the_sites_secret(
    administration: Webhooks, receiver: Any, endpoint: str, submit: Any, until: Any, site: str
) -> None:
    async with administration.relayed():
        await submit("c-1")
        await until(lambda: len(receiver.came) == 1)
        new, _ = await administration.rotate(site, "admin")
        await asyncio.sleep(1.1)  # the relay may know the secrets of a second ago
        await submit("c-2")
        await until(lambda: len(receiver.came) == 2)
    for secrets, (headers, body) in zip(([endpoint], [new, endpoint]), receiver.came, strict=True):
        expected = sign(secrets, headers["webhook-id"], int(headers["webhook-timestamp"]), body)
        assert headers["webhook-signature"] == expected


@pytest.mark.usefixtures("endpoint")
async def test_a_failed_delivery_is_tried_again_with_the_same_id(
    administration: Webhooks, receiver: Any, submit: Any, until: Any, store: Store, site: str
) -> None:
    receiver.answers(500, 302)
    async with administration.relayed():
        await submit("c-1")
        await submit("c-1", "edited")
        await until(lambda: is_settled(store, site))
    assert receiver.ids == ["evt_daily_c-1_1"] * 3 + ["evt_daily_c-1_2", "evt_daily_c-1_3"]
    assert len({body for _, body in receiver.came[:3]}) == 1


@pytest.mark.usefixtures("endpoint")
async def test_what_nobody_takes_becomes_a_dead_letter_and_can_be_sent_again(
    administration: Webhooks, receiver: Any, submit: Any, until: Any, store: Store, site: str
) -> None:
    receiver.answers(then=500)
    async with administration.relayed():
        await submit("c-1")
        await until(lambda: is_settled(store, site))
        (letter,) = await store.outbox.letters(site, None, 10)
        assert (letter.because, letter.attempts, len(receiver.came)) == ("500", 4, 4)
        receiver.answers()
        assert await store.outbox.replay(site, "c-1", 1) == "ok"
        await until(lambda: is_settled(store, site))
    assert receiver.ids == ["evt_daily_c-1_1"] * 5
    assert (await store.outbox.backlog(site)).dead == 0


@pytest.mark.usefixtures("endpoint")
async def test_410_disables_the_endpoint_until_it_is_set_anew(
    administration: Webhooks, receiver: Any, submit: Any, until: Any, store: Store, site: str
) -> None:
    receiver.answers(then=410)
    async with administration.relayed():
        await submit("c-1")
        await until(lambda: is_settled(store, site))
        assert (await store.outbox.endpoints.get(site)).disabled_at is not None
        await submit("c-2")
        await until(lambda: is_settled(store, site))
        assert len(receiver.came) == 1, "who said 410 is not asked again"
        because = [each.because for each in await store.outbox.letters(site, None, 10)]
        assert because == ["gone", "endpoint_disabled"]
        receiver.answers()
        await administration.put(site, receiver.url, include_text=False, actor="admin")
        assert (await store.outbox.replay_all(site, 10)).sent == 2
        await until(lambda: is_settled(store, site))
    assert receiver.ids[1:] == ["evt_daily_c-1_1", "evt_daily_c-2_1"]


@pytest.mark.usefixtures("endpoint")
async def test_410_from_a_callback_concerns_that_event_alone(
    administration: Webhooks, receiver: Any, submit: Any, until: Any, store: Store, site: str
) -> None:
    receiver.answers(410)
    async with administration.relayed():
        await submit("c-1", callback_url=receiver.url)
        await until(lambda: is_settled(store, site))
        await submit("c-2")
        await until(lambda: is_settled(store, site))
    assert (await store.outbox.endpoints.get(site)).disabled_at is None
    assert [each.because for each in await store.outbox.letters(site, None, 10)] == ["gone"]
    assert receiver.ids == ["evt_daily_c-1_1", "evt_daily_c-2_1"]


@pytest.mark.usefixtures("endpoint")
@pytest.mark.parametrize("status", [429, 503])
async def test_a_receiver_that_asks_for_rest_is_left_alone(
    administration: Webhooks, receiver: Any, submit: Any, until: Any, store: Store, site: str, status: int
) -> None:
    receiver.answers(status, headers={"Retry-After": "2"})
    loop = asyncio.get_running_loop()
    started = loop.time()  # before the receiver asks for it
    async with administration.relayed():
        await submit("c-1")
        await until(lambda: receiver.came)
        await submit("c-2")
        await until(lambda: is_settled(store, site))
    assert loop.time() - started > 1.8, "nothing was sent meanwhile, not even another comment's event"
    assert sorted(receiver.ids[1:]) == ["evt_daily_c-1_1", "evt_daily_c-2_1"]


async def test_without_a_secret_nothing_is_sent(
    administration: Webhooks, receiver: Any, submit: Any, until: Any, store: Store, site: str
) -> None:
    async with administration.relayed():
        await submit("c-1", callback_url=receiver.url)
        await until(lambda: is_settled(store, site))
        assert receiver.came == []
        assert [each.because for each in await store.outbox.letters(site, None, 10)] == ["no_secret"]
        await administration.rotate(site, "admin")
        await store.outbox.replay_all(site, 10)
        await until(lambda: receiver.came)
    assert receiver.ids == ["evt_daily_c-1_1"]


async def test_callbacks_go_to_their_own_address(
    administration: Webhooks, receiver: Any, submit: Any, until: Any, site: str
) -> None:
    paths = []

    async def note(request: web.Request, _: dict[str, Any]) -> web.Response:
        paths.append(request.path)
        return web.Response()

    receiver.answer = note
    await administration.put(site, receiver.url, include_text=True, actor="admin")
    async with administration.relayed():
        await submit("c-1", "what I wrote", callback_url=receiver.url.replace("/hook", "/mine"))
        await submit("c-2", "what I wrote")
        await until(lambda: len(paths) == 2)
    assert sorted(paths) == ["/hook", "/mine"]
    texts = {each["comment_id"]: each.get("text") for each in (json.loads(body)["data"] for _, body in receiver.came)}
    assert texts == {"c-1": None, "c-2": "what I wrote"}


async def test_an_erased_text_is_not_sent(
    administration: Webhooks, receiver: Any, submit: Any, until: Any, store: Store, site: str
) -> None:
    await administration.put(site, receiver.url, include_text=True, actor="admin")
    await submit("c-1", "canary")
    await store.comments.erase(site, "c-1", "admin")
    async with administration.relayed():
        await until(lambda: is_settled(store, site))
    assert receiver.events == [("comment.queued", "c-1", 1), ("comment.withdrawn", "c-1", 2)]
    assert not any(b"canary" in body for _, body in receiver.came)


@pytest.mark.usefixtures("endpoint")
async def test_changes_of_an_authors_status_arrive_in_order_and_signed(
    administration: Webhooks, endpoint: str, receiver: Any, until: Any, store: Store, site: str
) -> None:
    receiver.answers(500, 503)
    for version, status in enumerate((AuthorStatus.BANNED, AuthorStatus.ACTIVE), 1):
        change = StatusChange(status, version, datetime.now(UTC), "chief", "spam")
        assert await store.statuses.put(site, "f00", change)
    async with administration.relayed():
        await until(lambda: is_settled(store, site))
    assert receiver.ids == [f"evt_daily_~20author~3af00_{version}" for version in (1, 1, 1, 2)]
    said = [json.loads(body) for _, body in receiver.came][2:]
    assert [each["type"] for each in said] == ["author.status_changed"] * 2
    assert [(each["data"]["author"], each["data"]["status"]) for each in said] == [("f00", "banned"), ("f00", "active")]
    headers, body = receiver.came[-1]
    at = int(headers["webhook-timestamp"])
    assert headers["webhook-signature"] == sign([endpoint], headers["webhook-id"], at, body)


@pytest.mark.usefixtures("endpoint")
async def test_one_event_of_a_comment_is_on_its_way_with_two_relays(
    administration: Webhooks, receiver: Any, submit: Any, until: Any, store: Store, site: str
) -> None:
    on_the_way: dict[str, int] = {}
    most = 0

    async def slowly(_: web.Request, event: dict[str, Any]) -> web.Response:
        nonlocal most
        comment = event["data"]["comment_id"]
        on_the_way[comment] = on_the_way.get(comment, 0) + 1
        most = max(most, on_the_way[comment])
        await asyncio.sleep(0.01)
        on_the_way[comment] -= 1
        return web.Response(status=200 if hash((comment, len(receiver.came))) % 3 else 500)

    receiver.answer = slowly
    for n in range(5):
        for comment in range(10):
            await submit(f"c-{comment}", f"text {n}")
    async with administration.relayed(), administration.relayed():
        await until(lambda: is_settled(store, site))
    assert most == 1
    assert (await store.outbox.backlog(site)).dead + len(set(receiver.ids)) >= 90
    assert_in_order(receiver)


def assert_in_order(receiver: Any) -> None:
    """No event comes after a newer one of its comment."""
    newest: dict[str, int] = {}
    for _, comment, version in receiver.events:
        assert version >= newest.get(comment, 0)
        newest[comment] = version


@pytest.mark.usefixtures("endpoint")
async def test_a_relay_that_is_killed_after_the_receiver_answered_sends_again_with_the_same_id(
    administration: Webhooks, receiver: Any, submit: Any, until: Any, store: Store, site: str
) -> None:
    """As by SIGKILL: nothing is handed back, and the event comes again when its lease is over."""
    await submit("c-1")
    (taken,) = (await store.outbox.take(Shard(site), 1, 1.0)).events
    async with open_sender(timeout_s=30, connections=1, allow_private=True) as sender:
        body = message.body("daily", taken.event, None)
        outcome = await sender.post(receiver.url, message.message_id("daily", taken.event), body, [])
    assert outcome.result == "delivered"
    async with administration.relayed():
        await until(lambda: is_settled(store, site))
    assert receiver.ids == ["evt_daily_c-1_1"] * 2
    assert receiver.came[0][1] == receiver.came[1][1]


@pytest.mark.usefixtures("endpoint")
async def test_a_relay_that_is_cancelled_as_the_receiver_answers_sends_again_or_has_settled(
    administration: Webhooks, receiver: Any, submit: Any, until: Any, store: Store, site: str
) -> None:
    for n in range(10):
        await submit(f"c-{n}")
    for _ in range(300):
        before = len(receiver.came)
        async with administration.relayed():
            await until(lambda before=before: len(receiver.came) > before or is_settled(store, site))
        if await is_settled(store, site):
            break
    await until(lambda: is_settled(store, site))
    assert len(set(receiver.ids)) == 10
    assert (await store.outbox.backlog(site)).dead == 0


@pytest.mark.usefixtures("endpoint")
async def test_a_relay_that_is_stopped_hands_back_what_it_has(
    administration: Webhooks, receiver: Any, submit: Any, until: Any, store: Store, site: str
) -> None:
    hangs = asyncio.Event()

    async def hang(_: web.Request, __: dict[str, Any]) -> web.Response:
        await hangs.wait()
        return web.Response()

    receiver.answer = hang
    for n in range(40):
        await submit(f"c-{n}")
    async with administration.relayed():
        await until(lambda: len(receiver.came) == 16)
    hangs.set()
    assert len((await store.outbox.take(Shard(site), 100, 0.001)).events) == 40, "nothing waits for a lease to end"
    async with administration.relayed():
        await until(lambda: is_settled(store, site))
    assert len(set(receiver.ids)) == 40


@pytest.mark.usefixtures("endpoint")
async def test_a_quick_undo_tells_nobody(
    quick: Settings, open_stored: Any, administration: Webhooks, receiver: Any, submit: Any, until: Any, site: str
) -> None:
    held_back = msgspec.structs.replace(quick, undo_hold_s=3600)
    async with open_stored(quick) as store, open_stored(held_back) as patient, administration.relayed():
        await submit("c-1", to=store)
        await until(lambda: len(receiver.came) == 1)
        (held,) = await store.queue.claim(site, "ann", 1, 60, Filter())
        await patient.queue.decide(site, "c-1", "ann", Answer(Verdict.REJECT, held.lease), may_overrule=False)
        outcome, record = await patient.queue.undo(site, "c-1", "ann", 60)
        assert outcome == "ok"
        assert await is_settled(store, site), "nothing is left of the mistake"
        assert receiver.events == [("comment.queued", "c-1", 1)], "the receiver never sees it"
        answer = Answer(Verdict.REJECT, record.lease, digest="again")
        await store.queue.decide(site, "c-1", "ann", answer, may_overrule=False)
        await until(lambda: len(receiver.came) == 2)
        assert (await store.queue.undo(site, "c-1", "ann", 60))[0] == "ok"
        await until(lambda: len(receiver.came) == 3)
    queued, decided, reverted = receiver.events
    assert (queued[0], decided[0], reverted[0]) == ("comment.queued", "decision.created", "decision.reverted")
    assert queued[2] < decided[2] < reverted[2]


async def test_a_relay_survives_a_restart_of_redis(
    own_server: Any, quick: Settings, open_stored: Any, receiver: Any, submit: Any, until: Any, site: str
) -> None:
    receiver.answers(*[500] * 20)
    settings = msgspec.structs.replace(quick, redis_url=own_server.url, webhook_schedule="0" + ",0.2" * 20)
    async with open_stored(settings) as store, open_webhooks(settings, store) as administration:
        await administration.put(site, receiver.url, include_text=False, actor="admin")
        for n in range(30):
            await submit(f"c-{n}", to=store)
            await submit(f"c-{n}", "edited", to=store)
        async with administration.relayed():
            await until(lambda: len(receiver.came) > 10)
            own_server.kill()
            await asyncio.sleep(0.3)
            own_server.start()
            await until(lambda: is_settled(store, site))
            await submit("later", to=store)
            await until(lambda: ("comment.queued", "later", 1) in receiver.events)
    assert len(set(receiver.ids)) == 91
    assert_in_order(receiver)


@pytest.mark.usefixtures("endpoint")
async def test_a_dead_receiver_is_left_alone_and_then_hears_everything(
    receiver: Any, submit: Any, until: Any, store: Store, site: str, quick: Settings
) -> None:
    down = True

    async def answer(_: web.Request, __: dict[str, Any]) -> web.Response:
        return web.Response(status=502 if down else 200)

    receiver.answer = answer
    patient = msgspec.structs.replace(quick, webhook_schedule="0" + ",0.5" * 12)
    for n in range(200):
        await submit(f"c-{n}")
    async with open_webhooks(patient, store) as patiently, patiently.relayed():
        await asyncio.sleep(2)
        asked = len(receiver.came)
        assert asked < 100, "not everybody finds out for himself"
        down = False
        await until(lambda: is_settled(store, site))
    assert len(set(receiver.ids)) == 200
    assert (await store.outbox.backlog(site)).dead == 0


@pytest.mark.usefixtures("endpoint")
async def test_secrets_that_cannot_be_read_hold_events_back(
    administration: Webhooks,
    receiver: Any,
    submit: Any,
    until: Any,
    store: Store,
    site: str,
    caplog: Any,
    redis_server: Any,
) -> None:
    with redis_server.client() as client:
        client.hset(Shard(site).key("webhook:secrets"), "current", "fernet:gAAAAA")
    async with administration.relayed():
        await submit("c-1")
        await until(lambda: "STEWARD_SECRET_FILE" in caplog.text)
    assert receiver.came == []
    assert (await store.outbox.backlog(site)).pending == 1
    assert (await store.outbox.backlog(site)).dead == 0

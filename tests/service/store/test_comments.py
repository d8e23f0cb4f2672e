"""Comments in Redis: recorded once for each text, followed, erased everywhere."""

import asyncio
from typing import Any

import msgspec
import pytest

from service.settings import Settings
from service.store import Store, open_store
from service.store.keyspace import Shard
from service.store.labels import Imported
from service.store.review import Answer, Filter
from service.values.domain import Action, Article, Author, DecidedBy, Parent, State, Status, Verdict
from service.values.errors import NotFound


async def test_a_new_comment_is_recorded_with_its_decision(store: Store, site: str, submit: Any) -> None:
    outcome, record = await submit("c-1", decision=Action.APPROVE)
    assert outcome == "created"
    assert (record.revision, record.version) == (1, 1)
    assert (record.decision, record.status, record.decided_by) == (Action.APPROVE, Status.APPROVED, DecidedBy.MODEL)
    assert record.decided_at == record.created_at
    assert await store.comments.get(site, "c-1") == record


async def test_a_doubtful_comment_waits_in_the_queue(submit: Any) -> None:
    _, record = await submit("c-1", sla_ms=60_000)
    assert (record.state, record.status, record.decided_at) == (State.QUEUED, Status.PENDING, None)
    assert (record.due_at - record.created_at).total_seconds() == 60


@pytest.mark.parametrize("decision", list(Action))
async def test_the_same_comment_again_changes_nothing(
    store: Store, site: str, submit: Any, trail: Any, redis_server: Any, decision: Action
) -> None:
    _, first = await submit("c-1", decision=decision)
    with redis_server.client() as client:
        dump = {key: client.dump(key) for key in client.scan_iter() if ":stat:" not in key}
        for _ in range(3):
            outcome, again = await submit("c-1", decision=decision)
            assert outcome == "exists"
            assert again == first
        assert {key: client.dump(key) for key in client.scan_iter() if ":stat:" not in key} == dump
    assert await trail() == ["submitted"]
    assert len(await store.queue.items(site, State.QUEUED, 0, 10)) == (decision is Action.REVIEW)


async def test_the_same_comment_at_once_from_many_is_created_once(submit: Any, trail: Any) -> None:
    outcomes = [outcome for outcome, _ in await asyncio.gather(*(submit("c-1") for _ in range(50)))]
    assert sorted(outcomes) == ["created"] + ["exists"] * 49
    assert await trail() == ["submitted"]


async def test_another_text_is_a_new_revision(store: Store, site: str, submit: Any) -> None:
    _, first = await submit("c-1", "one")
    outcome, second = await submit("c-1", "two", decision=Action.REJECT)
    assert outcome == "revised"
    assert (second.revision, second.version) == (2, 3), "withdrawn, then submitted"
    assert (second.state, second.status) == (State.DECIDED, Status.REJECTED)
    assert second.created_at == first.created_at
    assert second.content.comment.text == "two"
    assert await store.queue.items(site, State.QUEUED, 0, 10) == []
    assert (await store.queue.stats(site, 1))["oldest_ms"] == -1


async def test_a_new_revision_of_a_held_comment_voids_the_lease(
    store: Store, site: str, submit: Any, redis_server: Any
) -> None:
    await submit("c-1", "one")
    await store.queue.claim(site, "ann", 1, 60, Filter())
    _, revised = await submit("c-1", "two")
    assert (revised.state, revised.owner, revised.token) == (State.QUEUED, None, None)
    with redis_server.client() as client:
        assert client.zcard(Shard(site).key("lease")) == 0
        assert client.zcard(Shard(site).held("ann")) == 0
        assert client.zcard(Shard(site).key("ready")) == 1


async def test_the_text_of_a_withdrawn_revision_is_gone(submit: Any, site: str, redis_server: Any) -> None:
    await submit("c-1", "one")
    await submit("c-1", "two")
    with redis_server.client() as client:
        assert client.exists(Shard(site).text("c-1") + "1") == 0
        assert client.exists(Shard(site).text("c-1") + "2") == 1


async def test_a_full_queue_refuses_and_writes_nothing(
    redis_server: Any, settings: Settings, site: str, submit: Any
) -> None:
    async with open_store(msgspec.structs.replace(settings, max_queued=2), redis_server.url) as small:
        await submit("c-1", to=small)
        await submit("c-2", to=small)
        with redis_server.client() as client:
            before = client.dbsize()
            assert await submit("c-3", to=small) == ("full", None)
            assert client.dbsize() == before
        assert (await submit("c-4", to=small, decision=Action.APPROVE))[0] == "created"
        assert (await submit("c-2", "edited", to=small))[0] == "revised", "a comment that waits already takes no place"
        with pytest.raises(NotFound):
            await small.comments.get(site, "c-3")


async def test_sites_do_not_see_each_other(store: Store, submit: Any) -> None:
    await submit("c-1", at="daily")
    with pytest.raises(NotFound):
        await store.comments.get("weekly", "c-1")
    await store.comments.erase("weekly", "c-1", "somebody")
    assert (await store.comments.get("daily", "c-1")).state is State.QUEUED
    assert (await store.queue.claim("weekly", "ann", 5, 60, Filter())) == []


CANARY = "canary-4711"


async def _filled(submit: Any, comment_id: str) -> None:
    await submit(
        comment_id,
        f"text {CANARY}",
        author=Author(id=f"u-{CANARY}", name=CANARY),
        article=Article(id=f"a-{CANARY}", section=CANARY),
        parent=Parent(text=CANARY),
        metadata={"ip": CANARY},
    )


async def _claimed(store: Store, site: str) -> None:
    await store.queue.claim(site, "ann", 1, 60, Filter())


async def _decided(store: Store, site: str) -> None:
    held = (await store.queue.claim(site, "ann", 1, 60, Filter()))[0]
    await store.queue.decide(
        site, held.id, "ann", Answer(Verdict.REJECT, held.lease, note=CANARY, digest="d"), may_overrule=False
    )


async def _escalated(store: Store, site: str) -> None:
    held = (await store.queue.claim(site, "ann", 1, 60, Filter()))[0]
    await store.queue.decide(
        site, held.id, "ann", Answer(Verdict.ESCALATE, held.lease, note=CANARY, digest="d"), may_overrule=False
    )


async def _queued(store: Store, site: str) -> None:
    pass


@pytest.mark.parametrize("before", [_queued, _claimed, _decided, _escalated])
async def test_an_erased_comment_is_nowhere_any_more(
    store: Store, site: str, submit: Any, redis_server: Any, before: Any
) -> None:
    await _filled(submit, "c-1")
    await before(store, site)
    await store.labels.add(
        site, Imported("c-1", "x", f"imported {CANARY}", {"spam": True}, "reject", "", "import", 1.0), "admin"
    )
    was = await store.comments.get(site, "c-1")
    await store.comments.erase(site, "c-1", "site-key")
    with redis_server.client() as client:
        everything = b"".join(client.execute_command("DUMP", key, NEVER_DECODE=[]) for key in client.scan_iter())
        assert CANARY.encode() not in everything
        assert 0 < client.ttl(Shard(site).item("c-1")) <= 37 * 86_400
    now = await store.comments.get(site, "c-1")
    assert (now.state, now.content, now.lease, now.owner) == (State.ERASED, None, None, None)
    assert (now.id, now.decision, now.status, now.created_at) == (was.id, was.decision, was.status, was.created_at)
    assert now.erased_at is not None
    labels, _ = await store.labels.page(site, "", 10)
    assert all((label.text, label.retracts) == ("", "*") for label in labels), "the feed says only that it was erased"
    assert (await store.queue.claim(site, "bob", 5, 60, Filter())) == []
    stats = await store.queue.stats(site, 1)
    assert (stats["queued"], stats["leased"], stats["escalated"], stats["oldest_ms"]) == (0, 0, 0, -1)


async def test_erasing_again_changes_nothing(store: Store, site: str, submit: Any, trail: Any) -> None:
    await submit("c-1")
    for _ in range(3):
        await store.comments.erase(site, "c-1", "site-key")
    await store.comments.erase(site, "never-sent", "site-key")
    assert await trail() == ["submitted", "erased"]


async def test_an_erased_comment_does_not_come_back(store: Store, site: str, submit: Any) -> None:
    await submit("c-1")
    await store.comments.erase(site, "c-1", "site-key")
    for text in ("hello", "another"):
        outcome, record = await submit("c-1", text)
        assert (outcome, record.state, record.content) == ("erased", State.ERASED, None)


async def test_every_revision_is_erased(store: Store, site: str, submit: Any, redis_server: Any) -> None:
    for text in ("one", "two", "three"):
        await submit("c-1", text, decision=Action.APPROVE)
    await store.comments.erase(site, "c-1", "site-key")
    with redis_server.client() as client:
        assert client.keys(Shard(site).text("c-1") + "*") == []

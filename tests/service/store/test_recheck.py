"""Labels that may be wrong: somebody else judges the comment anew, blind, once, and the newer label counts."""

from collections.abc import Sequence
from typing import Any

import pytest
from deeds import HOUR_MS, breaches, claim, counted, decide, judge, labels, told

from service.settings import Settings
from service.store import Store, open_store
from service.store.keyspace import Shard
from service.store.review import Filter
from service.values.domain import Action, DecidedBy, State, Status, Verdict


async def cursor_of(store: Store, site: str, comment_id: str = "c-1") -> str:
    (found,) = [each for each in await store.labels.newest(site, 100) if each.id == comment_id]
    return found.cursor


@pytest.fixture
async def label(store: Store, site: str, submit: Any) -> str:
    """Of c-1, which Ann rejected."""
    await submit("c-1")
    await judge(store, site, "ann", reason="insult")
    return await cursor_of(store, site)


async def recheck(
    store: Store, site: str, label: str, comment_id: str = "c-1", deciders: Sequence[str] = ("ann", "bob")
) -> str:
    more = {"sla_ms": HOUR_MS, "role": "admin key", "deciders": deciders}
    outcome, _ = await store.rechecks.add(site, comment_id, label, "chief", **more)
    return outcome


async def test_it_waits_as_an_audit_for_somebody_else_and_its_decision_stands(
    store: Store, site: str, label: str
) -> None:
    before = await told(store, site)
    assert await recheck(store, site, label) == "ok"
    record = await store.comments.get(site, "c-1")
    assert (record.state, record.status, record.decided_by) == (State.QUEUED, Status.REJECTED, DecidedBy.MODERATOR)
    assert record.is_audit
    assert await told(store, site) == before, "the site has its answer"
    assert await store.queue.claim(site, "ann", 1, 60, Filter()) == []
    assert (await claim(store, site, "bob")).id == "c-1"
    assert await breaches(store, site) == []


async def test_the_trail_says_who_sent_it_back_and_why(store: Store, site: str, label: str) -> None:
    await recheck(store, site, label)
    entries, _ = await store.audit.page(site, "", 100)
    said = entries[-1].details
    assert (said["action"], said["actor"], said["role"], said["why"], said["blind"]) == (
        *("reopened", "chief", "admin key", "suspect"),
        "1",
    )


@pytest.mark.parametrize("verdict", [Verdict.APPROVE, Verdict.REJECT])
async def test_the_second_answer_is_the_label_that_counts(
    store: Store, site: str, label: str, verdict: Verdict
) -> None:
    before = await told(store, site)
    await recheck(store, site, label)
    outcome, record = await judge(store, site, "bob", verdict)
    assert outcome == "ok"
    (newest,) = await store.labels.newest(site, 10)
    assert (newest.decision, newest.actor, newest.inclusion) == (verdict, "bob", None)
    changed = verdict is Verdict.APPROVE
    assert record.status == ("approved" if changed else "rejected")
    assert record.decided_by is DecidedBy.MODERATOR
    assert len(await told(store, site)) - len(before) == changed, "the site is told of a change only"
    assert (await counted(store, site)).get("overturned", 0) == changed
    assert await breaches(store, site) == []


async def test_asking_again_changes_nothing_while_it_waits_nor_after_the_answer(
    store: Store, site: str, label: str, redis_server: Any
) -> None:
    assert await recheck(store, site, label) == "ok"
    version = (await store.comments.get(site, "c-1")).version
    assert await recheck(store, site, label) == "duplicate"
    assert (await store.comments.get(site, "c-1")).version == version
    await judge(store, site, "bob")
    assert await recheck(store, site, await cursor_of(store, site)) == "duplicate", "two people said the same"
    with redis_server.client() as client:
        assert client.ttl(Shard(site).item("c-1")) > 0


async def test_a_label_that_a_later_decision_replaced_sends_nothing_back(store: Store, site: str, label: str) -> None:
    await store.queue.reopen(site, "c-1", "chief", sla_ms=HOUR_MS)
    await judge(store, site, "bob", Verdict.APPROVE)
    assert await recheck(store, site, label) == "stale"
    assert (await store.comments.get(site, "c-1")).state is State.DECIDED


async def test_what_nobody_else_could_answer_does_not_wait_for_ever(store: Store, site: str, label: str) -> None:
    before = await store.comments.get(site, "c-1")
    for deciders in ((), ("ann",)):
        assert await recheck(store, site, label, deciders=deciders) == "own"
    assert await store.comments.get(site, "c-1") == before
    await store.queue.reopen(site, "c-1", "chief", sla_ms=HOUR_MS)
    await judge(store, site, "bob")
    again = await cursor_of(store, site)
    assert await recheck(store, site, again, deciders=("ann", "bob")) == "own", "both have judged it"
    assert await recheck(store, site, again, deciders=("ann", "bob", "an")) == "ok"


async def test_what_two_people_judged_after_an_appeal_is_not_sent_back(store: Store, site: str, label: str) -> None:
    await store.comments.appeal(site, "c-1", "why?", sla_ms=HOUR_MS)
    await judge(store, site, "bob")
    assert await recheck(store, site, await cursor_of(store, site)) == "duplicate"
    assert label


async def test_only_what_a_person_decided_and_is_still_stored_is_sent_back(
    store: Store, site: str, submit: Any, label: str
) -> None:
    await submit("c-2", decision=Action.APPROVE)
    assert await recheck(store, site, label, "c-2") == "stale"
    assert await recheck(store, site, label, "nobody") == "gone"
    await store.comments.erase(site, "c-1", "site-key")
    assert await recheck(store, site, label) == "gone"


async def test_a_text_that_has_expired_is_not_sent_back(store: Store, site: str, label: str, redis_server: Any) -> None:
    with redis_server.client() as client:
        client.delete(Shard(site).text("c-1") + "1")
    assert await recheck(store, site, label) == "expired"


async def test_a_full_queue_takes_none(site: str, label: str, redis_server: Any) -> None:
    async with open_store(
        Settings(redis_url=redis_server.url, store_timeout_s=30, max_queued=0), redis_server.url
    ) as full:
        assert await recheck(full, site, label) == "full"


async def test_an_undone_answer_leaves_the_first_label_and_the_decision(store: Store, site: str, label: str) -> None:
    await recheck(store, site, label)
    held = await claim(store, site, "bob")
    await decide(store, site, held, Verdict.APPROVE)
    assert (await store.queue.undo(site, "c-1", "bob", 60))[0] == "ok"
    record = await store.comments.get(site, "c-1")
    assert (record.status, record.is_audit) == (Status.REJECTED, False)
    assert await labels(store, site) == [("moderator", "ann", Verdict.REJECT)]
    assert await breaches(store, site) == []


async def test_the_author_can_edit_it_meanwhile_and_a_new_revision_can_be_checked_again(
    store: Store, site: str, submit: Any, label: str
) -> None:
    await recheck(store, site, label)
    await submit("c-1", "edited")
    await judge(store, site, "ann")
    second = [each.cursor for each in await store.labels.newest(site, 10) if each.revision == 2]
    assert await recheck(store, site, second[0]) == "ok"
    assert await breaches(store, site) == []

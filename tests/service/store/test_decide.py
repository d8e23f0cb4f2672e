"""Deciding: exactly one decision wins, and the token decides, not the clock."""

import asyncio
from typing import Any

import pytest

from service.store import Store
from service.store.base import Record
from service.store.keyspace import Shard
from service.store.review import Answer, Filter
from service.values.domain import Action, DecidedBy, Lease, State, Status, Verdict

ANY = Filter()


def answer(lease: Lease | None, verdict: Verdict = Verdict.REJECT, **more: Any) -> Answer:
    return Answer(verdict, lease, **{"digest": verdict, **more})


@pytest.fixture
async def held(store: Store, site: str, submit: Any) -> Record:
    await submit("c-1")
    (record,) = await store.queue.claim(site, "ann", 1, 60, ANY)
    return record


@pytest.mark.parametrize(("verdict", "status"), [(Verdict.APPROVE, Status.APPROVED), (Verdict.REJECT, Status.REJECTED)])
async def test_a_decision_is_final_and_leaves_the_queue(
    store: Store, site: str, held: Record, redis_server: Any, verdict: Verdict, status: Status
) -> None:
    outcome, record = await store.queue.decide(
        site, "c-1", "ann", answer(held.lease, verdict, reason="personal_attack"), may_overrule=False
    )
    assert outcome == "ok"
    assert (record.state, record.status, record.decided_by) == (State.DECIDED, status, DecidedBy.MODERATOR)
    assert (record.decision, record.moderator, record.reason) == (Action.REVIEW, "ann", "personal_attack")
    assert record.version == held.version + 1
    assert record.lease is None
    with redis_server.client() as client:
        for index in ("ready", "lease", "escalated", "waiting"):
            assert client.zcard(Shard(site).key(index)) == 0
        assert client.zcard(Shard(site).held("ann")) == 0
        assert client.ttl(Shard(site).item("c-1")) > client.ttl(Shard(site).text("c-1") + "1") > 360 * 86_400


async def test_of_fifty_decisions_at_once_exactly_one_wins(store: Store, site: str, held: Record, trail: Any) -> None:
    async def decide(number: int) -> tuple[str, Record | None]:
        verdict = Verdict.REJECT if number % 2 else Verdict.APPROVE
        return await store.queue.decide(
            site, "c-1", "ann", answer(held.lease, verdict, digest=str(number)), may_overrule=False
        )

    found = await asyncio.gather(*(decide(number) for number in range(50)))
    outcomes = [outcome for outcome, _ in found]
    assert outcomes.count("ok") == 1
    assert outcomes.count("conflict") == 49
    winner = found[outcomes.index("ok")][1]
    assert all(record == winner for _, record in found), "everybody is shown the winner"
    assert (await trail()).count("decided") == 1
    assert len((await store.labels.page(site, "", 10))[0]) == 1


async def test_the_same_decision_again_is_answered_the_same(store: Store, site: str, held: Record, trail: Any) -> None:
    _, first = await store.queue.decide(site, "c-1", "ann", answer(held.lease), may_overrule=False)
    for _ in range(3):
        assert await store.queue.decide(site, "c-1", "ann", answer(held.lease), may_overrule=False) == (
            "duplicate",
            first,
        )
    assert (await trail()).count("decided") == 1
    assert len((await store.labels.page(site, "", 10))[0]) == 1
    assert (await store.queue.stats(site, 1))["hours"][0][1]["moderator:ann"] == 1


async def test_another_moderator_cannot_decide_with_a_lease_that_is_not_theirs(
    store: Store, site: str, held: Record
) -> None:
    outcome, record = await store.queue.decide(site, "c-1", "bob", answer(held.lease), may_overrule=False)
    assert (outcome, record.owner) == ("stale", "ann")
    assert record.status is Status.PENDING


@pytest.mark.usefixtures("held")
async def test_without_a_lease_nothing_is_decided(store: Store, site: str) -> None:
    for may_overrule in (False, True):
        outcome, _ = await store.queue.decide(site, "c-1", "ann", answer(None), may_overrule=may_overrule)
        assert outcome == "stale"


async def test_a_late_decision_counts_while_nobody_else_was_offered_the_comment(
    store: Store, site: str, held: Record, redis_server: Any
) -> None:
    with redis_server.client() as client:
        client.zadd(Shard(site).key("lease"), {"c-1": 1000})
    outcome, record = await store.queue.decide(site, "c-1", "ann", answer(held.lease), may_overrule=False)
    assert (outcome, record.status) == ("ok", Status.REJECTED)


async def test_a_late_decision_counts_also_when_the_comment_is_back_in_the_queue(
    store: Store, site: str, held: Record, redis_server: Any
) -> None:
    with redis_server.client() as client:
        client.zadd(Shard(site).key("lease"), {"c-1": 1000})
    # Somebody asks for another kind: the expired lease is put back, the comment is offered to nobody.
    assert (await store.queue.claim(site, "bob", 1, 60, Filter(attribute="spam"))) == []
    assert (await store.comments.get(site, "c-1")).state is State.QUEUED
    outcome, record = await store.queue.decide(site, "c-1", "ann", answer(held.lease), may_overrule=False)
    assert (outcome, record.status) == ("ok", Status.REJECTED)
    assert (await store.queue.claim(site, "bob", 1, 60, ANY)) == []


async def test_a_decision_is_stale_once_somebody_else_holds_the_comment(
    store: Store, site: str, held: Record, redis_server: Any, trail: Any
) -> None:
    with redis_server.client() as client:
        client.zadd(Shard(site).key("lease"), {"c-1": 1000})
    (theirs,) = await store.queue.claim(site, "bob", 1, 60, ANY)
    outcome, record = await store.queue.decide(site, "c-1", "ann", answer(held.lease), may_overrule=False)
    assert (outcome, record.owner, record.status) == ("stale", "bob", Status.PENDING)
    outcome, _ = await store.queue.decide(site, "c-1", "bob", answer(theirs.lease), may_overrule=False)
    assert outcome == "ok"
    outcome, record = await store.queue.decide(site, "c-1", "ann", answer(held.lease), may_overrule=False)
    assert (outcome, record.moderator) == ("conflict", "bob")
    assert (await trail()).count("decided") == 1


async def test_a_decision_on_an_older_revision_is_refused(store: Store, site: str, held: Record, submit: Any) -> None:
    await submit("c-1", "edited")
    outcome, record = await store.queue.decide(site, "c-1", "ann", answer(held.lease), may_overrule=True)
    assert (outcome, record.revision, record.status) == ("superseded", 2, Status.PENDING)


async def test_an_escalated_comment_is_decided_by_somebody_who_may(
    store: Store, site: str, held: Record, trail: Any
) -> None:
    outcome, record = await store.queue.decide(
        site, "c-1", "ann", answer(held.lease, Verdict.ESCALATE), may_overrule=False
    )
    assert (outcome, record.state, record.status) == ("ok", State.ESCALATED, Status.PENDING)
    assert (await store.queue.claim(site, "bob", 1, 60, ANY)) == []
    assert [each.id for each in await store.queue.items(site, State.ESCALATED, 0, 10)] == ["c-1"]
    assert (await store.labels.page(site, "", 10))[0] == []
    again = await store.queue.decide(site, "c-1", "ann", answer(held.lease, Verdict.ESCALATE), may_overrule=False)
    assert again == ("duplicate", record)
    for_all = await store.queue.decide(site, "c-1", "bob", answer(None), may_overrule=False)
    assert for_all == ("escalated", record)
    outcome, record = await store.queue.decide(site, "c-1", "chief", answer(None), may_overrule=True)
    assert (outcome, record.status, record.moderator) == ("ok", Status.REJECTED, "chief")
    assert await trail() == ["submitted", "claimed", "escalated", "decided"]


async def test_what_is_not_there_or_erased_is_gone(store: Store, site: str, held: Record) -> None:
    await store.comments.erase(site, "c-1", "site-key")
    for comment_id in ("c-1", "never-sent"):
        found = await store.queue.decide(site, comment_id, "ann", answer(held.lease), may_overrule=True)
        assert found == ("gone", None)


async def test_what_the_model_decided_is_not_decided_again(store: Store, site: str, submit: Any) -> None:
    await submit("c-1", decision=Action.APPROVE)
    outcome, record = await store.queue.decide(site, "c-1", "chief", answer(None), may_overrule=True)
    assert (outcome, record.decided_by) == ("conflict", DecidedBy.MODEL)

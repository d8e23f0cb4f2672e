"""What nobody looked at in time is decided by the site's policy, if it has one; what somebody looks at is not."""

from typing import Any

import pytest
from deeds import AUDIT, DRAWN, HOUR_MS, breaches, claim, counted, decide, judge, labels, told

from service.store import Store
from service.store.keyspace import Shard
from service.store.review import Filter
from service.values.domain import Action, DecidedBy, State, Status, Verdict

DAY_S = 86_400


@pytest.fixture
def a_day_passes(redis_server: Any, site: str) -> Any:
    """For all that waits."""

    def a_day_passes() -> None:
        with redis_server.client() as client:
            for comment_id, since in client.zrange(Shard(site).key("waiting"), 0, -1, withscores=True):
                client.zadd(Shard(site).key("waiting"), {comment_id: since - DAY_S * 1000})

    return a_day_passes


@pytest.mark.parametrize("status", [Status.APPROVED, Status.REJECTED])
async def test_what_waited_too_long_is_decided_as_the_policy_says(
    store: Store, site: str, submit: Any, a_day_passes: Any, trail: Any, status: Status
) -> None:
    await submit("old")
    a_day_passes()
    await submit("young")
    tended = await store.queue.tend(site, DAY_S, status)
    assert (tended.put_back, tended.expired) == (0, 1)
    record = await store.comments.get(site, "old")
    assert (record.state, record.status, record.decided_by) == (State.DECIDED, status, DecidedBy.EXPIRY)
    assert (record.version, record.moderator) == (2, None)
    assert (await store.comments.get(site, "young")).state is State.QUEUED
    assert (await store.queue.tend(site, DAY_S, status)).expired == 0
    assert await trail() == ["submitted", "submitted", "decided"]
    entries, _ = await store.audit.page(site, "", 10, actor="expiry")
    assert [entry.details["comment"] for entry in entries] == ["old"]


async def test_expiry_is_no_label_and_is_counted_and_told(
    store: Store, site: str, submit: Any, a_day_passes: Any
) -> None:
    await submit("c-1")
    a_day_passes()
    await store.queue.tend(site, DAY_S, Status.REJECTED)
    assert await labels(store, site) == []
    assert await told(store, site) == [("comment.queued", 1), ("decision.created", 2)]
    found = await counted(store, site)
    assert found["expired:rejected"] == 1
    assert not any(name.startswith(("moderator:", "decision:")) for name in found)


async def test_without_a_policy_nothing_expires(store: Store, site: str, submit: Any, a_day_passes: Any) -> None:
    await submit("c-1")
    a_day_passes()
    assert (await store.queue.tend(site)).expired == 0
    assert (await store.comments.get(site, "c-1")).state is State.QUEUED


async def test_what_somebody_holds_or_passed_on_or_only_audits_does_not_expire(
    store: Store, site: str, submit: Any, a_day_passes: Any
) -> None:
    await submit("held", sla_ms=1)
    await claim(store, site)
    await submit("escalated", sla_ms=1)
    await judge(store, site, "bob", Verdict.ESCALATE)
    await submit("audited", decision=Action.APPROVE, urgency=AUDIT)
    await submit("reopened", decision=Action.APPROVE)
    await store.queue.reopen(site, "reopened", "chief", sla_ms=1)
    a_day_passes()
    assert (await store.queue.tend(site, DAY_S, Status.REJECTED)).expired == 0
    states = {
        name: (await store.comments.get(site, name)).state for name in ("held", "escalated", "audited", "reopened")
    }
    assert states == {
        "held": State.LEASED,
        "escalated": State.ESCALATED,
        "audited": State.QUEUED,
        "reopened": State.QUEUED,
    }


async def test_behind_many_that_do_not_expire_the_others_do(
    store: Store, site: str, submit: Any, a_day_passes: Any
) -> None:
    for number in range(60):
        await submit(f"held-{number:02}", sla_ms=1)
    for number in range(3):
        assert len(await store.queue.claim(site, f"m-{number}", 20, 60, Filter())) == 20
    for number in range(120):
        await submit(f"late-{number:03}")
    a_day_passes()
    assert (await store.queue.tend(site, DAY_S, Status.APPROVED)).expired == 120
    stats = await store.queue.stats(site, 1)
    assert (stats["queued"], stats["leased"]) == (0, 60)
    assert await breaches(store, site) == []


async def test_a_lease_that_ended_does_not_keep_a_comment_and_its_late_decision_meets_the_winner(
    store: Store, site: str, submit: Any, a_day_passes: Any, redis_server: Any
) -> None:
    await submit("c-1")
    held = await claim(store, site)
    a_day_passes()
    with redis_server.client() as client:
        client.zadd(Shard(site).key("lease"), {"c-1": 1000})
    tended = await store.queue.tend(site, DAY_S, Status.REJECTED)
    assert (tended.put_back, tended.expired) == (1, 1)
    outcome, record = await decide(store, site, held, Verdict.APPROVE)
    assert (outcome, record.status, record.decided_by) == ("conflict", Status.REJECTED, DecidedBy.EXPIRY)
    assert (await store.queue.undo(site, "c-1", "ann", 60))[0] == "not_yours"


async def test_a_single_vote_does_not_keep_a_comment(store: Store, site: str, submit: Any, a_day_passes: Any) -> None:
    await submit("c-1", urgency=DRAWN)
    await judge(store, site, "ann")
    a_day_passes()
    assert (await store.queue.tend(site, DAY_S, Status.REJECTED)).expired == 1
    assert (await store.queue.undo(site, "c-1", "ann", 60))[0] == "not_yours"
    assert await labels(store, site) == [("vote", "ann", "reject")], "what a person said stays a label"


async def test_what_expired_can_be_appealed_and_then_a_person_decides(
    store: Store, site: str, submit: Any, a_day_passes: Any
) -> None:
    await submit("c-1")
    a_day_passes()
    await store.queue.tend(site, DAY_S, Status.REJECTED)
    assert (await store.comments.appeal(site, "c-1", "why?", sla_ms=HOUR_MS))[0] == "ok"
    a_day_passes()
    assert (await store.queue.tend(site, DAY_S, Status.REJECTED)).expired == 0, "its status stands; it waits for people"
    outcome, record = await judge(store, site, "ann", Verdict.APPROVE)
    assert (outcome, record.status, record.decided_by) == ("ok", Status.APPROVED, DecidedBy.MODERATOR)


async def test_ended_leases_come_back_without_anybody_claiming(
    store: Store, site: str, submit: Any, redis_server: Any
) -> None:
    for number in range(120):
        await submit(f"c-{number:03}")
    for number in range(6):
        await store.queue.claim(site, f"m-{number}", 20, 60, Filter())
    with redis_server.client() as client:
        client.zadd(Shard(site).key("lease"), dict.fromkeys(client.zrange(Shard(site).key("lease"), 0, -1), 1000))
    assert (await store.queue.tend(site)).put_back == 120
    assert (await store.queue.stats(site, 1))["queued"] == 120
    assert await breaches(store, site) == []


async def test_a_lease_that_ends_again_and_again_marks_the_comment_and_keeps_it(
    store: Store, site: str, submit: Any, redis_server: Any
) -> None:
    await submit("c-1")
    for times in range(1, 8):
        await claim(store, site)
        with redis_server.client() as client:
            client.zadd(Shard(site).key("lease"), {"c-1": 1000})
        await store.queue.tend(site)
        assert (await store.comments.get(site, "c-1")).expiries == times
    assert (await counted(store, site))["stuck"] == 1
    assert (await claim(store, site)).id == "c-1"

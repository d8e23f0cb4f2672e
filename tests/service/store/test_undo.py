"""Taking a decision back: nobody hears of it in time, everybody hears of it later."""

import asyncio
from typing import Any

import msgspec
import pytest
from deeds import ANY, AUTOMATIC, DRAWN, REJECTS, breaches, claim, decide, judge, labels, overrule, to_tell, told

from service.store import Store
from service.store.base import Record
from service.store.keyspace import Shard
from service.store.review import Answer
from service.values.domain import DecidedBy, State, Status, Verdict

LONG_AGO_MS = 1000


@pytest.fixture
async def decided(store: Store, site: str, submit: Any) -> Record:
    """A comment that ann has just rejected; its event is held back still."""
    await submit("c-1")
    _, record = await judge(store, site, "ann")
    return record


@pytest.fixture
async def endpoint(store: Store, site: str) -> None:
    await store.outbox.endpoints.put(site, "https://site.example/hook", include_text=False, actor="chief")


@pytest.fixture
def hold_passes(redis_server: Any, site: str) -> Any:
    def hold_passes(comment_id: str = "c-1") -> None:
        with redis_server.client() as client:
            assert client.hset(Shard(site).item(comment_id), "held_until", LONG_AGO_MS) == 0

    return hold_passes


async def undo(store: Store, site: str, moderator: str = "ann", **more: Any) -> Any:
    return await store.queue.undo(site, "c-1", moderator, 60, **more)


async def test_an_undone_decision_is_pending_again_and_leased_to_who_took_it_back(
    store: Store, site: str, submit: Any, trail: Any
) -> None:
    await submit("c-1", sla_ms=20_000)
    held = await claim(store, site)
    await submit("more-urgent", sla_ms=10_000)
    _, decision = await decide(store, site, held)
    outcome, record = await undo(store, site)
    assert outcome == "ok"
    assert (record.state, record.owner, record.status) == (State.LEASED, "ann", Status.PENDING)
    assert (record.moderator, record.reason, record.decided_at) == (None, None, None)
    assert record.version == decision.version + 1
    assert record.token > held.token
    assert record.due_at == held.due_at
    assert await store.queue.claim(site, "ann", 1, 60, ANY) == [record], "first in that moderator's view"
    assert [each.id for each in await store.queue.claim(site, "bob", 5, 60, ANY)] == ["more-urgent"]
    assert await trail() == ["submitted", "claimed", "submitted", "decided", "undone", "claimed"]
    assert await breaches(store, site) == []


@pytest.mark.usefixtures("endpoint")
async def test_within_the_hold_nobody_ever_hears_of_the_decision(
    store: Store, site: str, decided: Record, redis_server: Any
) -> None:
    with redis_server.client() as client:
        assert to_tell(client, site, "c-1") == [("comment.queued", 1), ("decision.created", decided.version)]
        assert (await undo(store, site))[0] == "ok"
        assert to_tell(client, site, "c-1") == [("comment.queued", 1)]
        assert client.zscore(Shard(site).key("out:due"), "c-1") is not None
    assert await told(store, site) == [("comment.queued", 1)]


@pytest.mark.usefixtures("endpoint")
@pytest.mark.parametrize("broken", ["{", "[]"])
async def test_an_event_that_cannot_be_read_stops_neither_an_undo_nor_a_replay(
    store: Store, site: str, decided: Record, redis_server: Any, broken: str
) -> None:
    with redis_server.client() as client:
        client.lset(Shard(site).key("out:q:c-1"), -1, broken)
        assert await store.outbox.replay(site, "c-1", decided.version) == "unknown"
        assert (await undo(store, site))[0] == "ok"
        assert client.lrange(Shard(site).key("out:q:c-1"), -1, -1) == [broken]


@pytest.mark.usefixtures("endpoint")
async def test_an_undone_decision_that_was_all_there_was_to_tell_leaves_nothing_to_tell(
    store: Store, site: str, submit: Any, redis_server: Any
) -> None:
    await submit("c-1")
    (taken,) = (await store.outbox.take(Shard(site), 5, 60)).events
    await store.outbox.settle(taken, "delivered", attempts=1)
    await judge(store, site, "ann")
    await undo(store, site)
    with redis_server.client() as client:
        assert client.exists(Shard(site).key("out:q:c-1"), Shard(site).key("out:due")) == 0


@pytest.mark.usefixtures("endpoint")
async def test_after_the_hold_a_higher_version_says_that_the_decision_does_not_count(
    store: Store, site: str, decided: Record, redis_server: Any, hold_passes: Any
) -> None:
    hold_passes()
    outcome, record = await undo(store, site)
    assert (outcome, record.version) == ("ok", decided.version + 1)
    said = [("comment.queued", 1), ("decision.created", decided.version), ("decision.reverted", record.version)]
    assert await told(store, site) == said
    with redis_server.client() as client:
        assert to_tell(client, site, "c-1") == said
    found, _ = await store.events.page(site, "", 100)
    assert found[-1].details["status"] == "pending"


@pytest.mark.parametrize("is_held", [True, False])
async def test_the_trail_says_whether_anybody_heard(
    store: Store, site: str, decided: Record, hold_passes: Any, is_held: bool
) -> None:
    if not is_held:
        hold_passes()
    await undo(store, site)
    entries, _ = await store.audit.page(site, "", 10, comment="c-1")
    undone = entries[-1].details
    assert (undone["action"], undone["actor"], undone["from"], undone["to"]) == ("undone", "ann", "decided", "leased")
    assert undone["mode"] == ("cancelled" if is_held else "compensated")
    assert int(undone["version"]) == decided.version + 1


@pytest.mark.usefixtures("decided")
async def test_the_label_is_withdrawn_and_who_has_read_it_hears_so(store: Store, site: str) -> None:
    ((label,), cursor) = await store.labels.page(site, "", 10)
    await undo(store, site)
    ((line,), _) = await store.labels.page(site, cursor, 10)
    assert (line.retracts, line.id, line.actor) == (label.cursor, "c-1", "ann")
    assert (line.text, line.labels, line.decision, line.weight) == ("", {}, "", 0)
    assert await labels(store, site) == []


@pytest.mark.usefixtures("decided")
async def test_an_undo_repeated_is_answered_the_same_and_done_once(store: Store, site: str, trail: Any) -> None:
    _, first = await undo(store, site)
    for _ in range(3):
        assert await undo(store, site) == ("duplicate", first)
    assert (await trail()).count("undone") == 1


async def test_of_many_undos_at_once_one_is_done(store: Store, site: str, decided: Record) -> None:
    found = await asyncio.gather(*(undo(store, site, version=decided.version) for _ in range(30)))
    outcomes = [outcome for outcome, _ in found]
    assert (outcomes.count("ok"), outcomes.count("duplicate")) == (1, 29)
    assert len({record.token for _, record in found}) == 1


async def test_nobody_takes_back_what_somebody_else_decided(store: Store, site: str, decided: Record) -> None:
    assert await undo(store, site, "bob") == ("not_yours", decided)
    assert await store.comments.get(site, "c-1") == decided


async def test_nobody_takes_back_what_no_person_decided(store: Store, site: str, submit: Any) -> None:
    await submit("c-1", decision=AUTOMATIC["rejected"])
    assert (await undo(store, site))[0] == "not_yours"


async def test_after_the_window_a_decision_stays(store: Store, site: str, decided: Record, redis_server: Any) -> None:
    with redis_server.client() as client:
        client.hset(Shard(site).item("c-1"), "decided", LONG_AGO_MS)
    outcome, record = await undo(store, site)
    assert (outcome, record.status, record.version) == ("window_closed", Status.REJECTED, decided.version)
    assert await labels(store, site) == [("moderator", "ann", "reject")]


async def test_an_undo_of_another_version_changes_nothing(store: Store, site: str, decided: Record) -> None:
    for version in (decided.version - 1, decided.version + 1):
        assert await undo(store, site, version=version) == ("stale", decided)


async def test_what_waits_or_is_not_there_cannot_be_undone(store: Store, site: str, submit: Any) -> None:
    assert await undo(store, site) == ("gone", None)
    await submit("c-1")
    assert (await undo(store, site))[0] == "stale"
    await claim(store, site)
    assert (await undo(store, site))[0] == "stale"
    await store.comments.erase(site, "c-1", "site-key")
    assert await undo(store, site) == ("gone", None)


async def test_a_decision_whose_text_is_gone_stays(store: Store, site: str, decided: Record, redis_server: Any) -> None:
    with redis_server.client() as client:
        client.delete(Shard(site).text("c-1") + "1")
    outcome, record = await undo(store, site)
    assert (outcome, record.version) == ("expired", decided.version)


async def test_a_decision_on_a_text_that_was_edited_since_cannot_be_undone(
    store: Store, site: str, decided: Record, submit: Any
) -> None:
    assert decided.revision == 1
    _, revised = await submit("c-1", "edited")
    assert (await undo(store, site, version=decided.version)) == ("stale", revised)
    assert (await store.labels.page(site, "", 10))[0][0].text == "hello"


async def test_the_lease_of_an_undone_decision_is_void(store: Store, site: str, submit: Any) -> None:
    await submit("c-1")
    held = await claim(store, site)
    await decide(store, site, held)
    await undo(store, site)
    assert (await decide(store, site, held))[0] == "stale", "also for a request that was answered before"


async def test_what_was_undone_is_decided_again_for_good(store: Store, site: str, decided: Record, trail: Any) -> None:
    _, held = await undo(store, site)
    outcome, record = await decide(store, site, held, Verdict.APPROVE)
    assert (outcome, record.status, record.version) == ("ok", Status.APPROVED, decided.version + 2)
    assert await labels(store, site) == [("moderator", "ann", "approve")]
    assert await told(store, site) == [("comment.queued", 1), ("decision.created", record.version)]
    assert (await trail()).count("decided") == 2, "the trail forgets nothing"


@pytest.mark.usefixtures("decided")
async def test_an_undone_comment_goes_to_others_when_its_lease_ends(store: Store, site: str, redis_server: Any) -> None:
    await undo(store, site)
    with redis_server.client() as client:
        client.zadd(Shard(site).key("lease"), {"c-1": LONG_AGO_MS})
    taken = await claim(store, site, "bob")
    assert (taken.id, taken.owner) == ("c-1", "bob")


async def test_an_undone_escalation_is_leased_again_and_escalated_no_more(store: Store, site: str, submit: Any) -> None:
    await submit("c-1")
    await judge(store, site, "ann", Verdict.ESCALATE)
    assert (await undo(store, site, "bob"))[0] == "not_yours"
    outcome, record = await undo(store, site)
    assert (outcome, record.state, record.owner) == ("ok", State.LEASED, "ann")
    assert await store.queue.items(site, State.ESCALATED, 0, 10) == []
    assert (await decide(store, site, record, Verdict.APPROVE))[0] == "ok"


async def test_an_undo_brings_back_what_stood_before(store: Store, site: str, submit: Any, redis_server: Any) -> None:
    await submit("c-1", decision=AUTOMATIC["approved"])
    with redis_server.client() as client:
        client.hset(Shard(site).item("c-1"), "decided", LONG_AGO_MS)
    _, before = await store.queue.reopen(site, "c-1", "chief", sla_ms=1000)
    _, decided = await judge(store, site, "ann")
    assert (decided.status, decided.decided_by) == (Status.REJECTED, DecidedBy.MODERATOR)
    _, undone = await undo(store, site)
    assert (undone.status, undone.decided_by, undone.decided_at) == (
        Status.APPROVED,
        DecidedBy.MODEL,
        before.decided_at,
    )


async def test_a_decision_on_an_escalated_comment_is_undone_and_made_anew_by_one_person(
    store: Store, site: str, submit: Any
) -> None:
    """Escalated, double review is over: also when who settled it changes their mind."""
    await submit("c-1", urgency=DRAWN)
    await judge(store, site, "ann", Verdict.APPROVE)
    _, escalated = await judge(store, site, "bob", Verdict.REJECT)
    assert (await overrule(store, site, "c-1", Verdict.REJECT))[0] == "ok"
    outcome, again = await undo(store, site, "chief")
    assert (outcome, again.state, again.vote) == ("ok", State.ESCALATED, escalated.vote)
    outcome, record = await overrule(store, site, "c-1", Verdict.APPROVE, by="boss")
    assert (outcome, record.state, record.status) == ("ok", State.DECIDED, Status.APPROVED)


@pytest.fixture
async def escalated(store: Store, site: str, submit: Any) -> Record:
    """A comment that ann passed on with a note."""
    await submit("c-1")
    held = await claim(store, site, "ann")
    answer = Answer(Verdict.ESCALATE, held.lease, reason="hate", note="What does he mean?", digest="d")
    _, record = await store.queue.decide(site, "c-1", "ann", answer, may_overrule=False)
    assert record.state is State.ESCALATED
    return record


@pytest.mark.parametrize("verdict", [Verdict.APPROVE, Verdict.REJECT])
async def test_an_escalated_comment_that_was_decided_and_undone_is_escalated_again_as_it_was(
    store: Store, site: str, escalated: Record, trail: Any, verdict: Verdict
) -> None:
    _, decided = await overrule(store, site, "c-1", verdict)
    outcome, record = await undo(store, site, "chief")
    assert (outcome, record.version) == ("ok", decided.version + 1)
    assert record == msgspec.structs.replace(escalated, version=record.version)
    assert await store.queue.items(site, State.ESCALATED, 0, 10) == [record]
    assert await store.queue.claim(site, "bob", 5, 60, ANY) == []
    assert await store.queue.claim(site, "chief", 5, 60, ANY) == []
    assert await undo(store, site, "chief") == ("duplicate", record)
    assert (await trail())[-1] == "undone"
    assert await labels(store, site) == []
    assert await breaches(store, site) == []


@pytest.mark.usefixtures("escalated")
async def test_who_escalated_can_still_take_that_back_after_a_decision_was_undone(store: Store, site: str) -> None:
    await overrule(store, site, "c-1", Verdict.APPROVE)
    await undo(store, site, "chief")
    outcome, record = await undo(store, site, "ann")
    assert (outcome, record.state, record.owner) == ("ok", State.LEASED, "ann")
    outcome, decided = await decide(store, site, record, Verdict.APPROVE)
    assert (outcome, decided.state) == ("ok", State.DECIDED)
    assert (await undo(store, site, "ann"))[1].state is State.LEASED, "this decision was about no escalated comment"


@pytest.mark.usefixtures("escalated")
async def test_of_an_escalation_that_was_decided_nothing_stays_when_the_comment_is_erased(
    store: Store, site: str, redis_server: Any
) -> None:
    await overrule(store, site, "c-1", Verdict.APPROVE)
    await store.comments.erase(site, "c-1", "site-key")
    with redis_server.client() as client:
        assert "What does he mean?" not in str(client.hgetall(Shard(site).item("c-1")))


@pytest.mark.usefixtures("escalated")
async def test_what_was_reopened_after_an_escalation_is_escalated_no_more(store: Store, site: str) -> None:
    await overrule(store, site, "c-1", Verdict.APPROVE)
    await store.queue.reopen(site, "c-1", "chief", sla_ms=1000)
    await judge(store, site, "bob", Verdict.REJECT)
    assert (await undo(store, site, "bob"))[1].state is State.LEASED


async def test_a_rejection_that_takes_two_still_does_after_an_undone_approval(
    store: Store, site: str, submit: Any
) -> None:
    await submit("c-1", urgency=REJECTS)
    assert (await judge(store, site, "ann", Verdict.APPROVE))[1].state is State.DECIDED
    _, held = await undo(store, site)
    outcome, record = await decide(store, site, held, Verdict.REJECT)
    assert (outcome, record.state, record.status) == ("ok", State.QUEUED, Status.PENDING)


async def test_an_undo_that_meets_an_edit_leaves_one_truth(store: Store, site: str, submit: Any) -> None:
    for number in range(10):
        comment_id = f"c-{number}"
        await submit(comment_id)
        held = await claim(store, site)
        await store.queue.decide(
            site, comment_id, "ann", Answer(Verdict.REJECT, held.lease, digest="d"), may_overrule=False
        )
        await asyncio.gather(store.queue.undo(site, comment_id, "ann", 60), submit(comment_id, "edited"))
        assert (await store.comments.get(site, comment_id)).revision == 2
        assert (await store.queue.claim(site, "bob", 1, 60, ANY))[0].id == comment_id
        await store.comments.erase(site, comment_id, "site-key")
    assert await breaches(store, site) == []


async def test_an_undo_forgets_the_rejection_and_brings_back_the_one_before(
    store: Store, site: str, submit: Any
) -> None:
    await submit("c-1")
    held = await claim(store, site)
    _, first = await decide(store, site, held, Verdict.REJECT, scores_shown=True)
    assert (first.rejected_version, first.scores_shown) == (first.version, True)
    _, undone = await store.queue.undo(site, "c-1", "ann", 60)
    assert (undone.rejected_version, undone.scores_shown) == (None, False)
    _, again = await decide(store, site, undone, Verdict.REJECT, scores_shown=True)
    await store.comments.appeal(site, "c-1", "why?", sla_ms=1000)
    _, upheld = await judge(store, site, "bob", Verdict.REJECT)
    assert (upheld.rejected_version, upheld.scores_shown) == (again.version, False), "bob saw none"
    _, back = await store.queue.undo(site, "c-1", "bob", 60)
    assert (back.rejected_version, back.scores_shown) == (again.version, True)
    _, approved = await decide(store, site, back, Verdict.APPROVE)
    assert approved.rejected_version == again.version, "an undo of the approval needs it"
    await store.queue.undo(site, "c-1", "bob", 60)
    assert (await store.comments.get(site, "c-1")).scores_shown

"""What takes two people: two votes that agree decide, two that do not are escalated."""

from typing import Any

import pytest
from deeds import ANY, DRAWN, REJECTS, breaches, claim, counted, decide, judge, labels, overrule, told
from hypothesis import given
from hypothesis import strategies as st

from service.store import Store
from service.values.attention import DEFAULT_SLA_MS, MOST_URGENT_MS, attention
from service.values.domain import Action, DecidedBy, Doubling, Reason, State, Status, Verdict
from service.values.policy import Decision, Policy
from service.values.review_settings import Reviewing

VERDICTS = [Verdict.APPROVE, Verdict.REJECT]


@pytest.mark.parametrize("verdict", VERDICTS)
async def test_a_first_vote_leaves_the_comment_in_the_queue_for_somebody_else(
    store: Store, site: str, submit: Any, trail: Any, verdict: Verdict
) -> None:
    await submit("c-1", urgency=DRAWN)
    held = await claim(store, site)
    outcome, record = await decide(store, site, held, verdict)
    assert outcome == "ok"
    assert (record.state, record.status, record.owner) == (State.QUEUED, Status.PENDING, None)
    assert (record.due_at, record.version) == (held.due_at, held.version + 1)
    assert await store.queue.claim(site, "ann", 1, 60, ANY) == []
    assert await told(store, site) == [("comment.queued", 1)], "no answer yet"
    assert await labels(store, site) == [("vote", "ann", verdict)]
    assert await trail() == ["submitted", "claimed", "voted"]
    assert (await claim(store, site, "bob")).id == "c-1"


async def test_nobody_votes_twice_whichever_way(store: Store, site: str, submit: Any) -> None:
    await submit("c-1", urgency=DRAWN)
    held = await claim(store, site)
    _, voted = await decide(store, site, held)
    for verdict in VERDICTS:
        outcome, record = await overrule(store, site, "c-1", verdict, by="ann", version=voted.version)
        assert (outcome, record) == ("own", voted)
    assert await decide(store, site, held) == ("duplicate", voted)
    assert (await decide(store, site, held, Verdict.APPROVE))[0] == "stale"
    assert len(await labels(store, site)) == 1


async def test_without_a_lease_it_is_a_vote_all_the_same(store: Store, site: str, submit: Any) -> None:
    _, queued = await submit("c-1", urgency=DRAWN)
    outcome, record = await overrule(store, site, "c-1", Verdict.REJECT, version=queued.version)
    assert (outcome, record.state, record.status) == ("ok", State.QUEUED, Status.PENDING)
    assert await labels(store, site) == [("vote", "chief", "reject")]
    assert await store.queue.claim(site, "chief", 1, 60, ANY) == []


@pytest.mark.parametrize("verdict", VERDICTS)
async def test_two_who_agree_decide(store: Store, site: str, submit: Any, trail: Any, verdict: Verdict) -> None:
    await submit("c-1", urgency=DRAWN)
    await judge(store, site, "ann", verdict)
    outcome, record = await judge(store, site, "bob", verdict)
    assert (outcome, record.state, record.decided_by, record.moderator) == (
        "ok",
        State.DECIDED,
        DecidedBy.MODERATOR,
        "bob",
    )
    assert record.status == ("approved" if verdict is Verdict.APPROVE else "rejected")
    assert await told(store, site) == [("comment.queued", 1), ("decision.created", record.version)]
    assert await labels(store, site) == [("vote", "ann", verdict), ("moderator", "bob", verdict)]
    assert await trail() == ["submitted", "claimed", "voted", "claimed", "decided"]
    assert (await counted(store, site))["agreed"] == 1


@pytest.mark.parametrize("first", VERDICTS)
async def test_two_who_disagree_escalate(store: Store, site: str, submit: Any, trail: Any, first: Verdict) -> None:
    second = VERDICTS[first is Verdict.APPROVE]
    await submit("c-1", urgency=DRAWN)
    await judge(store, site, "ann", first)
    outcome, record = await judge(store, site, "bob", second)
    assert (outcome, record.state, record.status) == ("ok", State.ESCALATED, Status.PENDING)
    assert await labels(store, site) == [("vote", "ann", first), ("vote", "bob", second)]
    assert await told(store, site) == [("comment.queued", 1)]
    assert await trail() == ["submitted", "claimed", "voted", "claimed", "disagreed"]
    assert (await counted(store, site))["disagreed"] == 1


async def test_neither_of_two_who_disagree_has_the_last_word(store: Store, site: str, submit: Any) -> None:
    await submit("c-1", urgency=DRAWN)
    await judge(store, site, "ann", Verdict.APPROVE)
    await judge(store, site, "bob", Verdict.REJECT)
    for moderator in ("ann", "bob"):
        for verdict in VERDICTS:
            assert (await overrule(store, site, "c-1", verdict, by=moderator, version=3))[0] == "own"
    outcome, record = await overrule(store, site, "c-1", Verdict.REJECT)
    assert (outcome, record.status, record.moderator) == ("ok", Status.REJECTED, "chief")
    await store.comments.appeal(site, "c-1", "why?", sla_ms=1000)
    for moderator in ("ann", "bob", "chief"):
        assert await store.queue.claim(site, moderator, 1, 60, ANY) == []


async def test_of_the_most_urgent_only_a_rejection_takes_two(store: Store, site: str, submit: Any) -> None:
    await submit("c-1", urgency=REJECTS)
    assert (await judge(store, site, "ann", Verdict.APPROVE))[1].status is Status.APPROVED
    await submit("c-2", urgency=REJECTS)
    assert (await judge(store, site, "ann"))[1].state is State.QUEUED
    assert (await judge(store, site, "bob"))[1].status is Status.REJECTED


async def test_a_first_look_may_escalate(store: Store, site: str, submit: Any) -> None:
    await submit("c-1", urgency=DRAWN)
    assert (await judge(store, site, "ann", Verdict.ESCALATE))[1].state is State.ESCALATED
    outcome, record = await overrule(store, site, "c-1", Verdict.APPROVE)
    assert (outcome, record.state, record.status) == ("ok", State.DECIDED, Status.APPROVED)


async def test_a_vote_is_taken_back_and_cast_anew(store: Store, site: str, submit: Any) -> None:
    await submit("c-1", urgency=DRAWN)
    _, voted = await judge(store, site, "ann")
    assert (await store.queue.undo(site, "c-1", "bob", 60))[0] == "not_yours"
    outcome, held = await store.queue.undo(site, "c-1", "ann", 60, version=voted.version)
    assert (outcome, held.state, held.owner, held.vote) == ("ok", State.LEASED, "ann", None)
    assert await labels(store, site) == []
    outcome, record = await decide(store, site, held, Verdict.APPROVE)
    assert (outcome, record.state, record.vote) == ("ok", State.QUEUED, "approve")
    assert await labels(store, site) == [("vote", "ann", "approve")]
    assert (await judge(store, site, "bob", Verdict.APPROVE))[1].status is Status.APPROVED


async def test_a_vote_cannot_be_taken_back_while_the_second_person_looks(store: Store, site: str, submit: Any) -> None:
    await submit("c-1", urgency=DRAWN)
    await judge(store, site, "ann")
    await claim(store, site, "bob")
    assert (await store.queue.undo(site, "c-1", "ann", 60))[0] == "stale"


async def test_a_vote_stands_when_the_second_decision_is_undone(store: Store, site: str, submit: Any) -> None:
    await submit("c-1", urgency=DRAWN)
    await judge(store, site, "ann")
    await judge(store, site, "bob")
    _, held = await store.queue.undo(site, "c-1", "bob", 60)
    assert await labels(store, site) == [("vote", "ann", "reject")]
    assert (await decide(store, site, held, Verdict.APPROVE))[1].state is State.ESCALATED


async def test_a_vote_can_still_be_taken_back_after_the_second_decision_was(
    store: Store, site: str, submit: Any
) -> None:
    await submit("c-1", urgency=DRAWN)
    await judge(store, site, "ann")
    await judge(store, site, "bob")
    _, held = await store.queue.undo(site, "c-1", "bob", 60)
    await store.queue.release(site, "c-1", "bob", held.lease, skip=False)
    outcome, record = await store.queue.undo(site, "c-1", "ann", 60)
    assert (outcome, record.owner) == ("ok", "ann")
    assert await labels(store, site) == [], "both were taken back"
    assert (await decide(store, site, record))[1].state is State.QUEUED, "two are needed again"
    assert await breaches(store, site) == []


async def test_an_edited_comment_takes_two_votes_on_the_new_text(store: Store, site: str, submit: Any) -> None:
    await submit("c-1", "one", urgency=DRAWN)
    await judge(store, site, "ann")
    await submit("c-1", "two", urgency=DRAWN)
    assert (await judge(store, site, "ann"))[1].state is State.QUEUED, "of the new text nobody has said anything"
    assert [label.text for label in (await store.labels.page(site, "", 10))[0]] == ["one", "two"]


def doubt(attribute: str) -> Decision:
    return Decision(Action.REVIEW, (Reason("score_in_review_band", attribute, 0.5, 0.4, 0.9),))


@given(share=st.floats(0, 1), draw=st.floats(0, 1, exclude_max=True), attribute=st.sampled_from(["threat", "insult"]))
def test_a_share_of_comments_is_drawn_and_of_the_most_urgent_every_rejection_takes_two(
    share: float, draw: float, attribute: str
) -> None:
    found = attention(doubt(attribute), Policy({}, review=Reviewing(double_review=share)), None, draw)
    assert found is not None
    assert found.sla_ms == (MOST_URGENT_MS if attribute == "threat" else DEFAULT_SLA_MS)
    if draw < share:
        assert found.double is Doubling.DRAWN
    else:
        assert found.double is (Doubling.REJECTS if share and attribute == "threat" else None)

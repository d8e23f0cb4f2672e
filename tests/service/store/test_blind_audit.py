"""Blind audits: people judge automatic decisions without knowing that they do, and only a disagreement changes one."""

from typing import Any

import msgspec
import pytest
from deeds import ANY, AUDIT, AUTOMATIC, breaches, claim, counted, decide, judge, labels, overrule, told
from hypothesis import given
from hypothesis import strategies as st

from service.settings import Settings
from service.store import Store, open_store
from service.store.keyspace import Shard
from service.store.review import Filter
from service.store.strikes import StrikeTerms
from service.values.attention import DEFAULT_SLA_MS, attention
from service.values.domain import Action, Author, DecidedBy, Reason, State, Verdict
from service.values.policy import Decision, Policy
from service.values.review_settings import Reviewing
from service.values.strikes import Strikes, StrikeStep

VERDICT = {"approved": Verdict.APPROVE, "rejected": Verdict.REJECT}
OTHER = {"approved": "rejected", "rejected": "approved"}


@pytest.fixture(params=["approved", "rejected"])
async def status(request: pytest.FixtureRequest, submit: Any) -> str:
    """Of c-1, which was decided automatically and drawn for an audit."""
    await submit("c-1", decision=AUTOMATIC[request.param], urgency=AUDIT)
    found: str = request.param
    return found


async def test_an_audited_decision_stands_while_the_comment_waits(store: Store, site: str, status: str) -> None:
    record = await store.comments.get(site, "c-1")
    assert (record.state, record.status, record.decided_by) == (State.QUEUED, status, DecidedBy.MODEL)
    assert record.is_audit
    assert record.decided_at == record.created_at
    assert await told(store, site) == []


async def test_a_judge_who_agrees_leaves_the_decision_and_tells_nobody(
    store: Store, site: str, status: str, redis_server: Any
) -> None:
    await store.outbox.endpoints.put(site, "https://site.example/hook", include_text=False, actor="chief")
    outcome, record = await judge(store, site, "ann", VERDICT[status])
    assert (outcome, record.state, record.status, record.decided_by) == ("ok", State.DECIDED, status, DecidedBy.MODEL)
    assert await told(store, site) == []
    with redis_server.client() as client:
        assert client.exists(Shard(site).key("out:q:c-1")) == 0
        assert client.ttl(Shard(site).text("c-1") + "1") > 0
    assert await labels(store, site) == [("audit", "ann", VERDICT[status])]
    found = await counted(store, site)
    assert (found["upheld"], found.get("overturned")) == (1, None)


async def test_a_judge_who_disagrees_overturns_the_decision(store: Store, site: str, status: str) -> None:
    held = await claim(store, site)
    outcome, record = await decide(store, site, held, VERDICT[OTHER[status]])
    assert (outcome, record.state, record.status, record.decided_by) == (
        "ok",
        State.DECIDED,
        OTHER[status],
        DecidedBy.MODERATOR,
    )
    assert record.version > held.version
    assert await told(store, site) == [("decision.created", record.version)]
    assert await labels(store, site) == [("audit", "ann", VERDICT[OTHER[status]])]
    assert (await counted(store, site))["overturned"] == 1


async def test_where_the_site_wants_it_a_disagreement_is_escalated(store: Store, site: str, status: str) -> None:
    held = await claim(store, site)
    outcome, record = await decide(store, site, held, VERDICT[OTHER[status]], audit_overturns=False)
    assert (outcome, record.state, record.status) == ("ok", State.ESCALATED, status)
    assert await told(store, site) == []
    assert await labels(store, site) == [("audit", "ann", VERDICT[OTHER[status]])]


@pytest.mark.parametrize("agrees", [True, False])
async def test_an_escalated_audit_is_settled_by_the_first_who_may(
    store: Store, site: str, status: str, agrees: bool
) -> None:
    await judge(store, site, "ann", VERDICT[OTHER[status]], audit_overturns=False)
    final = status if agrees else OTHER[status]
    held = await store.comments.get(site, "c-1")
    outcome, record = await overrule(store, site, "c-1", VERDICT[final], audit_overturns=False)
    assert (outcome, record.state, record.status) == ("ok", State.DECIDED, final)
    assert await told(store, site) == [("decision.created", held.version + 1)]
    assert await breaches(store, site) == []


async def test_the_label_says_with_which_probability_the_comment_was_drawn(
    store: Store, site: str, status: str, submit: Any
) -> None:
    await judge(store, site, "ann", VERDICT[status])
    await submit("c-2")
    await judge(store, site, "ann")
    found, _ = await store.labels.page(site, "", 10)
    assert [(label.source, label.inclusion) for label in found] == [("audit", 0.25), ("moderator", None)]
    entries, _ = await store.audit.page(site, "", 10, comment="c-1")
    assert entries[0].details["inclusion"] == "0.25"


@pytest.mark.parametrize("agrees", [True, False])
async def test_an_audit_is_taken_back_like_any_decision(store: Store, site: str, status: str, agrees: bool) -> None:
    before = await store.comments.get(site, "c-1")
    await judge(store, site, "ann", VERDICT[status if agrees else OTHER[status]])
    outcome, record = await store.queue.undo(site, "c-1", "ann", 60)
    assert (outcome, record.state, record.owner) == ("ok", State.LEASED, "ann")
    assert (record.status, record.decided_by, record.decided_at) == (status, DecidedBy.MODEL, before.decided_at)
    assert not record.is_audit, "the answer was shown: who judges now is not blind any more"
    assert await told(store, site) == []
    assert await labels(store, site) == []
    assert (await decide(store, site, record, VERDICT[status]))[0] == "ok"
    assert await labels(store, site) == [("moderator", "ann", VERDICT[status])]


@pytest.mark.usefixtures("status")
async def test_nobody_can_ask_for_audits_alone(store: Store, site: str) -> None:
    assert await store.queue.claim(site, "ann", 1, 60, Filter(why="audit")) == []
    (found,) = await store.queue.claim(site, "ann", 1, 60, Filter(why="uncertain"))
    assert found.id == "c-1"


async def test_the_feed_says_the_same_of_an_audit_and_of_a_doubtful_comment(
    store: Store, site: str, submit: Any
) -> None:
    await submit("c-1")
    await submit("c-2", decision=AUTOMATIC["approved"], urgency=AUDIT)
    await store.queue.claim(site, "ann", 2, 60, ANY)
    found, _ = await store.events.page(site, "", 10)
    said = {
        comment: [
            {name: value for name, value in each.details.items() if name not in ("comment", "type")}
            for each in found
            if each.details["comment"] == comment
        ]
        for comment in ("c-1", "c-2")
    }
    assert said["c-1"] == said["c-2"], "`type` is for the site alone"
    assert len(said["c-1"]) == 2


async def test_a_full_queue_takes_no_audits(redis_server: Any, settings: Settings, site: str, submit: Any) -> None:
    async with open_store(msgspec.structs.replace(settings, max_queued=1), redis_server.url) as store:
        await submit("c-1", to=store)
        outcome, record = await submit("c-2", to=store, decision=AUTOMATIC["approved"], urgency=AUDIT)
        assert (outcome, record.state, record.is_audit, record.due_at) == ("created", State.DECIDED, False, None)
        assert record == await store.comments.get(site, "c-2")


async def test_an_edit_ends_an_audit_of_the_old_text(store: Store, site: str, status: str, submit: Any) -> None:
    held = await claim(store, site)
    await submit("c-1", "edited", decision=AUTOMATIC[status])
    outcome, record = await decide(store, site, held)
    assert (outcome, record.state, record.is_audit) == ("superseded", State.DECIDED, False)


@given(
    share=st.floats(0, 1),
    draw=st.floats(0, 1, exclude_max=True),
    action=st.sampled_from([Action.APPROVE, Action.REJECT]),
)
def test_audits_are_drawn_with_exactly_the_share_that_the_policy_names(
    share: float, draw: float, action: Action
) -> None:
    approved, rejected = (share, 0.0) if action is Action.APPROVE else (0.0, share)
    policy = Policy({}, review=Reviewing(audit_approved=approved, audit_rejected=rejected))
    found = attention(Decision(action, (Reason("r", "threat", 0.99),)), policy, None, draw)
    assert (found is not None) == (draw < share)
    if found is not None:
        assert found.inclusion == share
        assert found.sla_ms == DEFAULT_SLA_MS, "an audit of a threat is as urgent as of anything"


async def test_an_audit_that_upholds_a_rejection_is_no_strike(store: Store, site: str, submit: Any) -> None:
    terms = StrikeTerms(strikes=Strikes((StrikeStep(1, "banned"),)))
    for comment_id, decision in (("c-1", "rejected"), ("c-2", "approved")):
        await submit(comment_id, decision=AUTOMATIC[decision], urgency=AUDIT, author=Author("ann"))
        assert (await judge(store, site, "eve", Verdict.REJECT, terms=terms))[0] == "ok"
    assert [each.comment for each in await store.strikes.of(site, "ann")] == ["c-2"]
    assert [each.status for each in await store.statuses.history(site, "ann")] == ["banned"]

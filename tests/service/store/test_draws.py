"""Whatever becomes of a comment that was drawn for an audit, the audit is answered or counted as unanswered."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from deeds import AUDIT, AUTOMATIC, HOUR_MS, breaches, claim, counted, decide, judge, labels

from service.settings import Settings
from service.store import Store, open_store
from service.store.keyspace import Shard
from service.store.reports import Reader
from service.values.audits import Draw, DrawState
from service.values.domain import Action, Comment, Judgement, Reason, State, Urgency, Verdict, Why

REJECTED = {"decision": Action.REJECT, "urgency": AUDIT}
APPROVED = {"decision": Action.APPROVE, "urgency": AUDIT}


async def draws(store: Store, site: str) -> list[Draw]:
    return await store.draws.since(site, datetime.now(UTC) - timedelta(days=1))


async def fate(store: Store, site: str) -> tuple[DrawState, Verdict | str | None, bool]:
    """Of the only draw; also checks that the counters say the same."""
    (draw,) = await draws(store, site)
    found = await counted(store, site)
    side = f"{draw.decision}@0.25"
    answers = sum(n for name, n in found.items() if name.startswith(f"audited:{side}:"))
    lost = sum(n for name, n in found.items() if name.startswith(f"lost:{side}:"))
    assert found[f"drawn:{side}"] == 1
    assert (answers, lost) == (int(draw.state is DrawState.ANSWERED), int(draw.state is DrawState.LOST))
    return draw.state, draw.verdict or draw.lost, draw.is_blind


async def test_a_draw_says_what_was_decided_by_what_and_how_probable_it_was(
    store: Store, site: str, submit: Any
) -> None:
    await submit("c-1", **REJECTED)
    (draw,) = await draws(store, site)
    assert (draw.comment, draw.revision, draw.decision, draw.inclusion) == ("c-1", 1, Action.REJECT, 0.25)
    assert (draw.scores, draw.model, draw.policy, draw.decided_by) == ({"toxicity": 0.5}, "m-1", "default@1", "model")
    assert (draw.state, draw.verdict, draw.is_wrong, draw.settled_at) == (DrawState.OPEN, None, None, None)
    assert abs(draw.at - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize("verdict", [Verdict.APPROVE, Verdict.REJECT])
@pytest.mark.parametrize("how", [REJECTED, APPROVED])
async def test_an_answer_says_whether_the_decision_was_wrong(
    store: Store, site: str, submit: Any, verdict: Verdict, how: Mapping[str, Any]
) -> None:
    await submit("c-1", **how)
    await judge(store, site, "ann", verdict)
    assert await fate(store, site) == (DrawState.ANSWERED, verdict, True)
    (draw,) = await draws(store, site)
    assert draw.is_wrong is (verdict.value != how["decision"].value)
    assert draw.settled_at is not None


@pytest.mark.parametrize("verdict", [Verdict.APPROVE, Verdict.REJECT])
async def test_whoever_decides_an_appeal_answers_the_audit_too(
    store: Store, site: str, submit: Any, verdict: Verdict
) -> None:
    await submit("c-1", **REJECTED)
    assert (await store.comments.appeal(site, "c-1", "no", sla_ms=HOUR_MS))[0] == "ok"
    assert await fate(store, site) == (DrawState.OPEN, None, True)
    await judge(store, site, "ann", verdict)
    assert await fate(store, site) == (DrawState.ANSWERED, verdict, False)
    (label,) = (await store.labels.page(site, "", 10))[0]
    assert (label.source, label.inclusion) == ("moderator", 0.25)
    assert await breaches(store, site) == []


async def test_an_appeal_after_the_answer_leaves_the_first_answer(store: Store, site: str, submit: Any) -> None:
    await submit("c-1", **REJECTED)
    await judge(store, site, "ann", Verdict.REJECT)
    assert (await store.comments.appeal(site, "c-1", "no", sla_ms=HOUR_MS))[0] == "ok"
    await judge(store, site, "bob", Verdict.APPROVE)
    assert await fate(store, site) == (DrawState.ANSWERED, Verdict.REJECT, True)
    assert [each.inclusion for each in (await store.labels.page(site, "", 10))[0]] == [0.25, None]


async def test_an_answer_that_is_undone_leaves_the_audit_open_until_somebody_answers_again(
    store: Store, site: str, submit: Any
) -> None:
    await submit("c-1", **APPROVED)
    await judge(store, site, "ann", Verdict.REJECT)
    _, held = await store.queue.undo(site, "c-1", "ann", 60)
    assert (await fate(store, site))[:2] == (DrawState.OPEN, None)
    await store.queue.undo(site, "c-1", "ann", 60)  # repeated after a lost reply
    await decide(store, site, held, Verdict.APPROVE)
    assert await fate(store, site) == (DrawState.ANSWERED, Verdict.APPROVE, False)
    assert await labels(store, site) == [("moderator", "ann", "approve")]


async def test_a_reported_audit_is_answered_like_any_other(store: Store, site: str, submit: Any) -> None:
    await submit("c-1", **APPROVED)
    counts = {"needed": 1, "sla_ms": HOUR_MS, "reopen_judged": True}
    await store.comments.report(site, "c-1", Reader("reader"), **counts)
    await judge(store, site, "ann", Verdict.APPROVE)
    await store.comments.report(site, "c-1", Reader("another"), **counts)
    await judge(store, site, "bob", Verdict.REJECT)
    assert await fate(store, site) == (DrawState.ANSWERED, Verdict.APPROVE, True)


async def test_an_edit_loses_the_audit_of_the_old_text(store: Store, site: str, submit: Any) -> None:
    await submit("c-1", **APPROVED)
    await claim(store, site)
    await submit("c-1", "edited", decision=Action.APPROVE)
    assert await fate(store, site) == (DrawState.LOST, "edited", True)


async def test_an_edit_after_the_answer_loses_nothing(store: Store, site: str, submit: Any) -> None:
    await submit("c-1", **APPROVED)
    await judge(store, site, "ann", Verdict.REJECT)
    await submit("c-1", "edited", decision=Action.APPROVE)
    assert (await fate(store, site))[:2] == (DrawState.ANSWERED, Verdict.REJECT)


async def test_an_edit_after_an_appeal_still_counts_as_unanswered(store: Store, site: str, submit: Any) -> None:
    await submit("c-1", **REJECTED)
    await store.comments.appeal(site, "c-1", "no", sla_ms=HOUR_MS)
    await submit("c-1", "edited", decision=Action.APPROVE)
    assert await fate(store, site) == (DrawState.LOST, "edited", False)


@pytest.mark.parametrize("first", [False, True])
async def test_an_erasure_loses_an_open_audit_and_no_answered_one(
    store: Store, site: str, submit: Any, first: bool
) -> None:
    await submit("c-1", **APPROVED)
    if first:
        await judge(store, site, "ann", Verdict.APPROVE)
    assert await store.comments.erase(site, "c-1", "chief")
    assert not await store.comments.erase(site, "c-1", "chief")
    expected = (DrawState.ANSWERED, Verdict.APPROVE) if first else (DrawState.LOST, "erased")
    assert (await fate(store, site))[:2] == expected


async def test_an_escalated_audit_is_answered_once_by_whoever_answered_first(
    store: Store, site: str, submit: Any
) -> None:
    await submit("c-1", **APPROVED)
    held = await claim(store, site)
    await decide(store, site, held, Verdict.REJECT, audit_overturns=False)
    assert await fate(store, site) == (DrawState.ANSWERED, Verdict.REJECT, True)


async def test_an_audit_that_a_full_queue_cannot_take_is_counted_as_lost(
    redis_server: Any, settings: Settings, site: str, submit: Any
) -> None:
    async with open_store(msgspec.structs.replace(settings, max_queued=1), redis_server.url) as store:
        await submit("c-1", to=store)
        await submit("c-2", to=store, **APPROVED)
        assert await fate(store, site) == (DrawState.LOST, "queue_full", True)


async def test_a_waiting_audit_does_not_expire(store: Store, site: str, submit: Any, redis_server: Any) -> None:
    await submit("c-1", **REJECTED)
    await store.comments.appeal(site, "c-1", "no", sla_ms=HOUR_MS)
    with redis_server.client() as client:
        client.zadd(Shard(site).key("waiting"), {"c-1": 1})
    assert (await store.queue.tend(site, 60)).expired == 0
    assert (await fate(store, site))[0] is DrawState.OPEN


async def test_what_was_drawn_before_draws_were_recorded_is_answered_as_before(
    store: Store, site: str, submit: Any, redis_server: Any
) -> None:
    await submit("c-1", **REJECTED)
    with redis_server.client() as client:
        client.hdel(Shard(site).item("c-1"), "drawn")
        (key,) = client.keys(Shard(site).key("draws:*"))
        client.delete(key)
    await judge(store, site, "ann", Verdict.APPROVE)
    assert (await counted(store, site))["audited:reject@0.25:approve"] == 1
    await store.queue.undo(site, "c-1", "ann", 60)
    assert (await counted(store, site))["audited:reject@0.25:approve"] == 0
    assert await draws(store, site) == []


async def drawn_of(store: Store, site: str, numbers: range, share: float, per_day: int) -> int:
    """Submits approvals, each drawn if the policy's share says so; returns how many came to people."""
    judgement = Judgement(Action.APPROVE, {"toxicity": 0.1}, (Reason("r", "toxicity", 0.1),), "m-1", "default@2")
    waiting = 0
    for number in numbers:
        draw = (number * 0.6180339887498949) % 1
        urgency = Urgency(Why.AUDIT, 0.5, 60_000, inclusion=share) if draw < share else None
        _, record = await store.comments.submit(
            site,
            f"c-{number}",
            Comment("hello"),
            judgement,
            urgency=urgency,
            actor="key",
            audit_share=share,
            draw=draw,
            audits_per_day=per_day,
        )
        assert record is not None
        waiting += record.is_audit
    return waiting


async def test_no_more_audits_a_day_than_the_site_wants(store: Store, site: str) -> None:
    assert await drawn_of(store, site, range(1500), 0.5, 20) <= 20
    found = await draws(store, site)
    assert 10 <= len(found) <= 20
    assert len(await store.queue.items(site, State.QUEUED, 0, 100)) == len(found)


async def test_as_a_days_audits_run_out_the_share_falls_and_is_recorded(store: Store, site: str) -> None:
    await drawn_of(store, site, range(1500), 0.5, 20)
    found = await draws(store, site)
    shares = [draw.inclusion for draw in found]
    assert shares[:10] == [0.5] * 10
    assert shares == sorted(shares, reverse=True)
    assert set(shares) <= {0.5 / 4**step for step in range(8)}
    totals = {
        float(name.partition("@")[2] or 0): n
        for name, n in (await counted(store, site)).items()
        if name.startswith("automatic:approve")
    }
    assert sum(totals.values()) == 1500, "those that came after the last audit of the day are counted without a share"
    for share in set(shares):
        assert totals[share] * share == pytest.approx(shares.count(share), abs=4), "each share draws what it says"


async def test_the_next_day_begins_where_a_busy_day_ended_less_one_step(
    store: Store, site: str, redis_server: Any
) -> None:
    await drawn_of(store, site, range(600), 0.5, 20)
    with redis_server.client() as client:
        step = int(client.hget(Shard(site).key("drawing"), "step"))
        assert step >= 2
        client.hincrby(Shard(site).key("drawing"), "day", -1)
        before = datetime.now(UTC).timestamp() // 86_400
        await drawn_of(store, site, range(600, 800), 0.5, 20)
        day = int(client.hget(Shard(site).key("drawing"), "day"))
        assert int(client.hget(Shard(site).key("drawing"), "drawn")) <= 20
    newest = [draw for draw in await draws(store, site) if int(draw.comment[2:]) >= 600]
    assert newest[0].inclusion == 0.5 / 4 ** (step - 1)
    assert before <= day <= datetime.now(UTC).timestamp() // 86_400


async def test_draws_and_their_counters_end_by_themselves(
    store: Store, site: str, submit: Any, redis_server: Any
) -> None:
    await submit("c-1", **APPROVED)
    await drawn_of(store, site, range(3), 1.0, 20)
    await judge(store, site, "ann", Verdict.APPROVE)
    assert redis_server.undying() == []
    with redis_server.client() as client:
        for name in ("draws:*", "drawing"):
            (key,) = client.keys(Shard(site).key(name))
            assert client.ttl(key) > 86_400


@pytest.mark.parametrize("status", list(AUTOMATIC))
async def test_the_draws_of_all_shards_are_read_as_one(
    redis_server: Any, settings: Settings, site: str, submit: Any, status: str
) -> None:
    async with open_store(msgspec.structs.replace(settings, shards=3), redis_server.url) as store:
        for number in range(12):
            await submit(f"c-{number}", to=store, decision=AUTOMATIC[status], urgency=AUDIT)
        found = await store.draws.since(site, datetime.now(UTC) - timedelta(hours=1))
        assert {draw.comment for draw in found} == {f"c-{number}" for number in range(12)}
        assert [draw.at for draw in found] == sorted(draw.at for draw in found)
        days = sorted({draw.at.date() for draw in found})  # two at midnight
        assert [draw for day in days for draw in await store.draws.of_day(site, day)] == found

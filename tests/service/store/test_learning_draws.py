"""Draws to learn from in Redis: blind like audits, each with its probability, and part of no other estimate."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from deeds import HOUR_MS, breaches, claim, counted, decide, judge, labels
from scipy import stats

import classifier
from service.cases.audits import audit_figures
from service.cases.certifying import sample
from service.cases.watch import count_answers
from service.settings import Settings
from service.store import Store, open_store
from service.store.base import Record
from service.store.keyspace import Shard
from service.store.reports import Reader
from service.store.review import Answer, Filter
from service.store.watch import WatchState
from service.values.audits import Draw, DrawState
from service.values.domain import Action, Comment, Judgement, Reason, State, Status, Urgency, Verdict, Why
from service.values.learning import MOST_OF_CLUSTER, LearningDraw, learning_inclusion, teaching
from service.values.policy import Policy, Thresholds
from service.values.review_settings import Reviewing
from service.values.statistics import clopper_pearson
from service.values.targets import Targets

AT_ONCE = 50


async def submitted(
    store: Store,
    site: str,
    comment_id: str,
    inclusion: float = 0.25,
    *,
    text: str = "hello",
    decision: Action = Action.APPROVE,
    draw: float = 0.99,
    most: int = 1_000,
    fingerprints: tuple[str, ...] = (),
    **more: Any,
) -> Record:
    """By default it is drawn: its draw lies in the highest quarter."""
    judgement = Judgement(decision, {"toxicity": 0.3}, (Reason("r", "toxicity", 0.3),), "m-1", "default@1")
    urgency = Urgency(Why.AUDIT, 0.5, 60_000, inclusion=inclusion)
    learning = LearningDraw(inclusion, most, fingerprints or (f"print of {comment_id} {text}",), urgency)
    _, record = await store.comments.submit(
        site,
        comment_id,
        Comment(text),
        judgement,
        urgency=None,
        actor="key",
        draw=draw,
        learning=learning if 1 - draw <= inclusion else None,
        **more,
    )
    assert record is not None
    return record


async def draws(store: Store, site: str) -> list[Draw]:
    return await store.draws.since(site, datetime.now(UTC) - timedelta(days=1), "learning")


async def fate(store: Store, site: str) -> tuple[DrawState, Verdict | str | None, bool]:
    (draw,) = await draws(store, site)
    return draw.state, draw.verdict or draw.lost, draw.is_blind


async def weights(store: Store, site: str) -> list[tuple[str, float | None, float | None]]:
    found, _ = await store.labels.page(site, "", 100)
    return [(each.source, each.learning_inclusion, each.inclusion) for each in found if each.retracts is None]


async def test_a_drawn_comment_waits_like_an_audit_and_its_decision_stands(store: Store, site: str) -> None:
    said = await submitted(store, site, "c-1")
    assert (said.state, said.status, said.is_audit, said.why) == (State.QUEUED, Status.APPROVED, True, "audit")
    kept = await store.comments.get(site, "c-1")
    assert msgspec.structs.replace(said, content=None) == msgspec.structs.replace(kept, content=None)
    (draw,) = await draws(store, site)
    assert (draw.comment, draw.decision, draw.inclusion, draw.state) == ("c-1", Action.APPROVE, 0.25, DrawState.OPEN)
    assert (draw.scores, draw.model, draw.policy) == ({"toxicity": 0.3}, "m-1", "default@1")
    assert await breaches(store, site) == []


async def test_what_is_not_drawn_is_decided_and_leaves_nothing(store: Store, site: str) -> None:
    assert (await submitted(store, site, "c-1", draw=0.7)).state is State.DECIDED
    assert await draws(store, site) == []


async def test_what_waits_anyway_is_not_drawn(store: Store, site: str) -> None:
    judgement = Judgement(Action.REVIEW, {"toxicity": 0.5}, (), "m-1", "default@1")
    await store.comments.submit(
        site,
        "c-1",
        Comment("hello"),
        judgement,
        urgency=Urgency(Why.UNCERTAIN, 0.5, 60_000),
        actor="key",
        draw=0.99,
        learning=LearningDraw(1.0, 10, ("p",), Urgency(Why.AUDIT, 0.5, 60_000, inclusion=1.0)),
    )
    assert (await store.comments.get(site, "c-1")).why == "uncertain"
    assert await draws(store, site) == []


@pytest.mark.parametrize("verdict", [Verdict.APPROVE, Verdict.REJECT])
async def test_the_label_says_the_probability_and_no_other_count_knows_of_it(
    store: Store, site: str, verdict: Verdict
) -> None:
    await submitted(store, site, "c-1")
    await judge(store, site, "ann", verdict)
    assert await fate(store, site) == (DrawState.ANSWERED, verdict, True)
    assert await weights(store, site) == [("learning", 0.25, None)]
    found = await counted(store, site)
    assert not [name for name in found if name.startswith(("drawn:", "audited:", "lost:", "upheld", "overturned"))]
    assert found["automatic:approve"] == found["learning:approve"] == 1
    assert await store.draws.since(site, datetime.now(UTC) - timedelta(days=1)) == []


async def test_an_answer_that_is_undone_opens_it_again_and_the_next_label_says_the_probability_too(
    store: Store, site: str
) -> None:
    await submitted(store, site, "c-1")
    await judge(store, site, "ann", Verdict.REJECT)
    _, held = await store.queue.undo(site, "c-1", "ann", 60)
    assert (await fate(store, site))[:2] == (DrawState.OPEN, None)
    assert held is not None
    await decide(store, site, held, Verdict.APPROVE)
    assert await fate(store, site) == (DrawState.ANSWERED, Verdict.APPROVE, False)
    assert await labels(store, site) == [("moderator", "ann", "approve")]
    assert (await weights(store, site))[-1] == ("moderator", 0.25, None)
    assert not {"upheld", "overturned"} & {name for name, n in (await counted(store, site)).items() if n}


async def test_whoever_decides_an_appeal_answers_it_too(store: Store, site: str) -> None:
    await submitted(store, site, "c-1", decision=Action.REJECT)
    assert (await store.comments.appeal(site, "c-1", "no", sla_ms=HOUR_MS))[0] == "ok"
    assert await fate(store, site) == (DrawState.OPEN, None, True)
    await judge(store, site, "ann", Verdict.APPROVE)
    assert await fate(store, site) == (DrawState.ANSWERED, Verdict.APPROVE, False)
    assert await weights(store, site) == [("moderator", 0.25, None)]


async def test_every_later_label_of_the_revision_says_the_probability(store: Store, site: str) -> None:
    """The newest label of a revision counts, so it must not pass for one that came to a person anyway."""
    await submitted(store, site, "c-1", decision=Action.REJECT)
    await judge(store, site, "ann", Verdict.REJECT)
    assert (await store.comments.appeal(site, "c-1", "no", sla_ms=HOUR_MS))[0] == "ok"
    await judge(store, site, "bob", Verdict.APPROVE)
    assert await fate(store, site) == (DrawState.ANSWERED, Verdict.REJECT, True)
    assert await weights(store, site) == [("learning", 0.25, None), ("moderator", 0.25, None)]


async def test_one_that_disagrees_and_is_escalated_is_answered_once(store: Store, site: str) -> None:
    await submitted(store, site, "c-1")
    await decide(store, site, await claim(store, site), Verdict.REJECT, audit_overturns=False)
    assert await fate(store, site) == (DrawState.ANSWERED, Verdict.REJECT, True)
    assert await weights(store, site) == [("learning", 0.25, None)]


async def test_an_edit_loses_it_and_the_new_text_is_drawn_anew(store: Store, site: str) -> None:
    await submitted(store, site, "c-1")
    await submitted(store, site, "c-1", text="edited", draw=0.1)
    assert await fate(store, site) == (DrawState.LOST, "edited", True)
    await submitted(store, site, "c-1", text="edited twice")
    assert [(each.revision, each.state) for each in await draws(store, site)] == [(1, "lost"), (3, "open")]
    await submitted(store, site, "c-1", text="edited again", draw=0.1)
    counts = {"needed": 1, "sla_ms": HOUR_MS, "reopen_judged": True}
    await store.comments.report(site, "c-1", Reader("reader"), **counts)  # type: ignore[arg-type]
    await judge(store, site, "ann", Verdict.REJECT)
    assert await weights(store, site) == [("moderator", None, None)], "that revision was not drawn"


@pytest.mark.parametrize("first", [False, True])
async def test_an_erasure_loses_an_open_one_and_no_answered_one(store: Store, site: str, first: bool) -> None:
    await submitted(store, site, "c-1")
    if first:
        await judge(store, site, "ann", Verdict.APPROVE)
    assert await store.comments.erase(site, "c-1", "chief")
    assert (await fate(store, site))[:2] == (
        (DrawState.ANSWERED, Verdict.APPROVE) if first else (DrawState.LOST, "erased")
    )


async def test_a_waiting_one_does_not_expire(store: Store, site: str, redis_server: Any) -> None:
    await submitted(store, site, "c-1", decision=Action.REJECT)
    with redis_server.client() as client:
        client.zadd(Shard(site).key("waiting"), {"c-1": 1})
    assert (await store.queue.tend(site, 60)).expired == 0
    assert (await fate(store, site))[0] is DrawState.OPEN


async def test_one_that_a_full_queue_cannot_take_is_lost(redis_server: Any, settings: Settings, site: str) -> None:
    async with open_store(msgspec.structs.replace(settings, max_queued=1), redis_server.url) as store:
        await submitted(store, site, "c-1")
        assert (await submitted(store, site, "c-2")).state is State.DECIDED
        states = [(each.comment, each.state, each.lost) for each in await draws(store, site)]
        assert states == [("c-1", "open", None), ("c-2", "lost", "queue_full")]


async def test_no_more_a_day_than_the_site_wants_and_the_probability_that_applied_is_recorded(
    store: Store, site: str
) -> None:
    for number in range(600):
        await submitted(store, site, f"c-{number}", 0.5, draw=(number * 0.6180339887498949) % 1, most=10)
    found = sorted(await draws(store, site), key=lambda each: int(each.comment[2:]))
    assert 5 <= len(found) <= 10
    shares = [each.inclusion for each in found]
    assert shares[:5] == [0.5] * 5
    assert shares == sorted(shares, reverse=True)
    assert set(shares) <= {0.5 / 4**step for step in range(6)}
    learning = (await audit_figures(store, site, 24)).learning
    assert (len(found) == 10) is bool(learning.passed_over.get("day"))


async def test_near_copies_are_drawn_less_and_less_and_at_last_not_at_all(store: Store, site: str) -> None:
    copies = [f"c-{number}" for number in range(MOST_OF_CLUSTER + 2)]
    for number, name in enumerate(copies):
        # One fingerprint in common is enough.
        await submitted(store, site, name, 1.0, draw=0.999, fingerprints=("the same", f"another {number}"))
    found = await draws(store, site)
    assert [(each.comment, each.inclusion) for each in found] == [
        ("c-0", 1.0),
        ("c-1", 0.25),
        ("c-2", 0.0625),
    ]
    assert (await audit_figures(store, site, 24)).learning.passed_over == {"copies": 2}
    await submitted(store, site, "c-other", 1.0, draw=0.999)
    assert (await draws(store, site))[-1].inclusion == 1.0, "other texts are drawn as before"


async def test_a_copy_whose_draw_lies_beyond_the_fallen_probability_is_not_drawn(store: Store, site: str) -> None:
    await submitted(store, site, "c-0", 0.5, fingerprints=("the same",))
    assert (await submitted(store, site, "c-1", 0.5, draw=0.6, fingerprints=("the same",))).state is State.DECIDED
    assert (await submitted(store, site, "c-2", 0.5, draw=0.9, fingerprints=("the same",))).state is State.QUEUED


async def test_draws_to_learn_from_and_fingerprints_end_by_themselves(
    store: Store, site: str, redis_server: Any
) -> None:
    await submitted(store, site, "c-1")
    with redis_server.client() as client:
        for name, most in (("learning:*", None), ("teaching", None), ("taught:*", 2 * 86_400)):
            (key,) = client.keys(Shard(site).key(name))
            assert 86_400 < client.ttl(key) <= (most or 10**9)


async def test_audits_and_draws_to_learn_from_are_recorded_apart(store: Store, site: str) -> None:
    judgement = Judgement(Action.APPROVE, {"toxicity": 0.1}, (), "m-1", "default@1")
    audit = Urgency(Why.AUDIT, 0.5, 60_000, inclusion=0.25)
    await store.comments.submit(
        site, "c-audit", Comment("hello"), judgement, urgency=audit, actor="key", audit_share=0.25, draw=0.1
    )
    await submitted(store, site, "c-learn", audit_share=0.25)
    for _ in range(2):
        await judge(store, site, "ann", Verdict.REJECT)
    found = await audit_figures(store, site, 24)
    assert found.all.approvals.audits.drawn == found.learning.approvals.audits.drawn == 1
    assert sorted(await weights(store, site), key=str) == [("audit", None, 0.25), ("learning", 0.25, None)]
    hours = await counted(store, site)
    assert (hours["automatic:approve@0.25"], hours["drawn:approve@0.25"], hours["audited:approve@0.25:reject"]) == (
        2,
        1,
        1,
    )


async def test_neither_a_certificate_nor_the_watch_counts_them(store: Store, site: str) -> None:
    shipped = classifier.load(classifier.SHIPPED)
    version = shipped.version
    judgement = Judgement(Action.APPROVE, {"toxicity": 0.1}, (), version, "default@1", language="en")
    inclusion = LearningDraw(0.25, 10, ("p",), Urgency(Why.AUDIT, 0.5, 60_000, inclusion=0.25))
    common = {"urgency": None, "actor": "key", "draw": 0.99}
    await store.comments.submit(site, "c-learn", Comment("one"), judgement, learning=inclusion, **common)  # type: ignore[arg-type]
    audit = {"urgency": Urgency(Why.AUDIT, 0.5, 60_000, inclusion=0.25), "actor": "key", "draw": 0.1}
    await store.comments.submit(site, "c-audit", Comment("two"), judgement, audit_share=0.25, **audit)  # type: ignore[arg-type]
    for _ in range(2):
        await judge(store, site, "ann", Verdict.REJECT)
    judged, _ = await store.labels.judged(site, "", 10)
    assert {each.id for each in judged} == {"c-learn", "c-audit"}
    policy, versions = Policy({"toxicity": Thresholds(0.4, 0.98)}), frozenset({"default@1"})
    assert [line.id for line in sample(judged, policy, shipped, versions)] == ["c-audit"]
    state = count_answers(WatchState(certificate="c"), judged, versions, Targets(max_wrong_approve=0.05))
    assert [each.comment for each in state.counted] == ["c-audit"]


COMMENTS, RUNS, SHARE = 300, 40, 0.6
POLICY = Policy({"toxicity": Thresholds(0.4, 0.98)}, review=Reviewing(learning_share=SHARE))


async def one_run(store: Store, seed: int) -> tuple[tuple[float, float], tuple[float, float], float]:
    """The weighted interval, the naive one, and the true share of approvals that are wrong."""
    chance, site = random.Random(seed), f"run-{seed}"  # noqa: S311 - a simulation
    came = {f"c-{n}": 0.3 if chance.random() < 0.15 else 0.005 for n in range(COMMENTS)}  # few are doubtful
    wrong = {name for name, score in came.items() if chance.random() < score}
    tasks = []
    for name, score in came.items():
        inclusion = learning_inclusion(POLICY, teaching({"toxicity": score}, POLICY.thresholds, 0.0))
        tasks.append(submitted(store, site, name, inclusion, draw=chance.random(), most=10_000))
    for start in range(0, COMMENTS, AT_ONCE):
        await asyncio.gather(*tasks[start : start + AT_ONCE])
    while found := await store.queue.claim(site, "ann", 20, 60, Filter()):
        for each in found:
            verdict = Verdict.REJECT if each.id in wrong else Verdict.APPROVE
            answer = Answer(verdict, each.lease, digest="d")
            await store.queue.decide(site, each.id, "ann", answer, may_overrule=False)
    learning = (await audit_figures(store, site, 24)).learning.approvals
    share = learning.wrong_share
    assert learning.audits.drawn == learning.audits.answered
    assert share is not None
    naive = clopper_pearson(learning.wrong, learning.audits.answered)
    return (share.low or 0.0, 1.0 if share.high is None else share.high), naive, len(wrong) / COMMENTS


async def test_in_the_real_queue_the_weighted_estimate_covers_the_truth_and_the_naive_one_does_not(
    store: Store,
) -> None:
    runs = [await one_run(store, seed) for seed in range(RUNS)]
    covered = sum(low <= truth <= high for (low, high), _, truth in runs)
    by_naive = sum(low <= truth <= high for _, (low, high), truth in runs)
    assert covered >= int(stats.binom.ppf(0.001, RUNS, 0.95))
    assert by_naive < int(stats.binom.ppf(0.001, RUNS, 0.95))

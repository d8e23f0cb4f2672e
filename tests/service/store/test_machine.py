"""The queue against a model of it in a few lines: the same commands on both, then the same state.

After every step no comment is in zero or in two places (review-queue.md section 4, I1), no token comes twice (I2),
and each version has one decision, one label and one entry of the trail, or none of them (I3).
"""

import asyncio
import itertools
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from service.domain import Action, Comment, Judgement, Lease, Reason, State, Urgency, Verdict, Why
from service.settings import Settings
from service.store import Store, open_store
from service.store.keyspace import Site
from service.store.review import Answer, Filter

SITE = Site("daily")
MODERATORS = ("ann", "bob", "eve")
IDS = ("a", "b", "c", "d")
INDEX = {State.QUEUED: "ready", State.LEASED: "lease", State.ESCALATED: "escalated"}


@dataclass
class Modelled:
    """What the contract says of one comment."""

    text: str
    state: State
    order: int
    revision: int = 1
    owner: str | None = None
    token: int | None = None


class Queue(RuleBasedStateMachine):
    """Commands on the store, and on a dictionary."""

    runner: asyncio.Runner
    store: Store
    redis: Any

    leases = Bundle("leases")

    def __init__(self) -> None:
        super().__init__()
        self.redis.flushall()
        self.comments: dict[str, Modelled] = {}
        self.erased: set[str] = set()
        self.skips: set[tuple[str, str]] = set()
        self.labels: list[tuple[str, int]] = []
        self.tokens: set[int] = set()
        self.clock = itertools.count(1)

    def done(self, work: Any) -> Any:
        return self.runner.run(work)

    @rule(comment_id=st.sampled_from(IDS), text=st.sampled_from(["one", "two"]), decision=st.sampled_from(list(Action)))
    def submit(self, comment_id: str, text: str, decision: Action) -> None:
        order = next(self.clock)
        outcome, record = self.done(
            self.store.comments.submit(
                SITE,
                comment_id,
                Comment(text),
                Judgement(decision, {"spam": 0.5}, (Reason("r", "spam", 0.5),), "m-1", "default@1"),
                # Hours apart, so that the order of the due times is the order of the commands.
                urgency=Urgency(Why.UNCERTAIN, 0.5, order * 3_600_000),
                actor="site-key",
            )
        )
        known = self.comments.get(comment_id)
        if comment_id in self.erased:
            assert outcome == "erased"
        elif known is not None and known.text == text:
            assert (outcome, record.revision) == ("exists", known.revision)
        else:
            assert outcome == ("created" if known is None else "revised")
            state = State.QUEUED if decision is Action.REVIEW else State.DECIDED
            revision = 1 if known is None else known.revision + 1
            self.comments[comment_id] = Modelled(text, state, order, revision)

    @rule(target=leases, moderator=st.sampled_from(MODERATORS), count=st.integers(1, 3))
    def claim(self, moderator: str, count: int) -> Any:
        own = [name for name, each in self.comments.items() if each.state is State.LEASED and each.owner == moderator]
        free = sorted(
            (each.order, name)
            for name, each in self.comments.items()
            if each.state is State.QUEUED and (moderator, name) not in self.skips
        )
        expected = len(own[:count]) + min(len(free), count - len(own[:count]))
        found = self.done(self.store.queue.claim(SITE, moderator, count, 300, Filter()))
        assert len(found) == expected
        fresh = [record.id for record in found if record.id not in own]
        assert fresh == [name for _, name in free][: len(fresh)], "the most urgent first"
        for record in found:
            each = self.comments[record.id]
            if record.id not in own:
                assert record.token not in self.tokens
                self.tokens.add(record.token)
                each.state, each.owner, each.token = State.LEASED, moderator, record.token
            assert (record.token, record.revision) == (each.token, each.revision)
        return multiple(*((record.id, moderator, record.lease) for record in found))

    @rule(lease=leases, verdict=st.sampled_from(list(Verdict)), repeats=st.integers(0, 2))
    def decide(self, lease: tuple[str, str, Lease], verdict: Verdict, repeats: int) -> None:
        comment_id, moderator, held = lease
        answer = Answer(verdict, held, digest=f"request {next(self.clock)}")
        expected = self.outcome_of(lease)
        for _ in range(1 + repeats):
            found, _ = self.done(self.store.queue.decide(SITE, comment_id, moderator, answer, may_overrule=False))
            assert found == expected
            expected = "duplicate" if expected == "ok" else expected
        if expected == "duplicate":
            self.decided(comment_id, verdict)

    def outcome_of(self, lease: tuple[str, str, Lease]) -> str:
        """Of a decision with this lease, now."""
        comment_id, moderator, held = lease
        each = self.comments[comment_id]
        if comment_id in self.erased:
            return "gone"
        if each.revision != held.revision:
            return "superseded"
        if each.state is not State.QUEUED and each.state is not State.LEASED:
            return "conflict" if each.state is State.DECIDED else "escalated"
        return "ok" if (each.owner, each.token) == (moderator, held.token) else "stale"

    def decided(self, comment_id: str, verdict: Verdict) -> None:
        each = self.comments[comment_id]
        each.owner = each.token = None
        each.state = State.ESCALATED if verdict is Verdict.ESCALATE else State.DECIDED
        if each.state is State.DECIDED:
            self.labels.append((comment_id, each.revision))

    @rule(lease=consumes(leases), skip=st.booleans())
    def release(self, lease: tuple[str, str, Lease], skip: bool) -> None:
        comment_id, moderator, held = lease
        each = self.comments[comment_id]
        outcome, _ = self.done(self.store.queue.release(SITE, comment_id, moderator, held, skip=skip))
        if comment_id in self.erased:
            assert outcome == "gone"
        elif each.revision != held.revision:
            assert outcome == "superseded"
        elif each.state is State.LEASED and (each.owner, each.token) == (moderator, held.token):
            assert outcome == "ok"
            each.state, each.owner, each.token = State.QUEUED, None, None
            if skip:
                self.skips.add((moderator, comment_id))
        else:
            # A lease that was released before: the same answer again, as long as nothing else happened.
            assert outcome in ("ok", "stale")

    @rule(lease=leases)
    def extend(self, lease: tuple[str, str, Lease]) -> None:
        comment_id, moderator, held = lease
        each = self.comments[comment_id]
        outcome, _ = self.done(self.store.queue.extend(SITE, comment_id, moderator, held, 300))
        holds = each.state is State.LEASED and (each.owner, each.token) == (moderator, held.token)
        if comment_id in self.erased:
            assert outcome == "gone"
        elif each.revision != held.revision:
            assert outcome == "superseded"
        else:
            assert outcome == ("ok" if holds else "stale")

    @rule()
    def all_leases_end(self) -> None:
        """Time passes, and somebody who wants something else comes by."""
        for comment_id in self.redis.zrange(SITE.key("lease"), 0, -1):
            self.redis.zadd(SITE.key("lease"), {comment_id: 1000})
        assert self.done(self.store.queue.claim(SITE, "passer-by", 1, 60, Filter(attribute="threat"))) == []
        for each in self.comments.values():
            if each.state is State.LEASED:
                each.state = State.QUEUED  # owner and token stay: a late decision counts until somebody else claims

    @rule(comment_id=st.sampled_from(IDS))
    def overrule(self, comment_id: str) -> None:
        each = self.comments.get(comment_id)
        answer = Answer(Verdict.APPROVE, None, digest=f"chief{next(self.clock)}")
        outcome, _ = self.done(self.store.queue.decide(SITE, comment_id, "chief", answer, may_overrule=True))
        if each is None or comment_id in self.erased:
            assert outcome == "gone"
        elif each.state is State.ESCALATED:
            assert outcome == "ok"
            self.decided(comment_id, Verdict.APPROVE)
        else:
            assert outcome == ("conflict" if each.state is State.DECIDED else "stale")

    @rule(comment_id=st.sampled_from(IDS))
    def erase(self, comment_id: str) -> None:
        self.done(self.store.comments.erase(SITE, comment_id, "site-key"))
        if comment_id in self.comments:
            self.erased.add(comment_id)
            self.comments[comment_id].state = State.ERASED
            self.labels = [label for label in self.labels if label[0] != comment_id]

    @rule()
    def scripts_are_forgotten(self) -> None:
        self.redis.script_flush()

    @invariant()
    def every_comment_is_in_its_one_place(self) -> None:
        for state, index in INDEX.items():
            there = set(self.redis.zrange(SITE.key(index), 0, -1))
            assert there == {name for name, each in self.comments.items() if each.state is state}, index
        waiting = {name for name, each in self.comments.items() if each.state in INDEX}
        assert set(self.redis.zrange(SITE.key("waiting"), 0, -1)) == waiting
        for moderator in MODERATORS:
            held = {n for n, each in self.comments.items() if each.state is State.LEASED and each.owner == moderator}
            assert set(self.redis.zrange(SITE.held(moderator), 0, -1)) == held

    @invariant()
    def the_store_says_the_same(self) -> None:
        for name, each in self.comments.items():
            record = self.done(self.store.comments.get(SITE, name))
            assert (record.state, record.revision) == (each.state, each.revision)
            assert (record.content is None) == (name in self.erased)

    @invariant()
    def each_decision_is_one_label_and_one_entry(self) -> None:
        found, _ = self.done(self.store.labels.page(SITE, "", 1000))
        assert [(label.id, label.revision) for label in found] == self.labels
        entries, _ = self.done(self.store.audit.page(SITE, "", 5000))
        decided = [(e.details["comment"], e.details["version"]) for e in entries if e.details["action"] == "decided"]
        assert len(decided) == len(set(decided))


@pytest.mark.timeout(120)
def test_the_queue_does_what_its_model_does(redis_server: Any) -> None:
    given = Settings(redis_url=redis_server.url, store_timeout_s=10)
    with asyncio.Runner() as runner, redis_server.client() as client:
        context = open_store(given, redis_server.url)
        Queue.runner, Queue.redis = runner, client
        Queue.store = runner.run(context.__aenter__())
        try:
            run_state_machine_as_test(
                Queue,
                settings=settings(
                    max_examples=25,
                    stateful_step_count=30,
                    deadline=None,
                    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
                ),
            )
        finally:
            runner.run(context.__aexit__(None, None, None))

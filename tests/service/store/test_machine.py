"""The queue against a model of it: the same operations on both, in any order, then the same state.

After every step the invariants hold (invariants.py). MACHINE_EXAMPLES=2000 in the environment, with the option
`--hypothesis-profile search`, looks for longer and elsewhere.
"""

import asyncio
import itertools
import os
from collections import defaultdict
from typing import Any

import msgspec
import pytest
import uvloop
from deeds import who_looks
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    consumes,
    initialize,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from invariants import AUTHOR, HOUR_MS, MODERATORS, SITE
from model_of_queue import NEEDED, Model
from passing import IDS, Passing, ids

from service.settings import Settings
from service.store import Store, open_store
from service.store.keyspace import Shard
from service.store.reports import Reader
from service.store.review import Answer, Filter
from service.values.domain import (
    Action,
    Author,
    Comment,
    Judgement,
    Lease,
    Reason,
    Verdict,
)

MAY_OVERRULE = ("chief", "boss")
BY_VERSION = ("bob",)
MORTAL, MANY = "b", 4
READERS = ("r-1", "r-2", "r-3")
EXAMPLES, STEPS = int(os.environ.get("MACHINE_EXAMPLES", "120")), 80
Held = tuple[str, str, Lease]

moderators, verdicts = st.sampled_from(MODERATORS), st.sampled_from(list(Verdict))
decisions = st.sampled_from([*Action, Action.REVIEW])
draws = st.sampled_from(["", "audit", "learning", "drawn", "rejects"])
numbers = st.integers(0, 5)


def picked(candidates: Any, n: int) -> Any:
    found = sorted(candidates)
    return found[n % len(found)]


class Queue(Passing):
    """Each rule does the same to the store and to the model, and compares what they answer."""

    patient: Store  # holds events back for a minute
    hasty: Store  # holds nothing back

    leases = Bundle("leases")

    def __init__(self) -> None:
        super().__init__()
        self.redis.flushall()
        self.model = Model()
        self.store = self.patient
        self.started_ms = self.now_ms()
        # Due times are hours apart: the order of the commands is theirs, not that of the milliseconds.
        self.later, self.sooner, self.requests = itertools.count(1000), itertools.count(999, -1), itertools.count(1)
        self.delivered: dict[str, list[int]] = defaultdict(list)

    def now_ms(self) -> int:
        seconds, microseconds = self.redis.time()
        return int(seconds * 1000 + microseconds // 1000)

    @initialize(
        listens=st.booleans(),
        sent=st.lists(st.tuples(decisions, draws), min_size=len(IDS), max_size=len(IDS)),
        judged=st.lists(st.tuples(moderators, verdicts, st.booleans()), min_size=1, max_size=4),
    )
    def the_queue_has_been_at_work(
        self, listens: bool, sent: list[tuple[Action, str]], judged: list[tuple[str, Verdict, bool]]
    ) -> None:
        """So that what takes many steps is near."""
        self.listens = listens
        if listens:
            self.redis.hset(Shard(SITE).key("webhook"), "url", "https://site.example/hook")
        for comment_id, (decision, drawn) in zip(IDS, sent, strict=True):
            self.submitted(comment_id, "the first text", decision, drawn)
        for moderator, verdict, overturns in judged:
            self.claim_and_decide(moderator, verdict, overturns, is_held_back=True)

    @rule(comment_id=ids, is_edited=st.sampled_from([False, False, False, True]), decision=decisions, drawn=draws)
    def submit(self, comment_id: str, is_edited: bool, decision: Action, drawn: str) -> None:
        each = self.model.comments.get(comment_id)
        text = "the first text" if each is None else f"{each.text}, edited" if is_edited else each.text
        self.submitted(comment_id, text, decision, drawn)

    def submitted(self, comment_id: str, text: str, decision: Action, drawn: str) -> None:
        """I5: one item for one text; the second time its state."""
        due = next(self.later)
        judgement = Judgement(decision, {"spam": 0.5}, (Reason("r", "spam", 0.5),), "m-1", "default@1")
        comment, how = (
            Comment(text, author=Author(AUTHOR)),
            who_looks(decision, drawn, comment_id + text, due * HOUR_MS),
        )
        outcome, record = self.run(
            self.store.comments.submit(SITE, comment_id, comment, judgement, actor="site-key", **how)
        )
        assert outcome == self.model.submit(comment_id, text, decision, drawn, due)
        found = self.done(self.store.comments.get(SITE, comment_id))
        if outcome == "revised":  # the site is not told to whom it is assigned
            found = msgspec.structs.replace(found, assignee=None, reserved_until=None)
        assert record == found

    @rule(target=leases, moderator=moderators, count=st.integers(1, 3))
    def claim(self, moderator: str, count: int) -> Any:
        """I7: the moderator's own leases, then the smallest due times of what he or she may have."""
        own = {name for name in self.model.in_state("leased") if self.model.comments[name].owner == moderator}
        fresh = self.model.eligible(moderator)[: max(0, count - len(own))]
        found = self.done(self.store.queue.claim(SITE, moderator, count, 300, Filter()))
        assert {record.id for record in found[: len(own)]} <= own
        assert [record.id for record in found[len(own) :]] == fresh
        for record in found:
            if record.id in fresh:
                self.model.lease(record.id, moderator, record.token)
            assert self.model.comments[record.id].holds(moderator, record.token)
        return multiple(*((record.id, moderator, record.lease) for record in found))

    @rule(target=leases, comment_id=ids, moderator=moderators)
    def take(self, comment_id: str, moderator: str) -> Any:
        """One that is named: also what was skipped, never what this moderator may not judge."""
        outcome, record = self.done(self.store.queue.take(SITE, comment_id, moderator, 300))
        token = record.token if record is not None and record.token else 0
        assert outcome == self.model.take(comment_id, moderator, token)
        if outcome not in ("ok", "duplicate"):
            return multiple()
        assert self.model.comments[comment_id].holds(moderator, record.token)
        return multiple((comment_id, moderator, record.lease))

    @rule(comment_id=ids, actor=moderators, assignee=st.just("") | moderators, repeats=st.integers(0, 1))
    def assign(self, comment_id: str, actor: str, assignee: str, repeats: int) -> None:
        for _ in range(1 + repeats):
            outcome, _ = self.done(self.store.assignments.assign(SITE, comment_id, actor, assignee))
            assert outcome == self.model.assign(comment_id, actor, assignee)

    @rule(moderator=moderators, verdict=verdicts, overturns=st.booleans(), is_held_back=st.booleans())
    def claim_and_decide(self, moderator: str, verdict: Verdict, overturns: bool, is_held_back: bool) -> None:
        found = self.done(self.store.queue.claim(SITE, moderator, 1, 300, Filter()))
        for record in found:
            if self.model.comments[record.id].state == "queued":
                self.model.lease(record.id, moderator, record.token)
            self.decided(record.id, moderator, verdict, record.lease, None, 0, overturns, is_held_back)

    @rule(
        lease=leases,
        verdict=verdicts,
        repeats=st.integers(0, 2),
        thief=st.none() | moderators,
        overturns=st.booleans(),
        is_held_back=st.booleans(),
    )
    def decide(
        self, lease: Held, verdict: Verdict, repeats: int, thief: str | None, overturns: bool, is_held_back: bool
    ) -> None:
        comment_id, owner, held = lease
        self.decided(comment_id, thief or owner, verdict, held, None, repeats, overturns, is_held_back)

    @precondition(lambda self: self.model.in_state("leased"))
    @rule(n=numbers, verdict=verdicts, repeats=st.integers(0, 2), overturns=st.booleans(), is_held_back=st.booleans())
    def decide_what_is_held(self, n: int, verdict: Verdict, repeats: int, overturns: bool, is_held_back: bool) -> None:
        comment_id = picked(self.model.in_state("leased"), n)
        each = self.model.comments[comment_id]
        lease = Lease(each.token or 0, each.revision)
        self.decided(comment_id, each.owner or "", verdict, lease, None, repeats, overturns, is_held_back)

    @precondition(lambda self: self.model.in_state("escalated"))
    @rule(n=numbers, moderator=st.sampled_from(MAY_OVERRULE), verdict=verdicts, is_held_back=st.booleans())
    def decide_what_is_escalated(self, n: int, moderator: str, verdict: Verdict, is_held_back: bool) -> None:
        comment_id = picked(self.model.in_state("escalated"), n)
        self.decided(comment_id, moderator, verdict, None, None, 0, False, is_held_back)

    @rule(
        comment_id=ids,
        moderator=st.sampled_from([*MAY_OVERRULE, *MAY_OVERRULE, *BY_VERSION, "ann"]),
        verdict=verdicts,
        behind=st.sampled_from([0, 0, 0, 1, None]),
        repeats=st.integers(0, 2),
        overturns=st.booleans(),
        is_held_back=st.booleans(),
    )
    def decide_without_a_lease(
        self,
        comment_id: str,
        moderator: str,
        verdict: Verdict,
        behind: int | None,
        repeats: int,
        overturns: bool,
        is_held_back: bool,
    ) -> None:
        """`behind`: how far the version named is behind; None: none is named."""
        each = self.model.comments.get(comment_id)
        version = max(1, each.version - behind) if each is not None and behind is not None else None
        self.decided(comment_id, moderator, verdict, None, version, repeats, overturns, is_held_back)

    def decided(
        self,
        comment_id: str,
        moderator: str,
        verdict: Verdict,
        lease: Lease | None,
        version: int | None,
        repeats: int,
        overturns: bool,
        is_held_back: bool,
    ) -> None:
        """I4: who comes second hears of the winner, or of its own first answer."""
        digest = f"request {next(self.requests)}"
        store = self.patient if is_held_back else self.hasty
        for _ in range(1 + repeats):
            outcome, record = self.done(
                store.queue.decide(
                    SITE,
                    comment_id,
                    moderator,
                    Answer(verdict, lease, digest=digest, version=version),
                    may_overrule=moderator in MAY_OVERRULE,
                    by_version=moderator in BY_VERSION,
                    audit_overturns=overturns,
                )
            )
            assert outcome == self.model.decide(
                comment_id,
                moderator,
                verdict,
                lease,
                digest,
                version=version,
                may_overrule=moderator in MAY_OVERRULE,
                by_version=moderator in BY_VERSION,
                overturns=overturns,
                is_held_back=is_held_back,
            )
            if outcome == "conflict":
                assert record.status == self.model.comments[comment_id].status
                assert record.moderator == self.model.comments[comment_id].moderator

    @rule(lease=consumes(leases), skip=st.booleans(), repeats=st.integers(0, 1))
    def release(self, lease: Held, skip: bool, repeats: int) -> None:
        comment_id, moderator, held = lease
        for _ in range(1 + repeats):
            outcome, _ = self.done(self.store.queue.release(SITE, comment_id, moderator, held, skip=skip))
            assert outcome == self.model.release(comment_id, moderator, held, skip=skip)

    @rule(comment_id=ids, holder=moderators, repeats=st.integers(0, 1))
    def free(self, comment_id: str, holder: str, repeats: int) -> None:
        for _ in range(1 + repeats):
            outcome, _ = self.done(self.store.queue.free(SITE, comment_id, "chief", holder))
            assert outcome == self.model.free(comment_id, holder)

    @rule(lease=leases)
    def extend(self, lease: Held) -> None:
        comment_id, moderator, held = lease
        outcome, _ = self.done(self.store.queue.extend(SITE, comment_id, moderator, held, 300))
        assert outcome == self.model.extend(comment_id, moderator, held)

    @rule(target=leases, comment_id=ids, moderator=moderators, is_named=st.booleans(), repeats=st.integers(0, 1))
    def undo(self, comment_id: str, moderator: str, is_named: bool, repeats: int) -> Any:
        return self.undone(comment_id, moderator, is_named, repeats)

    @precondition(lambda self: self.model.undoable())
    @rule(target=leases, n=numbers, is_named=st.booleans(), repeats=st.integers(0, 1))
    def undo_by_who_can(self, n: int, is_named: bool, repeats: int) -> Any:
        comment_id, moderator = picked(self.model.undoable(), n)
        return self.undone(comment_id, moderator, is_named, repeats)

    def undone(self, comment_id: str, moderator: str, is_named: bool, repeats: int) -> Any:
        each = self.model.comments.get(comment_id)
        version = each.version if each is not None and is_named else None
        found = []
        for _ in range(1 + repeats):
            outcome, record = self.done(self.store.queue.undo(SITE, comment_id, moderator, 300, version=version))
            assert outcome == self.model.undo(comment_id, moderator, version)
            if outcome == "ok" and self.model.comments[comment_id].state != "escalated":
                self.model.lease(comment_id, moderator, record.token)
                found.append((comment_id, moderator, record.lease))
        return multiple(*found)

    @rule(comment_id=ids, reader=st.sampled_from(READERS), is_soon=st.booleans(), reopen_judged=st.booleans())
    def report(self, comment_id: str, reader: str, is_soon: bool, reopen_judged: bool) -> None:
        due = next(self.sooner if is_soon else self.later)
        outcome, _ = self.done(
            self.store.comments.report(
                SITE, comment_id, Reader(reader), needed=NEEDED, sla_ms=due * HOUR_MS, reopen_judged=reopen_judged
            )
        )
        assert outcome == self.model.report(comment_id, reader, due, reopen_judged=reopen_judged)

    @rule(comment_id=ids, is_soon=st.booleans())
    def appeal(self, comment_id: str, is_soon: bool) -> None:
        due = next(self.sooner if is_soon else self.later)
        outcome, _ = self.done(self.store.comments.appeal(SITE, comment_id, "why?", sla_ms=due * HOUR_MS))
        assert outcome == self.model.appeal(comment_id, due)

    @rule(comment_id=ids, behind=st.sampled_from([0, 0, 1, None]))
    def reopen(self, comment_id: str, behind: int | None) -> None:
        due, each = next(self.later), self.model.comments.get(comment_id)
        version = max(1, each.version - behind) if each is not None and behind is not None else None
        outcome, _ = self.done(
            self.store.queue.reopen(SITE, comment_id, "chief", sla_ms=due * HOUR_MS, version=version)
        )
        assert outcome == self.model.reopen(comment_id, version, due)

    @precondition(lambda self: self.model.comments[MORTAL].version > MANY)
    @rule()
    def erase(self) -> None:
        """Late, and one only: nothing more can be learned of what is erased."""
        self.done(self.store.comments.erase(SITE, MORTAL, "site-key"))
        self.model.erase(MORTAL)


@pytest.mark.timeout(1800)
def test_the_queue_does_what_its_model_does(redis_server: Any) -> None:
    patient = Settings(redis_url=redis_server.url, store_timeout_s=30, undo_hold_s=60)
    hasty = Settings(redis_url=redis_server.url, store_timeout_s=30, undo_hold_s=0)
    # As in the service.
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, redis_server.client() as client:
        contexts = [open_store(each, redis_server.url) for each in (patient, hasty)]
        Queue.runner, Queue.redis = runner, client
        Queue.patient, Queue.hasty = (runner.run(each.__aenter__()) for each in contexts)
        try:
            run_state_machine_as_test(
                Queue,
                settings=settings(
                    max_examples=EXAMPLES,
                    stateful_step_count=STEPS,
                    deadline=None,
                    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
                ),
            )
        finally:
            for each in contexts:
                runner.run(each.__aexit__(None, None, None))

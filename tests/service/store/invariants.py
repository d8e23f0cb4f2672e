"""The invariants of review-queue.md, section 4, as far as they can be seen in what Redis holds and a model of it knows.

Of the others I4, I5 and I7 speak of answers, so test_machine.py checks them where it asks; I10 is tested in
test_order.py and I11 in test_scripts.py.
"""

import asyncio
import json
import pickle
from collections import Counter, defaultdict
from datetime import UTC, datetime
from typing import Any

from hypothesis.stateful import RuleBasedStateMachine, invariant
from model_of_queue import Model

from service.store import Store
from service.store.base import Record
from service.store.keyspace import Shard
from service.trail import Entry, outcomes
from service.values.domain import State

SITE, AUTHOR = "daily", "writer"
MODERATORS = ("ann", "bob", "eve", "chief", "boss")
INDEX = {"queued": "ready", "leased": "lease", "escalated": "escalated"}
SHOWN = (State.QUEUED, State.LEASED, State.ESCALATED)
HOUR_MS = 3_600_000


class Invariants(RuleBasedStateMachine):
    """Checked after every step that changed what Redis holds or what the model knows."""

    runner: asyncio.Runner
    store: Store
    redis: Any
    model: Model
    # Whether the site has an endpoint, and which versions of a comment it was told there.
    listens: bool
    delivered: dict[str, list[int]]
    started_ms: int
    # What Redis and the model were like when the invariants were last checked.
    checked: tuple[int, bytes] | None = None

    def run(self, work: Any) -> Any:
        """Not with Runner.run, which looks after Ctrl-C each time; that takes longer than most of this work."""
        return self.runner.get_loop().run_until_complete(work)

    def done(self, work: Any) -> Any:
        """What an operation says of comments is what it left of them."""
        return self.run(self._compared(work))

    async def _compared(self, work: Any) -> Any:
        found = await work
        records = _records(found)
        assert records == await asyncio.gather(*(self.store.comments.get(SITE, record.id) for record in records))
        return found

    @invariant()
    def all_invariants_hold(self) -> None:
        """Four of five steps are refused and leave all as it was, so each invariant would find what it found before."""
        now = self.redis.info("persistence")["rdb_changes_since_last_save"], pickle.dumps((self.model, self.delivered))
        if now == self.checked:
            return
        self.i1_every_comment_is_in_exactly_its_place()
        self.i2_tokens_only_grow()
        self.i3_a_version_has_one_decision_one_label_and_one_event_or_none()
        self.i6_nothing_disappears()
        self.i8_what_waits_stays_due_when_it_was()
        self.i9_the_events_of_a_comment_are_told_in_the_order_of_their_versions()
        self.what_is_counted_of_an_author_is_how_the_comments_stand()
        self.the_trail_tells_how_every_comment_stands()
        self.i12_fsck_finds_nothing()
        self.checked = now

    def i1_every_comment_is_in_exactly_its_place(self) -> None:
        shard, comments = Shard(SITE), self.model.comments
        places = {shard.key(index): self.model.in_state(state) for state, index in INDEX.items()}
        places[shard.key("waiting")] = {name for name, each in comments.items() if each.waits}
        leased = self.model.in_state("leased")
        for moderator in MODERATORS:
            places[shard.held(moderator)] = {name for name in leased if comments[name].owner == moderator}
            places[shard.assigned(moderator)] = {name for name, each in comments.items() if each.assignee == moderator}
        with self.redis.pipeline(transaction=False) as pipe:
            for place in places:
                pipe.zrange(place, 0, -1)
            pipe.smembers(shard.key("assignees"))
            *listed, assignees = pipe.execute()
        found = {place: set(names) for place, names in zip(places, listed, strict=True)}
        assert found == places
        assert assignees == {moderator for moderator in MODERATORS if places[shard.assigned(moderator)]}

    def i2_tokens_only_grow(self) -> None:
        tokens = self.model.tokens
        assert tokens == sorted(set(tokens))
        assert int(self.redis.get(Shard(SITE).key("token")) or 0) >= max(tokens, default=0)

    def i3_a_version_has_one_decision_one_label_and_one_event_or_none(self) -> None:
        entries = [entry for _, entry in self.redis.xrange(Shard(SITE).key("audit"))]
        decided = [(e["comment"], int(e["version"])) for e in entries if e["action"] in ("decided", "voted")]
        assert decided == self.model.decisions
        assert max(Counter(decided).values(), default=1) == 1
        labels = [(e["id"], int(e["version"]), e["source"]) for _, e in self.redis.xrange(Shard(SITE).key("labels"))]
        standing = [(*place, source) for place, source in self.model.labels.items()]
        assert [label for label in labels if label[2] not in ("undone", "erased")] == standing
        events = [(e["comment"], int(e["version"]), e["type"]) for e in self.feed() if "type" in e]
        assert events == self.model.events

    def feed(self) -> list[dict[str, str]]:
        return [entry for _, entry in self.redis.xrange(Shard(SITE).key("events"))]

    def i6_nothing_disappears(self) -> None:
        """Not a comment, and not the text that a label speaks of."""
        records, shown, (labels, _) = self.run(self._seen())
        for each, record in zip(self.model.comments.values(), records, strict=True):
            now = (record.state, record.status, record.decided_by, record.revision, record.version)
            assert now == (each.state, each.status, each.decided_by, each.revision, each.version)
            assert (record.owner, record.token, record.assignee) == (each.owner, each.token, each.assignee)
            assert (record.moderator, record.is_audit) == (each.moderator, each.is_audit)
            assert (record.content is None) == (each.state == "erased")
        stands = dict(zip(self.model.comments, records, strict=True))
        for state, found in zip(SHOWN, shown, strict=True):
            assert {record.id for record in found} == self.model.in_state(state)
            assert found == [stands[record.id] for record in found]
        kept = [name for name, _ in self.model.labels if self.model.comments[name].state != "erased"]
        assert [label.id for label in labels if label.retracts is None] == kept

    async def _seen(self) -> tuple[list[Any], list[Any], Any]:
        """All comments, those of each list, and the labels."""
        return await asyncio.gather(
            asyncio.gather(*(self.store.comments.get(SITE, name) for name in self.model.comments)),
            asyncio.gather(*(self.store.queue.items(SITE, state, 0, 100) for state in SHOWN)),
            self.store.labels.page(SITE, "", 1000),
        )

    def i8_what_waits_stays_due_when_it_was(self) -> None:
        """So it can be overtaken only by what comes soon enough after it; a report or an appeal makes it earlier."""
        for name, score in self.redis.zrange(Shard(SITE).key("ready"), 0, -1, withscores=True):
            early_ms = score - (self.started_ms + self.model.comments[name].due * HOUR_MS)
            assert 0 <= early_ms < HOUR_MS

    def i9_the_events_of_a_comment_are_told_in_the_order_of_their_versions(self) -> None:
        said: dict[str, list[int]] = defaultdict(list)
        for entry in self.feed():
            if "type" in entry:
                said[entry["comment"]].append(int(entry["version"]))
        for name in self.model.comments:
            waiting = [json.loads(each) for each in self.redis.lrange(Shard(SITE).key(f"out:q:{name}"), 0, -1)]
            told = self.delivered[name] + [int(event["version"]) for event in waiting]
            assert told == (said[name] if self.listens else [])
            assert told == sorted(set(told))

    def what_is_counted_of_an_author_is_how_the_comments_stand(self) -> None:
        """Also after an undo, an edit or an erasure: rules rely on it."""
        counted = self.done(self.store.statuses.counted(SITE, AUTHOR))
        standing = Counter(str(each.status) for each in self.model.comments.values())
        for status in ("approved", "rejected"):
            assert counted.get(status, 0) == standing[status], status

    def the_trail_tells_how_every_comment_stands(self) -> None:
        """So that it can be put back after a loss of Redis."""
        raw = self.redis.xrange(Shard(SITE).key("audit"))
        entries = [Entry(datetime.now(UTC), cursor, told, n, 0) for n, (cursor, told) in enumerate(raw, 1)]
        told = outcomes(entries).comments
        assert told.keys() == self.model.comments.keys()
        for name, each in self.model.comments.items():
            outcome, stands = told[name], told[name].standing
            found = (outcome.state, stands.status, stands.by, outcome.revision, outcome.version)
            assert found == (each.state, each.status, each.decided_by, each.revision, each.version)
            if each.state == "decided" and each.decided_by == "moderator":
                assert stands.moderator == each.moderator

    def i12_fsck_finds_nothing(self) -> None:
        async def breaches() -> list[Any]:
            return [breach async for breach in self.store.fsck.examine(SITE)]

        assert self.done(breaches()) == []


def _records(found: Any) -> list[Record]:
    parts = found if isinstance(found, list | tuple) else [found]
    return [part for part in parts if isinstance(part, Record)]

"""What happens to the queue and its model by itself: time passes, sites are told, scripts are lost."""

from hypothesis import strategies as st
from hypothesis.stateful import rule
from invariants import SITE, Invariants

from service.store.keyspace import Shard
from service.store.review import Filter
from service.values.domain import Status

IDS = ("a", "b")
LONG_AGO_MS = 1000

ids = st.sampled_from(IDS)


class Passing(Invariants):
    @rule(comment_id=ids)
    def the_reservation_ends(self, comment_id: str) -> None:
        if self.redis.hexists(Shard(SITE).item(comment_id), "reserved"):
            self.redis.hset(Shard(SITE).item(comment_id), "reserved", LONG_AGO_MS)
            self.model.comments[comment_id].is_reserved = False

    @rule(somebody_claims=st.booleans())
    def all_leases_end(self, somebody_claims: bool) -> None:
        for comment_id in self.redis.zrange(Shard(SITE).key("lease"), 0, -1):
            self.redis.zadd(Shard(SITE).key("lease"), {comment_id: LONG_AGO_MS})
        if somebody_claims:  # who wants something else
            assert self.done(self.store.queue.claim(SITE, "passer-by", 1, 60, Filter(attribute="threat"))) == []
        else:
            assert self.done(self.store.queue.tend(SITE)).put_back == len(self.model.in_state("leased"))
        self.model.leases_end()

    @rule(status=st.sampled_from([Status.APPROVED, Status.REJECTED]))
    def all_waited_too_long(self, status: Status) -> None:
        for comment_id in self.redis.zrange(Shard(SITE).key("waiting"), 0, -1):
            self.redis.zadd(Shard(SITE).key("waiting"), {comment_id: LONG_AGO_MS})
        assert self.done(self.store.queue.tend(SITE, 60, status)).expired == self.model.expire(status)

    @rule(comment_id=ids)
    def the_hold_passes(self, comment_id: str) -> None:
        if self.redis.hexists(Shard(SITE).item(comment_id), "held_until"):
            self.redis.hset(Shard(SITE).item(comment_id), "held_until", LONG_AGO_MS)
        if comment_id in self.model.comments:
            self.model.comments[comment_id].is_held_back = False

    @rule(comment_id=ids)
    def the_undo_window_closes(self, comment_id: str) -> None:
        for name, act in (("decided", "decided"), ("vote_at", "voted"), ("escalated", "escalated")):
            if self.redis.hexists(Shard(SITE).item(comment_id), name):
                self.redis.hset(Shard(SITE).item(comment_id), name, LONG_AGO_MS)
                self.model.comments[comment_id].long_ago.add(act)

    @rule()
    def the_site_is_told(self) -> None:
        while taken := self.done(self.store.outbox.take(Shard(SITE), 10, 60)).events:
            for each in taken:
                self.done(self.store.outbox.settle(each, "delivered", attempts=1))
                self.delivered[each.event.comment].append(each.event.version)

    @rule()
    def the_scripts_are_forgotten(self) -> None:
        self.redis.script_flush()
        self.checked = None  # whatever reads runs without its script, too

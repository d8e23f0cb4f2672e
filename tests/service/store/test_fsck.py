"""What fsck finds, and that it finds nothing where nothing is wrong."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from service.store import Store
from service.store.fsck import Breach
from service.store.keyspace import Shard
from service.store.review import Answer, Filter
from service.store.saved_filters import SavedFilter
from service.values.accounts import Account, Role
from service.values.domain import Action, Author, Verdict


@pytest.fixture
async def busy(store: Store, site: str, submit: Any, redis_server: Any) -> AsyncIterator[Any]:
    """A queue with a comment in each state; gives a client to break it with."""
    for number in range(6):
        await submit(f"c-{number}", sla_ms=1000 * (number + 1), author=Author(id="u-1"))
    await submit("auto", decision=Action.APPROVE)
    held = await store.queue.claim(site, "ann", 3, 60, Filter())
    for record, verdict in zip(held, (Verdict.APPROVE, Verdict.ESCALATE), strict=False):
        answer = Answer(verdict, record.lease, digest=record.id)
        assert (await store.queue.decide(site, record.id, "ann", answer, may_overrule=False))[0] == "ok"
    with redis_server.client() as client:
        yield client
        client.flushall()


async def breaches(store: Store, site: str, *, repair: bool = False) -> set[tuple[str, str]]:
    return {(each.comment, each.what) async for each in store.fsck.examine(site, repair=repair)}


@pytest.mark.usefixtures("busy")
async def test_nothing_is_wrong_after_ordinary_work(store: Store, site: str) -> None:
    assert await breaches(store, site) == set()
    assert await store.fsck.count(site) == 7


async def test_saved_filters_that_outlived_a_role_are_found_and_erased(store: Store, site: str) -> None:
    """As after a kill between the two steps. Those of others stay, also if an account is disabled or was lost."""
    roles = {"ann": {site: Role.MODERATOR}, "bob": {"elsewhere": Role.ADMIN}, "dis": {site: Role.ADMIN}, "left": {}}
    for name, at in roles.items():
        assert await store.accounts.put(Account(name, at, datetime.now(UTC), is_disabled=name == "dis"))
    for owner, by in (("ann", "ann"), ("bob", "bob"), ("dis", "dis"), ("gone", "gone"), ("", "ann"), ("", "left")):
        assert await store.filters.save(site, owner, SavedFilter(f"of {by}", "order=newest", by)) == "ok"
    wrong = {("", f"saved filters of '{name}', who has no role at the site") for name in ("bob", "left")}
    assert await breaches(store, site) == wrong
    assert await breaches(store, site, repair=True) == wrong
    assert await breaches(store, site) == set()
    left = {owner: [each.by for each in await store.filters.of(site, owner)] for owner in (*roles, "gone", "")}
    assert left == {"ann": ["ann"], "bob": [], "dis": ["dis"], "left": [], "gone": ["gone"], "": ["ann", ""]}


def event(kind: str, without: str = "") -> bytes:
    """An event as the scripts write it: every value is a string."""
    fields = {"comment": "c-0", "revision": "1", "version": "9", "at": "1", "type": kind}
    fields |= {"status": "approved", "decided_by": "ann"}
    return msgspec.json.encode({name: value for name, value in fields.items() if name != without})


BROKEN = {
    "not found by its author": (lambda c, s: c.zrem(s.key("author:u-1"), "c-4"), "c-4", "is not found by its author"),
    "queued and in no index": (lambda c, s: c.zrem(s.key("ready"), "c-4"), "c-4", "queued and not in ready"),
    "queued and not counted": (lambda c, s: c.zrem(s.key("waiting"), "c-4"), "c-4", "queued and not in waiting"),
    "leased and in no index": (lambda c, s: c.zrem(s.key("lease"), "c-2"), "c-2", "leased and not in lease"),
    "leased and not held": (lambda c, s: c.delete(s.held("ann")), "c-2", "leased and not held"),
    "leased to nobody": (lambda c, s: c.hdel(s.item("c-2"), "owner"), "c-2", "leased to nobody"),
    "decided and queued": (lambda c, s: c.zadd(s.key("ready"), {"c-0": 1}), "c-0", "in ready and decided"),
    "in two indexes": (lambda c, s: c.zadd(s.key("lease"), {"c-4": 1}), "c-4", "in lease and queued"),
    "escalated and lost": (lambda c, s: c.zrem(s.key("escalated"), "c-1"), "c-1", "escalated and not in escalated"),
    "an index without a comment": (lambda c, s: c.zadd(s.key("ready"), {"x": 1}), "x", "in ready and not there"),
    "a comment that would be forgotten": (
        lambda c, s: c.expire(s.item("c-4"), 9),
        "c-4",
        "waits and would be forgotten",
    ),
    "one that never would": (lambda c, s: c.persist(s.item("auto")), "auto", "decided and never forgotten"),
    "tokens that would repeat": (lambda c, s: c.set(s.key("token"), 0), "c-2", "a token of the future"),
    "events that nobody is told": (
        lambda c, s: c.rpush(s.key("out:q:c-0"), event("decision.created")),
        "c-0",
        "has events that are never told",
    ),
    "an event that is no JSON": (
        lambda c, s: (c.rpush(s.key("out:q:c-0"), "{"), c.zadd(s.key("out:due"), {"c-0": 1})),
        "c-0",
        "has an event that cannot be read: Input data was truncated",
    ),
    "an event without a version": (
        lambda c, s: c.rpush(s.key("out:q:c-0"), "[]"),
        "c-0",
        "has an event that cannot be read: Expected `object`, got `array`",
    ),
    "an event of an unknown type": (
        lambda c, s: c.rpush(s.key("out:q:c-0"), event("comment.sold")),
        "c-0",
        "has an event that cannot be read: Invalid enum value 'comment.sold' - at `$.type`",
    ),
    "an event that lacks a field": (
        lambda c, s: c.rpush(s.key("out:q:c-0"), event("decision.created", "at")),
        "c-0",
        "has an event that cannot be read: Object missing required field `at`",
    ),
    "nothing to tell": (lambda c, s: c.zadd(s.key("out:due"), {"c-0": 1}), "c-0", "is due to tell nothing"),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_what_is_wrong_is_found_and_mended(store: Store, site: str, busy: Any, name: str) -> None:
    breaks, comment, what = BROKEN[name]
    breaks(busy, Shard(site))
    assert (comment, what) in await breaches(store, site)
    assert (comment, what) in await breaches(store, site), "looking changes nothing"
    assert (comment, what) in await breaches(store, site, repair=True)
    assert await breaches(store, site) == set()


async def test_only_the_unreadable_event_of_a_comment_is_removed(store: Store, site: str, busy: Any) -> None:
    queue = Shard(site).key("out:q:c-0")
    busy.rpush(queue, event("decision.created"), event("comment.sold"), event("decision.reverted"))
    await breaches(store, site, repair=True)
    assert busy.lrange(queue, 0, -1) == [event("decision.created").decode(), event("decision.reverted").decode()]


async def test_what_cannot_be_mended_is_said_again(store: Store, site: str, busy: Any) -> None:
    busy.delete(Shard(site).text("c-4") + "1")
    for _ in range(2):
        assert await breaches(store, site, repair=True) == {("c-4", "waits without its text")}


async def test_two_decisions_for_one_version_are_found(store: Store, site: str, busy: Any) -> None:
    busy.xadd(Shard(site).key("audit"), {"action": "decided", "comment": "c-0", "version": "2"})
    found = [each async for each in store.fsck.examine(site)]
    assert found == [Breach("daily", "c-0", "two entries of audit for version 2", is_mended=False)]

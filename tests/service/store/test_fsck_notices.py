"""What fsck finds wrong with readers' notices and authors' complaints, and how it mends them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from deeds import HOUR_MS, judge

from service.store import Store
from service.store.keyspace import Shard
from service.values.domain import Action
from service.values.notices import NoticeOutcome

YEAR_S = 365 * 86_400


@pytest.fixture
async def noticed(store: Store, site: str, submit: Any, redis_server: Any) -> AsyncIterator[Any]:
    """c-1 has an open notice, c-2 an answered one, c-3 an open complaint, c-4 a decided one."""
    for comment in ("c-2", "c-1"):
        await submit(comment, decision=Action.APPROVE)
        assert (await give(store, site, comment)) == "queued"
        if comment == "c-2":
            assert (await judge(store, site, "ann"))[0] == "ok"
    for comment in ("c-4", "c-3"):
        await submit(comment, decision=Action.REJECT)
        assert (await store.comments.appeal(site, comment, "I quoted.", sla_ms=60_000, within_s=0))[0] == "ok"
        if comment == "c-4":
            assert (await judge(store, site, "ann"))[0] == "ok"
    with redis_server.client() as client:
        yield client
        client.flushall()


async def give(store: Store, site: str, comment: str) -> str:
    outcome, _ = await store.notices.give(
        site, comment, "reader", kind="", text="It names her street.", keep_s=YEAR_S, sla_ms=HOUR_MS
    )
    return outcome


async def breaches(store: Store, site: str, *, repair: bool = False) -> set[tuple[str, str]]:
    return {(each.comment, each.what) async for each in store.fsck.examine(site, repair=repair)}


@pytest.mark.usefixtures("noticed")
async def test_nothing_is_wrong_after_ordinary_work(store: Store, site: str) -> None:
    assert [each.id for each in await store.notices.waiting(site, 9)] == ["c-1"]
    assert await breaches(store, site) == set()


BROKEN = {
    "open and not listed": (
        lambda c, s: c.zrem(s.key("noticed"), "c-1"),
        "c-1",
        "has an open notice and is not in noticed",
    ),
    "answered and listed": (
        lambda c, s: c.zadd(s.key("noticed"), {"c-2": 1}),
        "c-2",
        "in noticed without an open notice",
    ),
    "listed and unknown": (
        lambda c, s: c.zadd(s.key("noticed"), {"x": 1}),
        "x",
        "in noticed without an open notice",
    ),
    "not known to the comment": (
        lambda c, s: c.hdel(s.item("c-1"), "noticed"),
        "c-1",
        "has notices that no decision would answer",
    ),
    "kept for ever": (lambda c, s: c.persist(s.key("notices:c-2")), "c-2", "has notices that are never forgotten"),
    "not found by the reader": (
        lambda c, s: c.hdel(s.key("reporter:reader"), "c:c-2"),
        "c-2",
        "has a notice that is not found by its reader",
    ),
    "a complaint that would be lost": (
        lambda c, s: c.expire(s.key("appeal:c-3"), 9),
        "c-3",
        "waits with an appeal that would be forgotten",
    ),
    "a complaint kept for ever": (
        lambda c, s: c.persist(s.key("appeal:c-4")),
        "c-4",
        "has an appeal that is never forgotten",
    ),
    "a complaint about nothing": (
        lambda c, s: c.set(s.key("appeal:x"), "I quoted."),
        "x",
        "has an appeal that is never forgotten",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_what_is_wrong_is_found_and_mended(store: Store, site: str, noticed: Any, name: str) -> None:
    breaks, comment, what = BROKEN[name]
    breaks(noticed, Shard(site))
    assert await breaches(store, site) == {(comment, what)}
    assert await breaches(store, site) == {(comment, what)}, "looking changes nothing"
    assert await breaches(store, site, repair=True) == {(comment, what)}
    assert await breaches(store, site) == set()


@pytest.mark.usefixtures("noticed")
async def test_a_notice_that_lost_its_place_is_answered_by_the_decision_after_the_repair(
    store: Store, site: str
) -> None:
    await store.pipe.call("HDEL", Shard(site).item("c-1"), "noticed")
    await store.pipe.call("ZREM", Shard(site).key("noticed"), "c-1")
    await breaches(store, site, repair=True)
    assert [each.id for each in await store.notices.waiting(site, 9)] == ["c-1"]
    while await store.notices.waiting(site, 9):
        assert (await judge(store, site, "bob"))[0] == "ok"
    assert [each.outcome for each in await store.notices.of(site, "c-1")] == [NoticeOutcome.RESTRICTED]


@pytest.mark.parametrize(
    ("status", "decided_by", "expected"),
    [
        ("approved", "moderator", (NoticeOutcome.KEPT, False)),
        ("rejected", "model", (NoticeOutcome.RESTRICTED, True)),
    ],
)
async def test_an_open_notice_of_a_decided_comment_gets_the_answer_that_the_comment_got(
    store: Store, site: str, noticed: Any, status: str, decided_by: str, expected: Any
) -> None:
    shard = Shard(site)
    noticed.hset(shard.item("c-1"), mapping={"state": "decided", "status": status, "decided_by": decided_by})
    noticed.expire(shard.item("c-1"), YEAR_S)
    for index in ("ready", "waiting"):
        noticed.zrem(shard.key(index), "c-1")
    assert await breaches(store, site, repair=True) == {("c-1", "has an open notice and does not wait")}
    assert [(each.outcome, each.is_automatic) for each in await store.notices.of(site, "c-1")] == [expected]
    assert await breaches(store, site) == set()


async def test_an_open_notice_of_a_comment_that_is_gone_is_withdrawn(store: Store, site: str, noticed: Any) -> None:
    shard = Shard(site)
    noticed.delete(shard.item("c-1"))
    for index in ("ready", "waiting"):
        noticed.zrem(shard.key(index), "c-1")
    assert await breaches(store, site, repair=True) == {("c-1", "has an open notice and does not wait")}
    assert [each.outcome for each in await store.notices.of(site, "c-1")] == [NoticeOutcome.WITHDRAWN]


async def test_words_that_an_erasure_left_are_erased(store: Store, site: str, noticed: Any) -> None:
    assert await store.comments.erase(site, "c-4", "chief")
    noticed.set(Shard(site).key("appeal:c-4"), "I quoted.", ex=1000)
    assert await breaches(store, site, repair=True) == {("c-4", "erased, and its appeal is not")}
    assert not noticed.exists(Shard(site).key("appeal:c-4"))


async def test_lost_words_of_a_complaint_are_told_and_stay_lost(store: Store, site: str, noticed: Any) -> None:
    noticed.delete(Shard(site).key("appeal:c-3"))
    for _ in range(2):
        assert await breaches(store, site, repair=True) == {("c-3", "waits with an appeal whose words are lost")}

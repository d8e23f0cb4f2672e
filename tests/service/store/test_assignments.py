"""Assignment: offered to one person first, to others when it becomes due, and over when it is decided."""

from typing import Any

import msgspec
import pytest
from deeds import ANY, HOUR_MS, breaches, claim, decide, is_whole, overrule

from service.settings import Settings
from service.store import Store, open_store
from service.store.base import Record
from service.store.keyspace import Shard
from service.store.reports import Reader
from service.store.review import Filter
from service.values.domain import Action, Article, State, Verdict

MINUTE_MS = 60_000
MINE = Filter(mine=True)


async def assign(store: Store, site: str, comment: str = "c-1", to: str = "eve", by: str = "chief") -> Record:
    outcome, record = await store.assignments.assign(site, comment, by, to)
    assert outcome == "ok", outcome
    assert record is not None
    return record


async def ids(store: Store, site: str, moderator: str, wanted: Filter = ANY, count: int = 10) -> list[str]:
    return [each.id for each in await store.queue.claim(site, moderator, count, 60, wanted)]


def reservation_ends(redis_server: Any, site: str, comment: str = "c-1") -> None:
    """What the clock would do."""
    with redis_server.client() as client:
        assert client.hexists(Shard(site).item(comment), "reserved")
        client.hset(Shard(site).item(comment), "reserved", 1000)


async def test_an_assigned_comment_comes_first_to_that_person_and_to_nobody_else(
    store: Store, site: str, submit: Any
) -> None:
    await submit("urgent", sla_ms=1_000)
    await submit("c-1", sla_ms=HOUR_MS)
    await assign(store, site)
    assert await ids(store, site, "ann") == ["urgent"]
    await submit("more urgent", sla_ms=500)
    assert await ids(store, site, "eve") == ["c-1", "more urgent"]


async def test_of_several_the_most_urgent_comes_first_and_own_leases_before(
    store: Store, site: str, submit: Any
) -> None:
    for number, hours in enumerate((3, 1, 2)):
        await submit(f"c-{number}", sla_ms=hours * HOUR_MS)
        await assign(store, site, f"c-{number}")
    await submit("own", sla_ms=9 * HOUR_MS)
    assert (await store.queue.take(site, "own", "eve", 60))[0] == "ok"
    assert await ids(store, site, "eve") == ["own", "c-1", "c-2", "c-0"]


@pytest.mark.parametrize(
    ("sla_ms", "reserved_ms"), [(HOUR_MS, 45 * MINUTE_MS), (15 * MINUTE_MS, 11.25 * MINUTE_MS), (1_000, 10 * MINUTE_MS)]
)
async def test_it_is_reserved_for_three_quarters_of_its_time_and_ten_minutes_at_least(
    store: Store, site: str, submit: Any, sla_ms: int, reserved_ms: float
) -> None:
    await submit("c-1", sla_ms=sla_ms)
    before = await store.comments.get(site, "c-1")
    record = await assign(store, site)
    assert record.reserved_until is not None
    assert before.due_at is not None
    left_ms = (record.reserved_until - before.created_at).total_seconds() * 1000
    assert reserved_ms <= left_ms < reserved_ms + 5_000


async def test_when_it_is_nearly_due_it_is_offered_to_all_and_still_first_to_that_person(
    store: Store, site: str, submit: Any, redis_server: Any
) -> None:
    await submit("urgent", sla_ms=1_000)
    await submit("c-1", sla_ms=HOUR_MS)
    await assign(store, site)
    reservation_ends(redis_server, site)
    assert await ids(store, site, "eve", count=1) == ["c-1"]
    outcome, _ = await store.queue.release(
        site, "c-1", "eve", (await store.queue.held(site, "eve"))[0].lease, skip=False
    )
    assert outcome == "ok"
    assert await ids(store, site, "ann") == ["urgent", "c-1"]


async def test_a_reader_s_report_that_hurries_it_shortens_the_reservation(store: Store, site: str, submit: Any) -> None:
    await submit("c-1", sla_ms=6 * HOUR_MS)
    long = (await assign(store, site)).reserved_until
    counted = {"needed": 9, "sla_ms": HOUR_MS, "reopen_judged": False}
    _, record = await store.comments.report(site, "c-1", Reader("r-1"), **counted)
    assert long is not None
    assert record.due_at > record.reserved_until
    assert (long - record.reserved_until).total_seconds() > 3 * 3600


async def test_so_does_a_notice_and_the_list_of_that_person_is_in_its_order(
    store: Store, site: str, submit: Any
) -> None:
    for name, hours in (("c-1", 6), ("c-2", 3)):
        await submit(name, sla_ms=hours * HOUR_MS)
        await assign(store, site, name)
    given = {"kind": "", "text": "It names her street.", "keep_s": 86_400, "sla_ms": HOUR_MS}
    outcome, _ = await store.notices.give(site, "c-1", "reader", **given)
    record = await store.comments.get(site, "c-1")
    assert outcome == "ok"
    assert record.due_at is not None
    assert record.reserved_until is not None
    assert record.reserved_until < record.due_at
    assert [each.id for each in await store.assignments.of(site, "eve")] == ["c-1", "c-2"]
    assert await ids(store, site, "eve", count=1) == ["c-1"]


async def test_nobody_else_takes_or_decides_it_without_assigning_it_first(store: Store, site: str, submit: Any) -> None:
    await submit("c-1", sla_ms=HOUR_MS)
    await assign(store, site)
    outcome, record = await store.queue.take(site, "c-1", "ann", 60)
    assert (outcome, record.assignee) == ("reserved", "eve")
    assert (await overrule(store, site, "c-1", Verdict.REJECT, by="chief", version=1))[0] == "reserved"
    await assign(store, site, to="ann", by="ann")
    assert (await store.queue.take(site, "c-1", "ann", 60))[0] == "ok"


async def test_who_holds_it_meanwhile_may_decide_it(store: Store, site: str, submit: Any, trail: Any) -> None:
    await submit("c-1", sla_ms=HOUR_MS)
    held = await claim(store, site, "ann")
    record = await assign(store, site)
    assert (record.state, record.owner) == (State.LEASED, "ann")
    outcome, record = await decide(store, site, held)
    assert (outcome, record.assignee) == ("ok", None)
    assert await trail() == ["submitted", "claimed", "assigned", "decided"]


async def test_who_assigns_a_held_comment_to_somebody_else_gives_it_back(store: Store, site: str, submit: Any) -> None:
    await submit("c-1", sla_ms=HOUR_MS)
    held = await claim(store, site, "ann")
    assert (await assign(store, site, to="ann", by="ann")).state is State.LEASED
    record = await assign(store, site, to="eve", by="ann")
    assert (record.state, record.owner, record.assignee) == (State.QUEUED, None, "eve")
    assert (await decide(store, site, held))[0] == "stale"
    assert await ids(store, site, "ann") == []
    assert await ids(store, site, "eve") == ["c-1"]
    assert await breaches(store, site) == []


async def test_an_assignment_is_taken_back_and_repeats_change_nothing(
    store: Store, site: str, submit: Any, trail: Any
) -> None:
    await submit("c-1", sla_ms=HOUR_MS)
    for to in ("eve", "eve", "", ""):
        outcome, record = await store.assignments.assign(site, "c-1", "chief", to)
        assert outcome in ("ok", "duplicate")
    assert (record.assignee, record.reserved_until, record.version) == (None, None, 1)
    assert await ids(store, site, "ann") == ["c-1"]
    assert await trail() == ["submitted", "assigned", "unassigned", "claimed"]
    events, _ = await store.events.page(site, "", 10)
    told = [(each.details["kind"], each.details.get("assignee")) for each in events]
    assert told == [("queued", None), ("assigned", "eve"), ("unassigned", ""), ("claimed", None)]


async def test_only_what_waits_is_assigned_and_not_to_whoever_may_not_judge_it(
    store: Store, site: str, submit: Any
) -> None:
    assert await store.assignments.assign(site, "nowhere", "chief", "eve") == ("gone", None)
    await submit("done", decision=Action.APPROVE)
    assert (await store.assignments.assign(site, "done", "chief", "eve"))[0] == "stale"
    await submit("c-1")
    await decide(store, site, await claim(store, site, "eve"))
    assert (await store.queue.reopen(site, "c-1", "chief", sla_ms=1_000))[0] == "ok"
    assert (await store.assignments.assign(site, "c-1", "chief", "eve"))[0] == "own"


@pytest.mark.parametrize("end", ["decided", "skipped", "escalated", "erased", "expired"])
async def test_an_assignment_ends_with_the_work(
    store: Store, site: str, submit: Any, redis_server: Any, end: str
) -> None:
    await submit("c-1", sla_ms=HOUR_MS)
    await assign(store, site)
    if end == "expired":
        with redis_server.client() as client:
            client.zadd(Shard(site).key("waiting"), {"c-1": 1000})
        assert (await store.queue.tend(site, 60)).expired == 1
    elif end == "erased":
        assert await store.comments.erase(site, "c-1", "site-key")
    else:
        held = await claim(store, site, "eve")
        if end == "skipped":
            assert (await store.queue.release(site, "c-1", "eve", held.lease, skip=True))[0] == "ok"
        else:
            verdict = Verdict.ESCALATE if end == "escalated" else Verdict.APPROVE
            assert (await decide(store, site, held, verdict))[0] == "ok"
    assert (await store.comments.get(site, "c-1")).assignee is None
    assert await store.assignments.of(site, "eve") == []
    with redis_server.client() as client:
        assert client.keys("*assigned*") == []
    is_whole(redis_server)


async def test_an_edit_keeps_the_assignment(store: Store, site: str, submit: Any) -> None:
    await submit("c-1", sla_ms=HOUR_MS)
    await assign(store, site)
    await submit("c-1", "edited", sla_ms=HOUR_MS)
    (record,) = await store.assignments.of(site, "eve")
    assert (record.revision, record.assignee) == (2, "eve")
    assert await ids(store, site, "ann") == []
    await submit("c-1", "edited again", decision=Action.APPROVE)
    assert await store.assignments.of(site, "eve") == []


async def test_mine_is_what_is_assigned_to_me_as_far_as_it_fits(store: Store, site: str, submit: Any) -> None:
    world = Article(id="a-1", section="world")
    await submit("c-1", sla_ms=HOUR_MS)
    await submit("c-2", sla_ms=HOUR_MS, article=world)
    await submit("free", sla_ms=1_000)
    for name in ("c-1", "c-2"):
        await assign(store, site, name)
    assert await ids(store, site, "eve", Filter(mine=True, section="world")) == ["c-2"]
    assert await ids(store, site, "bob", MINE) == []
    assert await ids(store, site, "eve", MINE) == ["c-2", "c-1"]


async def test_copies_that_are_reserved_for_somebody_else_are_left_out(
    store: Store, site: str, submit: Any, redis_server: Any
) -> None:
    prints = msgspec.msgpack.encode(["p"])
    with redis_server.client() as client:
        for name in ("c-0", "c-1"):
            await submit(name, sla_ms=HOUR_MS)
            client.hset(Shard(site).item(name), "prints", prints)
            client.zadd(Shard(site).key("same:p"), {name: 1})
            client.expire(Shard(site).key("same:p"), 60)
    assert [each.id for each in await store.queue.copies(site, "c-0", 10, "ann")] == ["c-1"]
    await assign(store, site)
    assert await store.queue.copies(site, "c-0", 10, "ann") == []
    assert [each.id for each in await store.queue.copies(site, "c-0", 10, "eve")] == ["c-1"]


async def test_fsck_lists_an_assignment_that_its_list_lacks(
    store: Store, site: str, submit: Any, redis_server: Any
) -> None:
    await submit("c-1", sla_ms=HOUR_MS)
    await assign(store, site)
    with redis_server.client() as client:
        client.delete(Shard(site).assigned("eve"))
    assert set(await breaches(store, site)) == {("c-1", "assigned and not listed")}
    assert [each.what async for each in store.fsck.examine(site, repair=True)] == ["assigned and not listed"]
    assert await ids(store, site, "eve", MINE) == ["c-1"]


async def test_with_several_shards_what_is_assigned_comes_first_wherever_it_lies(
    redis_server: Any, settings: Settings, site: str, submit: Any
) -> None:
    async with open_store(msgspec.structs.replace(settings, shards=4), redis_server.url) as store:
        for number in range(12):
            await submit(f"c-{number:02}", sla_ms=1_000 + number, to=store)
        await assign(store, site, "c-11")
        await assign(store, site, "c-07")
        assert sorted(await ids(store, site, "eve", count=2)) == ["c-07", "c-11"]
        assert "c-11" not in await ids(store, site, "ann", count=20)

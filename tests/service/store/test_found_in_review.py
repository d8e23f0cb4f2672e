"""What a strict reader found, so that it stays found: erasure after edits, a broken entry that stopped a queue."""

from typing import Any

from service.store import Store
from service.store.keyspace import Shard
from service.store.review import Answer, Filter
from service.values.domain import Action, Verdict


async def judged(store: Store, site: str, moderator: str, verdict: Verdict, **more: Any) -> str:
    (held,) = await store.queue.claim(site, moderator, 1, 60, Filter())
    answer = Answer(verdict, held.lease, digest=moderator)
    outcome, _ = await store.queue.decide(site, held.id, moderator, answer, may_overrule=False, **more)
    return outcome


async def test_a_comment_is_known_for_as_long_as_any_text_of_it_so_that_erasing_finds_them_all(
    store: Store, site: str, submit: Any, redis_server: Any
) -> None:
    await submit("c-1", "one that is judged")
    assert await judged(store, site, "ann", Verdict.REJECT) == "ok"
    await submit("c-1", "edited, and approved by the model", decision=Action.APPROVE)
    with redis_server.client() as client:
        assert client.ttl(Shard(site).item("c-1")) > client.ttl(Shard(site).text("c-1") + "1") > 360 * 86_400
        await store.comments.erase(site, "c-1", "site-key")
        assert client.keys(Shard(site).text("c-1") + "*") == []
    labels, _ = await store.labels.page(site, "", 10)
    assert all((label.text, label.retracts) == ("", "*") for label in labels), "the feed says only that it was erased"


async def test_a_stray_entry_among_the_leases_stops_nobody(
    store: Store, site: str, submit: Any, redis_server: Any
) -> None:
    await submit("c-1")
    with redis_server.client() as client:
        client.zadd(Shard(site).key("lease"), {"never-sent": 1000})
        client.zadd(Shard(site).held("ann"), {"never-sent": 1000})
        assert [each.id for each in await store.queue.claim(site, "ann", 2, 60, Filter())] == ["c-1"]
        assert (await store.queue.tend(site)).expired == 0
        assert client.zscore(Shard(site).key("lease"), "never-sent") is None
        client.flushall()


async def test_the_same_request_after_a_reopening_is_no_decision(store: Store, site: str, submit: Any) -> None:
    _, record = await submit("c-1")
    answer = Answer(Verdict.APPROVE, None, digest="d", version=record.version)
    assert (await store.queue.decide(site, "c-1", "chief", answer, may_overrule=True))[0] == "ok"
    assert (await store.queue.reopen(site, "c-1", "boss", sla_ms=1_000))[0] == "ok"
    assert (await store.queue.decide(site, "c-1", "chief", answer, may_overrule=True))[0] == "stale"


async def test_an_undone_decision_leaves_the_statistics(store: Store, site: str, submit: Any) -> None:
    await submit("c-1")
    for _ in range(3):
        assert await judged(store, site, "ann", Verdict.REJECT) == "ok"
        _, held = await store.queue.undo(site, "c-1", "ann", 60)
        await store.queue.release(site, "c-1", "ann", held.lease, skip=False)
    counted = (await store.queue.stats(site, 2))["hours"]
    assert sum(hour.get("decision:reject", 0) + hour.get("moderator:ann", 0) for _, hour in counted) == 0

"""The audit trail: complete, in order, found by comment and by actor."""

from typing import Any

from service.store import Store
from service.store import audit as audit_module
from service.store.keyspace import Shard
from service.store.review import Answer, Filter
from service.values.domain import Action, Comment, Judgement, Reason, Verdict


async def test_every_change_leaves_one_entry_that_says_who_did_what(store: Store, site: str, submit: Any) -> None:
    await submit("c-1")
    (held,) = await store.queue.claim(site, "ann", 1, 60, Filter())
    answer = Answer(Verdict.REJECT, held.lease, "insulting", note="a private note", digest="d")
    await store.queue.decide(site, "c-1", "ann", answer, may_overrule=False, role="supervisor", batch="b-1")
    entries, following = await store.audit.page(site, "", 10)
    assert following is None
    assert [(e.details["actor"], e.details["action"], e.details["from"], e.details["to"]) for e in entries] == [
        ("site-key", "submitted", "", "queued"),
        ("ann", "claimed", "queued", "leased"),
        ("ann", "decided", "leased", "decided"),
    ]
    assert entries[0].details["model"] == "m-1"
    assert entries[0].details["policy"] == "default@1"
    assert entries[2].details["reason"] == "insulting"
    assert int(entries[2].details["handling_ms"]) >= 0
    assert [int(e.details["version"]) for e in entries] == [1, 1, 2]
    assert (entries[2].details["role"], entries[2].details["batch"]) == ("supervisor", "b-1")
    assert entries[2].details["noted"] == "1"
    assert not any("private" in value for value in entries[2].details.values())


async def test_what_takes_a_decision_back_says_in_which_role(store: Store, site: str, submit: Any) -> None:
    await submit("c-1")
    (held,) = await store.queue.claim(site, "ann", 1, 60, Filter())
    answer = Answer(Verdict.REJECT, held.lease)
    await store.queue.decide(site, "c-1", "ann", answer, may_overrule=False)
    await store.queue.undo(site, "c-1", "ann", 60, role="moderator", batch="b-2")
    (again,) = await store.queue.claim(site, "ann", 1, 60, Filter())
    await store.queue.decide(site, "c-1", "ann", Answer(Verdict.REJECT, again.lease), may_overrule=False)
    await store.queue.reopen(site, "c-1", "bob", sla_ms=1000, role="admin")
    entries, _ = await store.audit.page(site, "", 10)
    said = {e.details["action"]: (e.details.get("role"), e.details.get("batch")) for e in entries}
    assert (said["undone"], said["reopened"], said["decided"]) == (("moderator", "b-2"), ("admin", None), (None, None))


async def test_the_trail_says_which_score_decided(store: Store, site: str) -> None:
    reason = Reason("score_in_reject_band", "insult", 0.987654, 0.3, 0.9)
    judgement = Judgement(Action.REJECT, {"insult": 0.987654}, (reason,), "m-1", "default@1")
    await store.comments.submit(site, "c-1", Comment("hello"), judgement, urgency=None, actor="site")
    (entry,), _ = await store.audit.page(site, "", 10)
    assert entry.details["score"] == "insult 0.987654"


async def test_the_trail_holds_no_text(store: Store, site: str, submit: Any) -> None:
    await submit("c-1", "what a reader wrote")
    (entry,), _ = await store.audit.page(site, "", 10)
    assert not any("reader wrote" in value for value in entry.details.values())


async def test_the_trail_is_found_by_comment_and_by_actor(store: Store, site: str, submit: Any) -> None:
    for number in range(3):
        await submit(f"c-{number}")
    await store.queue.claim(site, "ann", 1, 60, Filter())
    by_comment, _ = await store.audit.page(site, "", 10, comment="c-1")
    assert [entry.details["comment"] for entry in by_comment] == ["c-1"]
    by_actor, _ = await store.audit.page(site, "", 10, actor="ann")
    assert [entry.details["action"] for entry in by_actor] == ["claimed"]
    assert (await store.audit.page(site, "", 10, comment="c-1", actor="ann"))[0] == []


async def test_the_trail_is_read_page_by_page_without_gap_or_repeat(store: Store, site: str, submit: Any) -> None:
    for number in range(7):
        await submit(f"c-{number}")
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        page, after = await store.audit.page(site, after, 3)
        seen += [entry.details["comment"] for entry in page]
    assert seen == [f"c-{number}" for number in range(7)]


async def test_a_rare_comment_is_found_however_long_the_trail_is(
    store: Store, site: str, submit: Any, redis_server: Any
) -> None:
    with redis_server.client() as client, client.pipeline(transaction=False) as pipeline:
        for number in range(audit_module.MOST_READ + 10):
            pipeline.xadd(Shard(site).key("audit"), {"action": "submitted", "actor": "x", "comment": f"old-{number}"})
        pipeline.execute()
    await submit("c-1")
    found, following = await store.audit.page(site, "", 10, comment="c-1")
    assert found == []
    assert following is not None
    found, following = await store.audit.page(site, following, 10, comment="c-1")
    assert [entry.details["comment"] for entry in found] == ["c-1"]
    assert following is None


async def test_a_page_takes_no_more_of_a_long_trail_out_of_redis_than_it_needs(
    store: Store, site: str, redis_server: Any
) -> None:
    with redis_server.client() as client, client.pipeline(transaction=False) as pipeline:
        for number in range(3000):
            entry = {"action": "submitted", "actor": f"a-{number % 2}", "comment": "x" * 100}
            pipeline.xadd(Shard(site).key("audit"), entry)
        pipeline.execute()

        async def sent(**wanted: str) -> int:
            before = int(client.info("stats")["total_net_output_bytes"])
            found, following = await store.audit.page(site, "", 100, **wanted)
            assert len(found) == 100
            assert following == found[-1].cursor
            return int(client.info("stats")["total_net_output_bytes"]) - before

        assert await sent() < 50_000
        assert await sent(actor="a-0") < 150_000


async def test_what_is_no_change_of_a_comment_is_written_too(store: Store, site: str) -> None:
    await store.audit.write(site, "model_promoted", "chief", model="m-2", generation="4")
    (entry,), _ = await store.audit.page(site, "", 10)
    assert entry.details == {"action": "model_promoted", "actor": "chief", "model": "m-2", "generation": "4"}

"""How often texts and links came is counted by their fingerprints, in the step that records the comment."""

from typing import Any
from uuid import uuid4

import deeds
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sending import PRINTS, THREE_ALIKE, Send, rules_of, send_to

from service.store import Store
from service.store.keyspace import Shard
from service.store.review import Answer
from service.values.domain import Action, Verdict

pytestmark = pytest.mark.asyncio


async def test_near_copies_are_held_from_the_third_on(send: Send) -> None:
    prints = [("n1", "x1"), ("n1", "x2"), ("n1", "x3"), ("y", "z")]
    found = [
        rules_of(await send(f"c{n}", THREE_ALIKE, author=f"a{n}", prints={"near:site": some}, window_s=3600))
        for n, some in enumerate(prints)
    ]
    assert found == [[], [], ["review-rule"], []]


async def test_what_people_approve_is_harmless_until_they_reject_it(store: Store, site: str, send: Send) -> None:
    async def sent(comment_id: str) -> list[str | None]:
        return rules_of(await send(comment_id, THREE_ALIKE, author=comment_id, prints=PRINTS, window_s=3600))

    assert [await sent(f"c{n}") for n in range(3)] == [[], [], ["review-rule"]]
    await deeds.judge(store, site, "mod", Verdict.APPROVE)
    assert await sent("c4") == []
    await store.queue.undo(site, "c2", "mod", 60)
    assert await sent("c5") == ["review-rule"]
    await deeds.judge(store, site, "mod", Verdict.APPROVE)
    assert await sent("c6") == []
    await store.queue.reopen(site, "c6", "chief", sla_ms=1)
    await deeds.judge(store, site, "other", Verdict.REJECT)
    assert await sent("c7") == ["review-rule"]


async def test_what_people_reject_as_spam_is_held_at_once_until_that_is_undone(
    store: Store, site: str, send: Send, redis_server: Any
) -> None:
    async def sent(comment_id: str) -> list[str | None]:
        return rules_of(await send(comment_id, THREE_ALIKE, author=comment_id, prints=PRINTS, window_s=3600))

    async def judge(verdict: Verdict, reason: str = "", **labels: bool) -> None:
        version = (await store.comments.get(site, "c0")).version
        answer = Answer(verdict, None, reason, labels, digest=f"{version}", version=version)
        assert (await store.queue.decide(site, "c0", "chief", answer, may_overrule=True))[0] == "ok"

    await send("c0", THREE_ALIKE, author="c0", prints=PRINTS, window_s=3600, model=Action.REVIEW)
    await judge(Verdict.REJECT, "off_topic")
    assert await sent("c1") == []
    await store.queue.undo(site, "c0", "chief", 60)
    await judge(Verdict.REJECT, "spam")
    with redis_server.client() as client:  # as if the first two were forgotten: the person's word counts, not the count
        for key in client.scan_iter("*same:*"):
            client.zrem(key, "c1")
    assert await sent("c2") == ["review-rule"]
    await store.queue.undo(site, "c0", "chief", 60)
    await store.comments.erase(site, "c2", "site-key")
    assert await sent("c3") == []
    await store.comments.erase(site, "c3", "site-key")
    await judge(Verdict.REJECT, spam=True)
    assert await sent("c4") == ["review-rule"]
    await store.queue.reopen(site, "c0", "head", sla_ms=1)
    version = (await store.comments.get(site, "c0")).version
    approval = Answer(Verdict.APPROVE, None, digest="a", version=version)
    assert (await store.queue.decide(site, "c0", "head", approval, may_overrule=True))[0] == "ok"
    assert await sent("c5") == []
    for each in ("c0", "c1", "c4", "c5"):
        await store.comments.erase(site, each, "site-key")
    with redis_server.client() as client:
        assert list(client.scan_iter("*same:*")) == []


async def test_an_edited_comment_is_no_copy_to_decide_together(store: Store, site: str, send: Send) -> None:
    more = {"prints": PRINTS, "window_s": 3600, "model": Action.REVIEW}
    for n in range(3):
        await send(f"c{n}", **more)
    assert [each.id for each in await store.queue.copies(site, "c0", 9)] == ["c2", "c1"]
    await send("c1", text="something else", model=Action.REVIEW)
    assert [each.id for each in await store.queue.copies(site, "c0", 9)] == ["c2"]


async def test_of_an_erased_comment_no_fingerprint_stays(
    store: Store, site: str, send: Send, redis_server: Any
) -> None:
    prints = {"exact:author": ("e1:ann",), "near:site": ("n1", "n2")}
    await send("c1", THREE_ALIKE, prints=prints, window_s=3600)
    await send("c2", THREE_ALIKE, prints={"near:site": ("n2",)}, window_s=3600, author="bob")
    await store.comments.erase(site, "c1", "site-key")
    with redis_server.client() as client:
        assert client.hget(Shard(site).item("c1"), "prints") is None
        assert [*client.scan_iter(Shard(site).key("same:*"))] == [Shard(site).key("same:n2")]
        assert client.zrange(Shard(site).key("prints"), 0, -1) == ["n2"]
        assert client.zrange(Shard(site).key("same:n2"), 0, -1) == ["c2"]


async def test_of_an_erased_comment_no_fingerprint_of_an_earlier_text_stays(
    store: Store, site: str, send: Send, redis_server: Any
) -> None:
    for at in range(3):
        await send("c1", THREE_ALIKE, text=f"text {at}", prints={"near:site": ("n", f"n{at}")}, window_s=3600)
    await send("c1", text="nothing is compared with it")
    await send("c2", THREE_ALIKE, prints={"near:site": ("n", "n0")}, window_s=3600)
    await store.comments.erase(site, "c1", "site-key")
    with redis_server.client() as client:
        assert client.hget(Shard(site).item("c1"), "earlier") is None
        assert not {"n1", "n2"} & set(client.hgetall(Shard(site).key("first")))
        for each in ("n", "n0"):
            assert client.zrange(Shard(site).key(f"same:{each}"), 0, -1) == ["c2"]


async def test_of_very_many_texts_of_a_comment_the_last_ones_count(
    store: Store, site: str, send: Send, redis_server: Any
) -> None:
    for at in range(110):
        await send("c1", THREE_ALIKE, text=f"text {at}", prints={"near:site": (f"n{at}",)}, window_s=3600)
    with redis_server.client() as client:
        assert set(client.hgetall(Shard(site).key("first"))) == {"", *(f"n{at}" for at in range(9, 110))}
        await store.comments.erase(site, "c1", "site-key")
        assert set(client.hgetall(Shard(site).key("first"))) == {""}


async def test_the_only_comment_with_a_fingerprint_is_forgotten_with_it(
    store: Store, site: str, send: Send, redis_server: Any
) -> None:
    await send("c1", THREE_ALIKE, prints=PRINTS, window_s=3600)
    with redis_server.client() as client:
        assert set(client.hgetall(Shard(site).key("first"))) == {"", *PRINTS["near:site"]}
        assert [*client.scan_iter(Shard(site).key("same:*"))] == []
        await store.comments.erase(site, "c1", "site-key")
        assert set(client.hgetall(Shard(site).key("first"))) == {""}


FINGERPRINTS = st.lists(st.sampled_from(["p", "q", "r"]), unique=True, max_size=3).map(tuple)
ARRIVALS = st.lists(
    st.tuples(st.sampled_from(["send", "send", "send", "erase", "window over"]), st.integers(0, 5), FINGERPRINTS),
    max_size=12,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arrivals=ARRIVALS)
async def test_copies_are_counted_as_a_model_in_memory_does(
    store: Store, redis_server: Any, arrivals: list[tuple[str, int, tuple[str, ...]]]
) -> None:
    """A comment that is sent again or edited counts once for each fingerprint that it ever had."""
    site = f"s{uuid4().hex[:12]}"
    send, key = send_to(store, site), Shard(site).key("first")
    had: dict[str, set[int]] = {"p": set(), "q": set(), "r": set()}
    alive = set(range(6))
    for number, (what, comment, prints) in enumerate(arrivals):
        if what == "window over":  # the hash is begun anew, as after an hour; what is in it counts on
            with redis_server.client() as client:
                if client.exists(key) and not client.exists(f"{key}:before"):
                    client.hset(key, "", "1000 3600")
        elif what == "erase":
            if await store.comments.erase(site, f"c{comment}", "site-key"):
                alive.discard(comment)
                for each in had.values():
                    each.discard(comment)
        elif comment in alive:
            record = await send(
                f"c{comment}", THREE_ALIKE, prints={"near:site": prints}, window_s=3600, text=f"text {number}"
            )
            assert record is not None
            assert record.content is not None
            others = max((len(had[each] - {comment}) for each in prints), default=0)
            facts = record.content.judgement.facts
            assert facts is not None
            assert facts["near_of_site_3600s"] == others
            for each in prints:
                had[each].add(comment)
    deeds.is_whole(redis_server)


async def test_fingerprints_are_kept_for_two_windows_at_most(site: str, send: Send, redis_server: Any) -> None:
    key = Shard(site).key("first")
    with redis_server.client() as client:
        for n in range(2):  # a window is over twice
            await send(f"c{n}", THREE_ALIKE, prints={"near:site": (f"n{n}",)}, window_s=3600)
            client.hset(key, "", "1000 3600")
        assert rules_of(await send("c2", THREE_ALIKE, prints={"near:site": ("n1",)}, window_s=3600)) == []
        assert set(client.hgetall(f"{key}:before")) == {"", "n1"}, "n0 is forgotten"
        assert client.hget(key, "n1") == "*"
        assert 0 < client.ttl(f"{key}:before") <= 3600 < client.ttl(key) <= 7200


async def test_fingerprints_whose_window_is_over_are_forgotten(send: Send, site: str, redis_server: Any) -> None:
    with redis_server.client() as client:
        client.zadd(Shard(site).key("prints"), {f"old{n}:ann": 1000 + n for n in range(60)})
        for n in range(2):
            await send(f"c{n}", THREE_ALIKE, prints=PRINTS, window_s=3600)
        assert set(client.zrange(Shard(site).key("prints"), 0, -1)) == {"n1", "n2", "n3"}

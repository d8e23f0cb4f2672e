"""A decision's audit entry says what the automatic step had said, whatever else the comment brought."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from deeds import claim, decide, told
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.store import Store
from service.store.keyspace import Shard
from service.store.packing import WORDS, unpacked
from service.values.domain import (
    Action,
    Article,
    Author,
    Comment,
    Judgement,
    Parent,
    Reason,
    State,
    Status,
    Urgency,
    Verdict,
    Why,
)

WHEN = datetime(2026, 11, 1, 12, 0, 0, 123456, tzinfo=UTC)
MAYBE_WHEN = st.none() | st.datetimes(datetime(1800, 1, 1), datetime(2600, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - Hypothesis adds the zone itself
NUMBER = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
METADATA = st.dictionaries(st.text(max_size=5), NUMBER | st.booleans() | st.none() | st.text(max_size=300), max_size=20)
TEXT = st.text(min_size=1, max_size=40) | st.sampled_from([31, 32, 255, 256, 65_536]).map("x".__mul__)
COMMENTS = st.builds(
    Comment,
    text=TEXT,
    author=st.none() | st.builds(Author, name=st.none() | st.text(max_size=40), created_at=MAYBE_WHEN),
    article=st.none() | st.builds(Article, title=st.none() | st.text(max_size=300)),
    parent=st.none() | st.builds(Parent, text=st.none() | TEXT),
    created_at=MAYBE_WHEN,
    metadata=METADATA,
)
REASONS = st.lists(
    st.builds(
        Reason,
        code=st.just("score_in_review_band"),
        attribute=st.sampled_from([*WORDS[:7], "own_attribute"]),
        score=st.none() | st.integers(0, 10**6).map(lambda each: each / 10**6),
    ),
    max_size=3,
)


async def submitted(store: Store, site: str, name: str, comment: Comment, reasons: tuple[Reason, ...] = ()) -> None:
    judgement = Judgement(Action.REVIEW, {"toxicity": 0.5}, reasons, "m-1", "default@3", (), "en")
    urgency = Urgency(Why.UNCERTAIN, 0.5, 1)
    await store.comments.submit(site, name, comment, judgement, urgency=urgency, actor="site-key")


async def judged(store: Store, site: str, action: str) -> list[dict[str, str | None]]:
    entries, _ = await store.audit.page(site, "", 1000)
    found = [each.details for each in entries if each.details["action"] == action]
    return [{name: each.get(name) for name in ("model", "policy", "score")} for each in found]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(comment=COMMENTS, reasons=REASONS)
async def test_whatever_a_comment_brings_its_decision_repeats_what_was_said_of_it(
    store: Store, site: str, redis_server: Any, comment: Comment, reasons: list[Reason]
) -> None:
    redis_server.flush()
    await submitted(store, site, "c-1", comment, tuple(reasons))
    assert (await decide(store, site, await claim(store, site)))[0] == "ok"
    assert await judged(store, site, "decided") == await judged(store, site, "submitted")


@pytest.mark.parametrize("verdict", [Verdict.ESCALATE, Verdict.APPROVE])
async def test_also_what_was_kept_as_json_before(store: Store, site: str, redis_server: Any, verdict: Verdict) -> None:
    reason = Reason("score_in_review_band", "toxicity", 0.25)
    await submitted(store, site, "c-1", Comment("hello", created_at=WHEN), (reason,))
    with redis_server.client() as client:
        client.connection_pool.connection_kwargs["decode_responses"] = False
        key = f"{Shard(site).prefix}text:c-1:1"
        client.set(key, msgspec.json.encode(unpacked(client.get(key))))
    await decide(store, site, await claim(store, site), verdict)
    action = "escalated" if verdict is Verdict.ESCALATE else "decided"
    wanted = {"model": "m-1", "policy": "default@3", "score": "toxicity 0.250000"}
    assert await judged(store, site, action) == [wanted]


async def test_what_expires_is_decided_with_it_too(store: Store, site: str) -> None:
    await submitted(store, site, "c-1", Comment("hello"))
    await store.pipe.call("ZADD", Shard(site).key("waiting"), 1000, "c-1")
    await store.queue.tend(site, 60, Status.REJECTED)
    assert await judged(store, site, "decided") == [{"model": "m-1", "policy": "default@3", "score": None}]


# The second is one whose author cannot be read either.
BROKEN = [b"\xc1garbage", b"\x92\x98\xc1", b"{", msgspec.json.encode({"judgement": {"reasons": [], "model": 1}})]


@pytest.fixture
async def broken(store: Store, site: str, redis_server: Any) -> Any:
    """Makes of "c-1" a comment from long ago whose text cannot be read."""

    async def broken(content: bytes) -> None:
        await submitted(store, site, "c-1", Comment("hello"))
        with redis_server.client() as client:
            client.set(f"{Shard(site).prefix}text:c-1:1", content)
            client.hset(Shard(site).item("c-1"), "created", 1000)
            client.zadd(Shard(site).key("waiting"), {"c-1": 1000})

    return broken


async def is_decided_in_full(store: Store, site: str) -> None:
    record = await store.comments.get(site, "c-1")
    assert (record.state, record.status, record.content) == (State.DECIDED, Status.REJECTED, None)
    assert await judged(store, site, "decided") == [{"model": None, "policy": None, "score": None}]
    assert await told(store, site) == [("comment.queued", 1), ("decision.created", record.version)]
    assert [breach async for breach in store.fsck.examine(site)] == []


@pytest.mark.parametrize("content", BROKEN)
async def test_a_person_decides_a_comment_whose_text_is_broken(
    store: Store, site: str, broken: Any, content: bytes
) -> None:
    await broken(content)
    assert (await decide(store, site, await claim(store, site)))[0] == "ok"
    await is_decided_in_full(store, site)


@pytest.mark.parametrize("content", BROKEN)
async def test_a_comment_whose_text_is_broken_expires(store: Store, site: str, broken: Any, content: bytes) -> None:
    await broken(content)
    assert (await store.queue.tend(site, 60, Status.REJECTED)).expired == 1
    await is_decided_in_full(store, site)


@pytest.mark.parametrize("content", BROKEN)
async def test_a_comment_whose_text_is_broken_is_erased(store: Store, site: str, broken: Any, content: bytes) -> None:
    await broken(content)
    assert await store.comments.erase(site, "c-1", "site-key")
    assert (await store.comments.get(site, "c-1")).state is State.ERASED

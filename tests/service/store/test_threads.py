"""Replies to a comment: found around an instant, in every shard, as long as their texts, and no longer."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from service.settings import Settings
from service.store import Store, open_store
from service.store.keyspace import Shard, Shards
from service.store.packing import Content, unpacked
from service.store.review import Answer, Filter
from service.store.threads import Replies
from service.values.domain import Article, Author, Parent, Verdict

PARENT = Parent("p-1", "What do you say?")
AT = datetime(2020, 1, 1, tzinfo=UTC)
# What stands before the parent in what is kept, each in another form.
BEFORE: tuple[dict[str, Any], ...] = (
    {},
    {"author": Author()},
    {"author": Author(name="only a name")},
    {"author": Author("u-1", "Ann", AT.replace(microsecond=123456), True)},
    {"author": Author("u-1", "Ann", datetime(2600, 1, 1, tzinfo=UTC))},
    {"author": Author("u-1", None, AT), "article": Article("a-1", "https://a.example", "T" * 300, "world")},
    {"article": Article(section="world"), "created_at": AT, "metadata": {"n": 1}},
)


@pytest.fixture(params=[1, 3])
async def sharded(settings: Settings, request: Any) -> AsyncIterator[Store]:
    assert settings.redis_url is not None
    async with open_store(msgspec.structs.replace(settings, shards=request.param), settings.redis_url) as store:
        yield store


def ms_of(record: Any) -> int:
    return round(record.created_at.timestamp() * 1000)


async def test_replies_are_found_before_and_after_one_of_them_in_every_shard(
    sharded: Store, site: str, submit: Any, redis_server: Any
) -> None:
    ordered = [f"c-{number:02}" for number in range(12)]
    times = {each: 1_600_000_000_000 + number // 2 for number, each in enumerate(ordered)}  # two in each millisecond
    for each in ordered:
        await submit(each, parent=PARENT, to=sharded)
    await submit("other", parent=Parent("p-2"), to=sharded)
    await submit("alone", to=sharded)
    with redis_server.client() as client:
        for key in client.scan_iter("*replies:p-1"):
            client.zadd(key, {each: times[each] for each in client.zrange(key, 0, -1)})
    for at, each in enumerate(ordered):
        found = await sharded.replies.around(site, "p-1", at_ms=times[each], but=each, before=3, after=4)
        assert found.before == ordered[max(0, at - 3) : at]
        assert found.after == ordered[at + 1 : at + 5]
        if sharded.shards == 1:
            assert (found.earlier, found.later) == (max(0, at - 3), max(0, 12 - at - 1 - 4))
        else:  # another one of its millisecond may be counted on the wrong side
            assert found.earlier + found.later == 12 - 1 - len(found.before) - len(found.after)
    assert await sharded.replies.first(site, "p-1", 5) == Replies([], ordered[:5], 0, 7)
    assert await sharded.replies.first(site, "nobody", 5) == Replies([], [], 0, 0)


@pytest.mark.parametrize("is_json", [False, True])
@pytest.mark.parametrize("sent", BEFORE)
async def test_an_erased_reply_is_not_found_whatever_else_was_sent(
    store: Store, site: str, submit: Any, redis_server: Any, sent: dict[str, Any], is_json: bool
) -> None:
    for length in (1, 40, 300, 20_000):
        await submit(f"c-{length}", "x" * length, parent=PARENT, **sent)
        with redis_server.client() as client:
            assert client.zscore(Shard(site).key("replies:p-1"), f"c-{length}") is not None
            if is_json:
                key = Shard(site).text(f"c-{length}") + "1"
                content = unpacked(await store.pipe.call("GET", key))
                client.set(key, msgspec.json.encode(Content(content.comment, content.judgement)))
            assert await store.comments.erase(site, f"c-{length}", "chief")
            assert not list(client.scan_iter("*replies:*"))
            assert not list(client.scan_iter("*author:*")), "the author stands before it and is read as well"


async def test_an_edited_reply_is_found_under_the_newest_parent_at_its_first_place(
    store: Store, site: str, submit: Any
) -> None:
    _, first = await submit("c-1", "one", parent=PARENT)
    await submit("c-2", "two", parent=PARENT)
    await submit("c-1", "one, edited", parent=PARENT)
    assert (await store.replies.first(site, "p-1", 5)).after == ["c-1", "c-2"]
    assert (await store.replies.around(site, "p-1", at_ms=ms_of(first), but="c-1", before=5, after=5)).before == []
    await submit("c-1", "one, moved", parent=Parent("p-2"))
    assert (await store.replies.first(site, "p-1", 5)).after == ["c-2"]
    assert (await store.replies.first(site, "p-2", 5)).after == ["c-1"]
    await submit("c-1", "one, alone")
    assert (await store.replies.first(site, "p-2", 5)).after == []


async def test_the_index_expires_and_a_comment_does_not_answer_itself(
    site: str, submit: Any, redis_server: Any, settings: Settings
) -> None:
    await submit("c-1", parent=PARENT)
    await submit("c-2", parent=Parent("c-2"))
    await submit("c-3", parent=Parent(text="only a text"))
    with redis_server.client() as client:
        keys = list(client.scan_iter("*replies:*"))
        assert keys == [Shard(site).key("replies:p-1")]
        most = (max(settings.text_days, settings.label_days) + 97) * 86_400
        assert most - 60 < client.ttl(keys[0]) <= most


async def test_of_one_parent_the_newest_thousand_are_kept(site: str, submit: Any, redis_server: Any) -> None:
    key = Shard(site).key("replies:p-1")
    with redis_server.client() as client:
        client.zadd(key, {f"old-{number:04}": number for number in range(1000)})
        await submit("c-1", parent=PARENT)
        assert client.zcard(key) == 1000
        assert client.zscore(key, "c-1") is not None
        assert client.zscore(key, "old-0000") is None


async def test_a_reply_that_is_decided_late_is_found_as_long_as_its_text(
    store: Store, site: str, submit: Any, redis_server: Any
) -> None:
    await submit("c-1", parent=PARENT)
    with redis_server.client() as client:
        client.hset(Shard(site).item("c-1"), "created", 1_600_000_000_000)
        client.delete(Shard(site).key("replies:p-1"))  # as after so long a time
        (held,) = await store.queue.claim(site, "ann", 1, 60, Filter())
        answer = Answer(Verdict.APPROVE, held.lease, digest="d")
        assert (await store.queue.decide(site, "c-1", "ann", answer, may_overrule=False))[0] == "ok"
        assert client.ttl(Shard(site).key("replies:p-1")) > client.ttl(Shard(site).text("c-1") + "1")
    assert (await store.replies.first(site, "p-1", 5)).after == ["c-1"]


async def test_a_repair_indexes_the_replies_of_an_earlier_release(
    store: Store, site: str, submit: Any, redis_server: Any
) -> None:
    await submit("c-1", parent=PARENT, author=Author("u-1", None, AT))
    await submit("c-2", parent=Parent("c-2"))
    with redis_server.client() as client:
        client.delete(Shard(site).key("replies:p-1"))
        assert [each async for each in store.fsck.examine(site)] == [], "nothing is wrong with it"
        assert not client.exists(Shard(site).key("replies:p-1"))
        assert [each async for each in store.fsck.examine(site, repair=True)] == []
        assert client.ttl(Shard(site).key("replies:p-1")) > 0
        assert client.keys("*replies:*") == [Shard(site).key("replies:p-1")]
    assert (await store.replies.first(site, "p-1", 5)).after == ["c-1"]


def test_a_reply_lies_in_the_shard_of_the_reply() -> None:
    shards = Shards(None, 3)  # type: ignore[arg-type] - no command is sent
    assert {shards.of("daily", f"c-{number}").number for number in range(20)} == {0, 1, 2}

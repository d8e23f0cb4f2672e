"""Looking back over what came lately, newest first, over one shard and several."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from service.settings import Settings
from service.store import Store, open_store, recent
from service.store.keyspace import Shards
from service.store.packing import Content, glance, packed, unpacked
from service.store.recent import Backwards, Sighting
from service.store.review import Answer, Filter
from service.values.domain import Action, Author, Comment, Judgement, LanguageSupport, State, Status, Verdict


@pytest.fixture(params=[1, 3])
async def store(request: pytest.FixtureRequest, settings: Settings) -> AsyncIterator[Store]:
    assert settings.redis_url is not None
    async with open_store(msgspec.structs.replace(settings, shards=request.param), settings.redis_url) as store:
        yield store


async def seen(back: Backwards) -> list[Sighting]:
    return [each async for each in back]


async def test_the_newest_comes_first_whatever_else_the_trail_holds(store: Store, site: str, submit: Any) -> None:
    for number in range(30):
        await submit(f"c-{number}")
        if number % 3 == 0:
            (held,) = await store.queue.claim(site, "ann", 1, 60, Filter())
            assert held.lease
            await store.queue.release(site, held.id, "ann", held.lease, skip=False)
    back = store.recent.backwards(site, most=10_000)
    found = await seen(back)
    assert sorted(each.id for each in found) == sorted(f"c-{number}" for number in range(30))
    assert [each.at for each in found] == sorted((each.at for each in found), reverse=True)
    assert back.cursor is None
    assert back.missing == 0
    assert back.back_to == found[-1].at
    assert glance(found[0].content).text == "hello"


@pytest.mark.parametrize("at_once", [2, 7, 100])
async def test_it_goes_on_where_it_stopped_without_gap_or_repeat(
    store: Store, site: str, submit: Any, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent, "AT_ONCE", at_once)
    for number in range(20):
        await submit(f"c-{number}", decision=Action.APPROVE)
    whole = [each.id for each in await seen(store.recent.backwards(site, most=1000))]
    for step in (1, 3, 20):
        found: list[str] = []
        before: str | None = ""
        while before is not None:
            back = store.recent.backwards(site, before=before, most=1000)
            async for each in back:
                found.append(each.id)
                if len(found) % step == 0:
                    break
            before = back.cursor
        assert found == whole
    bounded = store.recent.backwards(site, most=1)
    await seen(bounded)
    assert (bounded.cursor is None) == (at_once == 100), "one look at a time, and no more than asked for"


async def test_of_a_comment_only_the_newest_revision_is_seen_and_nothing_of_what_is_erased(
    store: Store, site: str, submit: Any
) -> None:
    await submit("c-1", "first")
    await submit("c-1", "second")
    await submit("c-2", "personal", author=Author(id="u-1"))
    await store.comments.erase(site, "c-2", "chief")
    back = store.recent.backwards(site, most=1000)
    (found,) = await seen(back)
    assert (found.id, found.revision, glance(found.content).text) == ("c-1", 2, "second")
    assert back.missing == 1


async def test_what_was_forgotten_and_came_again_is_seen_once(
    store: Store, site: str, submit: Any, redis_server: Any
) -> None:
    await submit("c-1")
    shard = Shards(store.pipe, store.shards).of(site, "c-1")
    with redis_server.client() as client:
        (entry,) = client.xrange(shard.key("audit"))
        client.delete(shard.item("c-1"), shard.text("c-1") + "1", shard.key("ready"), shard.key("waiting"))
        client.delete(shard.key("audit"))
        client.xadd(shard.key("audit"), entry[1], id="1000-0")
    await submit("c-1")
    assert len(await seen(store.recent.backwards(site, most=1000))) == 1


async def test_a_verdict_is_a_persons_and_final(store: Store, site: str, submit: Any) -> None:
    await submit("c-1")
    await submit("c-2", decision=Action.REJECT)
    (held,) = await store.queue.claim(site, "ann", 1, 60, Filter())
    await store.queue.decide(site, "c-1", "ann", Answer(Verdict.APPROVE, held.lease), may_overrule=False)
    found = {each.id: each for each in await seen(store.recent.backwards(site, most=1000))}
    assert (found["c-1"].summary.verdict, found["c-1"].summary.moderator) == (Status.APPROVED, "ann")
    assert (found["c-2"].summary.verdict, found["c-2"].summary.status) == (None, Status.REJECTED)
    await store.queue.reopen(site, "c-1", "chief", sla_ms=1000)
    found = {each.id: each for each in await seen(store.recent.backwards(site, most=1000))}
    assert (found["c-1"].summary.verdict, found["c-1"].summary.state) == (None, State.QUEUED)


async def test_a_glance_sees_what_unpacking_does(store: Store, site: str, submit: Any) -> None:
    await submit("c-1", "text", author=Author(id="u-1", name="Ann"), language="en")
    (found,) = await seen(store.recent.backwards(site, most=1000))
    content = unpacked(found.content)
    for data in (found.content, msgspec.json.encode(Content(content.comment, content.judgement))):
        looked = glance(data)
        assert (looked.text, looked.author, looked.article) == ("text", "u-1", None)
        assert (looked.decision, looked.scores) == (content.judgement.decision, content.judgement.scores)
        assert (looked.language, looked.is_measured) == (content.judgement.language, True)
        assert looked.model == content.judgement.model


@pytest.mark.parametrize("support", [None, *LanguageSupport])
def test_a_glance_sees_whether_the_model_was_measured_in_the_language(support: LanguageSupport | None) -> None:
    judgement = Judgement(Action.REJECT, {"spam": 0.99}, (), "m-1", "default@1", (), "nl", support)
    content = Content(Comment("text"), judgement)
    for data in (packed(content), msgspec.json.encode(content)):
        assert (glance(data).language, glance(data).is_measured) == ("nl", support is not LanguageSupport.TRANSFERRED)

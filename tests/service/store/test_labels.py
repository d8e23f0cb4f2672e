"""Labels: read in order with their text, brought in once."""

import asyncio
from typing import Any

import pytest
from deeds import judge

from service.store import Store
from service.store.keyspace import Shard
from service.store.labels import Imported
from service.store.review import Answer, Filter
from service.values.domain import Action, Verdict


def imported(label_id: str, digest: str = "d", **more: Any) -> Imported:
    given = {"text": "buy now", "labels": {"spam": True}, "decision": "reject", "reason": "ads", **more}
    return Imported(label_id, digest, source="import", weight=0.5, **given)


@pytest.fixture
def decide_all(store: Store, site: str, submit: Any) -> Any:
    async def decide_all(count: int) -> None:
        for number in range(count):
            await submit(f"c-{number}", f"text {number}")
            (held,) = await store.queue.claim(site, "ann", 1, 60, Filter())
            answer = Answer(Verdict.REJECT, held.lease, "insulting", {"insult": True}, "between us", "d")
            await store.queue.decide(site, held.id, "ann", answer, may_overrule=False)

    return decide_all


async def test_a_decision_is_a_label_with_its_text(store: Store, site: str, decide_all: Any) -> None:
    await decide_all(1)
    ((label,), cursor) = await store.labels.page(site, "", 10)
    assert (label.id, label.revision, label.text) == ("c-0", 1, "text 0")
    assert (label.labels, label.decision, label.reason) == ({"insult": True}, "reject", "insulting")
    assert (label.source, label.actor, label.weight) == ("moderator", "ann", 1.0)
    assert cursor == label.cursor


async def test_labels_are_read_page_by_page_without_gap_or_repeat(store: Store, site: str, decide_all: Any) -> None:
    await decide_all(7)
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        page, after = await store.labels.page(site, after, 3)
        seen += [label.id for label in page]
    assert seen == [f"c-{number}" for number in range(7)]


async def test_one_call_reads_few_labels_of_a_long_page(store: Store, site: str, redis_server: Any) -> None:
    with redis_server.client() as client, client.pipeline(transaction=False) as pipeline:
        for number in range(450):
            pipeline.hset(Shard(site).imported(f"l-{number}"), mapping={"text": f"text {number}"})
            pipeline.expire(Shard(site).imported(f"l-{number}"), 60)
            entry = {"id": f"l-{number}", "revision": 0, "decision": "reject", "reason": "", "labels": "{}"}
            pipeline.xadd(Shard(site).key("labels"), entry | {"actor": "a", "source": "import", "weight": "1"})
        pipeline.execute()
        client.config_resetstat()
        page, after = await store.labels.page(site, "", 5000)
        assert [label.text for label in page] == [f"text {number}" for number in range(450)]
        assert client.info("commandstats")["cmdstat_xrange"]["calls"] == 3, "200 each"
    assert page[-1].cursor == after
    assert [label.text for label in (await store.labels.page(site, page[99].cursor, 250))[0]] == [
        f"text {number}" for number in range(100, 350)
    ]


async def test_an_erased_text_is_passed_over_and_the_cursor_goes_on(store: Store, site: str, decide_all: Any) -> None:
    await decide_all(3)
    await store.comments.erase(site, "c-0", "site-key")
    page, after = await store.labels.page(site, "", 1)
    assert page == []
    assert after is not None
    page, after = await store.labels.page(site, after, 5)
    assert [(label.id, label.retracts) for label in page] == [("c-1", None), ("c-2", None), ("c-0", "*")]
    assert await store.labels.page(site, after, 5) == ([], None)


async def test_a_label_speaks_of_the_revision_that_was_decided(
    store: Store, site: str, decide_all: Any, submit: Any
) -> None:
    await decide_all(1)
    await submit("c-0", "something quite different")
    ((label,), _) = await store.labels.page(site, "", 10)
    assert (label.revision, label.text) == (1, "text 0")


async def test_the_same_label_brought_in_again_changes_nothing(store: Store, site: str, trail: Any) -> None:
    assert await store.labels.add(site, imported("l-1"), "admin") is True
    for _ in range(3):
        assert await store.labels.add(site, imported("l-1"), "admin") is False
    ((label,), _) = await store.labels.page(site, "", 10)
    assert (label.id, label.text, label.labels, label.weight) == ("l-1", "buy now", {"spam": True}, 0.5)
    assert (label.source, label.actor, label.reason) == ("import", "admin", "ads")
    assert await trail() == ["labelled"]


async def test_the_same_label_at_once_from_many_is_kept_once(store: Store, site: str) -> None:
    added = await asyncio.gather(*(store.labels.add(site, imported("l-1"), "admin") for _ in range(30)))
    assert sum(added) == 1


async def test_a_corrected_label_takes_the_place_of_the_first_also_for_who_has_read_it(store: Store, site: str) -> None:
    await store.labels.add(site, imported("l-1"), "admin")
    ((first,), _) = await store.labels.page(site, "", 10)
    corrected = imported("l-1", "e", labels={"spam": 0.25}, decision="approve", text="do not buy")
    assert await store.labels.add(site, corrected, "admin") is True
    page, _ = await store.labels.page(site, "", 10)
    assert [(label.decision, label.retracts) for label in page] == [("", first.cursor), ("approve", None)]
    assert (page[1].text, page[1].labels) == ("do not buy", {"spam": 0.25})
    assert (await store.labels.page(site, first.cursor, 10))[0] == page


async def test_a_label_names_the_community_whose_people_say_so(store: Store, site: str) -> None:
    await store.labels.add(site, imported("l-1", community="Coral:https://example.org"), "admin")
    await store.labels.add(site, imported("l-2"), "admin")
    page, _ = await store.labels.page(site, "", 10)
    assert [label.community for label in page] == ["Coral:https://example.org", None]


async def test_any_text_survives(store: Store, site: str) -> None:
    text = "nul \x00, emoji \U0001f600, right to left \u202e, replaced \ufffd, line\nfeed"
    await store.labels.add(site, imported("l-1", text=text), "admin")
    ((label,), _) = await store.labels.page(site, "", 10)
    assert label.text == text


async def test_sites_keep_their_labels_apart(store: Store, site: str) -> None:
    await store.labels.add(site, imported("l-1"), "admin")
    assert await store.labels.page("weekly", "", 10) == ([], None)


async def test_an_erasure_tells_archives_to_remove_the_texts_once(store: Store, site: str, submit: Any) -> None:
    async def erasures() -> list[str]:
        found, _ = await store.labels.page(site, "", 100)
        assert all(not each.text for each in found if each.source == "erased")
        return [each.id for each in found if (each.source, each.retracts) == ("erased", "*")]

    await submit("c-1")
    await judge(store, site, "ann")
    await submit("c-2", decision=Action.APPROVE)
    await store.labels.add(site, Imported("l-1", "d", "t", {}, "reject", "", "import", 1.0), "chief")
    for _ in range(2):
        for each in ("c-1", "c-2", "l-1", "long-gone"):
            await store.comments.erase(site, each, "chief")
    assert await erasures() == ["c-1", "l-1", "long-gone"], "c-2 never had a label"
    assert all(each.source == "erased" for each in (await store.labels.page(site, "", 100))[0])


async def test_an_edited_comment_whose_older_text_has_a_label_is_retracted_too(
    store: Store, site: str, submit: Any
) -> None:
    await submit("c-1")
    await judge(store, site, "ann")
    await submit("c-1", "edited", decision=Action.APPROVE)
    await store.comments.erase(site, "c-1", "chief")
    found, _ = await store.labels.page(site, "", 100)
    assert [(each.id, each.source) for each in found] == [("c-1", "erased")]

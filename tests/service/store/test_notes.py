"""Notes of moderators: beside the text of a comment, as long as it, and gone with it."""

from typing import Any

import pytest
from deeds import ANY, is_whole, judge, overrule

from service.store import Store
from service.store.base import Record
from service.store.keyspace import Shard
from service.store.notes import MOST_NOTES
from service.values.domain import Action, Author, Verdict

KEY = "notes:c-1"


async def note(store: Store, site: str, text: str = "seen before", by: str = "ann") -> tuple[Any, Record]:
    outcome, record = await store.notes.add(site, "c-1", by, text, role="moderator")
    assert record is not None
    return outcome, record


def told(record: Record) -> list[tuple[str, str]]:
    return [(each.by, each.text) for each in record.notes]


async def test_a_note_comes_with_the_comment_wherever_it_is_read(store: Store, site: str, submit: Any) -> None:
    await submit("c-1")
    await note(store, site)
    await note(store, site, "so have I", "bob")
    expected = [("ann", "seen before"), ("bob", "so have I")]
    (claimed,) = await store.queue.claim(site, "eve", 1, 60, ANY)
    assert told(claimed) == expected
    assert told(await store.comments.get(site, "c-1")) == expected
    (listed,) = await store.queue.items(site, claimed.state, 0, 10)
    assert told(listed) == expected
    assert (listed.version, [each.revision for each in listed.notes]) == (1, [1, 1]), "it changes no state"


async def test_the_same_note_twice_is_one_note_and_one_entry_of_the_trail(
    store: Store, site: str, submit: Any, trail: Any
) -> None:
    await submit("c-1")
    assert [(await note(store, site))[0] for _ in range(3)] == ["ok", "duplicate", "duplicate"]
    assert (await note(store, site, by="bob"))[0] == "ok"
    assert (await trail()).count("note_added") == 2


async def test_the_trail_names_the_note_and_never_its_text(store: Store, site: str, submit: Any) -> None:
    await submit("c-1")
    _, record = await note(store, site, "her brother wrote it")
    await store.notes.remove(site, "c-1", "ann", record.notes[0].id, may_others=False)
    entries, _ = await store.audit.page(site, "", 10)
    told = [each.details for each in entries if each.details["action"].startswith("note_")]
    assert [(each["action"], each["actor"], each["note"]) for each in told] == [
        ("note_added", "ann", record.notes[0].id),
        ("note_removed", "ann", record.notes[0].id),
    ]
    assert "brother" not in str(told)


async def test_a_comment_has_so_many_notes_and_no_more(store: Store, site: str, submit: Any) -> None:
    await submit("c-1")
    for number in range(MOST_NOTES):
        assert (await note(store, site, f"note {number}"))[0] == "ok"
    outcome, record = await note(store, site, "one more")
    assert (outcome, len(record.notes)) == ("full", MOST_NOTES)
    assert (await note(store, site, "note 0"))[0] == "duplicate", "it is there"
    await store.notes.remove(site, "c-1", "ann", record.notes[0].id, may_others=False)
    assert (await note(store, site, "one more"))[0] == "ok"


async def test_only_its_author_or_a_supervisor_removes_a_note(store: Store, site: str, submit: Any) -> None:
    await submit("c-1")
    _, record = await note(store, site)
    (there,) = record.notes
    assert (await store.notes.remove(site, "c-1", "bob", there.id, may_others=False))[0] == "not_yours"
    outcome, after = await store.notes.remove(site, "c-1", "chief", there.id, may_others=True)
    assert (outcome, after.notes) == ("ok", ())
    assert (await store.notes.remove(site, "c-1", "chief", there.id, may_others=True))[0] == "ok", "safe to repeat"


async def test_of_what_is_not_there_nothing_is_noted(store: Store, site: str, submit: Any, redis_server: Any) -> None:
    assert await store.notes.add(site, "nowhere", "ann", "hm") == ("gone", None)
    await submit("c-1", decision=Action.APPROVE)
    with redis_server.client() as client:
        client.delete(Shard(site).text("c-1") + "1")
        assert (await note(store, site))[0] == "expired"
        assert client.exists(Shard(site).key(KEY)) == 0


@pytest.mark.parametrize("when", ["before", "after"])
async def test_notes_last_as_long_as_the_text(
    store: Store, site: str, submit: Any, redis_server: Any, when: str
) -> None:
    await submit("c-1")
    with redis_server.client() as client:
        if when == "before":
            await note(store, site)
            assert client.ttl(Shard(site).key(KEY)) == -1
        await judge(store, site, "ann")
        if when == "after":
            await note(store, site)
        text_s, notes_s = client.ttl(Shard(site).text("c-1") + "1"), client.ttl(Shard(site).key(KEY))
        assert 0 < notes_s <= text_s < notes_s + 3
        assert (await store.queue.undo(site, "c-1", "ann", 60))[0] == "ok"
        assert client.ttl(Shard(site).key(KEY)) == -1, "it waits again"
        await judge(store, site, "ann")
        assert (await store.queue.reopen(site, "c-1", "chief", sla_ms=1_000))[0] == "ok"
        assert client.ttl(Shard(site).key(KEY)) == -1
    is_whole(redis_server)
    assert [each async for each in store.fsck.examine(site)] == []


@pytest.mark.parametrize("decision", [Action.REVIEW, Action.APPROVE])
async def test_notes_outlive_an_edit_and_say_which_revision_they_are_about(
    store: Store, site: str, submit: Any, redis_server: Any, decision: Action
) -> None:
    await submit("c-1")
    await note(store, site)
    await submit("c-1", "edited", decision=decision)
    _, record = await note(store, site, "better now")
    assert [(each.revision, each.text) for each in record.notes] == [(1, "seen before"), (2, "better now")]
    with redis_server.client() as client:
        assert (client.ttl(Shard(site).key(KEY)) == -1) == (decision is Action.REVIEW)
    is_whole(redis_server)


async def test_an_erasure_takes_the_notes_along(store: Store, site: str, submit: Any, redis_server: Any) -> None:
    await submit("c-1", author=Author(id="u-1"))
    await note(store, site)
    assert await store.comments.erase(site, "c-1", "site-key")
    assert (await store.comments.get(site, "c-1")).notes == ()
    assert (await store.notes.add(site, "c-1", "ann", "again"))[0] == "gone"
    with redis_server.client() as client:
        assert client.exists(Shard(site).key(KEY)) == 0
        assert client.hget(Shard(site).item("c-1"), "notes") is None


async def test_a_decision_by_the_version_that_was_read_counts_after_a_note(
    store: Store, site: str, submit: Any
) -> None:
    await submit("c-1")
    await note(store, site)
    outcome, record = await overrule(store, site, "c-1", Verdict.APPROVE, version=1)
    assert (outcome, told(record)) == ("ok", [("ann", "seen before")])


async def mentions(store: Store, site: str, name: str = "bob") -> list[str]:
    found = await store.notes.mentioned(site, name, 10)
    assert await store.notes.count_mentions(site, name) == len(found)
    return [each.note for each in found]


async def test_a_mention_is_found_by_whoever_is_named_until_it_is_dropped(
    store: Store, site: str, submit: Any, redis_server: Any
) -> None:
    await submit("c-1")
    for text, names in (("one", ["bob"]), ("two", ["bob", "eve"])):
        outcome, record = await store.notes.add(site, "c-1", "ann", text, mentions=names)
        assert outcome == "ok"
    first, second = record.notes
    assert (first.mentions, second.mentions) == (("bob",), ("bob", "eve"))
    assert await mentions(store, site) == [second.id, first.id]
    assert await mentions(store, site, "eve") == [second.id]
    newest, *_ = await store.notes.mentioned(site, "bob", 1)
    for _ in range(2):
        await store.notes.drop_mention(site, "bob", newest)
    assert await mentions(store, site) == [first.id]
    is_whole(redis_server)
    events, _ = await store.events.page(site, "", 10)
    told = [each.details["mentioned"] for each in events if each.details["kind"] == "mentioned"]
    assert told == ["bob", "bob eve"]


@pytest.mark.parametrize("end", ["removed", "erased"])
async def test_a_mention_goes_with_its_note(store: Store, site: str, submit: Any, end: str) -> None:
    await submit("c-1")
    _, record = await store.notes.add(site, "c-1", "ann", "see", mentions=["bob"])
    if end == "removed":
        await store.notes.remove(site, "c-1", "ann", record.notes[0].id, may_others=False)
    else:
        await store.comments.erase(site, "c-1", "site-key")
    assert await mentions(store, site) == []


async def test_the_newest_mentions_are_kept(
    store: Store, site: str, submit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.store.notes.MOST_MENTIONS", 3)
    await submit("c-1")
    for number in range(5):
        _, record = await store.notes.add(site, "c-1", "ann", f"note {number}", mentions=["bob"])
    assert await mentions(store, site) == [each.id for each in reversed(record.notes[2:])]

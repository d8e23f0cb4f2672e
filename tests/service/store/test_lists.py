"""Word lists in Redis: versions, who made them, what can be brought back."""

import asyncio
import zlib
from datetime import UTC, date, datetime
from hashlib import blake2b
from typing import Any

import msgspec
import pytest

from service.store import Store, lists
from service.store.keyspace import SHARED_LISTS, Shard
from service.store.lists import ListUnreadable, packed, unpacked
from service.values.errors import StoreUnavailable
from service.values.lists import ListEntry, ListVersion, WordList
from service.values.rules import MAX_LIST_ENTRIES, Match

NEVER = datetime(2000, 1, 1, tzinfo=UTC)  # the store sets the time


def of(version: int, *texts: str, name: str = "house-words") -> WordList:
    return WordList(name, tuple(map(ListEntry, texts)), version)


async def put(store: Store, site: str, after: WordList, **counted: Any) -> str:
    change = ListVersion(after.version, NEVER, "chief", len(after.entries), **counted)
    return await store.lists.put(site, after, change)


async def delete(store: Store, site: str, name: str, version: int) -> str:
    return await store.lists.delete(site, name, ListVersion(version, NEVER, "chief", 0, removed=1, is_deleted=True))


async def test_a_list_is_read_as_it_was_put(store: Store, site: str) -> None:
    full = ListEntry("bad word", Match.STEM, True, "a note", "chief", datetime.now(UTC), date(2030, 1, 31))
    kept = WordList("house-words", (full, ListEntry("idiot"), ListEntry("\U0001f346 \u0438\u0434\u0438\u043e\u0442")))
    assert await put(store, site, kept) == "ok"
    assert await store.lists.get(site, "house-words") == kept
    assert await store.lists.versions(site) == {"house-words": 1}
    assert await store.lists.get(site, "other") is None
    assert await store.lists.get("weekly", "house-words") is None
    assert await store.lists.versions("weekly") == {}


async def test_each_change_is_a_version_with_who_and_when(store: Store, site: str) -> None:
    assert await put(store, site, of(1, "a"), added=1) == "ok"
    assert await put(store, site, of(2, "b"), added=1, removed=1, restored=None) == "ok"
    newer, older = await store.lists.history(site, "house-words")
    assert (newer.version, newer.actor, newer.entries, newer.added, newer.removed) == (2, "chief", 1, 1, 1)
    assert abs((datetime.now(UTC) - older.at).total_seconds()) < 60
    assert await store.lists.newest(site) == {"house-words": newer}
    assert await store.lists.at(site, "house-words", 1) == of(1, "a")
    assert await store.lists.at(site, "house-words", 3) is None


async def test_only_one_of_two_changes_of_the_same_version_is_stored(store: Store, site: str) -> None:
    assert await put(store, site, of(1, "a")) == "ok"
    written = await asyncio.gather(*(put(store, site, of(2, f"word {n}")) for n in range(10)))
    assert sorted(written) == [*["changed"] * 9, "ok"]
    assert await put(store, site, of(1, "b")) == "changed"
    assert await put(store, site, of(4, "b")) == "changed"
    assert await delete(store, site, "house-words", 2) == "changed"
    assert (await store.lists.versions(site)) == {"house-words": 2}


async def test_the_last_versions_are_kept_and_no_others(store: Store, site: str) -> None:
    last = lists.KEPT_VERSIONS + 5
    for version in range(1, last + 1):
        assert await put(store, site, of(version, f"word {version}")) == "ok"
    kept = [each.version for each in await store.lists.history(site, "house-words")]
    assert kept == list(range(last, last - lists.KEPT_VERSIONS, -1))
    assert await store.lists.at(site, "house-words", kept[-1]) == of(kept[-1], f"word {kept[-1]}")
    assert await store.lists.at(site, "house-words", kept[-1] - 1) is None


async def test_of_a_large_list_fewer_versions_are_kept_but_always_the_one_before(
    store: Store, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "KEPT_BYTES", 2_500)

    def large(version: int) -> WordList:  # does not compress: about 1,000 bytes
        return of(version, *(blake2b(f"{version} {n}".encode(), digest_size=50).hexdigest() for n in range(20)))

    for version in range(1, 6):
        assert await put(store, site, large(version)) == "ok"
    assert [each.version for each in await store.lists.history(site, "house-words")] == [5, 4]
    monkeypatch.setattr(lists, "KEPT_BYTES", 1)
    assert await put(store, site, large(6)) == "ok"
    assert [each.version for each in await store.lists.history(site, "house-words")] == [6, 5]


async def test_a_deleted_list_can_be_brought_back_and_goes_on_with_its_numbers(
    store: Store, site: str, redis_server: Any
) -> None:
    assert await put(store, site, of(1, "a")) == "ok"
    assert await delete(store, site, "house-words", 2) == "ok"
    assert await store.lists.get(site, "house-words") is None
    assert await store.lists.versions(site) == {}
    deleted, before = await store.lists.history(site, "house-words")
    assert (deleted.version, deleted.is_deleted, deleted.removed, before.is_deleted) == (2, True, 1, False)
    assert await store.lists.at(site, "house-words", 1) == of(1, "a")
    with redis_server.client() as client:
        for key in ("list:house-words", "list:house-words:by"):
            assert 0 < client.ttl(Shard(site).key(key)) <= lists.DELETED_S
        assert await put(store, site, of(1, "a")) == "changed"
        assert await put(store, site, of(3, "a")) == "ok"
        for key in ("list:house-words", "list:house-words:by"):
            assert client.ttl(Shard(site).key(key)) == -1
    assert await store.lists.versions(site) == {"house-words": 3}


async def test_a_site_has_a_limited_number_of_lists(store: Store, site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "MAX_LISTS", 2)
    assert await put(store, site, of(1, "a", name="one")) == "ok"
    assert await put(store, site, of(1, "a", name="two")) == "ok"
    assert await put(store, site, of(1, "a", name="three")) == "full"
    assert await put(store, site, of(2, "b", name="two")) == "ok", "a list that is there can be changed"
    assert await put(store, site, of(1, "a", name="shared-one")) == "ok", "they are counted apart"
    assert await delete(store, site, "one", 2) == "ok"
    assert await put(store, site, of(1, "a", name="three")) == "ok"


async def test_a_shared_list_is_one_of_every_site(store: Store, site: str) -> None:
    assert await put(store, site, of(1, "a", name="shared-slurs")) == "ok"
    assert await put(store, "weekly", of(2, "b", name="shared-slurs")) == "ok"
    assert await put(store, site, of(1, "a")) == "ok"
    assert await store.lists.get("third", "shared-slurs") == of(2, "b", name="shared-slurs")
    assert await store.lists.versions(site) == {"house-words": 1, "shared-slurs": 2}
    assert await store.lists.versions("weekly") == {"shared-slurs": 2}


async def test_the_trail_says_who_changed_a_list_and_by_how_much_but_no_term(store: Store, site: str) -> None:
    assert await put(store, site, of(1, "canary"), added=1) == "ok"
    assert await put(store, site, of(2), removed=1) == "ok"
    assert await put(store, site, of(2), removed=1) == "changed"
    assert await delete(store, site, "house-words", 3) == "ok"
    entries, _ = await store.audit.page(site, "", 10)
    names = ("action", "actor", "list", "added", "changed", "removed")
    assert [tuple(each.details.get(name) for name in names) for each in entries] == [
        ("list_changed", "chief", "house-words@1", "1", "0", "0"),
        ("list_changed", "chief", "house-words@2", "0", "0", "1"),
        ("list_deleted", "chief", "house-words@3", None, None, "1"),
    ]
    assert "canary" not in str(entries)
    assert [breach async for breach in store.fsck.examine(site)] == []


async def test_a_full_redis_takes_no_list_and_lets_one_be_deleted(store: Store, site: str, redis_server: Any) -> None:
    assert await put(store, site, of(1, "a")) == "ok"
    with redis_server.client() as client:
        client.config_set("maxmemory", 1)
        try:
            with pytest.raises(StoreUnavailable):
                await put(store, site, of(2, "b"))
            assert await store.lists.get(site, "house-words") == of(1, "a")
            assert len(await store.lists.history(site, "house-words")) == 1
            assert await delete(store, site, "house-words", 2) == "ok"
        finally:
            client.config_set("maxmemory", 0)
    assert await store.lists.versions(site) == {}


async def test_what_a_newer_release_wrote_is_named(store: Store, site: str, redis_server: Any) -> None:
    assert await put(store, site, of(1, "a")) == "ok"
    newer = zlib.compress(msgspec.msgpack.encode([{"text": "a", "weight": 2}]))
    for content in (newer, b"no zlib", zlib.compress(b"\xc1")):
        with redis_server.client() as client:
            client.hset(Shard(site).key("list:house-words"), "1", content)
        with pytest.raises(ListUnreadable, match="house-words@1"):
            await store.lists.get(site, "house-words")


async def test_the_largest_list_is_stored_in_little_memory(store: Store, site: str, redis_server: Any) -> None:
    words = [blake2b(str(number).encode(), digest_size=5).hexdigest() for number in range(MAX_LIST_ENTRIES)]
    at = datetime.now(UTC)
    entries = tuple(ListEntry(word, by="chief", at=at) for word in words)
    assert await put(store, site, WordList("house-words", entries)) == "ok"
    assert await store.lists.get(site, "house-words") == WordList("house-words", entries)
    with redis_server.client() as client:
        assert client.memory_usage(Shard(site).key("list:house-words")) < 1_000_000


def test_packing_keeps_everything() -> None:
    entries = (ListEntry("a", until=date(2027, 1, 31)), ListEntry("b", Match.PART, at=datetime.now(UTC)))
    assert unpacked(packed(entries)) == entries


def test_no_site_has_the_keys_of_the_shared_lists() -> None:
    tag = SHARED_LISTS.removeprefix("cm:{").removesuffix("}:")
    site, _, number = tag.partition(".")
    assert site
    assert not number.isdigit()

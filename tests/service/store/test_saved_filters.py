"""Saved filters in Redis: one name each, bounded, changed by those who may, and erased with the role."""

import asyncio
from typing import Any

import pytest

from service.store import Store
from service.store.saved_filters import MOST_OWN, MOST_SHARED, RECOGNIZED_S, SavedFilter


def made(name: str, by: str = "ann", query: str = "view=list") -> SavedFilter:
    return SavedFilter(name, query, by)


async def names(store: Store, site: str, owner: str) -> list[str]:
    return [each.name for each in await store.filters.of(site, owner)]


async def test_each_person_has_filters_of_their_own_and_all_have_those_of_the_site(store: Store, site: str) -> None:
    for owner, name in (("ann", "b mine"), ("ann", "A mine"), ("bob", "b mine"), ("", "ours")):
        assert await store.filters.save(site, owner, made(name)) == "ok"
    assert await names(store, site, "ann") == ["A mine", "b mine"]
    assert await names(store, site, "bob") == ["b mine"]
    assert await names(store, site, "") == ["ours"]
    assert await names(store, "weekly", "ann") == []


async def test_a_name_is_used_once_whatever_its_capitals(store: Store, site: str) -> None:
    assert await store.filters.save(site, "ann", made("Ärger")) == "ok"
    tries = [store.filters.save(site, "ann", made("ÄRGER")) for _ in range(2)]
    assert await asyncio.gather(*tries) == ["taken", "taken"]
    assert await store.filters.save(site, "ann", made("other")) == "ok"
    assert await store.filters.rename(site, "ann", "ann", "other", "ärger", may_others=False) == "taken"
    assert await store.filters.rename(site, "ann", "ann", "other", "Other", may_others=False) == "ok"
    assert await names(store, site, "ann") == ["Other", "Ärger"]


@pytest.mark.parametrize(("owner", "most"), [("ann", MOST_OWN), ("", MOST_SHARED)])
async def test_there_are_no_more_than_a_page_can_show(store: Store, site: str, owner: str, most: int) -> None:
    answers = [await store.filters.save(site, owner, made(f"filter {number}")) for number in range(most + 1)]
    assert answers == ["ok"] * most + ["full"]
    assert await store.filters.delete(site, owner, "ann", "Filter 0", may_others=False) == "ok"
    assert await store.filters.save(site, owner, made("one more")) == "ok"


async def test_only_whoever_saved_it_or_may_change_others_changes_it(store: Store, site: str) -> None:
    await store.filters.save(site, "", made("ours", query="view=list&order=newest"))
    assert await store.filters.rename(site, "", "bob", "ours", "theirs", may_others=False) == "not_yours"
    assert await store.filters.delete(site, "", "bob", "ours", may_others=False) == "not_yours"
    assert await store.filters.rename(site, "", "chief", "ours", "of all", may_others=True) == "ok"
    assert await store.filters.of(site, "") == [SavedFilter("of all", "view=list&order=newest", "ann")]
    assert await store.filters.delete(site, "", "ann", "of all", may_others=False) == "ok"
    assert await store.filters.delete(site, "", "chief", "of all", may_others=True) == "gone"


async def test_a_change_repeated_after_a_lost_reply_has_the_same_outcome(store: Store, site: str) -> None:
    ours = made("ours")
    assert [await store.filters.save(site, "", ours) for _ in range(2)] == ["ok", "ok"]
    assert await store.filters.save(site, "", made("ours", query="view=list&order=newest")) == "taken"
    assert await store.filters.save(site, "", made("ours", by="bob")) == "taken"
    renames = [store.filters.rename(site, "", "ann", "Ours", "Of all", may_others=False) for _ in range(3)]
    assert await asyncio.gather(*renames) == ["ok", "ok", "ok"]
    assert await store.filters.rename(site, "", "ann", "ours", "another", may_others=False) == "gone"
    assert await store.filters.rename(site, "", "chief", "ours", "Of all", may_others=True) == "gone"
    assert await store.filters.rename(site, "ann", "ann", "ours", "Of all", may_others=False) == "gone"
    deletions = [store.filters.delete(site, "", "chief", "of all", may_others=True) for _ in range(2)]
    assert await asyncio.gather(*deletions) == ["ok", "ok"]
    assert await store.filters.delete(site, "", "ann", "of all", may_others=False) == "gone"
    assert await names(store, site, "") == []


async def test_the_same_change_of_a_later_filter_of_that_name_is_made(store: Store, site: str) -> None:
    for _ in range(2):
        await store.filters.save(site, "ann", made("mine"))
        assert await store.filters.delete(site, "ann", "ann", "mine", may_others=False) == "ok"
        assert await names(store, site, "ann") == []
    await store.filters.save(site, "", made("ours"))
    assert await store.filters.rename(site, "", "ann", "ours", "old", may_others=False) == "ok"
    await store.filters.save(site, "", made("ours"))
    assert await store.filters.delete(site, "", "chief", "ours", may_others=True) == "ok"
    assert await store.filters.rename(site, "", "ann", "ours", "old", may_others=False) == "gone"


async def test_a_change_is_recognized_for_a_while_and_no_name_is_kept(
    store: Store, site: str, redis_server: Any
) -> None:
    await store.filters.save(site, "ann", made("mine"))
    await store.filters.delete(site, "ann", "ann", "mine", may_others=False)
    with redis_server.client() as client:
        (key,) = client.scan_iter("*filter*")
        assert 0 < client.ttl(key) <= RECOGNIZED_S
        assert "mine" not in key + client.get(key)
        client.delete(key)
    assert await store.filters.delete(site, "ann", "ann", "mine", may_others=False) == "gone"


async def test_with_the_role_goes_what_is_ones_own_and_the_name_on_the_rest(store: Store, site: str) -> None:
    for owner, name, by in (("ann", "mine", "ann"), ("bob", "mine", "bob"), ("", "a", "ann"), ("", "b", "bob")):
        await store.filters.save(site, owner, made(name, by))
    await store.filters.forget(site, "ann")
    assert await names(store, site, "ann") == []
    assert await names(store, site, "bob") == ["mine"]
    assert [(each.name, each.by) for each in await store.filters.of(site, "")] == [("a", ""), ("b", "bob")]


async def test_they_last_without_an_expiry(store: Store, site: str, redis_server: Any) -> None:
    await store.filters.save(site, "ann", made("mine"))
    await store.filters.save(site, "", made("ours"))
    with redis_server.client() as client:
        found = {key: client.ttl(key) for key in client.scan_iter("*filters*")}
    assert set(found.values()) == {-1}
    assert len(found) == 2

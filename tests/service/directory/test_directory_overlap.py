"""Looks at keys, secrets and policies that overlap: nothing opens too early, and no older answer replaces a newer."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from records import STRICT, HeldBack, made

from service.cases.directory import Directory
from service.store import Store
from service.values import access
from service.values.access import SigningSecret
from service.values.errors import StoreUnavailable
from service.values.policy import DEFAULT


@pytest.fixture
def slow(store: Store) -> Any:
    return HeldBack(store.access)


@pytest.fixture
def overlapping(slow: Any, store: Store, tmp_path: Path) -> Directory:
    """A directory over `slow`."""
    return Directory(slow, tmp_path / "access.json", DEFAULT, store.background)


def secret(site: str, number: int = 1) -> SigningSecret:
    return SigningSecret(id=f"{site}-{number}", site=site, name="coral", sealed="", created_at=datetime.now(UTC))


async def test_a_key_of_a_new_site_opens_nothing_while_another_look_still_reads_its_policy(
    overlapping: Directory, slow: Any, store: Store
) -> None:
    text, record = made()
    await store.access.keep(record)
    background = asyncio.create_task(overlapping.refresh_policies())
    async with asyncio.timeout(60):
        await slow.asked.wait()
    assert await overlapping.admit(text) == record
    assert overlapping.policy("daily") == DEFAULT
    slow.let_go.set()
    await background


async def test_a_site_that_becomes_known_is_not_refused_while_its_policy_is_read(
    overlapping: Directory, slow: Any, store: Store
) -> None:
    """The first page of its first moderator may come just then."""
    await store.access.keep(made()[1])
    assert await store.access.keep_policy("daily", STRICT, "chief")
    background = asyncio.create_task(overlapping.refresh_policies())
    async with asyncio.timeout(60):
        await slow.asked.wait()
    assert overlapping.policy("daily") == DEFAULT, "as before"
    slow.let_go.set()
    await background
    assert overlapping.policy("daily") == STRICT
    assert overlapping.sites == ["daily"]


async def test_an_older_answer_about_a_policy_does_not_replace_a_newer_one(
    overlapping: Directory, slow: Any, store: Store
) -> None:
    await store.access.keep(made()[1])
    background = asyncio.create_task(overlapping.refresh_policies())
    async with asyncio.timeout(60):
        await slow.asked.wait()
    assert await store.access.keep_policy("daily", STRICT, "chief")
    await overlapping.refresh()  # as before the answer to whoever changed it
    assert overlapping.policy("daily") == STRICT
    slow.let_go.set()
    await background
    assert overlapping.policy("daily") == STRICT


class AwayForSalt(HeldBack):
    """Redis goes away after it has answered which keys there are."""

    is_away = False

    async def salt(self) -> bytes:
        if self.is_away:
            raise StoreUnavailable("away")
        return bytes(await self._kept.salt())


@pytest.mark.parametrize("is_revoked", [True, False])
async def test_a_key_that_ended_stays_refused_though_an_older_look_ends_later(
    store: Store, tmp_path: Path, is_revoked: bool
) -> None:
    slow: Any = AwayForSalt(store.access)
    directory = Directory(slow, tmp_path / "access.json", DEFAULT, store.background)
    slow.let_go.set()
    text, record = made()
    await store.access.keep(record)
    assert await directory.admit(text) == record
    slow.hold_again()
    await store.access.keep(made("weekly")[1])
    older = asyncio.create_task(directory.refresh_keys())  # waits for the policy of the new site
    async with asyncio.timeout(60):
        await slow.asked.wait()
    if is_revoked:
        await store.access.revoke(record.id)
    else:
        after = access.rotated(record, datetime.now(UTC), timedelta())[1]
        assert await store.access.change(record.id, lambda _: after)
    slow.is_away = True
    with pytest.raises(StoreUnavailable):
        await directory.refresh_keys()
    slow.let_go.set()
    await older
    assert await directory.admit(text) is None


async def test_a_secret_of_a_new_site_opens_nothing_before_its_policy_is_read(
    directory: Directory, store: Store
) -> None:
    await directory.refresh()
    assert await store.access.keep_policy("talk", STRICT, "chief")
    await store.access.keep_signing_secret(secret("talk"))
    await directory.refresh_signing()
    assert [each.id for each in directory.signing_secrets("talk")] == ["talk-1"]
    assert directory.policy("talk") == STRICT


async def test_a_removed_secret_ends_while_the_policy_of_a_new_site_is_on_its_way(
    overlapping: Directory, slow: Any, store: Store
) -> None:
    slow.let_go.set()
    for number in (1, 2):
        await store.access.keep_signing_secret(secret("daily", number))
    await overlapping.refresh()
    assert [each.id for each in overlapping.signing_secrets("daily")] == ["daily-1", "daily-2"]
    slow.hold_again()
    await store.access.remove_signing_secret("daily-1")
    await store.access.keep_signing_secret(secret("talk"))
    older = asyncio.create_task(overlapping.refresh_signing())
    async with asyncio.timeout(60):
        await slow.asked.wait()
    assert [each.id for each in overlapping.signing_secrets("daily")] == ["daily-2"]
    assert overlapping.signing_secrets("talk") == ()
    await store.access.remove_signing_secret("daily-2")
    await overlapping.refresh_signing()
    slow.let_go.set()
    await older
    assert overlapping.signing_secrets("daily") == ()
    assert [each.id for each in overlapping.signing_secrets("talk")] == ["talk-1"]

"""Keys and policies in memory: fresh within seconds, and there when Redis is not."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from records import STRICT, made

from service.cases.directory import LEAST_BETWEEN_LOOKS_S, REFRESH_S, Directory
from service.settings import Settings
from service.store import Store, open_store
from service.values import access
from service.values.access import ApiKey, Scope, mint
from service.values.errors import StoreUnavailable
from service.values.policy import DEFAULT


@pytest.fixture
def gone(tmp_path: Path) -> Any:
    """A directory whose Redis is not there, beside the copy that another left."""
    url = f"unix://{tmp_path / 'nobody.sock'}"
    return open_store(Settings(redis_url=url), url), tmp_path / "access.json"


async def test_a_key_that_was_just_made_is_looked_up_at_once(directory: Directory, store: Store) -> None:
    for _ in range(3):
        text, record = made()
        await store.access.keep(record)
        assert await directory.admit(text) == record


async def test_a_revoked_key_is_refused_after_one_look(directory: Directory, store: Store) -> None:
    text, record = made()
    await store.access.keep(record)
    assert await directory.admit(text) == record
    await store.access.revoke(record.id)
    await directory.refresh()
    assert await directory.admit(text) is None


async def test_a_key_that_was_admitted_is_refused_from_the_moment_it_expires(store: Store, tmp_path: Path) -> None:
    clock = [datetime.now(UTC)]
    directory = Directory(store.access, tmp_path / "access.json", DEFAULT, store.background, now=lambda: clock[0])
    text, record = mint("daily", frozenset({Scope.SCORE}), None, clock[0], expires_at=clock[0] + timedelta(seconds=9))
    await store.access.keep(record)
    for _ in range(2):
        assert await directory.admit(text) == record
    clock[0] += timedelta(seconds=9)
    assert await directory.admit(text) is None


async def test_a_text_from_before_a_rotation_ends_by_the_clock_and_a_new_one_opens_at_once(
    store: Store, tmp_path: Path
) -> None:
    clock = [datetime.now(UTC)]
    directory = Directory(store.access, tmp_path / "access.json", DEFAULT, store.background, now=lambda: clock[0])
    first, record = made()
    await store.access.keep(record)
    assert await directory.admit(first) == record
    # As another process does: this one has not read the keys since.
    second, after = access.rotated(record, clock[0], timedelta(hours=1))
    assert await store.access.change(record.id, lambda _: after)
    for _ in range(2):
        assert await directory.admit(second) == after
        assert await directory.admit(first) == after
        assert await directory.admit_label(access.label_of(first)) == after
    clock[0] += timedelta(hours=1)
    assert await directory.admit(first) is None
    assert await directory.admit_label(access.label_of(first)) is None
    assert await directory.admit(second) == after


async def test_a_key_that_was_admitted_opens_nothing_for_another_secret(directory: Directory, store: Store) -> None:
    (text, record), (other, _) = made(), made()
    await store.access.keep(record)
    assert await directory.admit(text) == record
    body = other[: len("cmk_live_")] + record.id + other[17:61]
    forged = f"{body}_{access._checksum(body)}"  # noqa: SLF001 - the id and the checksum are right
    assert access.key_id(forged) == record.id
    assert await directory.admit(forged) is None


def test_a_look_comes_often_enough_for_the_promise_of_five_seconds() -> None:
    assert REFRESH_S + Settings().store_timeout_s < 5


async def test_a_running_directory_looks_by_itself(directory: Directory, store: Store) -> None:
    text, record = made()
    await store.access.keep(record)
    async with directory.kept_fresh():
        assert await directory.admit(text) == record
        await store.access.revoke(record.id)
        async with asyncio.timeout(60):
            while await directory.admit(text) is not None:
                await store.check()


async def test_a_policy_change_is_seen_after_one_look(directory: Directory, store: Store) -> None:
    _, record = made()
    await store.access.keep(record)
    assert directory.policy("daily") == DEFAULT
    assert await store.access.keep_policy("daily", STRICT, "chief")
    await directory.refresh()
    assert directory.policy("daily") == STRICT
    assert directory.policy("weekly") == DEFAULT


async def test_a_policy_is_replaced_by_one_of_two_who_try_at_once(store: Store) -> None:
    kept = await asyncio.gather(*(store.access.keep_policy("daily", STRICT, f"m-{n}") for n in range(10)))
    assert sum(kept) == 1
    assert await store.access.policy("daily") == STRICT


async def test_a_copy_lets_a_service_start_while_redis_is_away(directory: Directory, store: Store, gone: Any) -> None:
    text, record = made()
    await store.access.keep(record)
    await store.access.keep_policy("daily", STRICT, "chief")
    await directory.refresh()
    opened, copy = gone
    async with opened as away:
        later = Directory(away.access, copy, DEFAULT, away.background)
        async with later.kept_fresh():
            assert await later.admit(text) == record
            assert later.policy("daily") == STRICT
            assert await later.admit(made()[0]) is None


async def test_the_copy_holds_no_secret(directory: Directory, store: Store, tmp_path: Path) -> None:
    text, record = made()
    await store.access.keep(record)
    await directory.refresh()
    copy = tmp_path / "access.json"
    assert text[18:61] not in copy.read_text()
    assert copy.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff", b'{"keys": 1}'])
async def test_a_damaged_copy_is_as_good_as_none(gone: Any, damage: bytes) -> None:
    opened, copy = gone
    copy.write_bytes(damage)
    async with opened as away:
        later = Directory(away.access, copy, DEFAULT, away.background)
        async with later.kept_fresh():
            with pytest.raises(StoreUnavailable):
                await later.admit(made()[0])


async def test_what_cannot_be_a_key_is_not_looked_up(gone: Any) -> None:
    opened, copy = gone
    async with opened as away:
        for text in ("", "x", "cmk_live_" + "a" * 60):
            assert await Directory(away.access, copy, DEFAULT, away.background).admit(text) is None


async def test_many_guesses_are_one_look(directory: Directory, redis_server: Any) -> None:
    await directory.refresh()
    with redis_server.client() as client:
        before = client.info("commandstats")["cmdstat_hvals"]["calls"]
        guesses = [made()[0] for _ in range(200)]
        assert await asyncio.gather(*(directory.admit(guess) for guess in guesses)) == [None] * 200
        looks = client.info("commandstats")["cmdstat_hvals"]["calls"] - before
    assert 1 <= looks <= 2, f"one look serves all that came before it, {LEAST_BETWEEN_LOOKS_S} s apart"


async def test_only_the_first_first_key_is_kept(store: Store) -> None:
    texts = await asyncio.gather(*(store.access.first_key("daily") for _ in range(10)))
    (text,) = [each for each in texts if each]
    (record,) = (await store.access.keys()).values()
    assert record.id == text.split("_")[2]
    assert record.scopes == frozenset(Scope) - {Scope.AKISMET}


async def test_a_key_is_found_by_its_label(directory: Directory, store: Store) -> None:
    for _ in range(3):
        text, record = made()
        await store.access.keep(record)
        assert await directory.admit_label(access.label_of(text)) == record
        assert await directory.admit_label(access.label_of(text).upper()) == record
        assert await directory.admit(access.label_of(text)) is None
        assert await directory.admit_label(text) is None


async def test_a_label_dies_with_its_key(store: Store, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    clock = [now]
    directory = Directory(store.access, tmp_path / "access.json", DEFAULT, store.background, lambda: clock[0])
    text, record = mint("daily", frozenset({Scope.SCORE}), None, now, expires_at=now + timedelta(seconds=60))
    await store.access.keep(record)
    assert await directory.admit_label(access.label_of(text)) == record
    clock[0] += timedelta(seconds=60)
    assert await directory.admit_label(access.label_of(text)) is None
    clock[0] = now
    await store.access.revoke(record.id)
    await directory.refresh()
    assert await directory.admit_label(access.label_of(text)) is None


async def test_a_key_that_has_no_label_is_found_by_none(directory: Directory, store: Store) -> None:
    text, record = made()
    await store.access.keep(msgspec.structs.replace(record, label_sha256=None))  # as those made before there were any
    assert await directory.admit_label(access.label_of(text)) is None
    assert await directory.admit(text) is not None


class Failing:
    """A Redis that is away, and how often it was asked."""

    def __init__(self, store: Store) -> None:
        self._kept = store.access
        self.asked = 0
        self.is_away = False

    async def keys(self) -> dict[str, ApiKey]:
        self.asked += 1
        await asyncio.sleep(0)
        if self.is_away:
            raise StoreUnavailable("away")
        return await self._kept.keys()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kept, name)


@pytest.mark.parametrize("is_known", [True, False])
async def test_many_guesses_ask_a_redis_that_is_away_once(store: Store, tmp_path: Path, is_known: bool) -> None:
    kept = Failing(store)
    directory = Directory(kept, tmp_path / "access.json", DEFAULT, store.background)  # type: ignore[arg-type]
    if is_known:
        await directory.refresh()
    kept.is_away, kept.asked = True, 0
    guesses = (access.label_of(made()[0]) if number % 2 else made()[0] for number in range(50))
    admit = (directory.admit_label(each) if each.startswith("c0de") else directory.admit(each) for each in guesses)
    found = await asyncio.gather(*admit, return_exceptions=True)
    assert kept.asked == 1
    assert all(each is None if is_known else isinstance(each, StoreUnavailable) for each in found)

"""Keys are refused within two seconds whatever else cannot be read, and one bad record says nothing of the others."""

import asyncio
import contextlib
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from records import STRICT, made

from service.cases import policies
from service.cases.directory import REFRESH_S, Directory
from service.cases.directory_copy import Snapshot, copy_of
from service.settings import Settings
from service.store import Store, open_store
from service.store.keyspace import KEYS, SIGNING, Shard
from service.values.access import ApiKey, SigningSecret
from service.values.errors import Conflict, StoreUnavailable
from service.values.policy import DEFAULT

STRICTER = msgspec.structs.replace(STRICT, version=3)
NEWER = b'{"thresholds":{},"name":"default","version":9,"of_a_newer_release":1}'
UNREADABLE = [NEWER, b"{", b"\xff", b"[]", b'{"version":"x"}']


class Broken:
    """An Access of which some parts fail in a way that nobody foresaw, or never answer."""

    def __init__(self, store: Store, *parts: str, error: BaseException | None = None) -> None:
        self._kept = store.access
        self._parts = parts
        self._error = error
        self.asked = 0

    def __getattr__(self, name: str) -> Any:
        return self._fail if name in self._parts else getattr(self._kept, name)

    async def _fail(self, *_: Any) -> Any:
        self.asked += 1
        if self._error is None:
            await asyncio.Event().wait()
        raise self._error  # type: ignore[misc]


@pytest.mark.parametrize(
    ("parts", "error"),
    [
        (("policy",), LookupError()),
        (("policy",), StoreUnavailable("a node of the Cluster is away")),
        (("policy", "sites", "signing_secrets", "salt"), LookupError()),
        (("sites", "signing_secrets"), None),
        (("salt",), ValueError()),
        (("policy", "sites"), asyncio.CancelledError()),
    ],
)
async def test_a_revoked_key_is_refused_within_two_seconds_whatever_else_fails(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parts: tuple[str, ...], error: BaseException | None
) -> None:
    assert REFRESH_S <= 1
    monkeypatch.setattr("service.background.FIRST_PAUSE_S", 3600)  # as if it had failed often
    for name in ("REFRESH_S", "POLICIES_S"):  # to fail often takes no time
        monkeypatch.setattr(f"service.cases.directory.{name}", 0.02)
    text, record = made()
    await store.access.keep(record)
    directory = Directory(Broken(store), tmp_path / "access.json", DEFAULT, store.background)  # type: ignore[arg-type]
    async with directory.kept_fresh():
        assert await directory.admit(text) == record
        directory._kept = broken = Broken(store, *parts, error=error)  # type: ignore[assignment] # noqa: SLF001 - no seam shows it from outside
        async with asyncio.timeout(60):  # also once it has failed so often that a loop would pause for longer
            while broken.asked < (1 if error is None else 5):
                await asyncio.sleep(0.01)
        await store.access.revoke(record.id)
        async with asyncio.timeout(60):
            while await directory.admit(text) is not None:
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("raw", UNREADABLE)
async def test_a_policy_that_cannot_be_read_leaves_its_site_the_last_good_one_and_the_others_theirs(
    directory: Directory, store: Store, redis_server: Any, tmp_path: Path, raw: bytes, failures: Any
) -> None:
    for site in ("daily", "weekly", "yearly"):
        await store.access.keep(made(site)[1])
    assert await store.access.keep_policy("daily", STRICT, "chief")
    await directory.refresh()
    before = failures("policies")
    with redis_server.client() as client:
        client.hset(Shard("daily").key("policies"), "3", raw)
        client.hset(Shard("yearly").key("policies"), "2", raw)
    assert await store.access.keep_policy("weekly", STRICT, "chief")
    later = Directory(store.access, tmp_path / "other.json", DEFAULT, store.background)
    for each in (directory, later):
        await each.refresh()
        assert each.policy("daily") == STRICT
        assert each.policy("weekly") == STRICT
    assert directory.policy("yearly") == DEFAULT, "the only version that was ever read"
    with pytest.raises(StoreUnavailable):
        later.policy("yearly")
    assert failures("policies") > before
    with pytest.raises(Conflict) as caught:
        await policies.replace(store, "daily", STRICT, STRICT, "chief")
    assert caught.value.reason == "policy_unreadable"
    assert [each.policy for each in await store.access.policies("daily")] == [STRICT]


@pytest.mark.parametrize("error", [LookupError(), StoreUnavailable("away")])
@pytest.mark.parametrize("part", ["keys", "signing_secrets", "sites"])
async def test_after_a_change_what_can_be_read_is_read_and_the_rest_stays(
    directory: Directory, store: Store, part: str, error: Exception
) -> None:
    text, record = made()
    await store.access.keep(record)
    first, second = (SigningSecret(f"s-{n}", "daily", "coral", "sealed", datetime.now(UTC)) for n in range(2))
    await store.access.keep_signing_secret(first)
    await directory.refresh()
    await store.access.revoke(record.id)
    await store.access.keep_signing_secret(second)
    assert await store.access.keep_policy("daily", STRICT, "chief")
    directory._kept = Broken(store, part, error=error)  # type: ignore[assignment] # noqa: SLF001 - no seam shows it from outside
    await directory.refresh()
    assert (await directory.admit(text) is None) == (part != "keys")
    assert directory.signing_secrets("daily") == ((first,) if part == "signing_secrets" else (first, second))
    assert (directory.policy("daily") == STRICT) == (part != "sites")


async def test_a_policy_that_was_overwritten_by_what_cannot_be_read_stands_as_it_was_last_seen(
    directory: Directory, store: Store, redis_server: Any
) -> None:
    await store.access.keep(made()[1])
    assert await store.access.keep_policy("daily", STRICT, "chief")
    await directory.refresh()
    with redis_server.client() as client:
        client.hset(Shard("daily").key("policies"), "2", NEWER)
    await directory.refresh()
    assert directory.policy("daily") == STRICT


async def test_while_nobody_knows_whether_a_site_has_a_policy_nothing_is_decided_by_the_default_one(
    store: Store, tmp_path: Path
) -> None:
    text, record = made()
    await store.access.keep(record)
    broken = Broken(store, "policy", error=StoreUnavailable("away"))
    directory = Directory(broken, tmp_path / "access.json", DEFAULT, store.background)  # type: ignore[arg-type]
    async with directory.kept_fresh():
        assert await directory.admit(text) == record
        with pytest.raises(StoreUnavailable):
            directory.policy("daily")
        assert directory.policy("weekly") == DEFAULT


@pytest.mark.parametrize("raw", [*UNREADABLE, b'{"id":"k","scopes":["of_a_newer_release"]}'])
async def test_a_key_or_secret_that_cannot_be_read_shuts_nobody_else_out(
    directory: Directory, store: Store, redis_server: Any, raw: bytes
) -> None:
    text, record = made()
    await store.access.keep(record)
    secret = SigningSecret("s-1", "daily", "coral", "sealed", datetime.now(UTC))
    await store.access.keep_signing_secret(secret)
    with redis_server.client() as client:
        client.hset(KEYS, "broken", raw)
        client.hset(SIGNING, "broken", raw)
    await directory.refresh()
    assert await directory.admit(text) == record
    assert directory.signing_secrets("daily") == (secret,)
    assert (await store.access.sites()).known == {"daily"}


async def test_what_cannot_be_read_in_the_copy_on_disk_leaves_the_rest_of_it(
    directory: Directory, store: Store, tmp_path: Path
) -> None:
    text, record = made()
    await store.access.keep(record)
    assert await store.access.keep_policy("daily", STRICT, "chief")
    await directory.refresh()
    copy = tmp_path / "access.json"
    kept = msgspec.json.decode(copy.read_bytes())
    kept["keys"]["other"] = {"id": "other", "of_a_newer_release": 1}
    kept["policies"]["weekly"] = msgspec.json.decode(NEWER)
    kept["keys"]["weekly"] = msgspec.to_builtins(made("weekly")[1])
    copy.write_bytes(msgspec.json.encode(kept))
    url = f"unix://{tmp_path / 'nobody.sock'}"
    async with open_store(Settings(redis_url=url), url) as away:
        later = Directory(away.access, copy, DEFAULT, away.background)
        async with later.kept_fresh():
            assert await later.admit(text) == record
            assert later.policy("daily") == STRICT
            with pytest.raises(StoreUnavailable):
                later.policy("weekly")


async def test_a_site_whose_policy_nobody_could_read_is_not_in_the_copy_as_one_without_a_policy(
    directory: Directory, store: Store, redis_server: Any, tmp_path: Path
) -> None:
    text, record = made()
    await store.access.keep(record)
    with redis_server.client() as client:
        client.hset(Shard("daily").key("policies"), "2", NEWER)
    await directory.refresh()
    url = f"unix://{tmp_path / 'nobody.sock'}"
    async with open_store(Settings(redis_url=url), url) as away:
        later = Directory(away.access, tmp_path / "access.json", DEFAULT, away.background)
        async with later.kept_fresh():
            assert await later.admit(text) == record
            with pytest.raises(StoreUnavailable):
                later.policy("daily")


def set_aside(folder: Path) -> list[Snapshot | None]:
    """The copies of Redis servers that were replaced."""
    return [copy_of(path) for path in folder.glob("access.lost-*.json")]


async def lose(store: Store, redis_server: Any) -> None:
    """Another Redis takes the place of this one; it has the same site, with a policy."""
    redis_server.flush()
    await store.access.keep(made()[1])
    assert await store.access.keep_policy("daily", STRICT, "chief")


async def test_policies_of_another_redis_are_seen_with_its_keys(
    directory: Directory, store: Store, redis_server: Any, tmp_path: Path
) -> None:
    await store.access.keep(made()[1])
    await directory.refresh()
    await lose(store, redis_server)
    await directory.refresh_keys()
    assert directory.policy("daily") == STRICT
    await directory.keep_copy()
    assert msgspec.json.decode((tmp_path / "access.json").read_bytes())["policies"].keys() == {"daily"}
    assert len(set_aside(tmp_path)) == 1


@pytest.mark.parametrize("fails", ["salt", "keys"])
async def test_the_copy_of_a_lost_redis_is_set_aside_as_it_was_whatever_is_read_first_from_the_new_one(
    directory: Directory, store: Store, redis_server: Any, tmp_path: Path, fails: str
) -> None:
    _, record = made()
    await store.access.keep(record)
    assert await store.access.keep_policy("daily", STRICT, "chief")
    await directory.refresh()
    old_salt = directory.salt
    redis_server.flush()
    await store.access.keep(made("weekly")[1])
    directory._kept = Broken(store, fails, error=StoreUnavailable("away"))  # type: ignore[assignment] # noqa: SLF001 - no seam shows it from outside
    for look in (directory.refresh_policies, directory.refresh_keys):
        with contextlib.suppress(StoreUnavailable):
            await look()
        await directory.keep_copy()
        copied = copy_of(tmp_path / "access.json")
        assert copied is not None
        assert ({key.site for key in copied.keys.values()} == {"daily"}) == (copied.salt == old_salt), "of one Redis"
    directory._kept = store.access  # noqa: SLF001 - as above
    await directory.refresh()
    (kept,) = set_aside(tmp_path)
    assert kept is not None
    assert (kept.keys, kept.policies) == ({record.id: record}, {"daily": STRICT})
    assert {key.site for key in directory._keys.values()} == {"weekly"}  # noqa: SLF001 - as above


async def test_a_new_key_opens_nothing_before_the_policy_of_its_site_was_read(
    directory: Directory, store: Store
) -> None:
    await store.access.keep(made()[1])
    await directory.refresh()
    text, record = made("weekly")
    await store.access.keep(record)
    assert await store.access.keep_policy("weekly", STRICT, "chief")
    directory._kept = slow = Broken(store, "policy")  # type: ignore[assignment] # noqa: SLF001 - no seam shows it from outside
    looking = asyncio.create_task(directory.refresh_keys())
    while not slow.asked:
        await asyncio.sleep(0)
    assert "weekly" not in directory.staffed
    looking.cancel()
    directory._kept = store.access  # noqa: SLF001 - as above
    assert await directory.admit(text) == record
    await directory.refresh_policies()
    assert directory.policy("weekly") == STRICT


async def test_a_copy_of_the_first_format_says_that_sites_without_an_entry_have_no_policy(tmp_path: Path) -> None:
    (_, with_one), (_, without), (_, unreadable) = made("daily"), made("weekly"), made("yearly")
    keys = {key.id: key for key in (with_one, without, unreadable)}
    policies = {"daily": STRICT, "yearly": {"of_a_newer_release": 1}}
    (tmp_path / "access.json").write_bytes(msgspec.json.encode({"keys": keys, "policies": policies, "salt": b"salt"}))
    seen = copy_of(tmp_path / "access.json")
    assert seen is not None
    assert seen.policies == {"daily": STRICT, "weekly": None}
    (tmp_path / "access.json").write_bytes(msgspec.json.encode(seen))
    assert copy_of(tmp_path / "access.json") == seen


async def test_until_a_policy_of_another_redis_is_seen_nothing_is_decided(
    directory: Directory, store: Store, redis_server: Any
) -> None:
    await store.access.keep(made()[1])
    await directory.refresh()
    await lose(store, redis_server)
    directory._kept = Broken(store, "policy", error=StoreUnavailable("away"))  # type: ignore[assignment] # noqa: SLF001 - no seam shows it from outside
    await directory.refresh_keys()
    with pytest.raises(StoreUnavailable):
        directory.policy("daily")
    directory._kept = store.access  # noqa: SLF001 - as above
    await directory.refresh_policies()
    assert directory.policy("daily") == STRICT


async def test_a_revoked_key_is_refused_within_two_seconds_while_the_disk_hangs(
    directory: Directory, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, record = made()
    await store.access.keep(record)
    goes_on, hangs = threading.Event(), threading.Event()

    def hang(*_: object) -> None:
        hangs.set()
        goes_on.wait()

    async with directory.kept_fresh():
        monkeypatch.setattr("service.cases.directory.write", hang)
        try:
            await store.access.keep(made("weekly")[1])
            await asyncio.to_thread(hangs.wait)
            assert await directory.admit(text) == record
            await store.access.revoke(record.id)
            async with asyncio.timeout(60):
                while await directory.admit(text) is not None:
                    await asyncio.sleep(0.01)
        finally:
            goes_on.set()


async def test_a_site_stays_known_when_its_last_key_was_revoked(
    directory: Directory, store: Store, tmp_path: Path, redis_server: Any
) -> None:
    _, record = made("weekly")
    with redis_server.client() as client:  # as an earlier release did, which noted no sites
        client.hset(KEYS, record.id, msgspec.json.encode(record))
    await directory.refresh()
    await store.access.revoke(record.id)
    await directory.refresh()
    later = Directory(store.access, tmp_path / "other.json", DEFAULT, store.background)
    await later.refresh()
    assert directory.sites == later.sites == ["weekly"]
    assert (await store.access.sites()).known == {"weekly"}


async def test_an_older_look_that_ends_later_brings_no_revoked_key_back(store: Store, tmp_path: Path) -> None:
    text, record = made()
    await store.access.keep(record)
    asked, gate = asyncio.Event(), asyncio.Event()

    class Slow:
        def __getattr__(self, name: str) -> Any:
            return getattr(store.access, name)

        async def keys(self) -> dict[str, ApiKey]:
            found = await store.access.keys()
            asked.set()
            await gate.wait()
            return found

    directory = Directory(Slow(), tmp_path / "access.json", DEFAULT, store.background)  # type: ignore[arg-type]
    late = asyncio.create_task(directory.refresh_keys())
    await asked.wait()
    await store.access.revoke(record.id)
    directory._kept = store.access  # noqa: SLF001 - no seam shows it from outside
    await directory.refresh_keys()
    gate.set()
    await late
    assert await directory.admit(text) is None

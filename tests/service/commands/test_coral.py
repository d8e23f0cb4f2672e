"""steward coral: signing secrets come in by a prompt or a pipe, and never out again."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.fernet import Fernet

from service.commands.coral import coral
from service.settings import Settings
from service.store import Store, open_store
from service.store.audit import Audit
from service.values.access import Scope, mint
from service.values.errors import StoreUnavailable
from service.webhooks.sealing import Sealer

SECRET = "empsec_4b1f0c9a7e"
ADD = ("add", "--site", "daily", "--name", "newsroom")


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[Store]:
    assert settings.redis_url is not None
    async with open_store(settings, settings.redis_url) as store:
        await store.access.keep(mint("daily", frozenset(Scope), "chief", datetime.now(UTC))[1])
        yield store


@pytest.fixture
def typed(settings: Settings) -> Callable[..., Any]:
    async def typed(*arguments: str, given: str = "", **more: str) -> Result:
        environment = {"STEWARD_REDIS_URL": settings.redis_url, "STEWARD_STORE_TIMEOUT_S": "10", "COLUMNS": "200"}
        runner = CliRunner(env=environment | more)
        return await asyncio.to_thread(runner.invoke, coral, arguments, input=given)

    return typed


async def test_a_secret_is_added_listed_and_removed(store: Store, typed: Any) -> None:
    added = await typed(*ADD, given=f" {SECRET}\n", STEWARD_PUBLIC_URL="https://steward.example/")
    assert added.exit_code == 0, added.output
    assert "https://steward.example/coral/daily" in added.output
    (record,) = (await store.access.signing_secrets()).values()
    assert (record.site, record.name, Sealer().unseal(record.sealed)) == ("daily", "newsroom", SECRET)
    listed = await typed("list")
    assert record.id in listed.output
    assert "newsroom" in listed.output
    removed = await typed("remove", record.id)
    assert (removed.exit_code, await store.access.signing_secrets()) == (0, {})
    assert SECRET not in added.output + listed.output + removed.output
    trail, _ = await store.audit.page("daily", "", 10)
    assert [entry.details["action"] for entry in trail] == ["signing_secret_added", "signing_secret_removed"]
    assert SECRET not in str(trail)


async def test_no_secret_comes_or_goes_without_its_entry_in_the_trail(
    store: Store, typed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("away")

    with monkeypatch.context() as patched:
        patched.setattr(Audit, "write", away)
        assert (await typed(*ADD, given=SECRET)).exit_code != 0
    assert await store.access.signing_secrets() == {}
    assert (await typed(*ADD, given=SECRET)).exit_code == 0
    (record,) = (await store.access.signing_secrets()).values()
    with monkeypatch.context() as patched:
        patched.setattr(Audit, "write", away)
        assert (await typed("remove", record.id)).exit_code != 0
    assert await store.access.signing_secrets() == {record.id: record}
    assert (await typed("remove", record.id)).exit_code == 0
    trail, _ = await store.audit.page("daily", "", 10)
    assert [entry.details["action"] for entry in trail] == ["signing_secret_added", "signing_secret_removed"]


async def test_with_a_key_for_secrets_it_is_encrypted(
    store: Store, typed: Any, tmp_path: Path, redis_server: Any
) -> None:
    file = tmp_path / "keys"
    file.write_bytes(Fernet.generate_key())
    assert (await typed(*ADD, given=SECRET, STEWARD_SECRET_FILE=str(file))).exit_code == 0
    with redis_server.client() as client:
        assert SECRET not in str(client.hgetall("cm:{access}:signing"))
    (record,) = (await store.access.signing_secrets()).values()
    assert Sealer.open(file).unseal(record.sealed) == SECRET


@pytest.mark.parametrize(
    ("arguments", "given", "said"),
    [
        (ADD, "", "begins with empsec_"),
        (ADD, "whsec_AAECAwQFBgcICQ", "begins with empsec_"),
        (ADD, "empsec_", "begins with empsec_"),
        (ADD, "empsec_with a blank", "begins with empsec_"),
        (("add", "--site", "weekly", "--name", "x"), SECRET, "no key opens the site 'weekly'"),
        (("add", "--site", "daily", "--name", "two words"), SECRET, "--name"),
        (("remove", "nothing"), "", "no signing secret 'nothing'"),
    ],
)
async def test_what_cannot_be_is_said_and_changes_nothing(
    store: Store, typed: Any, arguments: tuple[str, ...], given: str, said: str
) -> None:
    ended = await typed(*arguments, given=given)
    assert ended.exit_code != 0
    assert said in ended.output
    assert SECRET not in ended.output
    assert "whsec" not in ended.output
    assert await store.access.signing_secrets() == {}


async def test_a_file_of_keys_that_cannot_be_read_is_said(store: Store, typed: Any, tmp_path: Path) -> None:
    ended = await typed(*ADD, given=SECRET, STEWARD_SECRET_FILE=str(tmp_path / "nowhere"))
    assert ended.exit_code == 1
    assert "STEWARD_SECRET_FILE" in ended.output
    assert await store.access.signing_secrets() == {}

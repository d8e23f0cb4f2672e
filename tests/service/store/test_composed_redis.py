"""The Redis of deploy/compose, run by its own scripts with its own users: it goes on when its primary ends."""

import asyncio
import os
import re
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from redis import Redis
from redis.exceptions import RedisError

from service.redis.server import find_server
from service.settings import Settings

ROOT = Path(__file__).parents[3]
SERVICES = yaml.safe_load((ROOT / "deploy" / "compose" / "compose.yml").read_text())["services"]
SERVERS = ("redis-1", "redis-2", "redis-3")
SENTINELS = ("sentinel-1", "sentinel-2", "sentinel-3")
PATIENCE_S = 60


class Composed:
    """Each container becomes a process with an address of its own below 127/8, so that the ports stay what they are."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        compose = folder / "compose"
        shutil.copytree(ROOT / "deploy" / "compose", compose, ignore=shutil.ignore_patterns("secret*"))
        shutil.copytree(ROOT / "deploy" / "redis", folder / "redis")
        subprocess.run([compose / "prepare"], check=True, capture_output=True)
        self.passwords = dict(line.split("=") for line in (compose / "secret" / "env").read_text().splitlines())
        net = f"127.{64 + secrets.randbelow(180)}.{1 + secrets.randbelow(250)}"
        self.addresses = {name: f"{net}.{number}" for number, name in enumerate(SERVERS + SENTINELS, 1)}
        (folder / "bin").mkdir()
        (folder / "bin" / "redis-server").symlink_to(find_server())

    @contextmanager
    def running(self) -> Iterator[dict[str, "subprocess.Popen[bytes]"]]:
        with ExitStack() as stack:
            found = {}
            for name in SERVERS + SENTINELS:
                found[name] = process = self._start(name)
                stack.callback(process.wait)
                stack.callback(process.kill)
                self._wait(name)
            yield found

    def _start(self, name: str) -> "subprocess.Popen[bytes]":
        data, compose = self.folder / name, self.folder / "compose"
        etc = data / "etc"
        etc.mkdir(parents=True)
        for path in (*(compose / "secret").iterdir(), compose / "redis.conf"):
            text = self._named(path.read_text()).replace("/etc/steward", str(etc))
            # Sooner than in production, so that the test is short.
            text = text.replace("milliseconds steward 5000", "milliseconds steward 2000")
            (etc / path.name).write_text(text)
        own = f"bind {self.addresses[name]}\n"
        conf = etc / ("redis.conf" if name in SERVERS else "sentinel.conf")
        conf.write_text(re.sub("^dir .*\n", f"dir {data}\n", conf.read_text(), flags=re.MULTILINE) + own)
        command = [compose / "start-redis", *map(self._named, SERVICES[name]["command"])]
        path = f"{self.folder}/bin:{os.environ['PATH']}"
        given = {**os.environ, "PATH": path, "ETC": str(etc), "DATA": str(data)}
        return subprocess.Popen(command, env=given, cwd=data, stdout=subprocess.DEVNULL)

    def _named(self, text: str) -> str:
        for name, address in self.addresses.items():
            text = text.replace(name, address)
        return text

    def _wait(self, name: str) -> None:
        client = self.health(name) if name in SERVERS else self.sentinel(name)
        for _ in range(PATIENCE_S * 10):
            with suppress(RedisError):
                if client.ping():
                    return
            client.connection_pool.disconnect()
            time.sleep(0.1)
        raise TimeoutError(name)

    def health(self, name: str) -> Any:
        """As the check of a container's health connects."""
        return self._client(name, 6379, username="health", password="none")

    def sentinel(self, name: str) -> Any:
        return self._client(name, 26379, password=self.passwords["SENTINEL_PASSWORD"])

    def _client(self, name: str, port: int, **options: str) -> Any:
        return Redis(self.addresses[name], port, socket_timeout=10, decode_responses=True, **options)

    def primary(self) -> str:
        """Of which a Sentinel says that it is the one."""
        with suppress(RedisError), self.sentinel("sentinel-1") as client:
            address, _ = client.sentinel_get_master_addr_by_name("steward")
            return next(name for name in SERVERS if self.addresses[name] == address)
        return ""

    def is_whole(self) -> bool:
        """Whether the Sentinels know one another and both replicas."""
        with suppress(RedisError), self.sentinel("sentinel-1") as client:
            replicas = client.sentinel_slaves("steward")
            known = len(client.sentinel_sentinels("steward")) == len(SENTINELS) - 1
            return known and [each["master-link-status"] for each in replicas] == ["ok", "ok"]
        return False

    @property
    def url(self) -> str:
        text = self._named(SERVICES["steward"]["environment"]["STEWARD_REDIS_URL"])
        return re.sub(r"\$\{(\w+)[^}]*\}", lambda found: self.passwords[found[1]], text)


async def until(holds: Any) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():
            await asyncio.sleep(0.1)


@pytest.mark.timeout(600)
async def test_what_was_acknowledged_is_there_after_another_server_becomes_primary(
    tmp_path: Path, run: Any, key_for: Any
) -> None:
    composed = Composed(tmp_path)
    with composed.running() as processes:
        await until(composed.is_whole)
        assert composed.primary() == "redis-1"
        settings = Settings(redis_url=composed.url, data_dir=tmp_path / "data", store_timeout_s=10, wait_replicas=1)
        async with run(settings) as client:
            chief = await key_for(client, name="chief")
            for number in range(5):
                assert (await chief.post("/v1/comments", {"id": f"c-{number}", "text": "hello"})).status == 200
            processes["redis-1"].kill()
            await until(lambda: composed.primary() in {"redis-2", "redis-3"})
            async with asyncio.timeout(PATIENCE_S):
                while (await chief.post("/v1/comments", {"id": "after", "text": "hello"})).status != 200:
                    await asyncio.sleep(0.2)
            for name in ("c-0", "c-1", "c-2", "c-3", "c-4", "after"):
                assert (await chief.get(f"/v1/comments/{name}")).status == 200, name
            assert (await client.get("/readyz")).status == 200

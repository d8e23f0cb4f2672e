"""A real Sentinel failover, after which the store goes on; and what replicas have confirmed is not lost with it."""

import asyncio
import contextlib
import itertools
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ports import free_port, free_ports
from redis import Redis
from redis.exceptions import RedisError
from rings import PATIENCE_S, TIMEOUT_S, until_done

from service.redis.server import find_server
from service.settings import Settings
from service.store import open_store
from service.store.keyspace import Shard
from service.values.domain import State
from service.values.errors import StoreUnavailable

NAME = "the-queue"


class Watched:
    """A primary with replicas, and a Sentinel that watches them."""

    def __init__(self, make_server: Any, folder: Path, replicas: int) -> None:
        *ports, self.port = itertools.islice(free_ports(), replicas + 2)
        self.replicas = replicas
        # Where a test kills the primary, that is to be noticed soon; else a busy machine must not look like its death.
        down_after_ms = 1_500 if replicas == 1 else 60_000
        self.servers = {}
        for port in ports:
            self.servers[port] = make_server(port=str(port), **OPTIONS)
        for port in ports[1:]:
            with self.servers[port].client() as client:
                client.replicaof("127.0.0.1", ports[0])
        self.url = f"redis+sentinel://127.0.0.1:{self.port}/{NAME}"
        self.configuration = folder / "sentinel.conf"
        self.configuration.write_text(
            f"port {self.port}\nbind 127.0.0.1\ndir {folder}\n"
            f"sentinel monitor {NAME} 127.0.0.1 {ports[0]} 1\n"
            f"sentinel down-after-milliseconds {NAME} {down_after_ms}\n"
            f"sentinel failover-timeout {NAME} 4000\n"
        )
        with self.servers[ports[0]].client() as client:
            assert client.wait(replicas, 60_000) == replicas

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        command = [find_server(), str(self.configuration), "--sentinel"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            try:
                yield
            finally:
                process.kill()

    def ask(self, *command: str) -> Any:
        with Redis(port=self.port, protocol=2, decode_responses=True, socket_timeout=30) as client:
            client.response_callbacks.clear()
            return client.execute_command("SENTINEL", *command)

    @property
    def primary_port(self) -> int:
        """Of the server that the Sentinel names."""
        return int(self.ask("GET-MASTER-ADDR-BY-NAME", NAME)[1])

    @property
    def primary(self) -> Any:
        return self.servers[self.primary_port]

    def is_ready(self) -> bool:
        """Whether the Sentinel knows all replicas as such that could replace the primary."""
        with contextlib.suppress(RedisError):
            replicas = [dict(zip(each[::2], each[1::2], strict=True)) for each in self.ask("REPLICAS", NAME)]
            return [(each["flags"], each["master-link-status"]) for each in replicas] == [
                ("slave", "ok")
            ] * self.replicas
        return False


OPTIONS = {"bind": "127.0.0.1", "min-replicas-to-write": "1", "repl-diskless-sync-delay": "0"}


@pytest.fixture
def watched(request: pytest.FixtureRequest, make_server: Any, tmp_path: Path) -> Iterator[Watched]:
    """With two replicas, or as many as the test asks for."""
    watched = Watched(make_server, tmp_path, getattr(request, "param", 2))
    with watched.watching():
        deadline = time.monotonic() + PATIENCE_S
        while not watched.is_ready():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield watched


@pytest.mark.parametrize("watched", [1], indirect=True)
async def test_what_replicas_confirmed_survives_the_primary(
    watched: Watched, make_server: Any, submit: Any, site: str
) -> None:
    """With one replica, which is the one that confirms and the one that is promoted."""
    recorded: list[str] = []
    refused: list[StoreUnavailable] = []
    stop = asyncio.Event()

    async with open_store(Settings(wait_replicas=1, store_timeout_s=TIMEOUT_S), watched.url) as store:

        async def submit_until_told(worker: int) -> None:
            for number in itertools.count():
                if stop.is_set():
                    return
                try:
                    await submit(f"c-{worker}-{number}", to=store)
                    recorded.append(f"c-{worker}-{number}")
                except StoreUnavailable as error:
                    refused.append(error)
                    await asyncio.sleep(0.01)

        async def more(count: int) -> None:
            wanted = len(recorded) + count
            async with asyncio.timeout(PATIENCE_S):
                while len(recorded) < wanted:
                    await asyncio.sleep(0.01)

        running = [asyncio.create_task(submit_until_told(worker)) for worker in range(10)]
        await more(300)
        assert store.durability.mode == "replicated"
        killed = watched.primary
        killed.kill()
        async with asyncio.timeout(PATIENCE_S):
            while watched.primary is killed:
                await asyncio.sleep(0.02)
        with make_server(**OPTIONS).client() as client:
            client.replicaof("127.0.0.1", watched.primary_port)
        await more(300)
        stop.set()
        await asyncio.gather(*running)

        assert refused, "the primary was gone for a while"
        with watched.primary.client() as client:
            missing = [comment for comment in recorded if not client.exists(Shard(site).item(comment))]
        assert missing == [], f"{len(missing)} of {len(recorded)}"


async def test_a_primary_that_is_replaced_while_it_lives_is_left(watched: Watched, submit: Any, site: str) -> None:
    """A failover by hand: for seconds the old primary takes itself for one, but its replicas have left it."""
    async with open_store(Settings(store_timeout_s=TIMEOUT_S), watched.url) as store, store.changes.listening():
        await until_done(lambda: submit("c-1", to=store))
        old = watched.primary
        watched.ask("FAILOVER", NAME)
        async with asyncio.timeout(PATIENCE_S):
            while watched.primary is old:
                await asyncio.sleep(0.02)
        with watched.primary.client() as client:
            async with asyncio.timeout(PATIENCE_S):
                for number in itertools.count():
                    await until_done(lambda number=number: submit(f"o-{number}", to=store))
                    if client.exists(Shard(site).item(f"o-{number}")):
                        break
        await until_done(store.check)
        with store.changes.watch(site, "queued") as news:
            async with asyncio.timeout(PATIENCE_S):
                for number in itertools.count():
                    await until_done(lambda number=number: submit(f"n-{number}", to=store))
                    started = time.monotonic()
                    await news.next(1)
                    if time.monotonic() - started < 1:
                        break


async def test_a_sentinel_that_names_nobody_is_no_crash(watched: Watched, submit: Any) -> None:
    async with open_store(Settings(store_timeout_s=TIMEOUT_S), watched.url.replace(NAME, "another")) as store:
        with pytest.raises(StoreUnavailable):
            await submit("c-1", to=store)
        with pytest.raises(StoreUnavailable):
            await store.check()


async def test_a_dead_sentinel_is_passed_over(watched: Watched, submit: Any) -> None:
    nobody = free_port()
    url = watched.url.replace("127.0.0.1", f"127.0.0.1:{nobody},127.0.0.1")
    async with open_store(Settings(store_timeout_s=TIMEOUT_S), url) as store:
        assert (await submit("c-1", to=store))[0] == "created"


async def test_a_replica_is_not_written_to(watched: Watched, submit: Any) -> None:
    port, _ = next(each for each in watched.servers.items() if each[1] is not watched.primary)
    async with open_store(Settings(store_timeout_s=TIMEOUT_S), f"redis://127.0.0.1:{port}") as store:
        with pytest.raises(StoreUnavailable, match="is a replica"):
            await submit("c-1", to=store)
        with pytest.raises(StoreUnavailable, match="is a replica"):
            await store.check()


async def test_what_no_replica_confirms_is_not_acknowledged_to_anybody(
    make_server: Any, submit: Any, site: str
) -> None:
    port = free_port()
    primary = make_server(port=str(port), **(OPTIONS | {"min-replicas-to-write": "0"}))
    replica = make_server()
    with replica.client() as client:
        client.replicaof("127.0.0.1", port)
    settings = Settings(wait_replicas=1, store_timeout_s=TIMEOUT_S)
    async with open_store(settings, primary.url) as store, open_store(settings, primary.url) as another:
        assert (await until_done(lambda: submit("c-1", to=store)))[0] in {"created", "exists"}
        assert store.durability.mode == "strict", "the server would also take writes without a replica"
        replica.hang()
        with pytest.raises(StoreUnavailable, match="durability unconfirmed"):
            await submit("c-2", to=store)
        for asked in (store, another):  # it is there, but the replica still has not got it
            with pytest.raises(StoreUnavailable, match="durability unconfirmed"):
                await submit("c-2", to=asked)
            assert (await asked.comments.get(site, "c-2")).state is State.QUEUED, "to read takes no replica"
        replica.resume()
        assert (await until_done(lambda: submit("c-2", to=another)))[0] == "exists"


async def test_a_server_that_wants_replicas_and_has_none_says_so(make_server: Any, submit: Any) -> None:
    server = make_server(**{"min-replicas-to-write": "1"})
    async with open_store(Settings(store_timeout_s=TIMEOUT_S), server.url) as store:
        with pytest.raises(StoreUnavailable, match="too few replicas"):
            await submit("c-1", to=store)

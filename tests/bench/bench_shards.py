"""What more shards (STEWARD_SHARDS) do for one site in a real Redis Cluster of four primaries, with durable writes.

All primaries are on this machine and share its processors and its disk, so the rate hardly rises with the shards. What
does change is how the work is spread: the busiest primary bounds what a Cluster with a machine for each can take.
"""

import argparse
import asyncio
import contextlib
import gc
import random
import socket
import statistics
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import processes
import tables
import uvloop
from bench_queue import JUDGEMENT, TEXT
from redis import Redis
from redis.crc import key_slot
from rich.console import Console
from rich.table import Table

from service.process.garbage import COLLECT_AFTER
from service.redis.server import find_server
from service.settings import Settings
from service.store import Store, open_store
from service.store.keyspace import Shard
from service.values.domain import Author, Comment, Urgency, Why

PRIMARIES, SHARDS, ROUNDS = 4, (1, 2, 4), 3
AT_ONCE = 50
SLOTS = 16_384
PATIENCE_S = 30
MILLION = 1_000_000
# The busiest primary keeps half of its processor free, as in bench_capacity.
BUSY = 0.5
COLUMNS = (
    "shards",
    "primaries at work",
    "comments a second here",
    "CPU µs of Redis a comment",
    "of the busiest primary",
    "comments a second that it allows, half busy",
)


class Primaries:
    """The nodes of a Cluster in the order of their slots. `nodes`: on their unix sockets."""

    def __init__(self, ports: Sequence[int], nodes: Sequence[Redis]) -> None:
        self.url = "redis+cluster://" + ",".join(f"127.0.0.1:{port}" for port in ports)
        self._nodes = nodes

    def home(self, shard: Shard) -> int:
        return key_slot(shard.prefix.encode()) * PRIMARIES // SLOTS

    def evenly_spread_site(self) -> str:
        """A site whose shards are on as many primaries as they can be, whatever their number."""
        for number in range(100_000):
            name = f"daily-{number}"
            if len({self.home(Shard(name, shard)) for shard in range(PRIMARIES)}) == PRIMARIES:
                return name
        raise AssertionError("no such site")

    def clear(self) -> None:
        for node in self._nodes:
            node.flushall()

    def cpu_us(self) -> list[float]:
        found = [node.info("cpu") for node in self._nodes]
        return [MILLION * (each["used_cpu_user"] + each["used_cpu_sys"]) for each in found]


class Round(NamedTuple):
    """`cpu_us`: of each primary, for each comment."""

    per_second: float
    cpu_us: list[float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--comments", type=int, default=4_000, help="comments of a round")
    parser.add_argument("--docs", type=Path, help="write the table into this Markdown file")
    asked = parser.parse_args()
    gc.set_threshold(*COLLECT_AFTER)  # as in the service
    with primaries() as running:
        found = [_row(shards, running, asked.comments) for shards in SHARDS]
    title = f"{asked.comments:,} comments of {len(TEXT)} characters, {AT_ONCE} at once, medians of {ROUNDS} rounds"
    table = Table(*COLUMNS, title=title)
    for row in found:
        table.add_row(*row)
    Console(width=120).print(table)
    if asked.docs:
        tables.write(asked.docs, "shards", COLUMNS, found)


def _row(shards: int, running: Primaries, comments: int) -> tuple[str, ...]:
    site = running.evenly_spread_site()
    rounds = uvloop.run(_rounds(shards, running, site, comments))
    busiest = statistics.median(max(each.cpu_us) for each in rounds)
    return (
        str(shards),
        str(len({running.home(Shard(site, number)) for number in range(shards)})),
        f"{statistics.median(each.per_second for each in rounds):,.0f}",
        f"{statistics.median(sum(each.cpu_us) for each in rounds):,.0f}",
        f"{busiest:,.0f}",
        f"{BUSY * MILLION / busiest:,.0f}",
    )


async def _rounds(shards: int, running: Primaries, site: str, comments: int) -> list[Round]:
    """The first one warms up."""
    running.clear()
    settings = Settings(redis_url=running.url, shards=shards, store_timeout_s=30)
    async with open_store(settings, running.url) as store:
        return [await _round(store, running, site, comments, number) for number in range(ROUNDS + 1)][1:]


async def _round(store: Store, running: Primaries, site: str, comments: int, number: int) -> Round:
    left, chance = iter(range(comments)), random.Random(number)  # noqa: S311 - the same comments each time

    async def submit() -> None:
        for each in left:
            urgency = Urgency(Why.UNCERTAIN, round(chance.random(), 4), 60_000)
            comment = Comment(TEXT, author=Author(id=f"u-{chance.randrange(100_000)}", name="A reader"))
            await store.comments.submit(site, f"{number}-{each:07}", comment, JUDGEMENT, urgency=urgency, actor="site")

    before = running.cpu_us()
    started = time.perf_counter()
    await asyncio.gather(*(submit() for _ in range(AT_ONCE)))
    took_s = time.perf_counter() - started
    used = [(now - then) / comments for now, then in zip(running.cpu_us(), before, strict=True)]
    return Round(comments / took_s, used)


@contextlib.contextmanager
def primaries() -> Iterator[Primaries]:
    """Servers of their own in a new folder, ended by their own ids."""
    with processes.new_folder() as folder, contextlib.ExitStack() as started:
        ports = [_free_port() for _ in range(PRIMARIES)]
        nodes = [started.enter_context(_node(Path(folder), port)) for port in ports]
        for number, node in enumerate(nodes):
            first, last = -(-SLOTS * number // PRIMARIES), -(-SLOTS * (number + 1) // PRIMARIES)
            node.execute_command("CLUSTER", "ADDSLOTS", *range(first, last))
            node.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            node.execute_command("CLUSTER", "MEET", "127.0.0.1", ports[0])
        deadline = time.monotonic() + PATIENCE_S
        while not all(_is_settled(node) for node in nodes):
            assert time.monotonic() < deadline, "the nodes did not find each other"
            time.sleep(0.05)
        yield Primaries(ports, nodes)


@contextlib.contextmanager
def _node(folder: Path, port: int) -> Iterator[Redis]:
    home = folder / str(port)
    home.mkdir()
    given = {
        "port": str(port),
        "bind": "127.0.0.1",
        "unixsocket": f"{home}/redis.sock",
        "dir": str(home),
        "save": "",
        "appendonly": "yes",
        "appendfsync": "always",
        "auto-aof-rewrite-percentage": "0",
        "cluster-enabled": "yes",
    }
    arguments = [part for name, value in given.items() for part in (f"--{name}", value)]
    server = subprocess.Popen([find_server(), *arguments], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        assert any("ready to accept connections" in line.lower() for line in server.stdout), "Redis ended"
        with Redis(unix_socket_path=given["unixsocket"], protocol=2) as redis:
            redis.response_callbacks.clear()
            redis.set_response_callback("INFO", _parsed)
            yield redis
    finally:
        server.kill()
        server.communicate()


def _parsed(raw: bytes, **_: object) -> dict[str, float]:
    pairs = (line.split(":", 1) for line in raw.decode().splitlines() if ":" in line)
    return {name: float(value) for name, value in pairs if name.startswith("used_cpu_") and "_" in name}


def _is_settled(node: Redis) -> bool:
    said = node.execute_command("CLUSTER", "INFO").decode()
    return "cluster_state:ok" in said and f"cluster_known_nodes:{PRIMARIES}" in said


def _free_port() -> int:
    """Below the range from which the kernel gives ports to connections; the bus of a node is at its port + 10000."""
    while True:
        port = random.randrange(10_000, 22_000)  # noqa: S311 - guards nothing
        with contextlib.suppress(OSError), socket.socket() as one, socket.socket() as bus:
            one.bind(("127.0.0.1", port))
            bus.bind(("127.0.0.1", port + 10_000))
            return port


if __name__ == "__main__":
    main()

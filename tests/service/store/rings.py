"""A real Redis Cluster for tests, and what they do to it."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from ports import free_port, free_ports
from redis.crc import key_slot

from service.store.keyspace import Shard
from service.values.errors import StoreUnavailable

SLOTS = 16384
PATIENCE_S = 60
# Longer than a busy machine needs for anything, and short enough to wait for.
TIMEOUT_S = 5
OPTIONS = {
    "bind": "127.0.0.1",
    "cluster-enabled": "yes",
    "cluster-node-timeout": "1500",
    "cluster-require-full-coverage": "no",
    "repl-diskless-sync-delay": "0",
}
SITES = [f"site-{number}" for number in range(12)]


class Node:
    """One server of the Cluster; commands reach it on its unix socket."""

    def __init__(self, server: Any, port: int) -> None:
        self.server = server
        self.port = port
        self.id = str(self("CLUSTER", "MYID"))

    def __call__(self, *command: Any) -> Any:
        with self.server.client() as client:
            client.response_callbacks.clear()
            return client.execute_command(*command)


class Ring:
    """The nodes, and who serves what."""

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes
        self.url = "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in nodes[:2])

    def home(self, shard: Shard) -> Node:
        return self.nodes[key_slot(shard.prefix.encode()) * 3 // SLOTS]

    def sites_of(self, node: Node) -> list[str]:
        return [site for site in SITES if self.home(Shard(site)) is node]

    def is_settled(self) -> bool:
        return all(
            "cluster_state:ok" in (info := node("CLUSTER", "INFO")) and "cluster_known_nodes:3" in info
            for node in self.nodes
        )


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not await asyncio.to_thread(holds):
            await asyncio.sleep(0.02)


async def until_done(attempt: Callable[[], Awaitable[Any]]) -> Any:
    """What it returns once it is no more refused."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            with contextlib.suppress(StoreUnavailable):
                return await attempt()
            await asyncio.sleep(0.02)


@contextlib.contextmanager
def a_ring(make: Callable[..., Any], **options: str) -> Iterator[Ring]:
    with contextlib.ExitStack() as started:
        nodes = []
        for port in itertools.islice(free_ports(), 3):
            server = make(port=str(port), **(OPTIONS | options))
            started.callback(server.remove)
            server.start()
            nodes.append(Node(server, port))
        for number, node in enumerate(nodes):
            first, last = -(-SLOTS * number // 3), -(-SLOTS * (number + 1) // 3)
            node("CLUSTER", "ADDSLOTS", *range(first, last))
            node("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            node("CLUSTER", "MEET", "127.0.0.1", nodes[0].port)
        ring = Ring(nodes)
        deadline = time.monotonic() + PATIENCE_S
        while not ring.is_settled():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield ring


async def replica_of(primary: Node, ring: Ring, make_server: Callable[..., Any]) -> Node:
    """A new node, which all others know as the replica of this one, and which has what it has."""
    port = free_port()
    replica = Node(make_server(port=str(port), **OPTIONS), port)
    replica("CLUSTER", "MEET", "127.0.0.1", primary.port)
    await until(lambda: "cluster_known_nodes:4" in replica("CLUSTER", "INFO"))
    replica("CLUSTER", "REPLICATE", primary.id)
    await until(lambda: "master_link_status:up" in replica("INFO", "replication"))
    others = [node for node in ring.nodes if node is not primary]
    await until(lambda: all(f"slave {primary.id}" in node("CLUSTER", "NODES") for node in others))
    return replica

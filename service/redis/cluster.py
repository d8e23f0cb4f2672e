"""A Redis Cluster: one pipe to each primary; each call goes to the primary of its key's slot."""

import asyncio
import logging
import math
import random
from collections.abc import Callable, Sequence
from itertools import chain, repeat
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.connection import ConnectionPool
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot
from redis.exceptions import AskError, ClusterDownError, MovedError, RedisError, TryAgainError

from service.redis.address import Address, Node
from service.redis.connect import Durability, Link, fixed_options
from service.redis.pipe import Argument, ServerPipe, traced
from service.redis.replies import translated, understood
from service.redis.scripts import Script
from service.values import request_id
from service.values.errors import Overloaded, StoreUnavailable

log = logging.getLogger(__name__)

# Pauses before the retries of a call that was redirected or temporarily refused.
PAUSES_S = (0.0, 0.005, 0.01, 0.02, 0.04)
# Minimum time between two requests for the slot map, however many calls went to the wrong node.
REFRESH_S = 0.1

_KEYLESS = frozenset({"PING", "ECHO", "TIME", "INFO"})


class Topology:
    """The last known slot map of the Cluster: which primary serves which slot."""

    def __init__(self, address: Address, timeout_s: float, changed: Callable[[], None]) -> None:
        self._address = address
        # Nodes are asked in turn until one answers, so each gets a share of the timeout.
        self._options = fixed_options(timeout_s / (len(address.nodes) + 1))
        self._primaries: dict[int, Node] = {}
        self._replicas: set[Node] = set()
        self._changed = changed
        self._refreshing: asyncio.Task[None] | None = None
        self._is_closed = False
        self._asked_at = -math.inf

    def primary(self, slot: int) -> Node | None:
        return self._primaries.get(slot)

    def primaries(self) -> set[Node]:
        return set(self._primaries.values())

    def is_complete(self) -> bool:
        return len(self._primaries) == REDIS_CLUSTER_HASH_SLOTS

    def moved(self, error: MovedError) -> None:
        """Use a node's redirection, which is newer than the slot map."""
        if error.host and error.slot_id in self._primaries:
            self._primaries[error.slot_id] = (error.host, error.port)
        self.refresh_soon()

    def refresh_soon(self) -> None:
        if self._refreshing is None and not self._is_closed:
            self._refreshing = asyncio.create_task(self._refresh())

    async def refreshed(self) -> None:
        """Wait for a refresh of the slot map, which may have failed."""
        self.refresh_soon()
        if self._refreshing is not None:
            await asyncio.shield(self._refreshing)

    async def _refresh(self) -> None:
        clock = asyncio.get_running_loop().time
        try:
            await asyncio.sleep(self._asked_at + REFRESH_S - clock())
            await self._read()
            self._changed()
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("cannot read the slot map of the Redis Cluster: %s", error)
        finally:
            self._asked_at = clock()
            self._refreshing = None

    async def _read(self) -> None:
        """Ask nodes until all slots are known. Raises the last error if no node answers."""
        # The nodes of the URL are always asked, because all others may have new addresses; in any order, so that not
        # every process asks the same one.
        of_url = random.sample(self._address.nodes, len(self._address.nodes))
        primaries, replicas, failed = dict[int, Node](), set[Node](), None
        for node in dict.fromkeys((*of_url, *self.primaries(), *self._replicas)):
            try:
                ranges = await self._slots_of(node)
            except (RedisError, OSError, TimeoutError) as error:
                failed = error
                continue
            for first, last, primary, *others in ranges:
                serving = _place(primary, node)
                for slot in range(first, last + 1):
                    primaries.setdefault(slot, serving)
                replicas.update(_place(other, node) for other in others)
            if len(primaries) == REDIS_CLUSTER_HASH_SLOTS:
                break
        if not primaries and failed is not None:
            raise failed
        self._primaries, self._replicas = primaries, replicas

    async def _slots_of(self, node: Node) -> list[Any]:
        """The reply to CLUSTER SLOTS, over a connection of its own: the slot map is read rarely."""
        options = {**self._address.at(*node).options, **self._options}
        connection = ConnectionPool(**options).make_connection()  # type: ignore[no-untyped-call]
        try:
            await connection.connect()
            await connection.send_command("CLUSTER", "SLOTS")
            found: list[Any] = await connection.read_response()
            return found
        finally:
            # At once: a pool closes its connections in tasks, and one that is cancelled before it began closes nothing.
            await connection.disconnect(nowait=True)

    async def close(self) -> None:
        self._is_closed = True  # a call that fails later begins no refresh that nobody would wait for
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.wait([self._refreshing])


def _place(found: Sequence[Any], asked: Node) -> Node:
    """Host and port of a node in a slot map; a node that does not know its own host leaves it out."""
    host, port, *_ = found
    return (host.decode() if host else asked[0], port)


class ClusterPipe:
    """Sends calls for one slot in order, except while the slot migrates.

    A redirected or temporarily refused call was not executed; it is retried until the deadline. A caller that awaits
    each reply before its next call always sees its own order, even during a migration.
    """

    def __init__(
        self, address: Address, durability: Durability, timeout_s: float, max_pending: int, wait_replicas: int = 0
    ) -> None:
        self._address = address
        self._durability = durability
        self._timeout_s = timeout_s
        self._max_pending = max_pending
        self._wait_replicas = wait_replicas
        self._topology = Topology(address, timeout_s, self._part)
        self._pipes: dict[Node, ServerPipe] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._going_again = 0
        self._is_closed = False
        self._pipe(address.nodes[0])  # reports a wrong option at the start, as it is wrong for all nodes

    async def call(self, *command: Argument) -> Any:  # noqa: ANN401 - what Redis answers
        if str(command[0]).upper() in _KEYLESS:
            return await self._pipe(await self._any_node()).call(*command)
        return await traced(self._routed(str(command[1]), command, None), str(command[0]))

    async def run(self, script: Script, keys: Sequence[str], *args: Argument) -> Any:  # noqa: ANN401 - what Redis answers
        return await traced(self._routed(keys[0], (len(keys), *keys, *args, request_id.current()), script), script.name)

    async def _routed(self, key: str, command: tuple[Argument, ...], script: Script | None) -> Any:  # noqa: ANN401 - what Redis answers
        slot = key_slot(key.encode(errors="replace"))
        deadline = asyncio.get_running_loop().time() + self._timeout_s
        asked: Node | None = None
        pauses = chain(PAUSES_S, repeat(PAUSES_S[-1]))
        while True:
            node = asked or self._topology.primary(slot) or await self._found(slot, deadline)
            try:
                return await self._pipe(node).enqueue(command, script, asking=asked is not None)
            except (AskError, TryAgainError, ClusterDownError) as refusal:
                asked = self._redirected(refusal, node, script)
                await self._pause(next(pauses), deadline, refusal)
            except RedisError as error:
                raise understood(error) from error
            except StoreUnavailable:
                self._topology.refresh_soon()
                raise

    def _redirected(self, refusal: RedisError, node: Node, script: Script | None) -> Node | None:
        """The node to ask for this call only, or None.

        While a slot migrates, its keys are on two nodes. A script that makes key names from its prefix would find only
        half of the keys and create the others again. Redis cannot detect that, so scripts wait until the migration is
        complete.
        """
        if isinstance(refusal, MovedError):  # which is an AskError
            self._topology.moved(refusal)
        elif isinstance(refusal, AskError) and script is None:
            return refusal.host or node[0], refusal.port
        elif isinstance(refusal, ClusterDownError):
            self._topology.refresh_soon()
        return None

    async def _pause(self, pause_s: float, deadline: float, refusal: RedisError) -> None:
        if asyncio.get_running_loop().time() + pause_s > deadline:
            raise StoreUnavailable("the Redis Cluster does not serve this site at the moment") from refusal
        if self._going_again >= self._max_pending:
            raise Overloaded("too many writes wait for the Redis Cluster")
        self._going_again += 1
        try:
            await asyncio.sleep(pause_s)
        finally:
            self._going_again -= 1

    async def _found(self, slot: int, deadline: float) -> Node:
        await self._ask(deadline)
        node = self._topology.primary(slot)
        if node is None:
            raise StoreUnavailable("the Redis Cluster does not serve this site at the moment")
        return node

    async def _any_node(self) -> Node:
        if not self._topology.primaries():
            await self._ask(asyncio.get_running_loop().time() + self._timeout_s)
        nodes = self._topology.primaries()
        if not nodes:
            raise StoreUnavailable("no node of the Redis Cluster can be reached")
        return random.choice(tuple(nodes))  # noqa: S311 - it only spreads

    async def _ask(self, deadline: float) -> None:
        with translated():
            async with asyncio.timeout_at(deadline):
                await self._topology.refreshed()

    def _pipe(self, node: Node) -> ServerPipe:
        pipe = self._pipes.get(node)
        if pipe is None:
            if self._is_closed:  # a connection opened now would stay open
                raise StoreUnavailable("the connection to the Redis Cluster is closed")
            link = Link(self._address.at(*node), self._durability, self._timeout_s, _name(node))
            pipe = ServerPipe(link, self._timeout_s, self._max_pending, self._wait_replicas)
            self._pipes[node] = pipe
        return pipe

    def _part(self) -> None:
        """Close the pipes of nodes that serve no slots any more."""
        nodes = self._topology.primaries()
        self._durability.keep_only(_name(node) for node in nodes)
        for node in self._pipes.keys() - nodes:
            leaving = asyncio.create_task(self._pipes.pop(node).close())
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)

    async def check(self) -> None:
        """Raises StoreUnavailable unless every primary answers and together they serve every slot."""
        await self._any_node()
        if not self._topology.is_complete():
            self._topology.refresh_soon()
            raise StoreUnavailable("the Redis Cluster does not serve all slots")
        pings = [self._pipe(node).check() for node in self._topology.primaries()]
        for found in await asyncio.gather(*pings, return_exceptions=True):
            if isinstance(found, BaseException):
                self._topology.refresh_soon()
                raise found

    async def subscriber(self) -> "Redis":
        """A client of any node, because a message reaches all of them."""
        return await self._pipe(await self._any_node()).subscriber()

    async def close(self) -> None:
        self._is_closed = True
        await self._topology.close()
        await asyncio.gather(*self._leaving, *(pipe.close() for pipe in self._pipes.values()))


def _name(node: Node) -> str:
    host, port = node
    return f"{host}:{port}"

"""The slot map of a Redis Cluster: who is asked for it, and how odd answers are read."""

from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import MovedError

from service.redis.address import Node, parse
from service.redis.cluster import Topology

LAST = 16383
A, B, C = ("a", 1), ("b", 2), ("c", 3)


class Told(Topology):
    """Asks nobody: the answers are given."""

    def __init__(self, answers: dict[Node, Any]) -> None:
        super().__init__(parse("redis+cluster://a:1,b:2"), 1.0, lambda: None)
        self.answers = answers
        self.asked: list[Node] = []

    async def _slots_of(self, node: Node) -> list[Any]:
        self.asked.append(node)
        found = self.answers.get(node)
        if found is None:
            raise RedisConnectionError("gone")
        return list(found)


async def test_a_node_that_does_not_know_its_own_host_is_found_where_it_was_asked() -> None:
    topology = Told({A: [[0, LAST, [b"", 1, b"id"]]], B: [[0, LAST, [None, 2, b"id"]]]})
    await topology.refreshed()
    assert topology.primary(0) == topology.asked[0]
    assert topology.is_complete()


async def test_the_next_node_is_asked_where_one_is_gone_or_knows_only_some_slots() -> None:
    topology = Told({A: [[0, 9, [b"a", 1]]], B: [[0, LAST, [b"b", 2]]]})
    await topology.refreshed()
    assert topology.primary(LAST) == B
    gone = Told({B: [[0, LAST, [b"b", 2]]]})
    await gone.refreshed()
    assert gone.primaries() == {B}


async def test_replicas_are_asked_when_the_nodes_of_the_url_are_gone() -> None:
    topology = Told({A: [[0, LAST, [b"a", 1], [b"c", 3]]], B: [[0, LAST, [b"a", 1], [b"c", 3]]]})
    await topology.refreshed()
    topology.answers = {C: [[0, LAST, [b"c", 3]]]}
    await topology.refreshed()
    assert topology.asked[-1] == C
    assert topology.primaries() == {C}


async def test_a_map_that_cannot_be_read_leaves_the_last_one(caplog: pytest.LogCaptureFixture) -> None:
    topology = Told({A: [[0, LAST, [b"a", 1]]], B: [[0, LAST, [b"a", 1]]]})
    await topology.refreshed()
    topology.answers = {}
    await topology.refreshed()
    assert topology.primaries() == {A}
    assert "cannot read the slot map" in caplog.text


async def test_a_redirection_is_newer_than_the_map() -> None:
    topology = Told({A: [[0, LAST, [b"a", 1]]], B: [[0, LAST, [b"a", 1]]]})
    await topology.refreshed()
    topology.moved(MovedError("7 c:3"))
    assert (topology.primary(7), topology.primary(8)) == (C, A)
    await topology.close()

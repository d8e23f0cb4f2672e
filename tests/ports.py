"""Ports for servers that must be told one before they start."""

import os
import random
import socket
from collections.abc import Iterator

# The bus of a node of a Redis Cluster is at its port and this many.
BUS = 10_000
# Below the range from which the kernel gives ports to connections. Processes of one run look in different parts of it.
_FIRST, _SIZE, _PARTS = 10_000, 1_000, 12
_given: set[int] = set()


def free_ports() -> Iterator[int]:
    """Each once in this process; nothing listens there, and nothing at the port of the bus."""
    part = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _PARTS
    first = _FIRST + part * _SIZE
    for port in random.sample(range(first, first + _SIZE), _SIZE):
        if port not in _given and _is_free(port) and _is_free(port + BUS):
            _given.add(port)
            yield port


def free_port() -> int:
    return next(free_ports())


def _is_free(port: int) -> bool:
    with socket.socket() as trial:
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True

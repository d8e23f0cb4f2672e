"""What each hook into a private part of a library saves (ADR 27): the service with it, and without it, in the same run.

Processor time of the serving process for a request, the services by turns, so that a machine that slows down slows all.
"""

import argparse
import asyncio
import contextlib
import os
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import load
import processes
import uvloop
from bench_service import COMMENT, CONNECTIONS, SCORE, TEXT
from redis.asyncio.connection import AbstractConnection
from rich.console import Console
from rich.table import Table

from service.cli import main as steward
from service.http import shortcut
from service.redis import connect

WITHOUT = "BENCH_WITHOUT"
PATHS = {"v1/score": SCORE, "v1/comments": COMMENT}
KINDS = {
    "as it is": "",
    "without aiohttp's _match_info: all requests through its application": "match_info",
    "without redis-py's _writer: pipelines through its streams": "writer",
}


class StreamWire:
    """Does what service/redis/wire.py does, with what redis-py offers to everybody."""

    def __init__(self, connection: AbstractConnection, *, takes_flags: bool) -> None:
        self.takes_flags = takes_flags
        self._connection = connection

    @property
    def is_open(self) -> bool:
        return bool(self._connection.is_connected)

    async def ask(self, commands: bytes, replies: int, deadline: float) -> list[Any]:
        try:
            async with asyncio.timeout_at(deadline):
                await self._connection.send_packed_command([commands], check_health=False)  # type: ignore[no-untyped-call]
                return [await connect.reply(self._connection) for _ in range(replies)]
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        await self._connection.disconnect(nowait=True)


def serve() -> None:
    without = os.environ[WITHOUT]
    if without == "match_info":
        shortcut.install_fast_path = lambda _: None
    if without == "writer":
        connect.Wire = StreamWire  # type: ignore[assignment, misc]
    steward()


def measure(requests: int, rounds: int) -> None:
    console = Console(width=140)
    with contextlib.ExitStack() as started:
        running = {}
        for name, without in KINDS.items():
            os.environ[WITHOUT] = without
            running[name] = started.enter_context(processes.service("fast", command=[str(Path(__file__).resolve())]))
        for path, body in PATHS.items():
            found: dict[str, list[load.Measured]] = {name: [] for name in running}
            # Few at once fill short pipelines, as at half of a process's most; many at once fill long ones.
            for connections in (8, CONNECTIONS):
                for number in range(rounds + 1):
                    numbered = body.replace(b"ROUND", f"{connections}-{number}".encode())
                    for name, each in running.items():
                        template = load.request("POST", f"/{path}", each.key, numbered)
                        found[name].append(_measured(each, load.Requests(template, requests, TEXT), connections))
                console.print(_table(f"POST /{path}, {connections} connections, medians of {rounds} rounds", found))
                found = {name: [] for name in running}


def _measured(running: processes.Running, requests: load.Requests, connections: int) -> load.Measured:
    before = running.cpu_s
    measured = uvloop.run(load.load(running.port, requests, connections))
    own, redis = (1e6 * (now - then) / measured.answered for now, then in zip(running.cpu_s, before, strict=True))
    measured.cpu_us = own, redis
    if measured.failed:
        raise RuntimeError(f"{measured.failed} of {measured.answered} requests failed")
    return measured


def _table(title: str, found: dict[str, Sequence[load.Measured]] | dict[str, list[load.Measured]]) -> Table:
    table = Table("", "CPU µs", "over it as it is", title=title)
    base = next(iter(found.values()))[1:]  # the first round warms up
    for name, measured in found.items():
        spent = statistics.median(each.cpu_us[0] for each in measured[1:])
        ratio = statistics.median(each.cpu_us[0] / b.cpu_us[0] for each, b in zip(measured[1:], base, strict=True))
        table.add_row(name, f"{spent:.0f}", f"{ratio:.2f}")
    return table


if __name__ == "__main__":
    if WITHOUT in os.environ:
        serve()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=6_000, help="for each round (6000)")
    parser.add_argument("--rounds", type=int, default=5, help="how many count (5)")
    asked = parser.parse_args()
    measure(asked.requests, asked.rounds)

"""make capacity: what recording a comment costs the service and Redis, and what 1, 100 and 10,000 a second need.

Processor time is measured, as others may use the machine; what a rate needs is reckoned from it. Not in it: what the
console reads, webhooks, and the disk, whose figure `make bench` prints.
"""

import argparse
import math
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import load
import processes
import tables
import uvloop
from bench_service import COMMENT, TEXT
from rich.console import Console
from rich.table import Table

CONNECTIONS = 128
REQUESTS, ROUNDS = 3_000, 3
RATES = (1, 100, 10_000)
# Half of a processor stays free for bursts, moderators, and the loss of one of two machines.
BUSY = 0.5
MILLION = 1_000_000


class Cost(NamedTuple):
    """Processor time of one comment, in microseconds."""

    service_us: float
    redis_us: float


class Need(NamedTuple):
    """Processes of the service and shards of Redis, at most BUSY; shares of one processor are in percent."""

    processes: int
    shards: int
    service_percent: float
    redis_percent: float


def need(per_second: float, cost: Cost) -> Need:
    """A process of the service uses one processor, and so does a shard of Redis."""
    service, redis = (per_second * each / MILLION for each in cost)
    return Need(math.ceil(service / BUSY), math.ceil(redis / BUSY), 100 * service, 100 * redis)


def measured(readers: str) -> Cost:
    with processes.service(readers) as steward:
        rounds = [_round(steward, number) for number in range(ROUNDS + 1)][1:]  # the first warms up
    service, redis = (statistics.median(each) for each in zip(*rounds, strict=True))
    return Cost(service, redis)


def _round(steward: processes.Running, number: int) -> tuple[float, float]:
    body = COMMENT.replace(b"ROUND", f"capacity-{number}".encode())
    before = steward.cpu_s
    requests = load.Requests(load.request("POST", "/v1/comments", steward.key, body), REQUESTS, TEXT)
    done = uvloop.run(load.load(steward.port, requests, CONNECTIONS))
    if done.failed:
        raise RuntimeError(f"{done.failed} of {done.answered} requests failed")
    service, redis = (MILLION * (now - then) / done.answered for now, then in zip(steward.cpu_s, before, strict=True))
    return service, redis


def rows(readers: str, cost: Cost) -> Iterator[tuple[str, ...]]:
    for rate in RATES:
        wanted = need(rate, cost)
        yield (
            readers,
            f"{rate:,}",
            f"{cost.service_us:,.0f}",
            f"{cost.redis_us:,.0f}",
            f"{wanted.service_percent:,.1f}",
            str(wanted.processes),
            f"{wanted.redis_percent:,.1f}",
            str(wanted.shards),
        )


COLUMNS = (
    "readers",
    "comments a second",
    "CPU µs of the service",
    "CPU µs of Redis",
    "% of a processor, service",
    "processes",
    "% of a processor, Redis",
    "primaries of Redis",
)


def write(path: Path, found: Sequence[Sequence[str]]) -> None:
    tables.write(path, "capacity", COLUMNS, found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--docs", type=Path, help="write the table into this Markdown file")
    asked = parser.parse_args()
    found = [row for readers in ("both", "fast") for row in rows(readers, measured(readers))]
    title = f"{len(TEXT)} characters, medians of {ROUNDS} rounds of {REQUESTS:,}; at most {BUSY:.0%} busy"
    table = Table(*COLUMNS, title=title)
    for row in found:
        table.add_row(*row)
    Console(width=140).print(table)
    if asked.docs:
        write(asked.docs, found)


if __name__ == "__main__":
    main()

"""make bench: what moderators wait for: claim and decide beside other queues, and a queue of a million.

Everything goes through service/store to a real Redis: over one pipe, as it does in the service, and the pairs also with
a connection for each moderator, so that nobody's scripts travel with another's. Beside them, on the same Redis, arq,
dramatiq and BullMQ take jobs that do nothing and acknowledge them, with as many consumers as there are moderators.
"""

import argparse
import asyncio
import contextlib
import gc
import random
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

import load
import processes
import rivals
import uvloop
from redis import Redis
from rich.console import Console
from rich.table import Table

from service.process.garbage import COLLECT_AFTER
from service.redis.scripts import Flags, made
from service.redis.server import find_server
from service.settings import Settings
from service.store import Store, open_store
from service.store.keyspace import Shard
from service.store.review import Answer, Filter
from service.values.domain import (
    Action,
    Article,
    Author,
    Comment,
    Judgement,
    Lease,
    Reason,
    Span,
    Urgency,
    Verdict,
    Why,
)

SITE = "daily"
MODERATORS = 50
PAIRS, JOBS, ROUNDS = 4_000, 1_000, 5
FEW, CLAIMS = 1_000, 4_000
AT_ONCE = 200
# What is written is synced to disk, so this is as fast as anything durable can be.
ONE_NUMBER = made("one_number", "return redis.call('INCR', KEYS[1] .. 'bench')", Flags.DRAINS)
TEXT = (
    "I spent the night in the metro with my two kids and half of our street thank you to the crews who had lifts "
    "running again by six minister said March that transformers were already on way it is November now somebody should"
)
WORDS = TEXT.split()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--comments", type=int, default=1_000_000, help="how many wait in the large queue")
    gc.set_threshold(*COLLECT_AFTER)  # as in the service
    uvloop.run(_measure(Console(width=120), parser.parse_args().comments))


async def _measure(console: Console, most: int) -> None:
    # The file is rewritten in the background when it has doubled, which would fall upon one of the kinds.
    durable = {"appendonly": "yes", "appendfsync": "always", "auto-aof-rewrite-percentage": "0"}
    rivals.warn_of_missing()
    with redis_server(**durable) as redis:
        async with stores(redis, 1) as one, stores(redis, MODERATORS) as each:
            console.print(await _pairs({"over one pipe": one, "a connection each": each}, redis))
    # Without an append-only file it fills sooner, and no disk hides how much slower a claim becomes.
    with redis_server(appendonly="no") as redis:
        async with open_store(_settings(redis, max_queued=2 * most, accept_loss=True), _url(redis)) as store:
            console.print(await _claims(store, redis, most))


@contextlib.asynccontextmanager
async def stores(redis: "Redis", count: int) -> AsyncIterator[list[Store]]:
    async with contextlib.AsyncExitStack() as opened:
        yield [await opened.enter_async_context(open_store(_settings(redis), _url(redis))) for _ in range(count)]


async def _pairs(ways: Mapping[str, Sequence[Store]], redis: "Redis") -> Table:
    """The rounds take turns, so that a machine that slows down slows all."""
    there = {name: rival for name, rival in rivals.RIVALS.items() if rival.is_there}
    kinds = {"two scripts that write a number": _write_twice, "claim and decide": _claim_and_decide}
    rows = [f"{kind}, {how}" for how in ways for kind in kinds]
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in [*rows, *there]}
    for number in range(ROUNDS + 1):
        for how, stores in ways.items():
            await _fill(stores[0], PAIRS, f"pairs-{len(stores)}-{number}")
            for kind, pair in kinds.items():
                found[f"{kind}, {how}"].append(await _rate(redis, stores, pair))
        for name, rival in there.items():
            taken = await asyncio.to_thread(rivals.rate, rival, redis, _path(redis), JOBS, MODERATORS)
            found[name].append((taken, 0.0))
    title = f"appendfsync always, {MODERATORS} moderators or consumers at once, medians of {ROUNDS} rounds"
    table = Table("", "pairs/s", *(f"claim and decide {how}, over it" for how in ways), "of Redis, µs a pair")
    table.title = title
    for name, rounds in found.items():
        shown = [f"{_ratio(found[f'claim and decide, {how}'], rounds):.2f}" for how in ways]
        per_second, script_us = (_median([each[at] for each in rounds[1:]]) for at in range(2))
        table.add_row(name, f"{per_second:,.0f}", *shown, f"{script_us:.0f}" if script_us else "")
    for name in [name for name in rivals.RIVALS if name not in there]:
        table.add_row(name, "NOT THERE", *("" for _ in ways), "")
    return table


async def _rate(
    redis: "Redis", stores: Sequence[Store], pair: Callable[[Store, str], Awaitable[None]]
) -> tuple[float, float]:
    """Pairs a second, and the microseconds that Redis spends in the scripts of one."""
    left = iter(range(PAIRS))

    async def moderate(number: int) -> None:
        for _ in left:
            await pair(stores[number % len(stores)], f"moderator-{number}")

    redis.config_resetstat()
    started = time.perf_counter()
    await asyncio.gather(*(moderate(number) for number in range(MODERATORS)))
    took_s = time.perf_counter() - started
    return PAIRS / took_s, redis.info("commandstats")["cmdstat_evalsha"]["usec"] / PAIRS


def _ratio(rounds: Sequence[tuple[float, float]], base: Sequence[tuple[float, float]]) -> float:
    return _median([one[0] / other[0] for one, other in zip(rounds[1:], base[1:], strict=True)])


async def _write_twice(store: Store, _: str) -> None:
    for _ in range(2):
        await store.pipe.run(ONE_NUMBER, [Shard(SITE).prefix])


async def _claim_and_decide(store: Store, moderator: str) -> None:
    (record,) = await store.queue.claim(SITE, moderator, 1, 300, Filter())
    answer = Answer(Verdict.APPROVE, record.lease, labels={"insult": False})
    outcome, _ = await store.queue.decide(SITE, record.id, moderator, answer, may_overrule=False)
    assert outcome == "ok", outcome


async def _claims(store: Store, redis: "Redis", most: int) -> Table:
    table = Table("queued", "Redis, MB", "bytes each", "claim p50 ms", "claim p99 ms", "p99 over few")
    table.title = "a long queue; Redis without append-only file, comments of 300 bytes, one claim after the other"
    empty, baseline = redis.info("memory")["used_memory"], 0.0
    for queued, name in ((FEW, "few"), (most - FEW, "many")):
        await _fill(store, queued, name)
        await _claim_times(store, CLAIMS // 4)  # warms up
        took = await _claim_times(store, CLAIMS)
        used, there = redis.info("memory")["used_memory"], redis.zcard(Shard(SITE).key("waiting"))
        p99 = load.percentile(took, 99)
        baseline = baseline or p99
        table.add_row(
            f"{there:,}",
            f"{used / 1e6:,.0f}",
            f"{(used - empty) / there:,.0f}",
            *(f"{load.percentile(took, percent) * 1000:.3f}" for percent in (50, 99)),
            f"{p99 / baseline:.2f}",
        )
    return table


async def _claim_times(store: Store, count: int) -> list[float]:
    """Seconds for each claim; what was claimed goes back, so that the queue stays as long as it is."""
    took = []
    for number in range(count):
        moderator = f"moderator-{number % MODERATORS}"
        started = time.perf_counter()
        (record,) = await store.queue.claim(SITE, moderator, 1, 300, Filter())
        took.append(time.perf_counter() - started)
        lease: Any = record.lease
        assert isinstance(lease, Lease)
        await store.queue.release(SITE, record.id, moderator, lease, skip=False)
    return took


async def _fill(store: Store, count: int, name: str) -> None:
    numbers, chance = iter(range(count)), random.Random(name)  # noqa: S311 - the same comments each time

    async def submit() -> None:
        for number in numbers:
            urgency = Urgency(Why.UNCERTAIN, round(chance.random(), 4), chance.choice((15, 60, 360)) * 60_000)
            await store.comments.submit(
                SITE, f"{name}-{number:07}", _comment(chance), JUDGEMENT, urgency=urgency, actor="site"
            )

    await asyncio.gather(*(submit() for _ in range(AT_ONCE)))


def _comment(chance: random.Random) -> Comment:
    text = " ".join(chance.choices(WORDS, k=62))[:300]
    author = Author(id=f"u-{chance.randrange(100_000)}", name="A reader")
    return Comment(text, author=author, article=Article(id=f"a-{chance.randrange(1_000)}", section="world"))


# As of a comment between two thresholds: with the words that weighed most.
JUDGEMENT = Judgement(
    Action.REVIEW,
    {
        "toxicity": 0.512345,
        "severe_toxicity": 0.003121,
        "identity_attack": 0.011532,
        "insult": 0.401233,
        "profanity": 0.021113,
        "threat": 0.001021,
        "spam": 0.000712,
    },
    (
        Reason("score_in_review_band", "toxicity", 0.512345, 0.3, 0.98),
        Reason("score_in_review_band", "insult", 0.401233, 0.3, 0.95),
    ),
    "2026-11-29-1",
    "default@1",
    tuple(
        Span(start, start + 6, attribute, 1.234567)
        for start, attribute in ((10, "toxicity"), (10, "insult"), (120, "toxicity"), (120, "insult"))
    ),
    "en",
)


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


def _settings(redis: "Redis", **more: Any) -> Settings:
    return Settings(redis_url=_url(redis), store_timeout_s=30, **more)


def _url(redis: "Redis") -> str:
    return f"unix://{_path(redis)}"


def _path(redis: "Redis") -> str:
    return str(redis.connection_pool.connection_kwargs["path"])


@contextlib.contextmanager
def redis_server(**options: str) -> Iterator["Redis"]:
    """A server of its own in a new folder, ended by its own id."""
    with processes.new_folder() as folder:
        given = {"port": "0", "unixsocket": f"{folder}/redis.sock", "dir": folder, "save": "", **options}
        arguments = [part for name, value in given.items() for part in (f"--{name}", value)]
        server = subprocess.Popen([find_server(), *arguments], stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            assert any("ready to accept connections" in line.lower() for line in server.stdout), "Redis ended"
            with Redis(unix_socket_path=given["unixsocket"], protocol=2) as redis:
                yield redis
        finally:
            server.kill()
            server.communicate()


if __name__ == "__main__":
    main()

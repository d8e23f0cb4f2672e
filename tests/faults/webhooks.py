"""Webhooks to a receiver that fails, is slow and goes away, by relays that are killed: does all arrive, in order?

    python tests/faults/webhooks.py --events 100000

Ends with status 1 when one is missing, or came after a newer one.
"""

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvloop
import written
from rich.console import Console
from rich.table import Table

from service.redis.server import find_server
from service.settings import Settings
from service.store import Store, open_store
from service.values.access import Scope, mint
from service.values.domain import Action, Comment, Judgement, Reason, Urgency, Why
from service.webhooks.administration import open_webhooks

SITE = "daily"
# A comment that is edited twice while it waits: queued, withdrawn, queued, withdrawn, queued.
EDITS = 3
EVENTS_OF_A_COMMENT = 2 * EDITS - 1
JUDGEMENT = Judgement(Action.REVIEW, {"toxicity": 0.5}, (Reason("r", "toxicity", 0.5, 0.4, 0.9),), "m-1", "default@1")
URGENCY = Urgency(Why.UNCERTAIN, 0.5, 60_000)
REDIS = {"port": "0", "save": "", "appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}
RELAYS = 2
LOOK_S = 0.5


@dataclass
class Figures:
    wrote_s: float = 0.0
    told_s: float = 0.0
    kills: int = 0
    most_pending: int = 0
    dead: int = 0


async def main(asked: argparse.Namespace) -> int:
    comments = max(1, asked.events // EVENTS_OF_A_COMMENT)
    with _redis() as url, _receiver(asked) as receiver:
        settings = Settings(
            redis_url=url,
            store_timeout_s=5,
            webhook_allow_private=True,
            webhook_timeout_s=2,
            # So many attempts that chance alone makes no dead letter.
            webhook_schedule="0,1,5" + ",2" * 27,
        )
        async with open_store(settings, url) as store:
            await store.access.keep(mint(SITE, frozenset(Scope), "admin", datetime.now(UTC))[1])
            async with open_webhooks(settings, store) as administration:
                await administration.put(SITE, receiver.url, include_text=False, actor="admin")
            figures = await _storm(asked, store, settings, receiver, comments)
            figures.dead = (await store.outbox.backlog(SITE)).dead
        seen = receiver.ended()
    return _report(asked, comments, figures, seen)


async def _storm(
    asked: argparse.Namespace, store: Store, settings: Settings, receiver: "_Receiver", comments: int
) -> Figures:
    figures = Figures()
    if asked.write_first:
        await _write(store, comments, figures)
    async with contextlib.AsyncExitStack() as running:
        for _ in range(asked.relays):
            await running.enter_async_context(_relay(settings, figures, asked.kills / asked.relays))
        began = time.perf_counter()
        if asked.gone:
            running.enter_context(_beside(_goes_away(receiver, asked)))
        if not asked.write_first:
            await _write(store, comments, figures)
        gives_up_at = time.monotonic() + asked.most_s
        while (pending := (await store.outbox.backlog(SITE)).pending) > 0:
            if time.monotonic() > gives_up_at:
                raise TimeoutError(f"{pending} comments still have events to be told")
            figures.most_pending = max(figures.most_pending, pending)
            await asyncio.sleep(LOOK_S)
        figures.told_s = time.perf_counter() - began
    return figures


async def _write(store: Store, comments: int, figures: Figures) -> None:
    began = time.perf_counter()
    for edit in range(EDITS):
        for start in range(0, comments, 200):
            some = range(start, min(start + 200, comments))
            await asyncio.gather(*(_submit(store, f"c-{number}", f"text {edit}") for number in some))
    figures.wrote_s = time.perf_counter() - began


async def _submit(store: Store, comment_id: str, text: str) -> None:
    await store.comments.submit(SITE, comment_id, Comment(text), JUDGEMENT, urgency=URGENCY, actor="key")


async def _goes_away(receiver: "_Receiver", asked: argparse.Namespace) -> None:
    await asyncio.sleep(asked.gone_after)
    receiver.process.send_signal(signal.SIGUSR1)
    await asyncio.sleep(asked.gone)
    receiver.process.send_signal(signal.SIGUSR2)


@contextlib.contextmanager
def _beside(work: Any) -> Iterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()


@contextlib.asynccontextmanager
async def _relay(settings: Settings, figures: Figures, kills: float) -> AsyncIterator[None]:
    """`steward relay`, killed with SIGKILL now and then and started anew."""
    environment = {
        **os.environ,
        "STEWARD_REDIS_URL": settings.redis_url or "",
        "STEWARD_STORE_TIMEOUT_S": str(settings.store_timeout_s),
        "STEWARD_WEBHOOK_ALLOW_PRIVATE": "true",
        "STEWARD_WEBHOOK_TIMEOUT_S": str(settings.webhook_timeout_s),
        "STEWARD_WEBHOOK_SCHEDULE": settings.webhook_schedule,
        "STEWARD_LOG_LEVEL": "error",
    }

    def start() -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "service", "relay"]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        if not process.stdout.readline():
            raise RuntimeError(f"a relay ended with status {process.wait()}")
        process.stdout.close()
        return process

    running = [await asyncio.to_thread(start)]

    async def kill() -> None:
        for _ in range(round(kills)):
            await asyncio.sleep(4)
            running[0].kill()
            await asyncio.to_thread(running[0].wait)
            running[0] = await asyncio.to_thread(start)
            figures.kills += 1

    with _beside(kill()):
        try:
            yield
        finally:
            running[0].terminate()
            await asyncio.to_thread(running[0].wait)


@dataclass
class _Receiver:
    process: "subprocess.Popen[str]"
    url: str

    def ended(self) -> dict[str, Any]:
        self.process.terminate()
        said, _ = self.process.communicate()
        found: dict[str, Any] = json.loads(said)
        return found


@contextlib.contextmanager
def _receiver(asked: argparse.Namespace) -> Iterator[_Receiver]:
    program = Path(__file__).with_name("unreliable.py")
    options = [f"--fail={asked.fail}", f"--slow={asked.slow}", f"--slow-s={asked.slow_s}", f"--seed={asked.seed}"]
    with subprocess.Popen([sys.executable, str(program), *options], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield _Receiver(process, f"http://127.0.0.1:{int(process.stdout.readline())}/hook")
        finally:
            if process.poll() is None:
                process.kill()


@contextlib.contextmanager
def _redis() -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="steward-faults-"))
    options = {**REDIS, "dir": str(folder), "unixsocket": str(folder / "redis.sock")}
    command = [find_server(), *(part for name, value in options.items() for part in (f"--{name}", value))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert any("ready to accept connections" in line.lower() for line in process.stdout), "Redis ended"
            yield f"unix://{folder / 'redis.sock'}"
        finally:
            process.kill()
            shutil.rmtree(folder, ignore_errors=True)


def _report(asked: argparse.Namespace, comments: int, figures: Figures, seen: dict[str, Any]) -> int:
    expected = list(range(1, EVENTS_OF_A_COMMENT + 1))
    accepted: dict[str, list[int]] = seen["accepted"]
    arrived = sum(len(set(versions)) for versions in accepted.values())
    missing = comments * EVENTS_OF_A_COMMENT - arrived
    unordered = sum(versions != sorted(versions) for versions in accepted.values())
    whole = sum(accepted.get(f"c-{number}") == expected for number in range(comments))
    rows = (
        ("events", f"{comments * EVENTS_OF_A_COMMENT:,} of {comments:,} comments"),
        (
            "the receiver",
            f"fails {asked.fail:.0%}, is slow {asked.slow:.0%} ({asked.slow_s:g} s), gone {asked.gone:g} s",
        ),
        ("relays, and how often they were killed", f"{asked.relays}, {figures.kills}"),
        ("time to write the events", f"{figures.wrote_s:.1f} s"),
        ("time until all had arrived", f"{figures.told_s:.1f} s"),
        ("events delivered per second", f"{arrived / figures.told_s:,.0f}"),
        ("requests to the receiver", f"{seen['requests']:,}, {seen['refused']:,} refused, {seen['slow']:,} slow"),
        ("most comments with waiting events", f"{figures.most_pending:,}"),
        ("events that arrived more than once", f"{seen['repeated']:,}"),
        ("dead letters", f"{figures.dead:,}"),
        ("comments whose events all arrived in order", f"{whole:,} of {comments:,}"),
        ("events missing", f"{missing:,}"),
        ("comments whose events were accepted out of order", f"{unordered:,}"),
        ("events that arrived after a newer one", f"{seen['reordered']:,}"),
        ("events sent at the same time as another of their comment", f"{seen['beside']:,}"),
    )
    table = Table("", "", title="Webhooks to an unreliable receiver", show_header=False)
    for row in rows:
        table.add_row(*row)
    Console(width=110).print(table)
    if asked.docs is not None:
        written.replace(asked.docs, "webhooks", "Figures of the last run:", rows)
    # A relay that is killed in the midst of a request leaves the request with the receiver: that is no second sender.
    broken = missing or unordered or seen["reordered"] or figures.dead or whole != comments
    return 1 if broken else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--fail", type=float, default=0.3, help="share of requests answered with 500")
    parser.add_argument("--slow", type=float, default=0.1, help="share of requests answered late")
    parser.add_argument("--slow-s", type=float, default=0.1, help="how late, in seconds")
    parser.add_argument("--gone", type=float, default=60, help="seconds that the receiver is away")
    parser.add_argument("--gone-after", type=float, default=10, help="seconds after which it goes")
    parser.add_argument("--relays", type=int, default=RELAYS)
    parser.add_argument("--kills", type=int, default=4, help="how often a relay is killed")
    parser.add_argument("--most-s", type=float, default=1800, help="seconds after which to give up")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--write-first", action="store_true", help="begin to tell when all is written: how fast is that?"
    )
    parser.add_argument("--docs", type=Path, help="write the table into this Markdown file")
    sys.exit(uvloop.run(main(parser.parse_args())))

"""make faults: clients at full speed, kill -9 of everything, then a comparison with what the clients were told.

Prints a table of figures, writes it into the documentation when asked to; ends with status 1 if a promise was broken.
"""

import argparse
import asyncio
import contextlib
import random
import re
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "e2e"))

import aiohttp
import ledger as books
import written
from killing import Killer, Relay
from ledger import Ledger, Told
from receiver import Receiver
from rich.console import Console
from rich.table import Table
from steward import Steward

import clients
from service.webhooks.schedule import DEFAULT, JITTER, Schedule

SITE = "default"
MODERATORS = 8
SUBMITTERS = 6
MOST_WAITING = 3_000
ALL_TO_REVIEW = {"thresholds": {"toxicity": {"review_at": 0.0}}}
# A relay without processor time can fail twice in a row at a notification, so we wait for the longest pause after that,
# and a minute more.
DRAIN_S = 60 + (1 + JITTER) * Schedule.parse(DEFAULT).second_retry_s
LEAST_KILLS = 24
KILL_EVERY_S = 10  # on average, in long runs
SETTINGS = {
    "STEWARD_RELAY": "false",  # it runs alone here, so that it can be killed alone
    "STEWARD_UNDO_HOLD_S": "1",
    "STEWARD_AUDIT_NEW_SITES": "false",
    "STEWARD_WEBHOOK_ALLOW_PRIVATE": "true",
    "STEWARD_WEBHOOK_TIMEOUT_S": "1",
    "STEWARD_MAX_QUEUED": "1000000",
    "STEWARD_LOG_LEVEL": "error",
}
PAGE = 1_000


async def main(seconds: float, kills: int, seed: int, docs: Path | None) -> int:
    console = Console(width=110)
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    chance = random.Random(seed)
    try:
        async with Receiver().listening() as receiver, _service(folder, receiver) as (steward, relay, key, session):
            ledger = Ledger()
            killer = Killer(steward, relay, chance)
            began = time.perf_counter()
            await _storm(steward, key, session, ledger, killer, chance, seconds=seconds, kills=kills)
            stormed_s = time.perf_counter() - began
            admin = clients.Caller(session, steward.url, key, ledger)
            feed, drained_s = await _drained(admin, receiver)
            rows, breaches = await _compared(admin, steward, ledger, receiver, feed)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    title = f"{stormed_s:.0f} s of load, {killer.kills.total()} kills (seed {seed})"
    counted = ", ".join(f"{number} of {name}" for name, number in sorted(killer.kills.items()))
    rows = [
        ("kill -9", f"{killer.kills.total()} ({counted})"),
        *rows,
        ("seconds until all notifications had arrived", f"{drained_s:.0f}"),
    ]
    console.print(_table(title, rows))
    if docs is not None:
        written.replace(docs, "faults", f"{title}:", rows)
    return 1 if breaches or killer.kills.total() < kills else 0


@contextlib.asynccontextmanager
async def _service(
    folder: Path, receiver: Receiver
) -> AsyncIterator[tuple[Steward, Relay, str, aiohttp.ClientSession]]:
    steward = Steward(folder, "--workers", "2")
    steward.environment |= SETTINGS
    await asyncio.to_thread(steward.start)
    relay = Relay(steward.environment | {"STEWARD_REDIS_URL": f"unix://{folder}/redis.sock"})
    try:
        key = await asyncio.to_thread(steward.first_key)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            caller = clients.Caller(session, steward.url, key, Ledger())
            await _put(caller, "/v1/policies/default", ALL_TO_REVIEW)
            receiver.secret = (await _put(caller, "/v1/webhooks", {"url": receiver.url}))["secret"]
            relay.start()
            yield steward, relay, key, session
    finally:
        relay.stop()
        steward.stop()


async def _put(caller: clients.Caller, path: str, body: Any) -> Any:
    headers = {"Authorization": f"Bearer {caller.key}"}
    async with caller.session.put(f"{caller.url}{path}", json=body, headers=headers) as response:
        answer = await response.json(content_type=None)
        if response.status != 200:
            raise RuntimeError(f"{path}: {response.status} {answer}")
        return answer


async def _storm(
    steward: Steward,
    key: str,
    session: aiohttp.ClientSession,
    ledger: Ledger,
    killer: Killer,
    chance: random.Random,
    *,
    seconds: float,
    kills: int,
) -> None:
    stop = asyncio.Event()
    names = [f"mod-{number}" for number in range(MODERATORS)]
    # One after the other: each is a command of its own, which starts a Python.
    secrets = [await asyncio.to_thread(steward.key, SITE, name, "review") for name in names]
    ends_at = asyncio.get_running_loop().time() + seconds
    async with asyncio.TaskGroup() as group:
        for number in range(SUBMITTERS):
            caller = clients.Caller(session, steward.url, key, ledger)
            own = random.Random(chance.random())
            group.create_task(clients.submit(caller, f"c{number}", stop, own, MOST_WAITING))
        for name, secret in zip(names, secrets, strict=True):
            caller = clients.Caller(session, steward.url, secret, ledger)
            group.create_task(clients.moderate(caller, name, stop, random.Random(chance.random())))
        await killer.kill(kills, seconds)
        await asyncio.sleep(ends_at - asyncio.get_running_loop().time())
        stop.set()


async def _pages(caller: clients.Caller, path: str, field: str) -> list[dict[str, Any]]:
    """Everything that a paged resource has."""
    found: list[dict[str, Any]] = []
    after = ""
    while True:
        headers = {"Authorization": f"Bearer {caller.key}"}
        url = f"{caller.url}{path}?limit={PAGE}{f'&after={after}' if after else ''}"
        async with caller.session.get(url, headers=headers) as response:
            page = await response.json(content_type=None)
            if response.status != 200:
                raise RuntimeError(f"{path}: {response.status} {page}")
        found += page[field]
        if page["next"] in (None, after):  # an empty page may go on
            return found
        after = page["next"]


async def _feed(admin: clients.Caller) -> list[Told]:
    return [
        Told(event["comment_id"], event["version"], event["type"])
        for event in await _pages(admin, "/v1/events", "events")
    ]


async def _drained(admin: clients.Caller, receiver: Receiver) -> tuple[list[Told], float]:
    """The feed, once the receiver has all of it, or once it has had its time."""
    began = time.perf_counter()
    while True:
        await asyncio.sleep(1.5)  # longer than events are held back
        feed = await _feed(admin)
        took_s = time.perf_counter() - began
        if not books.missing_notifications(feed, receiver.received) or took_s > DRAIN_S:
            return feed, took_s


async def _compared(
    admin: clients.Caller, steward: Steward, ledger: Ledger, receiver: Receiver, feed: list[Told]
) -> tuple[list[tuple[str, str]], int]:
    trail = [entry["details"] for entry in await _pages(admin, "/v1/audit", "entries")]
    broken = {
        "acknowledged comments lost": await _lost_comments(admin, ledger),
        "acknowledged decisions and undos lost": books.lost_decisions(ledger, trail),
        "double decisions": books.double_decisions(ledger, trail),
        "decisions missing from the feed": books.unannounced_decisions(ledger, feed, trail),
        "notifications lost": books.missing_notifications(feed, receiver.received),
        "notifications out of order": books.reordered_notifications(receiver.received),
        "notifications of decisions undone in time": books.unwanted_notifications(feed, receiver.received),
        "notifications with a wrong signature": range(receiver.forged),
        "invariant breaches (steward fsck)": await asyncio.to_thread(_breaches, steward),
    }
    for name, found in broken.items():
        for each in list(found)[:5]:
            print(f"{name}: {each}", file=sys.stderr)
    rows = [
        ("comments acknowledged", f"{len(ledger.submitted):,}"),
        ("decisions acknowledged", f"{len(ledger.decided):,}"),
        ("undos acknowledged", f"{len(ledger.undone):,}"),
        ("requests without an answer, sent again", f"{ledger.unanswered:,}"),
        ("requests refused with 5xx, sent again", f"{ledger.refused:,}"),
        ("notifications received", f"{len(receiver.received):,}"),
        ("repeated notifications", f"{receiver.repeated:,}"),
        *((name, f"{len(list(found)):,}") for name, found in broken.items()),
    ]
    return rows, sum(len(list(found)) for found in broken.values())


async def _lost_comments(admin: clients.Caller, ledger: Ledger) -> list[Any]:
    known = [{"id": comment, "revision": revision} for comment, revision in ledger.submitted.items()]
    lost: list[Any] = []
    for start in range(0, len(known), PAGE):
        _, answer = await admin.post("/v1/reconcile", {"comments": known[start : start + PAGE]})
        lost += answer["unknown"]
    return lost


def _breaches(steward: Steward) -> range:
    """What `steward fsck` counts, which it says in its last line."""
    try:
        said = steward.command("fsck", "--site", SITE)
    except AssertionError as error:
        said = str(error)
        print(said, file=sys.stderr)
    found = re.search(r"(\d+) comments?: (no|\d+) problems? found", said)
    if found is None or int(found[1]) == 0:
        raise RuntimeError(f"fsck did not say how it went: {said}")
    return range(0 if found[2] == "no" else int(found[2]))


def _table(title: str, rows: list[tuple[str, str]]) -> Table:
    table = Table("", "", title=title, show_header=False)
    for row in rows:
        table.add_row(*row)
    return table


def given(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--seconds", type=float, default=75, help="how long the load lasts (75)")
    length.add_argument("--minutes", type=float, help="the same in minutes")
    parser.add_argument(
        "--kills", type=int, help=f"how many processes to kill (one in {KILL_EVERY_S} s, at least {LEAST_KILLS})"
    )
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--docs", type=Path, help="write the table into this Markdown file")
    found = parser.parse_args(arguments)
    if found.minutes is not None:
        found.seconds = 60 * found.minutes
    if found.kills is None:
        found.kills = max(LEAST_KILLS, round(found.seconds / KILL_EVERY_S))
    return found


if __name__ == "__main__":
    asked = given()
    raise SystemExit(asyncio.run(main(asked.seconds, asked.kills, asked.seed, asked.docs)))

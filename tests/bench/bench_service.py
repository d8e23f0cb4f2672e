"""make bench: what a request costs, as a ratio to a handler that does nothing, in the same run.

Rounds of baseline and service alternate, so that a machine that slows down slows both. Where others use the machine,
processor time is the steadier figure: wall time also counts how long all that runs waited for its turn.
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import load
import processes
import uvloop
from rich.console import Console
from rich.table import Table

import classifier
from classifier.folder import read_folder

# One fsync is shared by all comments that wait for it: with few connections it is the disk that is measured.
CONNECTIONS = 128
WORKERS = 2
WARM_UP_S, PACED_S = 0.5, 3.0
REST_S = 0.0003
TEXT = (
    "I spent the night in the metro with my two kids and half of our street. Thank you to the crews who had the "
    "lifts running again by six in the morning. The minister said in March that the transformers were already on "
    "the way. It is November now. Somebody should be made to resign over this, and the sooner the better for us "
    "all, whatever you think of his party."
)
SCORE = json.dumps({"text": TEXT}).encode()
COMMENT = json.dumps(
    {
        "id": "bench-ROUND-@@@@@@@@",
        "text": TEXT,
        "author": {"id": "u-@@@@@@@@"},
        "article": {"id": "a-1", "section": "world"},
    }
).encode()


ANALYZE = json.dumps(
    {"comment": {"text": TEXT}, "requestedAttributes": {"TOXICITY": {}}, "languages": ["en"], "doNotStore": True}
).encode()
# What Jigsaw has published of the load of its own service.
PERSPECTIVE_A_DAY = 500_000_000
DAY_S = 86_400


class Size(NamedTuple):
    """How long is measured: `requests` a round as fast as they are answered, and the rounds of each kind."""

    requests: int
    rounds: int
    paced_rounds: int


LONG, SHORT = Size(16_000, 5, 9), Size(6_000, 3, 5)

BODIES = {"v1/score": SCORE, "v1/comments": COMMENT, "v1alpha1/comments:analyze": ANALYZE}


def main() -> None:
    console = Console(width=120)
    with processes.service("fast") as steward:
        size = {path: len(processes.ask(steward, path, body)) for path, body in BODIES.items()}
        found = {}
        most, half = _tables("the fast reader alone, one process", LONG)
        for path, body in BODIES.items():
            with processes.noop(size[path]) as noop:
                found[path] = _compare(most, path, body, steward, noop)
                _compare_paced(half, path, body, steward, noop, found[path] / 2)
        console.print(most)
        console.print(half)
        a_day = found["v1alpha1/comments:analyze"] * DAY_S
        console.print(
            f"comments:analyze: {a_day / 1e6:,.0f} million comments a day in one process, "
            f"{a_day / PERSPECTIVE_A_DAY:.2f} of the {PERSPECTIVE_A_DAY / 1e6:,.0f} million that Perspective published"
        )
        console.print(f"resident memory of the serving process: {steward.resident_mib:.0f} MiB")
    _readers(console)
    with processes.new_folder() as folder:
        console.print(
            "to keep 32 KiB more, its disk takes {:.2f} ms; one time in a hundred {:.2f} ms".format(
                *processes.sync_ms(folder)
            )
        )
    console.print(
        f"after a rest of {REST_S * 1000:.1f} ms memory is read {processes.rest_costs(REST_S):.1f} times as slowly, "
        "which whatever is not at its most pays for"
    )
    console.print(f"from start to ready, shipped model and embedded Redis: {_start_s():.2f} s (median of 5)")
    imports_s = _imports_s()
    console.print(f"of that, importing aiohttp, uvloop and numpy alone: {imports_s:.2f} s (median of 5)")


def _readers(console: Console) -> None:
    """What the second reader costs a request."""
    readers = ["fast", "both"] if read_folder(classifier.SHIPPED)[0].deep else ["fast"]
    if "both" not in readers:
        frame = "!" * 100
        console.print(f"{frame}\nWARNING: the model that ships has no deep reader; `both` is NOT measured.\n{frame}")
    path = "v1/comments"
    for reads in readers:
        most, half = _tables(f"STEWARD_READERS={reads}, {WORKERS} workers beside {WORKERS} no-ops", SHORT)
        with processes.service(reads, WORKERS) as steward:
            answer = processes.ask(steward, path, BODIES[path])
            with processes.noop(len(answer), WORKERS) as noop:
                per_second = _compare(most, path, BODIES[path], steward, noop, SHORT)
                _compare_paced(half, path, BODIES[path], steward, noop, per_second / 2, SHORT)
        console.print(most)
        console.print(half)


def _tables(what: str, size: Size) -> tuple[Table, Table]:
    columns = ("requests/s", "over no-op", "p50 ms", "p99 ms", "CPU µs", "no-op's over it", "Redis CPU µs")
    title = f"{what}, {len(TEXT)} characters, {CONNECTIONS} connections, medians of {size.rounds} rounds"
    paced = f"{what}, at half of its most, medians of {size.paced_rounds} rounds after {WARM_UP_S} s to warm up"
    return Table("", *columns, title=title), Table("", "requests/s", "p50 ms", "p99 ms", "p99 over no-op", title=paced)


def _compare(
    table: Table, path: str, body: bytes, steward: processes.Running, noop: processes.Running, size: Size = LONG
) -> float:
    """Requests a second of the service as fast as it answers."""
    base, ours = _rounds(path, body, steward, noop, f"most-{path}", size)
    ratio = statistics.median(o.per_second / b.per_second for o, b in zip(ours, base, strict=True))
    per_second = statistics.median(o.per_second for o in ours)
    frugality = statistics.median(b.cpu_us[0] / o.cpu_us[0] for o, b in zip(ours, base, strict=True))
    for name, measured, shown, cpu in (
        (f"no-op for {path}", base, "1", "1"),
        (f"POST /{path}", ours, f"{ratio:.2f}", f"{frugality:.2f}"),
    ):
        own, redis = (f"{statistics.median(m.cpu_us[which] for m in measured):.0f}" for which in (0, 1))
        rate = f"{statistics.median(m.per_second for m in measured):,.0f}"
        table.add_row(name, rate, shown, *_percentiles(measured), own, cpu, redis)
    return per_second


def _compare_paced(
    table: Table,
    path: str,
    body: bytes,
    steward: processes.Running,
    noop: processes.Running,
    per_second: float,
    size: Size = LONG,
) -> None:
    base, ours = _rounds(path, body, steward, noop, f"half-{path}", size, per_second)
    ratio = statistics.median(o.percentile_ms(99) / b.percentile_ms(99) for o, b in zip(ours, base, strict=True))
    for name, measured, shown in ((f"no-op for {path}", base, "1"), (f"POST /{path}", ours, f"{ratio:.1f}")):
        table.add_row(name, f"{statistics.median(m.per_second for m in measured):,.0f}", *_percentiles(measured), shown)


def _percentiles(measured: Sequence[load.Measured]) -> tuple[str, ...]:
    return tuple(f"{statistics.median(m.percentile_ms(p) for m in measured):.2f}" for p in (50, 99))


def _rounds(
    path: str,
    body: bytes,
    steward: processes.Running,
    noop: processes.Running,
    name: str,
    size: Size,
    per_second: float | None = None,
) -> tuple[list[load.Measured], list[load.Measured]]:
    """The baseline and the service in turns; every comment is a new one."""
    base, ours = [], []
    for number in range((size.rounds if per_second is None else size.paced_rounds) + 1):
        numbered = body.replace(b"ROUND", f"{name}-{number}".encode())
        base.append(_measure(noop, load.request("POST", "/noop", "none", numbered), per_second, size))
        ours.append(_measure(steward, _request(path, steward.key, numbered), per_second, size))
    return base[1:], ours[1:]  # the first round warms both up


def _request(path: str, key: str, body: bytes) -> bytes:
    """With the key where the clients of each API put it."""
    if path.startswith("v1alpha1/"):
        return load.request("POST", f"/{path}?key={key}", "none", body)
    return load.request("POST", f"/{path}", key, body)


def _measure(running: processes.Running, template: bytes, per_second: float | None, size: Size) -> load.Measured:
    if per_second is None:
        work = load.load(running.port, load.Requests(template, size.requests, TEXT), CONNECTIONS)
    else:
        requests = load.Requests(template, int(per_second * (WARM_UP_S + PACED_S)), TEXT)
        work = load.paced(running.port, requests, CONNECTIONS, per_second, warm_up_s=WARM_UP_S)
    before = running.cpu_s
    measured = uvloop.run(work)
    spent = zip(running.cpu_s, before, strict=True)
    own, redis = (1e6 * (now - then) / measured.answered for now, then in spent)
    measured.cpu_us = own, redis
    if measured.failed:
        raise RuntimeError(f"{measured.failed} of {measured.answered} requests failed")
    return measured


def measure(steward: processes.Running, path: str, body: bytes, requests: int) -> load.Measured:
    """One round of requests, as fast as they are answered."""
    return _measure(steward, _request(path, steward.key, body), None, Size(requests, 1, 1))


def _start_s() -> float:
    def start() -> float:
        with processes.service() as running:
            return running.ready_s

    return _median(start)


def _imports_s() -> float:
    def imports() -> float:
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import aiohttp, uvloop, numpy"], check=True)
        return time.perf_counter() - started

    return _median(imports)


def _median(measure: Callable[[], float]) -> float:
    return statistics.median(measure() for _ in range(5))


if __name__ == "__main__":
    main()

"""make bench: what a request costs, as a ratio to a handler that does nothing, in the same run.

Rounds of baseline and service alternate, so that a machine that slows down slows both.
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import httpx
import load
import processes
import uvloop
from rich.console import Console
from rich.table import Table

CONNECTIONS = 32
REQUESTS = 8_000
ROUNDS = 5
TEXT = (
    "I spent the night in the metro with my two kids and half of our street. Thank you to the crews who had the "
    "lifts running again by six in the morning. The minister said in March that the transformers were already on "
    "the way. It is November now. Somebody should be made to resign over this, and the sooner the better for us "
    "all, whatever you think of his party."
)
SCORE = json.dumps({"text": TEXT}).encode()
COMMENT = json.dumps(
    {"id": "bench-ROUND-@@@@@@@@", "text": TEXT, "author": {"id": "u-1"}, "article": {"id": "a-1", "section": "world"}}
).encode()


def main() -> None:
    console = Console()
    with processes.service() as steward:
        size = {path: _answer_bytes(steward, path, body) for path, body in (("score", SCORE), ("comments", COMMENT))}
        table = Table("", "requests/s", "over no-op", "p50 ms", "p99 ms", title=_title())
        for path, body in (("score", SCORE), ("comments", COMMENT)):
            with processes.noop(size[path]) as noop:
                _compare(table, path, body, steward, noop)
        console.print(table)
        console.print(f"resident memory of the serving process: {steward.resident_mib:.0f} MiB")
    console.print(f"from start to ready, shipped model and embedded Redis: {_start_s():.2f} s (median of 5)")
    imports_s = _imports_s()
    console.print(f"of that, importing aiohttp, uvloop and numpy alone: {imports_s:.2f} s (median of 5)")


def _title() -> str:
    return f"{len(TEXT)} characters, {CONNECTIONS} connections, one process, medians of {ROUNDS} rounds"


def _compare(table: Table, path: str, body: bytes, steward: processes.Running, noop: processes.Running) -> None:
    ours, base = [], []
    for number in range(ROUNDS + 1):
        numbered = body.replace(b"ROUND", str(number).encode())
        base.append(_measure(noop, load.request("POST", "/noop", "none", numbered)))
        ours.append(_measure(steward, load.request("POST", f"/v1/{path}", steward.key, numbered)))
    base, ours = base[1:], ours[1:]  # the first round warms both up
    ratio = statistics.median(o.per_second / b.per_second for o, b in zip(ours, base, strict=True))
    for name, measured, shown in ((f"no-op for {path}", base, "1"), (f"POST /v1/{path}", ours, f"{ratio:.2f}")):
        table.add_row(
            name,
            f"{statistics.median(m.per_second for m in measured):,.0f}",
            shown,
            *(f"{statistics.median(m.percentile_ms(p) for m in measured):.2f}" for p in (50, 99)),
        )


def _measure(running: processes.Running, template: bytes) -> load.Measured:
    measured = uvloop.run(load.load(running.port, load.Requests(template, REQUESTS), CONNECTIONS))
    if measured.failed:
        raise RuntimeError(f"{measured.failed} of {REQUESTS} requests failed")
    return measured


def _answer_bytes(steward: processes.Running, path: str, body: bytes) -> int:
    headers = {"Authorization": f"Bearer {steward.key}", "Content-Type": "application/json"}
    response = httpx.post(f"http://127.0.0.1:{steward.port}/v1/{path}", content=body, headers=headers)
    response.raise_for_status()
    return len(response.content)


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

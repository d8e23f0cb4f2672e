"""make bench: what a model in shadow costs POST /v1/comments, beside the same service without one.

Rounds take turns, so that a machine that slows down slows both.
"""

import json
import re
import shutil
import statistics
from collections.abc import Callable
from pathlib import Path

import httpx
import load
import processes
import uvloop
from rich.console import Console
from rich.table import Table

import classifier

TEXT = "The minister said in March that the transformers were already on the way, and it is November now."
COMMENT = json.dumps({"id": "shadow-ROUND-@@@@@@@@", "text": TEXT, "author": {"id": "u-@@@@@@@@"}}).encode()
CONNECTIONS, REQUESTS, ROUNDS = 64, 1_500, 7
PACED_S, WARM_UP_S = 2.0, 0.5
SHARE = 0.1
PATH = "/v1/models/challenger/shadow"


def main() -> None:
    with processes.service(prepare=_copy) as steward:
        _print(Console(width=110), steward)


def _copy(folder: Path) -> None:
    """The shipped model again, as challenger: as large and as slow."""
    model = folder / "models" / "challenger"
    shutil.copytree(classifier.SHIPPED, model)
    manifest = json.loads((model / "manifest.json").read_text())
    (model / "manifest.json").write_text(json.dumps(manifest | {"version": model.name}))


def _print(console: Console, steward: processes.Running) -> None:
    fast = _rounds(steward, "most", lambda body: load.load(steward.port, load.Requests(body, REQUESTS), CONNECTIONS))
    rate = statistics.median(each.per_second for each in fast["off"]) / 2

    def paced(body: bytes) -> object:
        requests = load.Requests(body, int(rate * (WARM_UP_S + PACED_S)))
        return load.paced(steward.port, requests, CONNECTIONS, rate, warm_up_s=WARM_UP_S)

    half = _rounds(steward, "half", paced)
    for title, found in (("as fast as it answers", fast), ("at half of its most", half)):
        table = Table("shadow", "requests/s", "beside off", "p50 ms", "p99 ms", "p99 beside off", title=title)
        for name, measured in found.items():
            table.add_row(name, *_row(measured, found["off"]))
        console.print(table)
    console.print(f"a share of {SHARE:g} drawn for shadow: {_counted(steward)}")


def _row(measured: list[load.Measured], off: list[load.Measured]) -> list[str]:
    def beside(figure: Callable[[load.Measured], float]) -> float:
        return statistics.median(figure(one) / figure(other) for one, other in zip(measured, off, strict=True))

    p50, p99 = (statistics.median(each.percentile_ms(percent) for each in measured) for percent in (50, 99))
    rate = statistics.median(each.per_second for each in measured)
    rates, tails = beside(lambda each: each.per_second), beside(lambda each: each.percentile_ms(99))
    return [f"{rate:,.0f}", f"{rates:.3f}", f"{p50:.2f}", f"{p99:.2f}", f"{tails:.2f}"]


def _rounds(steward: processes.Running, name: str, work: Callable[[bytes], object]) -> dict[str, list[load.Measured]]:
    """Both kinds in turns, each first every other time; the first round warms up."""
    found: dict[str, list[load.Measured]] = {"off": [], "on": []}
    for number in range(ROUNDS + 1):
        for kind in ("off", "on") if number % 2 else ("on", "off"):
            _put(steward, is_on=kind == "on")
            body = COMMENT.replace(b"ROUND", f"{name}-{kind}-{number}".encode())
            measured = uvloop.run(work(load.request("POST", "/v1/comments", steward.key, body)))
            if measured.failed:
                raise RuntimeError(f"{measured.failed} of {measured.answered} requests failed")
            if number:
                found[kind].append(measured)
    return found


def _put(steward: processes.Running, *, is_on: bool) -> None:
    with _client(steward) as client:
        reply = client.put(PATH, json={"share": SHARE}) if is_on else client.delete(PATH)
    if reply.status_code not in {200, 204, 404}:  # 404: it was off
        reply.raise_for_status()


def _counted(steward: processes.Running) -> str:
    with _client(steward) as client:
        text = client.get("/metrics").text
    found = re.findall(r'^steward_shadow_total\{outcome="(\w+)"\} ([\d.]+)', text, re.MULTILINE)
    return ", ".join(f"{float(count):,.0f} {outcome}" for outcome, count in found)


def _client(steward: processes.Running) -> httpx.Client:
    headers = {"Authorization": f"Bearer {steward.key}"}
    return httpx.Client(base_url=f"http://127.0.0.1:{steward.port}", headers=headers, timeout=30)


if __name__ == "__main__":
    main()

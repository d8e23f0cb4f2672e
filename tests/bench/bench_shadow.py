"""make bench: what audits, the watch and a model in shadow cost POST /v1/comments, beside the service without them.

Rounds take turns and are short, so that a machine that slows down slows all. Audits are drawn at the shares of a new
site, without a limit for the day, and answered before the next round; watched rounds count these answers. The processor
time is that of the service and of its Redis, in all rounds together, because the watch looks only in some of them.
"""

import json
import math
import random
import re
import shutil
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import load
import msgspec
import processes
import uvloop
from rich.console import Console
from rich.table import Table

import classifier
from service.cases.measuring import NEWEST
from service.cases.watch import MEASURE_S
from service.values.policy import DEFAULT
from service.values.review_settings import Reviewing
from service.values.targets import p_value

TEXT = "The minister said in March that the transformers were already on the way, and it is November now."
COMMENT = json.dumps({"id": "shadow-ROUND-@@@@@@@@", "text": TEXT, "author": {"id": "u-@@@@@@@@"}}).encode()
CONNECTIONS, REQUESTS, ROUNDS = 64, 600, 40
# At half of its most, for the latencies.
PACED_S, WARM_UP_S, PACED_ROUNDS = 2.0, 0.5, 7
RESAMPLED = 2_000
SHARE = 0.1
SHADOW, POLICY = "/v1/models/challenger/shadow", "/v1/policies/default"
# Certificates that the watch sees for the first time, to measure what it compares at once then.
CERTIFICATES = 5


class Kind(NamedTuple):
    has_audits: bool = False
    is_watched: bool = False
    has_shadow: bool = False


KINDS = {
    "none": Kind(),
    "audits": Kind(has_audits=True),
    "audits, watched": Kind(has_audits=True, is_watched=True),
    "shadow": Kind(has_shadow=True),
    "all": Kind(has_audits=True, is_watched=True, has_shadow=True),
}


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
    def at_once(body: bytes) -> object:
        return load.load(steward.port, load.Requests(body, REQUESTS, TEXT), CONNECTIONS)

    fast = _rounds(steward, "most", ROUNDS, at_once)
    rate = statistics.median(each.per_second for each in fast["none"]) / 2

    def paced(body: bytes) -> object:
        requests = load.Requests(body, int(rate * (WARM_UP_S + PACED_S)), TEXT)
        return load.paced(steward.port, requests, CONNECTIONS, rate, warm_up_s=WARM_UP_S)

    half = _rounds(steward, "half", PACED_ROUNDS, paced)
    for title, found in (("as fast as it answers", fast), ("at half of its most", half)):
        columns = ("", "requests/s", "beside none", "CPU beside none", "95 % interval", "p50 ms", "p99 beside none")
        table = Table(*columns, title=f"{title}, {len(found['none'])} rounds")
        for name, measured in found.items():
            table.add_row(name, *_row(measured, found["none"]))
        console.print(table)
        ratio, spread = _cpu_beside(found["audits, watched"], found["audits"])
        console.print(f"watched beside audits alone: CPU {ratio}, {spread}")
    console.print(f"a share of {SHARE:g} drawn for shadow: {_counted(steward)}")
    drift_s, own_s = _comparing_s(steward), statistics.fmean(map(_cpu_us, half["none"])) / 1e6
    console.print(
        f"to compare the newest {NEWEST:,} comments with the certificate takes {1000 * drift_s:.0f} ms every "
        f"{MEASURE_S:g} s: {drift_s / (MEASURE_S * rate * own_s):.2%} of the processor time at half of its most"
    )


def _row(measured: Sequence[load.Measured], none: Sequence[load.Measured]) -> list[str]:
    def beside(figure: Callable[[load.Measured], float]) -> float:
        return statistics.median(figure(one) / figure(other) for one, other in zip(measured, none, strict=True))

    p50 = statistics.median(each.percentile_ms(50) for each in measured)
    rate = statistics.median(each.per_second for each in measured)
    rates, tails = beside(lambda each: each.per_second), beside(lambda each: each.percentile_ms(99))
    return [f"{rate:,.0f}", f"{rates:.3f}", *_cpu_beside(measured, none), f"{p50:.2f}", f"{tails:.2f}"]


def _cpu_us(measured: load.Measured) -> float:
    return sum(measured.cpu_us)


def _cpu_beside(measured: Sequence[load.Measured], others: Sequence[load.Measured]) -> tuple[str, str]:
    """The ratio of the sums, and between which values it lies if the rounds are drawn anew with replacement."""
    pairs = [(_cpu_us(one), _cpu_us(other)) for one, other in zip(measured, others, strict=True)]
    chance = random.Random(1)  # noqa: S311 - a bootstrap
    again = statistics.quantiles((_ratio(chance.choices(pairs, k=len(pairs))) for _ in range(RESAMPLED)), n=40)
    return f"{_ratio(pairs):.3f}", f"{again[0]:.3f} to {again[-1]:.3f}"


def _ratio(pairs: Sequence[tuple[float, float]]) -> float:
    first, second = zip(*pairs, strict=True)
    return math.fsum(first) / math.fsum(second)


def _rounds(
    steward: processes.Running, name: str, count: int, work: Callable[[bytes], object]
) -> dict[str, list[load.Measured]]:
    """All kinds in turns, each time in another order; the first round warms up."""
    found: dict[str, list[load.Measured]] = {kind: [] for kind in KINDS}
    chance = random.Random(name)  # noqa: S311 - an order
    for number in range(count + 1):
        for kind in chance.sample([*KINDS], len(KINDS)):
            _put(steward, KINDS[kind])
            body = COMMENT.replace(b"ROUND", f"{name}-{kind}-{number}".encode())
            before = steward.cpu_s
            measured = uvloop.run(work(load.request("POST", "/v1/comments", steward.key, body)))
            own, redis = (
                1e6 * (now - then) / measured.answered for now, then in zip(steward.cpu_s, before, strict=True)
            )
            measured.cpu_us = own, redis
            if measured.failed:
                raise RuntimeError(f"{measured.failed} of {measured.answered} requests failed")
            if number:
                found[kind].append(measured)
    return found


def _put(steward: processes.Running, kind: Kind) -> None:
    review = Reviewing().audited() if kind.has_audits else Reviewing(audit_approved=0.0, audit_rejected=0.0)
    asked = {"thresholds": msgspec.to_builtins(DEFAULT.thresholds), "review": msgspec.to_builtins(review)}
    asked["review"].pop("audits_per_day", None)
    if kind.is_watched:
        asked["targets"] = {"max_wrong_approve": 0.05, "confidence": 0.9}
    with _client(steward) as client:
        _answer(client)
        client.put(POLICY, json=asked).raise_for_status()
        if kind.is_watched:
            _certify(client, "bench-certificate")
        else:
            client.delete(f"{POLICY}/certificate").raise_for_status()
        reply = client.put(SHADOW, json={"share": SHARE}) if kind.has_shadow else client.delete(SHADOW)
    if reply.status_code not in {200, 204, 404}:  # 404: it was off
        reply.raise_for_status()


def _answer(client: httpx.Client) -> None:
    """All audits of earlier rounds. What is promised holds."""
    while items := client.post("/v1/review/claim", json={"count": 20}).raise_for_status().json()["items"]:
        decisions = [{"id": each["id"], "lease": each["lease"], "decision": "approve"} for each in items]
        client.post("/v1/review/decisions", json={"decisions": decisions}).raise_for_status()


def _certify(client: httpx.Client, name: str) -> None:
    """By a certificate that leaves the thresholds as they are. With the same name the watch goes on counting."""
    about = client.get(f"{POLICY}/certifiable").raise_for_status().json()
    step = {"level": 0, "n": 900, "k": 10, "p": p_value(900, 10, 0.05)}
    test = {"target": "max_wrong_approve", "alpha": 0.05, "delta": 0.1, "steps": [step], "chosen": 0, "upper": 0.05}
    stratum = {"languages": [], "approve_level": 0, "reject_level": None, "tests": [test], "audits": 900}
    now = datetime.now(UTC)
    certificate: dict[str, Any] = {
        "id": name,
        "method": "binomial-fst",
        **{field: about[field] for field in ("site", "model", "model_version", "policy", "decides")},
        "confidence": 0.9,
        "strata": [stratum],
        "fold": {"from": (now - timedelta(days=30)).isoformat(), "to": now.isoformat()},
        "sampling": "all",
        "risks": {"bounds": [-50.0, -40.0, -30.0, -20.0, -10.0], "counts": [150] * 6},
        "created_at": now.isoformat(),
    }
    client.put(f"{POLICY}/certificate", json=certificate).raise_for_status()


def _comparing_s(steward: processes.Running) -> float:
    """Processor time of one comparison of the newest comments with those of the certificate, without requests."""
    _put(steward, KINDS["audits, watched"])
    with _client(steward) as client:
        before, began = sum(steward.cpu_s), time.monotonic()
        for number in range(CERTIFICATES):
            _certify(client, f"bench-certificate-{number}")
            while not _is_measured(client, f"bench-certificate-{number}"):
                time.sleep(0.5)
        took_s, spent_s = time.monotonic() - began, sum(steward.cpu_s) - before
        before, began = sum(steward.cpu_s), time.monotonic()
        while time.monotonic() - began < took_s:
            _is_measured(client, "bench-certificate")
            time.sleep(0.5)
        return (spent_s - (sum(steward.cpu_s) - before)) / CERTIFICATES


def _is_measured(client: httpx.Client, certificate: str) -> bool:
    found = client.get(f"{POLICY}/promises").raise_for_status().json()
    return found["certificate"] == certificate and found["measured_at"] is not None and found["drift"] is not None


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

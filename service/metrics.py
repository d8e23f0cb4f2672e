"""What is counted for operators. No label value holds anything that a user wrote."""

import os

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, multiprocess

REQUESTS = Counter(
    "steward_requests", "Requests answered; the outcome is ok or the code of the problem.", ("operation", "outcome")
)
SECONDS = Histogram(
    "steward_request_seconds",
    "Time from the parsed headers to the answer, long polls included.",
    ("operation",),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30),
)
DECISIONS = Counter("steward_decisions", "Automatic decisions answered, repeated submissions included.", ("decision",))


def render() -> bytes:
    """Prometheus text; of all workers where they share a folder for it (PROMETHEUS_MULTIPROC_DIR)."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest()
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)

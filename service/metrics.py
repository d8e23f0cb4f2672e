"""What is counted for operators. No label value holds anything that a user wrote."""

import os
from bisect import bisect_left
from pathlib import Path
from typing import Any, Self

from prometheus_client import CollectorRegistry, Gauge, generate_latest, multiprocess, values
from prometheus_client import Counter as _Counter
from prometheus_client import Histogram as _Histogram


class Counter(_Counter):
    """Finds the child of labels that it was asked for before at once; Prometheus' own locks and copies each time."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as the client's
        self._found: dict[tuple[Any, ...], Self] = {}
        super().__init__(*args, **kwargs)

    def labels(self, *labelvalues: Any, **labelkwargs: Any) -> Self:  # noqa: ANN401 - what is text when it is written
        if labelkwargs:
            return super().labels(*labelvalues, **labelkwargs)
        found = self._found.get(labelvalues)
        if found is None:
            found = self._found[labelvalues] = super().labels(*labelvalues)
        return found

    def inc(self, amount: float = 1, exemplar: dict[str, str] | None = None) -> None:
        """Of a child, or of what has no labels: what is asked of nobody else need not be checked each time."""
        if exemplar is not None or amount < 0:
            super().inc(amount, exemplar)
        else:
            self._value.inc(amount)


class Histogram(_Histogram):
    """Finds the bucket by bisection."""

    def observe(self, amount: float, exemplar: dict[str, str] | None = None) -> None:
        if exemplar is not None:
            super().observe(amount, exemplar)
            return
        self._sum.inc(amount)
        self._buckets[bisect_left(self._upper_bounds, amount)].inc(1)


REQUESTS = Counter(
    "steward_requests", "Requests answered; the outcome is ok or the code of the problem.", ("operation", "outcome")
)
SECONDS = Histogram(
    "steward_request_seconds",
    "Time from the parsed headers to the answer, long polls included.",
    ("operation",),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30),
)
BACKGROUND_FAILURES = Counter(
    "steward_background_failures",
    "Unforeseen errors in work beside the requests, and cancellations that nobody asked for; the work goes on.",
    ("loop",),
)
LANGUAGES = Counter(
    "steward_languages",
    "Texts scored, or set aside, by language; other: one that the model does not judge.",
    ("language",),
)
REFUSED_CONNECTIONS = Counter(
    "steward_refused_connections",
    "Connections that were not taken, because too many are open: in all, or of one address.",
    ("limit",),
)
CSP_REPORTS = Counter("steward_csp_reports", "What browsers did not do because the console's policy forbids it.")
WAITING = Gauge(
    "steward_queue",
    "Comments that wait for people: queued, leased, escalated; overdue are those queued whose time is over.",
    ("site", "state"),
    multiprocess_mode="mostrecent",
)
FULLNESS = Gauge(
    "steward_queue_fullness",
    "Share of the comments that may wait that do; at 1 comments that must wait are refused.",
    ("site",),
    multiprocess_mode="mostrecent",
)
OLDEST = Gauge(
    "steward_queue_oldest_seconds",
    "How long the comment waits that has waited longest.",
    ("site",),
    multiprocess_mode="mostrecent",
)
RULES = Counter(
    "steward_rules",
    "Comments for which a rule applied, in shadow too; other: one of the rules beyond the first thousand names.",
    ("rule",),
)
DECISIONS = Counter("steward_decisions", "Automatic decisions answered, repeated submissions included.", ("decision",))
CORAL = Counter(
    "steward_coral",
    "Comments from Coral by what it was told: its statuses, flagged, nothing, late (nothing, for the time was up), "
    "refused (503: too many wait to be recorded); and lost: told nothing, and never recorded.",
    ("outcome",),
)


def share(folder: Path) -> None:
    """Let all that is counted from now on, here and in the processes that we start, be added up in a folder."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    # Prometheus looks at the environment only when it is imported.
    values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]


def render() -> bytes:
    """Prometheus text; of all workers where they share a folder for it (PROMETHEUS_MULTIPROC_DIR)."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest()
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)

"""Prometheus metrics. No label value contains text written by a user."""

import os
from bisect import bisect_left
from pathlib import Path
from typing import Any, Self

from prometheus_client import CollectorRegistry, Gauge, generate_latest, multiprocess, values
from prometheus_client import Counter as _Counter
from prometheus_client import Histogram as _Histogram


class Counter(_Counter):
    """Caches the children of label values: prometheus_client locks and copies for each lookup."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - passed on as they are
        self._found: dict[tuple[Any, ...], Self] = {}
        super().__init__(*args, **kwargs)

    def labels(self, *labelvalues: Any, **labelkwargs: Any) -> Self:  # noqa: ANN401 - anything that can be converted to text
        if labelkwargs:
            return super().labels(*labelvalues, **labelkwargs)
        found = self._found.get(labelvalues)
        if found is None:
            found = self._found[labelvalues] = super().labels(*labelvalues)
        return found

    def inc(self, amount: float = 1, exemplar: dict[str, str] | None = None) -> None:
        """Without the checks of prometheus_client, which find only mistakes in the code that calls it."""
        if exemplar is not None or amount < 0:
            super().inc(amount, exemplar)
        else:
            self._value.inc(amount)


class Histogram(_Histogram):
    """Finds the bucket by bisection instead of one by one."""

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
    "Unexpected errors and cancellations in background loops, which go on afterwards.",
    ("loop",),
)
LANGUAGES = Counter(
    "steward_languages",
    "Texts scored or left unscored, by language; other: a language that the model does not judge.",
    ("language",),
)
REFUSED_CONNECTIONS = Counter(
    "steward_refused_connections",
    "Connections refused because too many are open, in total or from one address.",
    ("limit",),
)
CSP_REPORTS = Counter("steward_csp_reports", "Violations of the console's CSP that browsers reported.")
WAITING = Gauge(
    "steward_queue",
    "Comments waiting for a moderator: queued, leased or escalated; overdue: queued and past their time.",
    ("site", "state"),
    multiprocess_mode="mostrecent",
)
FULLNESS = Gauge(
    "steward_queue_fullness",
    "Waiting comments as a share of the limit; at 1, comments that need review are refused.",
    ("site",),
    multiprocess_mode="mostrecent",
)
OLDEST = Gauge(
    "steward_queue_oldest_seconds",
    "Age of the oldest waiting comment.",
    ("site",),
    multiprocess_mode="mostrecent",
)
AUDITS = Gauge(
    "steward_audits",
    "Blind audits drawn in the last seven days, by automatic decision; lost: nobody can answer them any more.",
    ("site", "decision", "state"),
    multiprocess_mode="mostrecent",
)
AUDITED_WRONG = Gauge(
    "steward_audited_wrong_share",
    "Share of the automatic decisions of the last seven days that people contradict: value, its 95 % interval (low, "
    "high), and the same for the worst that unanswered audits could be (lowest, highest). NaN: unknown.",
    ("site", "decision", "bound"),
    multiprocess_mode="mostrecent",
)
LEARNING_DRAWS = Gauge(
    "steward_learning_draws",
    "Comments drawn in the last seven days because a model learns most from them; lost: nobody can answer any more.",
    ("site", "state"),
    multiprocess_mode="mostrecent",
)
PROMISES = Gauge(
    "steward_promise",
    "1 for the state of a target of the policy: holding, at_risk, broken or unknown.",
    ("site", "target", "state"),
    multiprocess_mode="mostrecent",
)
PROMISE_EVIDENCE = Gauge(
    "steward_promise_evidence",
    "Evidence of audits against a target since its certificate; from 1 / risk on it is broken.",
    ("site", "target"),
    multiprocess_mode="mostrecent",
)
PROMISE_AUDITS = Gauge(
    "steward_promise_audits",
    "Audits that the evidence comes from.",
    ("site", "target"),
    multiprocess_mode="mostrecent",
)
SCORE_DRIFT = Gauge(
    "steward_score_drift",
    "Population stability index of the newest comments against those of the certificate; above 0.25, act.",
    ("site",),
    multiprocess_mode="mostrecent",
)
RULES = Counter(
    "steward_rules",
    "Comments for which a rule applied, in shadow too; other: one of the rules beyond the first thousand names.",
    ("rule",),
)
DECISIONS = Counter("steward_decisions", "Automatic decisions answered, repeated submissions included.", ("decision",))
MODELS_LOADED = Gauge(
    "steward_models_loaded",
    "Different models in the memory of one process: of all sites, of single sites, in shadow, and being compared.",
    multiprocess_mode="mostrecent",
)
SITE_MODEL_PROBLEM = Gauge(
    "steward_site_model_problem",
    "1: the model that was promoted for the site cannot be used, and another one judges; 0: it judges.",
    ("site",),
    multiprocess_mode="mostrecent",
)
SHADOW = Counter(
    "steward_shadow",
    "Comments drawn for the model in shadow: same or differs (from the model in use), dropped (the queue was full, or "
    "the model in use changed), failed.",
    ("outcome",),
)
CORAL = Counter(
    "steward_coral",
    "Comments from Coral by answer: Coral's statuses, flagged, nothing, late (no answer in time), refused (503: too "
    "many wait to be recorded), lost (no answer, and not recorded).",
    ("outcome",),
)


def share(folder: Path) -> None:
    """Keep the metrics of this process and of those that it starts in `folder`, so that they can be added up."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    # prometheus_client reads the environment only at import.
    values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]


def render() -> bytes:
    """The metrics as Prometheus text, of all workers if they share a folder (PROMETHEUS_MULTIPROC_DIR)."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest()
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)

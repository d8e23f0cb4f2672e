"""The counters of /metrics as OpenTelemetry's metrics. They are only read, so a request pays nothing for it."""

import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Any

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricExportResult,
    MetricsData,
    NumberDataPoint,
    PeriodicExportingMetricReader,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from prometheus_client import REGISTRY
from prometheus_client import Metric as Family
from prometheus_client.samples import Sample

PREFIX = "steward_"
Labels = tuple[tuple[str, str], ...]


def send_metrics(resource: Resource) -> Callable[[], None]:
    """Send the counters of this process every OTEL_METRIC_EXPORT_INTERVAL; returns what ends it."""
    started_ns = time.time_ns()
    reader = PeriodicExportingMetricReader(_CountersExporter(resource, started_ns))
    provider = MeterProvider([reader], resource, shutdown_on_exit=False)

    def uptime(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation((time.time_ns() - started_ns) / 1e9)]

    # A provider without instruments is not asked.
    provider.get_meter("comment-steward").create_observable_gauge("process.uptime", [uptime], "s")
    return provider.shutdown


class _CountersExporter(OTLPMetricExporter):
    """Adds our counters to what it sends."""

    def __init__(self, resource: Resource, started_ns: int) -> None:
        super().__init__()
        self._resource = resource
        self._started_ns = started_ns

    def export(
        self,
        metrics_data: MetricsData,
        timeout_millis: float | None = 10_000,
        **more: Any,  # noqa: ANN401 - as inherited
    ) -> MetricExportResult:
        found = [
            each for part in metrics_data.resource_metrics for scope in part.scope_metrics for each in scope.metrics
        ]
        # All in one: of two parts with the same resource only the last would be sent.
        scope = ScopeMetrics(InstrumentationScope("comment-steward"), [*found, *counters(self._started_ns)], "")
        return super().export(MetricsData([ResourceMetrics(self._resource, [scope], "")]), timeout_millis, **more)


def counters(started_ns: int) -> Iterator[Metric]:
    """Each counter, gauge and histogram of /metrics under its name there, without `_total`; NaN is left out."""
    now_ns = time.time_ns()
    for family in REGISTRY.collect():
        if not family.name.startswith(PREFIX):
            continue
        if family.type == "histogram":
            points = list(_histogram_points(family, started_ns, now_ns))
            data: Any = Histogram(points, AggregationTemporality.CUMULATIVE)
        elif family.type == "counter":
            numbers = list(_number_points(family, "_total", started_ns, now_ns))
            data = Sum(numbers, AggregationTemporality.CUMULATIVE, is_monotonic=True)
        else:
            data = Gauge(list(_number_points(family, "", started_ns, now_ns)))
        if data.data_points:
            yield Metric(family.name, family.documentation, "s" if family.name.endswith("_seconds") else "", data)


def _number_points(family: Family, suffix: str, started_ns: int, now_ns: int) -> Iterator[NumberDataPoint]:
    for sample in family.samples:
        if sample.name == family.name + suffix and not math.isnan(sample.value):
            yield NumberDataPoint(sample.labels, started_ns, now_ns, sample.value)


def _histogram_points(family: Family, started_ns: int, now_ns: int) -> Iterator[HistogramDataPoint]:
    """Prometheus adds the buckets up; OpenTelemetry does not, and leaves the bound of the last one out."""
    series: dict[Labels, list[Sample]] = defaultdict(list)
    for sample in family.samples:
        series[tuple((name, text) for name, text in sample.labels.items() if name != "le")].append(sample)
    for labels, samples in series.items():
        buckets = [sample for sample in samples if sample.name == f"{family.name}_bucket"]
        total = next((sample.value for sample in samples if sample.name == f"{family.name}_sum"), 0.0)
        up_to = [0, *(int(bucket.value) for bucket in buckets)]
        yield HistogramDataPoint(
            attributes=dict(labels),
            start_time_unix_nano=started_ns,
            time_unix_nano=now_ns,
            count=up_to[-1],
            sum=total,
            bucket_counts=[after - before for before, after in pairwise(up_to)],
            explicit_bounds=[float(bucket.labels["le"]) for bucket in buckets[:-1]],
            min=None,  # type: ignore[arg-type] # nobody kept them; the message leaves them out
            max=None,  # type: ignore[arg-type] # as above
        )

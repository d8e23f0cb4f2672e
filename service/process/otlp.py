"""Sends traces and metrics over OTLP/HTTP. Imported only where OpenTelemetry is asked for: it is an extra."""

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping, MutableMapping
from importlib.metadata import version

import uuid_utils
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

from service import tracing
from service.process.otlp_metrics import send_metrics
from service.tracing import Value
from service.values import request_id

_NAME = "comment-steward"


class Exporters:
    """`tracer`: None without traces. Each process has its own."""

    def __init__(self, signals: Collection[str]) -> None:
        resource = _resource()
        self.tracer: tracing.Tracer | None = None
        self._stops: list[Callable[[], None]] = []
        if "traces" in signals:
            provider = TracerProvider(resource=resource, shutdown_on_exit=False)
            provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
            self.tracer = OtelTracer(provider.get_tracer(_NAME, version(_NAME)))
            self._stops.append(provider.shutdown)
        if "metrics" in signals:
            self._stops.append(send_metrics(resource))

    def stop(self) -> None:
        """Send what waits, then end. Takes long where the receiver is away."""
        for stop in self._stops:
            stop()


def _resource() -> Resource:
    """What OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say of this process; what they leave out is added."""
    given = Resource.create()
    ours = {SERVICE_VERSION: version(_NAME), SERVICE_INSTANCE_ID: str(uuid_utils.uuid7()), **given.attributes}
    if str(ours[SERVICE_NAME]).startswith("unknown_service"):
        ours[SERVICE_NAME] = "steward"
    return Resource(ours)


class OtelTracer:
    """A `service.tracing.Tracer`."""

    def __init__(self, tracer: trace.Tracer) -> None:
        self._tracer = tracer

    @contextlib.contextmanager
    def request(self, attributes: Mapping[str, Value], headers: Mapping[str, str]) -> Iterator[tracing.Span]:
        name = " ".join(str(attributes[each]) for each in ("http.request.method", "http.route") if each in attributes)
        with self._within(name, SpanKind.SERVER, attributes, propagate.extract(headers)) as span:
            yield span
            span.note("steward.request.id", request_id.current())

    @contextlib.contextmanager
    def step(self, name: str, attributes: Mapping[str, Value]) -> Iterator[tracing.Span | None]:
        if not _is_traced():
            yield None
            return
        kind = SpanKind.CLIENT if "db.system.name" in attributes else SpanKind.INTERNAL
        with self._within(name, kind, attributes) as span:
            yield span

    def begun(self, name: str, attributes: Mapping[str, Value]) -> Callable[[], None]:
        return self._tracer.start_span(name, attributes=attributes).end if _is_traced() else _nothing

    @contextlib.contextmanager
    def delivery(
        self, name: str, attributes: Mapping[str, Value], headers: MutableMapping[str, str]
    ) -> Iterator[tracing.Span]:
        with self._within(name, SpanKind.CLIENT, attributes, Context()) as span:
            propagate.inject(headers)
            yield span

    def ids(self) -> tuple[str, str]:
        found = trace.get_current_span().get_span_context()
        return (
            (trace.format_trace_id(found.trace_id), trace.format_span_id(found.span_id)) if found.is_valid else ("", "")
        )

    @contextlib.contextmanager
    def _within(
        self, name: str, kind: SpanKind, attributes: Mapping[str, Value], parent: Context | None = None
    ) -> Iterator[tracing.Span]:
        """An error marks the span by the name of its class: its message may quote a reader."""
        with self._tracer.start_as_current_span(
            name, parent, kind, attributes, record_exception=False, set_status_on_exception=False
        ) as made:
            span = OtelSpan(made)
            try:
                yield span
            except Exception as error:
                span.failed(type(error).__name__)
                raise


class OtelSpan:
    """A `service.tracing.Span`."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def note(self, name: str, value: Value) -> None:
        self._span.set_attribute(name, value)

    def failed(self, because: str) -> None:
        self._span.set_attribute("error.type", because)
        self._span.set_status(Status(StatusCode.ERROR))


def _is_traced() -> bool:
    return trace.get_current_span().get_span_context().is_valid


def _nothing() -> None: ...

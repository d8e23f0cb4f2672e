"""Traces and metrics for OpenTelemetry, as a receiver on the loopback gets them."""

import asyncio
import json
import logging
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

sys.path.insert(0, str(Path(__file__).parent))

from collector import Collector, attributes, collecting

from service import tracing
from service.http import problems
from service.process import telemetry
from service.process.app import build_app
from service.process.logs import JsonFormatter
from service.settings import Settings

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
SERVER, CLIENT = 2, 3
CANARY = "canary-4711"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@pytest.fixture(autouse=True)
def _ended() -> Iterator[None]:
    """A thread that still tries to send draws from `random`, and logs, in the midst of other tests."""
    yield
    for thread in threading.enumerate():
        if thread.name == telemetry.LAST_THREAD:
            thread.join(60)
            assert not thread.is_alive()


@pytest.fixture
def asked(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> Collector:
    """The variables of a service that sends what it has at once."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "50")
    return collector


@pytest.fixture
async def traced(asked: Collector, settings: Settings, run: Any, key_for: Any) -> AsyncIterator[Any]:
    """An administrator of a service that sends to the collector."""
    quick = msgspec.structs.replace(settings, webhook_allow_private=True, webhook_schedule="0", undo_hold_s=0)
    assert asked.url
    with telemetry.exporting(os.environ):
        async with run(quick) as client:
            yield await key_for(client, name="chief")


async def span_named(collector: Collector, name: str) -> Any:
    """Waits in a thread: the service runs in this loop."""

    def found() -> Any:
        return next((span for span in collector.spans if span.name == name), None)

    return await asyncio.to_thread(collector.until, found)


async def test_a_comment_is_one_trace_from_the_request_to_the_record_in_redis(traced: Any, asked: Collector) -> None:
    reply = await traced.post("/v1/comments", {"id": "c-1", "text": "hello"}, headers=TRACEPARENT)
    assert reply.status == 200
    request = await span_named(asked, "POST /v1/comments")
    assert (request.trace_id.hex(), request.parent_span_id.hex(), request.kind) == (TRACE, PARENT, SERVER)
    told = attributes(request)
    assert told["http.response.status_code"] == 200
    assert told["steward.request.id"] == reply.headers["X-Request-Id"]
    for name, kind in (("score", 1), ("redis submit", CLIENT)):
        part = await span_named(asked, name)
        assert (part.trace_id, part.parent_span_id, part.kind) == (request.trace_id, request.span_id, kind)
        assert request.start_time_unix_nano <= part.start_time_unix_nano
        assert part.start_time_unix_nano < part.end_time_unix_nano
    assert attributes(await span_named(asked, "score"))["steward.language"] == "en"
    assert attributes(asked.traces[0].resource_spans[0].resource)["service.name"] == "steward"


async def test_texts_that_are_scored_in_a_thread_are_a_part_of_their_request(traced: Any, asked: Collector) -> None:
    assert (await traced.post("/v1/score", {"texts": ["hello", "you"] * 40})).status == 200
    request, part = await span_named(asked, "POST /v1/score"), await span_named(asked, "score in a thread")
    assert part.parent_span_id == request.span_id


async def test_a_delivery_hands_its_trace_to_the_receiver(traced: Any, asked: Collector) -> None:
    came: asyncio.Queue[Any] = asyncio.Queue()

    async def hook(request: web.Request) -> web.Response:
        came.put_nowait(dict(request.headers))
        return web.Response(status=503)

    app = web.Application()
    app.router.add_post("/hook", hook)
    async with TestServer(app) as receiver:
        await traced("PUT", "/v1/webhooks", {"url": str(receiver.make_url("/hook"))})
        await traced("PUT", "/v1/policies/default", {"thresholds": {"toxicity": {"review_at": 0}}})
        await traced.post("/v1/comments", {"id": "c-1", "text": "hello"}, headers=TRACEPARENT)
        headers = await asyncio.wait_for(came.get(), 30)
    delivery = await span_named(asked, "webhook")
    ids = f"00-{delivery.trace_id.hex()}-{delivery.span_id.hex()}-0"
    assert headers["traceparent"].startswith(ids)
    assert delivery.trace_id.hex() != TRACE, "it may be sent hours later"
    assert delivery.kind == CLIENT
    told = attributes(delivery)
    assert told["steward.webhook.id"] == headers["webhook-id"]
    assert (told["error.type"], delivery.status.code) == ("503", 2)


async def test_what_a_reader_wrote_is_in_nothing_that_is_sent(traced: Any, asked: Collector) -> None:
    author = {"id": f"u-{CANARY}", "name": CANARY}
    await traced.post("/v1/comments", {"id": f"c-{CANARY}", "text": CANARY, "author": author})
    await traced.post("/v1/comments", {"text": CANARY, "author": CANARY})
    await traced.get(f"/v1/authors/u-{CANARY}/export")
    await traced.get(f"/{CANARY}")
    await traced.get(f"/v1/comments?text={CANARY}")
    await span_named(asked, "GET /v1/comments")
    await asyncio.to_thread(asked.until, lambda: "steward_requests" in asked.points)
    assert CANARY.encode() not in asked.raw


@pytest.mark.parametrize("header", ["00-0-0-01", "x" * 5000, f"00-{'0' * 32}-{PARENT}-01", "00-\u00e9-\ud800-01"])
async def test_a_wrong_trace_context_begins_a_trace_of_our_own(traced: Any, asked: Collector, header: str) -> None:
    headers = {"traceparent": header.encode(errors="surrogatepass").decode("latin-1"), "baggage": ",;=%ff"}
    assert (await traced.get("/v1/review/stats", headers=headers)).status == 200
    request = await span_named(asked, "GET /v1/review/stats")
    assert request.trace_id.hex() != "0" * 32
    assert not request.parent_span_id


async def test_answers_without_a_route_are_traced_and_health_checks_are_not(traced: Any, asked: Collector) -> None:
    for path in ("/livez", "/nowhere", "/console", "/v1/review/stats"):
        await traced.get(path, allow_redirects=False)
    await span_named(asked, "GET /v1/review/stats")
    found = {span.name: span for span in asked.spans if span.kind == SERVER}
    assert attributes(found["GET"])["http.response.status_code"] == 404
    assert "GET /livez" not in found
    redirected = next(span for name, span in found.items() if "/console" in name)
    assert attributes(redirected)["http.response.status_code"] in range(300, 400)
    assert redirected.status.code == 0


async def test_an_error_of_ours_marks_the_span_by_its_class_and_status(
    traced: Any, asked: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError(CANARY)

    monkeypatch.setattr("service.cases.moderation.Moderation.submit", broken)
    assert (await traced.post("/v1/comments", {"text": "hello"})).status == 500
    request = await span_named(asked, "POST /v1/comments")
    assert request.status.code == 2
    assert attributes(request)["error.type"] == "500"
    assert CANARY.encode() not in asked.raw


async def test_the_counters_of_metrics_are_sent_as_they_are(traced: Any, asked: Collector) -> None:
    for _ in range(3):
        await traced.get("/v1/review/stats")
    shown = (await traced.get("/metrics")).raw.decode()
    found = re.search(r'steward_request_seconds_count\{operation="queue_stats"\} (\d+)', shown)
    assert found

    def sent() -> Any:
        metric = asked.points.get("steward_request_seconds")
        points = metric.histogram.data_points if metric else ()
        told = (each for each in points if attributes(each) == {"operation": "queue_stats"})
        return next((each for each in told if each.count == int(found[1])), None)

    point = await asyncio.to_thread(asked.until, sent)
    assert sum(point.bucket_counts) == point.count
    assert len(point.bucket_counts) == len(point.explicit_bounds) + 1
    assert asked.points["steward_request_seconds"].unit == "s"
    requests = asked.points["steward_requests"].sum
    assert requests.is_monotonic
    assert "process.uptime" in asked.points
    assert {"operation": "queue_stats", "outcome": "ok"} in [attributes(each) for each in requests.data_points]


async def test_a_line_of_json_in_a_request_names_its_trace(asked: Collector) -> None:
    with telemetry.exporting(os.environ):
        assert tracing.active is not None
        record = logging.LogRecord("service.x", logging.INFO, __file__, 1, "said", (), None)
        assert "trace" not in json.loads(JsonFormatter().format(record))
        with tracing.active.request({"http.request.method": "GET"}, TRACEPARENT):
            line = json.loads(JsonFormatter().format(record))
    (span,) = asked.spans
    assert (line["trace"], line["span"]) == (TRACE, span.span_id.hex())


OFF: list[dict[str, str]] = [
    {},
    {"OTEL_SERVICE_NAME": "x", "OTEL_RESOURCE_ATTRIBUTES": "a=b"},
    {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "true"},
    {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"},
]


@pytest.mark.parametrize("environ", OFF)
async def test_unless_it_is_asked_for_nothing_is_traced(settings: Settings, environ: dict[str, str]) -> None:
    with telemetry.exporting(environ):
        assert tracing.active is None
        assert list(build_app(settings).middlewares) == [problems.middleware]


def test_unless_it_is_asked_for_its_packages_are_not_loaded() -> None:
    code = "import os, sys; from service.process import telemetry\nwith telemetry.exporting({}): print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "service.process.telemetry" in said
    assert "opentelemetry" not in said
    assert "requests" not in said.split()


BROKEN = [
    ({"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"}, "OTEL_EXPORTER_OTLP_ENDPOINT must begin with http"),
    ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "x"}, "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT must begin"),
    ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://[::1"}, "OTEL_EXPORTER_OTLP_ENDPOINT has no valid host and port"),
    ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a:99999999"}, "OTEL_EXPORTER_OTLP_ENDPOINT has no valid host and port"),
    ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://:4318"}, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT has no valid host"),
    ({"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER is zipkin; Steward knows otlp and none"),
    (
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
        "Steward speaks http/protobuf",
    ),
]


@pytest.mark.parametrize(("environ", "said"), BROKEN)
def test_a_variable_that_cannot_be_followed_is_one_line_and_no_failure(
    environ: dict[str, str], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    with telemetry.exporting(environ):
        assert tracing.active is None
    (line,) = caplog.messages
    assert line.startswith("OpenTelemetry is off: ")
    assert said in line


@pytest.mark.usefixtures("asked")
def test_without_the_extra_one_line_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delitem(sys.modules, "service.process.otlp", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with telemetry.exporting(os.environ):
        assert tracing.active is None
    (line,) = caplog.messages
    assert "the package opentelemetry is missing; pip install 'comment-steward[otel]'" in line


def test_one_signal_can_be_sent_without_the_other(collector: Collector) -> None:
    environ = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{collector.url}/v1/traces"}
    assert telemetry.wanted(environ).keys() == {"traces"}
    assert telemetry.wanted(environ | {"OTEL_METRICS_EXPORTER": "otlp"}).keys() == {"traces", "metrics"}
    only_metrics = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_TRACES_EXPORTER": "none"}
    assert telemetry.wanted(only_metrics).keys() == {"metrics"}


def test_a_receiver_that_is_away_holds_up_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "5")
    with telemetry.exporting(os.environ):
        assert tracing.active is not None
        with tracing.active.request({"http.request.method": "GET"}, {}):
            pass
        began = time.monotonic()
    assert time.monotonic() - began < telemetry.FLUSH_S + 30


async def test_a_served_process_sends_what_waits_when_it_is_told_to_stop(
    settings: Settings, collector: Collector, tmp_path: Path
) -> None:
    environment = {
        **os.environ,
        "STEWARD_REDIS_URL": str(settings.redis_url),
        "STEWARD_DATA_DIR": str(tmp_path),
        "STEWARD_PORT": "0",
        "STEWARD_STORE_TIMEOUT_S": "10",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_BSP_SCHEDULE_DELAY": "600000",
        "OTEL_METRIC_EXPORT_INTERVAL": "600000",
    }
    command = [sys.executable, "-m", "service", "serve"]
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=-1, stderr=-2)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(120):
            said = b""
            while not (found := re.search(rb"ready on (http://\S+)", said)):
                line = await process.stdout.readline()
                assert line, said
                said += line
            async with ClientSession() as session, session.get(found[1].decode()) as response:
                assert response.status == 200
            assert not collector.raw
            process.terminate()
            await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0
    assert b"OpenTelemetry: sending traces to 127.0.0.1, metrics to 127.0.0.1" in said
    assert "GET /" in [span.name for span in collector.spans]
    assert "process.uptime" in collector.points

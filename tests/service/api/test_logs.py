"""What a reader wrote, and what opens a door, never stands in a log line, an error or a counter."""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from service.process.app import build_app
from service.process.logs import MaskedFormatter
from service.settings import Settings
from service.values.access import mint

CANARY = "canary-4711"
COMMENT = {
    "id": "c-1",
    "text": f"text {CANARY}",
    "author": {"id": f"u-{CANARY}", "name": CANARY},
    "article": {"title": CANARY, "url": f"https://example.org/{CANARY}"},
    "parent": {"text": CANARY},
    "metadata": {"ip": CANARY},
}
NDJSON = "application/x-ndjson"


@pytest.fixture
async def patient(own_server: Any, tmp_path: Path, run: Any, key_for: Any) -> AsyncIterator[Any]:
    async with run(Settings(redis_url=own_server.url, data_dir=tmp_path, store_timeout_s=30)) as client:
        yield await key_for(client)


async def everything(caller: Any) -> None:
    """Every way in which a text, an author or a note comes in: right, wrong, and half."""
    await caller.post("/v1/score", {"text": CANARY, "spans": True})
    await caller.post("/v1/score", {"texts": [CANARY, ""]})
    await caller.post("/v1/comments", COMMENT)
    await caller.post("/v1/comments", {**COMMENT, "text": f"edited {CANARY}"})
    await caller.post("/v1/comments", {**COMMENT, "metadata": {"x": CANARY * 1000}})
    await caller.post("/v1/comments", {**COMMENT, "text": CANARY * 5000})
    await caller.post("/v1/comments", {**COMMENT, "author": CANARY})
    await caller.post("/v1/comments:batch", {"comments": [COMMENT, CANARY, {"text": CANARY, "id": 1}]})
    await caller.send("/v1/comments", f'{{"text": "{CANARY}'.encode())
    await caller.send("/v1/comments", f'{{"text": "{CANARY}"}}'.encode() + b"\xff")
    await caller.send("/v1/comments", f'{{"text": "{CANARY}\\ud800"}}'.encode())
    await caller.send("/v1/comments", CANARY.encode(), "text/plain")
    for item in ((await caller.post("/v1/review/claim", {})).body or {}).get("items", []):
        path = f"/v1/review/{item['id']}/decision"
        await caller.post(path, {"decision": "reject", "lease": item["lease"], "note": CANARY, "reason": CANARY})
        await caller.post(path, {"decision": "reject", "lease": item["lease"], "note": CANARY})
        await caller.post(path, {"decision": "reject", "lease": item["lease"], "note": CANARY + "x"})
    await caller.get("/v1/review/items?state=queued")
    await caller.send(
        "/v1/labels", f'{{"text": "{CANARY}", "decision": "reject"}}\n{{"text": "{CANARY}'.encode(), NDJSON
    )
    await caller.send("/v1/labels", f'{{"text": "{CANARY}", "decision": "reject"}}'.encode(), NDJSON)
    await caller.get("/v1/labels")
    await caller.get("/v1/audit")
    for query in (f"text={CANARY}", f"author=u-{CANARY}", f"id={CANARY}", f"article={CANARY}"):
        await caller.get(f"/v1/comments?{query}")
    for method, path in (("GET", ""), ("GET", "/export"), ("DELETE", "")):
        await caller(method, f"/v1/authors/u-{CANARY}{path}")
    await caller("DELETE", "/v1/comments/c-1")


def logged(caplog: pytest.LogCaptureFixture) -> str:
    formatter = logging.Formatter("%(name)s %(message)s")
    # aiohttp's test server writes access lines; the service writes none (service/process/serving.py).
    ours = [record for record in caplog.records if record.name != "aiohttp.access"]
    return "\n".join(formatter.format(record) + repr(record.args) for record in ours)


async def test_what_a_reader_wrote_is_in_no_log_line_also_when_redis_goes(
    patient: Any, own_server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await patient("PUT", "/v1/policies/default", {"thresholds": {"toxicity": {"review_at": 0}}})
    await everything(patient)
    with own_server.client() as client:
        client.config_set("maxmemory", 1)
        await everything(patient)
        client.config_set("maxmemory", 0)
        client.set("cm:{daily}:item:c-9", "not a hash")
        assert (await patient.post("/v1/comments", {**COMMENT, "id": "c-9"})).status == 503
    own_server.kill()
    await everything(patient)
    assert CANARY not in logged(caplog)
    assert patient.key[18:61] not in logged(caplog)
    assert CANARY.encode() not in (await patient.get("/metrics")).raw


async def test_the_trail_and_the_statistics_hold_none_of_it(admin: Any, decide_always: Any) -> None:
    await decide_always("review")
    await everything(admin)
    for path in ("/v1/audit?limit=1000", "/v1/review/stats", "/metrics", "/readyz"):
        assert CANARY.encode() not in (await admin.get(path)).raw, path


class Quoting(Exception):
    """An error nobody foresaw, whose message holds what a reader wrote."""


@pytest.fixture
async def faulty(settings: Settings) -> AsyncIterator[Any]:
    async def fail(_: web.Request) -> web.Response:
        raise Quoting(CANARY)

    async def fail_behind(_: web.Request) -> web.Response:
        try:
            return web.Response(status=int(CANARY))
        except ValueError as error:
            raise Quoting(CANARY) from error

    app = build_app(settings)
    app.add_routes([web.get("/fail", fail), web.get("/fail-behind", fail_behind)])
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.mark.parametrize("path", ["/fail", "/fail-behind"])
async def test_an_error_that_nobody_foresaw_tells_neither_caller_nor_log_what_it_quotes(
    faulty: Any, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    async with faulty.get(path) as response:
        body = await response.json(content_type="application/problem+json")
    assert (response.status, body["code"]) == (500, "internal")
    assert CANARY not in str(body)
    (record,) = [record for record in caplog.records if record.name.startswith("service")]
    line = logging.Formatter().format(record)
    assert body["instance"] in line, "the caller's report leads to the log line"
    assert "Quoting" in line
    assert "test_logs.py" in line, "where it happened"
    assert CANARY not in line


def test_a_key_is_masked_in_every_line() -> None:
    text, key = mint("daily", frozenset(), None, datetime.now(UTC))
    record = logging.LogRecord("x", logging.INFO, __file__, 1, "key %s", (text,), None)
    assert MaskedFormatter("%(message)s").format(record) == f"key cmk_live_{key.id}_***"


async def test_a_caller_that_hangs_up_is_no_error(admin: Any, caplog: pytest.LogCaptureFixture) -> None:
    tasks = [asyncio.create_task(admin.post("/v1/review/claim", {"wait": 25})) for _ in range(5)]
    await admin.get("/v1/review/stats")
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert (await admin.post("/v1/comments", {"text": "hello"})).status == 200
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]

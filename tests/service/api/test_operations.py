"""For whoever runs it: alive, ready, counted, described; and every answer is guarded."""

import asyncio
import re
from importlib.resources import files
from typing import Any

import msgspec
import pytest
from aiohttp import ClientConnectorError, ClientSession, web

from service import app_keys as keys
from service import background
from service.process.app import build_metrics_app
from service.process.serving import serving_metrics
from service.store import Store
from service.values.errors import SettingsError, StoreUnavailable


async def test_a_running_service_is_alive_and_ready(admin: Any) -> None:
    stranger = type(admin)(admin.client, None)
    assert (await stranger.get("/livez")).body == {"status": "ok"}
    reply = await stranger.get("/readyz")
    assert reply.status == 200
    assert reply.body["status"] == "ok"
    assert reply.body["store"] == {"durability": "strict"}
    assert reply.body["model"]["version"]


async def test_readiness_tells_which_loop_is_down_for_long(
    admin: Any, app: web.Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "DOWN_S", 0.05)

    async def frail() -> None:
        raise LookupError

    async with app[keys.BACKGROUND].beside("frail", frail, longest_pause_s=0.01):
        async with asyncio.timeout(60):
            while (reply := await admin.get("/readyz")).status == 200:
                pass
        assert reply.status == 503
        assert reply.body["background"]["problem"].startswith("down: frail for ")
    assert (await admin.get("/readyz")).status == 200


@pytest.mark.parametrize(
    "error", [SettingsError("STEWARD_SHARDS is 2"), ValueError("a message"), StoreUnavailable("away"), OSError(5, "x")]
)
async def test_readiness_is_an_answer_whatever_fails(
    admin: Any, app: web.Application, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    async def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(Store, "check", fail)
    reply = await admin.get("/readyz")
    assert reply.status == 503
    expected = str(error) if isinstance(error, SettingsError | StoreUnavailable) else "the error is ours"
    assert expected in reply.body["store"]["problem"]
    assert "a message" not in reply.raw.decode()
    assert app[keys.BACKGROUND].down() == {}


async def test_requests_and_decisions_are_counted(admin: Any, decide_always: Any) -> None:
    await decide_always("reject")
    counted = re.compile(rb'^steward_decisions_total{decision="reject"} ([0-9.]+)$', re.MULTILINE)
    before = counted.search((await admin.get("/metrics")).raw)
    await admin.post("/v1/comments", {"text": "canary-4711", "author": {"id": "canary-4711"}})
    await admin.post("/v1/score", {"text": " "})
    reply = await admin.get("/metrics")
    after = counted.search(reply.raw)
    assert after is not None
    assert float(after[1]) == (float(before[1]) if before else 0) + 1
    assert b'steward_requests_total{operation="submit_comment",outcome="ok"}' in reply.raw
    assert b'steward_request_seconds_bucket{le="0.1",operation="score"}' in reply.raw
    assert b"canary" not in reply.raw


async def test_counters_which_name_sites_are_shown_to_administrators_only(
    client: Any, admin: Any, key_for: Any, problem: Any
) -> None:
    problem(await type(admin)(client, None).get("/metrics"), 401)
    for scope in ("score", "comments", "review"):
        problem(await (await key_for(client, scope)).get("/metrics"), 403)
    reply = await (await key_for(client, "admin")).get("/metrics")
    assert (reply.status, reply.headers["Content-Type"].split(";")[0]) == (200, "text/plain")
    described = (await admin.get("/openapi.json")).body["paths"]["/metrics"]["get"]
    assert "security" not in described
    assert {"200", "401", "403"} <= described["responses"].keys()


async def test_the_port_of_the_counters_is_on_the_loopback_unless_the_operator_says_otherwise(
    settings: Any, unused_tcp_port_factory: Any
) -> None:
    assert settings.metrics_host == "127.0.0.1"
    port = unused_tcp_port_factory()
    for host, reached in (("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.2"), ("127.0.0.3", "127.0.0.3")):  # noqa: S104 - addresses are compared here, not bound
        asked = msgspec.structs.replace(settings, metrics_port=port, metrics_host=host)
        async with serving_metrics(asked), ClientSession() as session:
            async with session.get(f"http://{reached}:{port}/metrics") as response:
                assert response.status == 200
            if host.startswith("127"):
                with pytest.raises(ClientConnectorError):
                    await session.get(f"http://127.0.0.9:{port}/metrics")


async def test_a_port_of_the_counters_that_is_taken_is_told_as_such(
    settings: Any, unused_tcp_port_factory: Any
) -> None:
    asked = msgspec.structs.replace(settings, metrics_port=unused_tcp_port_factory())
    async with serving_metrics(asked):
        with pytest.raises(SettingsError, match=f"127.0.0.1:{asked.metrics_port}"):
            async with serving_metrics(asked):
                pass


async def test_counters_can_be_kept_off_the_public_port(settings: Any, run: Any, key_for: Any, client_of: Any) -> None:
    async with run(msgspec.structs.replace(settings, metrics_port=9)) as client:
        assert (await (await key_for(client)).get("/metrics")).status == 404
    async with client_of(build_metrics_app()) as client, client.get("/metrics") as response:
        assert response.status == 200
        assert b"steward_requests" in await response.read()


async def test_the_documentation_loads_its_own_assets_only(admin: Any) -> None:
    reply = await admin.get("/docs")
    page = reply.raw.decode()
    policy = reply.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert "unsafe-inline" not in policy.split("style-src")[0]
    references = re.findall(r'<(?!a )[^>]*(?:src|href)="([^"]*)"', page)
    assert references
    for reference in references:
        assert reference.startswith(("/docs/", "/openapi.json", "/favicon.ico")), reference
        if reference.startswith("/docs/"):
            asset = await admin.get(reference)
            assert asset.status == 200
            assert asset.headers["Content-Type"].split(";")[0] in ("text/javascript", "text/css")
    assert not re.search(r"<script(?![^>]*src=)", page), "no inline script"


def test_the_documentation_names_no_other_host() -> None:
    static = files("service.api").joinpath("static")
    for name in ("docs.html", "docs.js"):
        assert not re.search(r"https?://|//[a-z]", static.joinpath(name).read_text().replace("// ", ""))
    style = static.joinpath("swagger-ui", "swagger-ui.css").read_text()
    assert not re.search(r"url\(\s*[\"']?(?!data:)[a-z/]", style)
    assert "@import" not in style


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/livez", None),
        ("GET", "/readyz", None),
        ("GET", "/docs", None),
        ("GET", "/openapi.json", None),
        ("GET", "/nowhere", None),
        ("PATCH", "/v1/score", None),
        ("POST", "/v1/score", {"text": "a"}),
        ("POST", "/v1/score", {}),
        ("GET", "/v1/labels", None),
        ("DELETE", "/v1/comments/c-1", None),
    ],
)
async def test_every_answer_is_guarded(admin: Any, method: str, path: str, body: Any) -> None:
    reply = await admin(method, path, body)
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Referrer-Policy"] == "no-referrer"
    assert reply.headers["Cache-Control"] == "no-store"

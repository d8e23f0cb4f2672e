"""One POST: what the receiver gets, and what its answer means."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from service.webhooks.delivery import MAX_RESPONSE_BYTES, WebhookSender, open_sender, retry_after_s
from service.webhooks.signature import new_secret, sign

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
async def sender() -> AsyncIterator[WebhookSender]:
    async with open_sender(timeout_s=30, connections=4, allow_private=True) as sender:
        yield sender


async def test_a_webhook_carries_its_id_its_time_and_its_signature(sender: WebhookSender, receiver: Any) -> None:
    secret = new_secret()
    outcome = await sender.post(receiver.url, "evt_1", b'{"a":1}', [secret])
    assert (outcome.result, outcome.because) == ("delivered", "204")
    headers, body = receiver.came[0]
    assert body == b'{"a":1}'
    assert headers["Content-Type"] == "application/json"
    assert headers["webhook-id"] == "evt_1"
    assert abs(int(headers["webhook-timestamp"]) - datetime.now(UTC).timestamp()) < 60
    assert headers["webhook-signature"] == sign([secret], "evt_1", int(headers["webhook-timestamp"]), body)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_success_is_2xx(sender: WebhookSender, receiver: Any, status: int) -> None:
    receiver.answers(then=status)
    assert (await sender.post(receiver.url, "evt_1", b"{}", [])).result == "delivered"


@pytest.mark.parametrize("status", [300, 304, 400, 401, 404, 409, 418, 429, 500, 502, 503])
async def test_everything_else_is_a_failure(sender: WebhookSender, receiver: Any, status: int) -> None:
    receiver.answers(then=status)
    outcome = await sender.post(receiver.url, "evt_1", b"{}", [])
    assert (outcome.result, outcome.because, outcome.rest_s) == ("failed", str(status), None)


async def test_410_says_that_nothing_is_wanted_any_more(sender: WebhookSender, receiver: Any) -> None:
    receiver.answers(then=410)
    assert (await sender.post(receiver.url, "evt_1", b"{}", [])).result == "gone"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_a_failure_and_is_not_followed(sender: WebhookSender, receiver: Any, status: int) -> None:
    receiver.answers(then=status, headers={"Location": "/elsewhere"})
    outcome = await sender.post(receiver.url, "evt_1", b"{}", [])
    assert (outcome.result, outcome.because) == ("failed", str(status))
    assert len(receiver.came) == 1


@pytest.mark.parametrize("status", [429, 503])
async def test_a_receiver_may_say_when_to_come_again(sender: WebhookSender, receiver: Any, status: int) -> None:
    receiver.answers(then=status, headers={"Retry-After": "120"})
    assert (await sender.post(receiver.url, "evt_1", b"{}", [])).rest_s == 120
    receiver.answers(then=500, headers={"Retry-After": "120"})
    assert (await sender.post(receiver.url, "evt_1", b"{}", [])).rest_s is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0),
        (" 7 ", 7),
        ("100000", 86_400),
        ("9" * 400, 86_400),
        ("Tue, 24 Nov 2026 12:00:30 GMT", 30),
        ("Tue, 24 Nov 2026 11:00:00 GMT", 0),
        ("Tue, 24 Nov 2099 11:00:00 GMT", 86_400),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("Tue, 99 Nov 2026 12:00:30 GMT", None),
    ],
)
def test_when_to_come_again_is_a_number_or_a_date(header: str, seconds: float | None) -> None:
    assert retry_after_s(header, NOW) == seconds


async def test_a_receiver_that_takes_too_long_has_failed(receiver: Any) -> None:
    async def never(_: web.Request, __: dict[str, Any]) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    receiver.answer = never
    async with open_sender(timeout_s=1, connections=1, allow_private=True) as sender:
        outcome = await sender.post(receiver.url, "evt_1", b"{}", [])
    assert (outcome.result, outcome.because) == ("failed", "timeout")
    assert 0.9 < outcome.seconds < 50


async def test_an_endless_answer_is_not_read_to_its_end(sender: WebhookSender, receiver: Any) -> None:
    written = 0

    async def pour(request: web.Request, _: dict[str, Any]) -> web.StreamResponse:
        nonlocal written
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 65_536)
            written += 65_536

    receiver.answer = pour
    outcome = await sender.post(receiver.url, "evt_1", b"{}", [])
    assert outcome.result == "delivered", "what it said before counts"
    # What lies in buffers on the way was sent, not read.
    assert written < MAX_RESPONSE_BYTES + 32 * 1024 * 1024


async def test_an_answer_that_stops_half_way_counts_by_its_status(receiver: Any) -> None:
    async def stop(request: web.Request, _: dict[str, Any]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"x")
        assert request.transport is not None
        request.transport.close()
        return response

    receiver.answer = stop
    async with open_sender(timeout_s=30, connections=4, allow_private=True) as sender:
        assert (await sender.post(receiver.url, "evt_1", b"{}", [])).result == "delivered"


async def test_connections_are_kept_open(sender: WebhookSender, receiver: Any) -> None:
    peers = set()

    async def note(request: web.Request, _: dict[str, Any]) -> web.Response:
        assert request.transport is not None
        peers.add(request.transport.get_extra_info("peername"))
        return web.Response(text="thank you")

    receiver.answer = note
    for _ in range(20):
        await sender.post(receiver.url, "evt_1", b"{}", [])
    assert len(peers) == 1


async def test_nobody_there_is_a_failure(sender: WebhookSender, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await sender.post("http://127.0.0.1:1/", "evt_1", b"{}", [])).because == "no_connection"

    async def nobody_knows(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", nobody_knows)
    assert (await sender.post("http://host.invalid/", "evt_1", b"{}", [])).because == "name_not_found"


async def test_what_is_no_http_is_a_failure(sender: WebhookSender) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert (await sender.post(f"http://127.0.0.1:{port}/", "evt_1", b"{}", [])).because == "broken_answer"


async def test_a_certificate_that_nobody_vouches_for_is_refused(receiver: Any, self_signed: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(self_signed)
    app = web.Application()
    app.router.add_post("/hook", receiver.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    url = f"https://127.0.0.1:{runner.addresses[0][1]}/hook"
    async with open_sender(timeout_s=30, connections=1, allow_private=True) as sender:
        outcome = await sender.post(url, "evt_1", b"{}", [])
    await runner.cleanup()
    assert (outcome.result, outcome.because) == ("failed", "certificate_refused")
    assert receiver.came == []

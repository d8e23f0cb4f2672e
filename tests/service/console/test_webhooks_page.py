"""Webhooks from the console: the endpoint, its secret shown once, dead letters sent again."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from aiohttp import web

from service import app_keys as keys
from service.store.keyspace import Shard

DAILY = "daily"


@pytest.fixture
def settings(settings: Any) -> Any:
    """No relay of its own: what is sent is what this test asks for."""
    return msgspec.structs.replace(settings, webhook_allow_private=True, relay=False)


@pytest.fixture
async def receiver(client_of: Any) -> AsyncIterator[Any]:
    app = web.Application()
    got: list[web.Request] = []

    async def take(request: web.Request) -> web.Response:
        await request.read()
        got.append(request)
        return web.Response(status=int(request.match_info["status"]))

    app.router.add_post("/{status}", take)
    async with client_of(app) as client:
        client.got = got
        yield client


async def dead_letter(client: Any, admin: Any, comment: str) -> None:
    """A comment whose event the relay gave up."""
    await admin.post("/v1/comments", {"id": comment, "text": "You are an idiot."})
    outbox = client.server.app[keys.STORE].outbox
    (taken,) = (await outbox.take(Shard(DAILY), 10, 60)).events
    assert await outbox.settle(taken, "dead", attempts=10, because="500") is None


async def test_the_first_endpoint_shows_its_secret_once(as_role: Any, client: Any, receiver: Any) -> None:
    chief = await as_role()
    url = str(receiver.make_url("/200"))
    page = await chief.post("/console/webhooks", url=url, include_text="1")
    (secret,) = re.findall(r'id="secret">(whsec_[^<]+)<', page.text)
    assert secret not in (await chief.get("/console/webhooks")).text
    endpoint = await client.server.app[keys.STORE].outbox.endpoints.get(DAILY)
    assert (endpoint.url, endpoint.include_text) == (url, True)
    page = await chief.post("/console/webhooks", url=url)
    assert "set and enabled" in (await chief.get(page.location)).text
    page = await chief.post("/console/webhooks/rotate")
    assert "stays good until" in page.text
    (second,) = re.findall(r'id="secret">(whsec_[^<]+)<', page.text)
    assert second != secret
    assert "2 active secrets" in page.text
    assert "Active secrets: 3. All but the newest end by" in (await chief.post("/console/webhooks/rotate")).text
    for _ in range(3):
        assert (await chief.post("/console/webhooks/rotate")).status == 200
    page = await chief.post("/console/webhooks/rotate")
    assert page.status == 409
    assert "Five older secrets are still valid." in page.text


async def test_a_test_says_what_came_of_it(as_role: Any, receiver: Any) -> None:
    chief = await as_role()
    assert (await chief.post("/console/webhooks/test")).status == 404
    for status, said in [
        ("200", "The test was delivered"),
        ("500", "The test was not delivered: The receiver answered 500"),
    ]:
        await chief.post("/console/webhooks", url=str(receiver.make_url(f"/{status}")))
        page = await chief.post("/console/webhooks/test")
        assert said in page.text, page.text
    assert len(receiver.got) == 2


async def test_an_address_that_cannot_be_is_refused_at_its_field(as_role: Any) -> None:
    chief = await as_role()
    for url in ("", "ftp://files.example/x", "nonsense"):
        page = await chief.post("/console/webhooks", url=url)
        assert page.status == 400
        assert 'id="url-problem"' in page.text
        assert 'aria-invalid="true"' in page.text


async def test_dead_letters_are_listed_and_sent_again(
    as_role: Any, client: Any, admin: Any, decide_always: Any, receiver: Any
) -> None:
    await decide_always("review")
    chief = await as_role()
    await chief.post("/console/webhooks", url=str(receiver.make_url("/200")))
    for comment in ("c-1", "c-2", "c-3"):
        await dead_letter(client, admin, comment)
    page = await chief.get("/console/webhooks")
    assert page.text.count("The receiver answered 500") == 3
    assert "Given up on" in (await chief.get("/console/comment?id=c-1")).text
    page = await chief.post("/console/webhooks/resend", letter="evt_daily_c-1_1")
    assert "It is sent again." in (await chief.get(page.location)).text
    again = await chief.post("/console/webhooks/resend", letter="evt_daily_c-1_1")
    assert again.location == page.location, "a click again is no error"
    assert (await chief.post("/console/webhooks/resend", letter="evt_other_c-2_1")).status == 404
    assert (await chief.post("/console/webhooks/resend", letter="nonsense")).status == 404
    page = await chief.post("/console/webhooks/resend-all")
    assert "2 letters are sent again." in (await chief.get(page.location)).text
    backlog = await client.server.app[keys.STORE].outbox.backlog(DAILY)
    assert (backlog.pending, backlog.dead) == (3, 0)
    actions = [entry["details"]["action"] for entry in (await admin.get("/v1/audit?actor=admin")).body["entries"]]
    assert actions[-2:] == ["letter_resent", "letters_resent"]


async def test_without_an_endpoint_what_waits_becomes_dead_letters(as_role: Any, client: Any, receiver: Any) -> None:
    chief = await as_role()
    await chief.post("/console/webhooks", url=str(receiver.make_url("/200")))
    page = await chief.post("/console/webhooks/remove")
    assert "The endpoint is removed." in (await chief.get(page.location)).text
    assert (await client.server.app[keys.STORE].outbox.endpoints.get(DAILY)).url is None


async def test_the_page_says_when_a_webhook_last_arrived(as_role: Any, client: Any) -> None:
    chief = await as_role()
    assert "none recorded" in (await chief.get("/console/webhooks")).text
    at = datetime(2026, 11, 29, 6, 5, tzinfo=UTC)
    await client.server.app[keys.STORE].usage.note_delivered({DAILY: at})
    page = (await chief.get("/console/webhooks")).text
    assert "none recorded" not in page
    assert "29 Nov 2026, 06:05" in page

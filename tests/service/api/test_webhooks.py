"""A site's endpoint over HTTP: set, tested, rotated, removed; and what it could not be told."""

import asyncio
import contextlib
import logging
import re
import socket
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from service import app_keys as keys
from service.store.keyspace import Shard
from service.webhooks.signature import key_of, sign


class Listener:
    """A receiver that notes what comes and answers `status`."""

    def __init__(self) -> None:
        self.status = 204
        self.came: list[tuple[Any, bytes]] = []

    async def handle(self, request: web.Request) -> web.Response:
        self.came.append((request.headers, await request.read()))
        return web.Response(status=self.status)

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.came]


@pytest.fixture
async def listener() -> Listener:
    return Listener()


@pytest.fixture
async def url(listener: Listener) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/hook", listener.handle)
    async with TestServer(app) as server:
        yield str(server.make_url("/hook"))


@pytest.fixture
async def chief(settings: Any, run: Any, key_for: Any) -> AsyncIterator[Any]:
    """An administrator of a service that delivers to the loopback, and gives up after one attempt."""
    quick = msgspec.structs.replace(settings, webhook_allow_private=True, webhook_schedule="0", undo_hold_s=0)
    async with run(quick) as client:
        yield await key_for(client, name="chief")


async def until(holds: Any, timeout_s: float = 60) -> None:
    async with asyncio.timeout(timeout_s):
        while not await holds():
            await asyncio.sleep(0.02)


def settled(chief: Any) -> Any:
    async def holds() -> bool:
        return bool((await chief.get("/v1/webhooks")).body["pending"] == 0)

    return holds


async def queue_comment(chief: Any, comment_id: str, text: str = "hello", **more: Any) -> None:
    await chief("PUT", "/v1/policies/default", {"thresholds": {"toxicity": {"review_at": 0}}})
    reply = await chief.post("/v1/comments", {"id": comment_id, "text": text, **more})
    assert reply.status == 200, reply.body


async def test_a_site_begins_without_an_endpoint(chief: Any) -> None:
    reply = await chief.get("/v1/webhooks")
    assert reply.status == 200
    assert reply.body == {
        "url": None,
        "include_text": False,
        "disabled_at": None,
        "has_secret": False,
        "previous_secret_until": None,
        "pending": 0,
        "dead": 0,
        "overdue_seconds": None,
        "secret": None,
    }


async def test_the_secret_is_shown_once(chief: Any, url: str) -> None:
    first = await chief("PUT", "/v1/webhooks", {"url": url, "include_text": True})
    assert first.status == 200
    assert (first.body["url"], first.body["include_text"], first.body["has_secret"]) == (url, True, True)
    assert len(key_of(first.body["secret"])) == 32
    assert (await chief("PUT", "/v1/webhooks", {"url": url})).body["secret"] is None
    shown = await chief.get("/v1/webhooks")
    assert shown.body["secret"] is None
    assert first.body["secret"].encode() not in shown.raw


async def test_a_decision_reaches_the_site(chief: Any, url: str, listener: Listener) -> None:
    secret = (await chief("PUT", "/v1/webhooks", {"url": url})).body["secret"]
    await queue_comment(chief, "c/1", "hello")
    (item,) = (await chief.post("/v1/review/claim", {"count": 1})).body["items"]
    decision = {"decision": "reject", "lease": item["lease"], "reason": "insult"}
    assert (await chief.post("/v1/review/c%2F1/decision", decision)).status == 200
    await until(settled(chief))
    assert listener.ids == ["evt_daily_c~2f1_1", "evt_daily_c~2f1_2"]
    headers, body = listener.came[1]
    assert headers["webhook-signature"] == sign([secret], listener.ids[1], int(headers["webhook-timestamp"]), body)
    told = msgspec.json.decode(body)
    assert told["type"] == "decision.created"
    assert (told["data"]["comment_id"], told["data"]["status"], told["data"]["reason"]) == ("c/1", "rejected", "insult")


async def test_a_rotated_secret_signs_beside_the_one_before(chief: Any, url: str, listener: Listener) -> None:
    old = (await chief("PUT", "/v1/webhooks", {"url": url})).body["secret"]
    rotated = (await chief.post("/v1/webhooks:rotate")).body
    assert rotated["secret"] != old
    assert rotated["previous_until"] == (await chief.get("/v1/webhooks")).body["previous_secret_until"]
    assert (await chief.post("/v1/webhooks:test")).body["result"] == "delivered"
    headers, body = listener.came[0]
    stamp = int(headers["webhook-timestamp"])
    assert headers["webhook-signature"] == sign([rotated["secret"], old], headers["webhook-id"], stamp, body)


async def test_a_second_rotation_drops_no_secret_of_the_last_day(chief: Any, url: str, listener: Listener) -> None:
    secrets = [(await chief("PUT", "/v1/webhooks", {"url": url})).body["secret"]]
    for _ in range(2):
        rotated = (await chief.post("/v1/webhooks:rotate")).body
        secrets.insert(0, rotated["secret"])
    assert rotated["previous_until"] == (await chief.get("/v1/webhooks")).body["previous_secret_until"]
    assert (await chief.post("/v1/webhooks:test")).body["result"] == "delivered"
    headers, body = listener.came[0]
    stamp = int(headers["webhook-timestamp"])
    assert headers["webhook-signature"] == sign(secrets, headers["webhook-id"], stamp, body)


async def test_secrets_that_sign_are_limited(chief: Any, problem: Any) -> None:
    until = [(await chief.post("/v1/webhooks:rotate")).body["previous_until"] for _ in range(6)]
    found = problem(await chief.post("/v1/webhooks:rotate"), 409)
    assert found["code"] == "too_many_secrets"
    assert found["current"]["until"][:19] == until[1][:19], "when the oldest ends"
    assert found["current"]["until"] in found["detail"]
    assert (await chief.get("/v1/webhooks")).body["previous_secret_until"] == until[-1]


async def test_a_test_says_what_came_of_it(chief: Any, url: str, listener: Listener, problem: Any) -> None:
    problem(await chief.post("/v1/webhooks:test"), 404)
    await chief("PUT", "/v1/webhooks", {"url": url})
    reply = (await chief.post("/v1/webhooks:test")).body
    assert (reply["result"], reply["because"], reply["id"]) == ("delivered", "204", listener.ids[0])
    assert msgspec.json.decode(listener.came[0][1])["type"] == "webhook.test"
    listener.status = 500
    reply = (await chief.post("/v1/webhooks:test")).body
    assert (reply["result"], reply["because"]) == ("failed", "500")
    assert (await chief.get("/v1/webhooks")).body["dead"] == 0


async def test_a_removed_endpoint_hears_nothing(chief: Any, url: str, listener: Listener) -> None:
    await chief("PUT", "/v1/webhooks", {"url": url})
    for _ in range(2):
        assert (await chief("DELETE", "/v1/webhooks")).status == 204
    await queue_comment(chief, "c-1")
    shown = (await chief.get("/v1/webhooks")).body
    assert (shown["url"], shown["has_secret"], shown["pending"], shown["dead"]) == (None, True, 0, 0)
    assert listener.came == []


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://site.example/", "https"),
        ("https://localhost/", "local network"),
        ("https://127.0.0.1/", "private"),
        ("https://169.254.169.254/latest/meta-data/", "credentials"),
        ("https://[::ffff:10.0.0.1]/", "private"),
        ("https://site.example:6379/", "port"),
        ("https://host.invalid/", "cannot be found"),
        ("https://a..example/", "cannot be found"),
        (f"https://{'a' * 64}.example/", "cannot be found"),
        ("", "https"),
    ],
)
async def test_an_endpoint_in_the_operators_network_is_refused(
    admin: Any, problem: Any, address: str, why: str
) -> None:
    found = problem(await admin("PUT", "/v1/webhooks", {"url": address}), 400)
    (fault,) = found["errors"]
    assert fault["pointer"] == "/url"
    assert why in fault["detail"]
    assert (await admin.get("/v1/webhooks")).body["has_secret"] is False


async def test_a_name_that_leads_into_the_operators_network_is_refused(admin: Any, problem: Any) -> None:
    own_name = socket.gethostname()
    with contextlib.suppress(OSError):
        socket.getaddrinfo(own_name, 443)
        problem(await admin("PUT", "/v1/webhooks", {"url": f"https://{own_name}/"}), 400)


async def test_a_callback_that_may_never_be_called_is_refused(admin: Any, problem: Any) -> None:
    comment = {"text": "hello", "callback_url": "https://10.0.0.1/hook"}
    (fault,) = problem(await admin.post("/v1/comments", comment), 400)["errors"]
    assert fault == {"pointer": "/callback_url", "detail": "is a private address"}
    batch = [{"text": "hello", "callback_url": "https://site.example/hook"}, comment]
    first, second = (await admin.post("/v1/comments:batch", {"comments": batch})).body["results"]
    assert first["status"] == "approved"
    assert second["errors"] == [{"pointer": "/comments/1/callback_url", "detail": "is a private address"}]


@pytest.mark.parametrize("body", [{}, {"url": 5}, {"url": "https://a.example/", "secret": "x"}, []])
async def test_a_wrong_body_is_refused(admin: Any, problem: Any, body: Any) -> None:
    assert problem(await admin("PUT", "/v1/webhooks", body), 400)["errors"]


async def test_dead_letters_are_listed_and_sent_again(chief: Any, url: str, listener: Listener, problem: Any) -> None:
    await chief("PUT", "/v1/webhooks", {"url": url})
    listener.status = 500
    for n in range(3):
        await queue_comment(chief, f"c.{n}")
    await until(settled(chief))
    assert (await chief.get("/v1/webhooks")).body["dead"] == 3
    first = (await chief.get("/v1/webhooks/dead?limit=2")).body
    rest = (await chief.get("/v1/webhooks/dead", params={"limit": 2, "cursor": first["next"]})).body
    assert rest["next"] is None
    letters = first["letters"] + rest["letters"]
    assert sorted(each["id"] for each in letters) == [f"evt_daily_c~2e{n}_1" for n in range(3)]
    assert {each["because"] for each in letters} == {"500"}
    assert {each["attempts"] for each in letters} == {1}
    assert {each["callback_url"] for each in letters} == {None}

    listener.status = 204
    listener.came.clear()
    assert (await chief.post("/v1/webhooks/dead/evt_daily_c~2e1_1:retry")).body == {"id": "evt_daily_c~2e1_1"}
    await until(settled(chief))
    assert listener.ids == ["evt_daily_c~2e1_1"]
    problem(await chief.post("/v1/webhooks/dead/evt_daily_c~2e1_1:retry"), 404)

    reply = (await chief.post("/v1/webhooks/dead:retry")).body
    assert reply == {"replayed": 2, "superseded": 0, "busy": 0, "more": False}
    await until(settled(chief))
    assert sorted(listener.ids) == [f"evt_daily_c~2e{n}_1" for n in (0, 1, 2)]
    assert (await chief.get("/v1/webhooks/dead")).body == {"letters": [], "next": None}


async def test_a_superseded_letter_is_not_sent(chief: Any, url: str, listener: Listener, problem: Any) -> None:
    await chief("PUT", "/v1/webhooks", {"url": url})
    listener.status = 500
    await queue_comment(chief, "c-1")
    await until(settled(chief))
    listener.status = 204
    await queue_comment(chief, "c-1", "edited")
    await until(settled(chief))
    assert problem(await chief.post("/v1/webhooks/dead/evt_daily_c-1_1:retry"), 409)["code"] == "superseded"
    reply = (await chief.post("/v1/webhooks/dead:retry")).body
    assert reply == {"replayed": 0, "superseded": 1, "busy": 0, "more": False}
    assert (await chief.get("/v1/webhooks")).body["dead"] == 0


@pytest.mark.parametrize("name", ["evt_daily_absent_1", "evt_weekly_c-1_1", "nonsense", "evt_daily_c-1_0"])
async def test_a_letter_that_is_not_there_is_not_found(admin: Any, problem: Any, name: str) -> None:
    problem(await admin.post(f"/v1/webhooks/dead/{name}:retry"), 404)


@pytest.mark.parametrize("query", ["cursor=x", "cursor=1.evt_daily_1", "limit=0", "limit=1001", "after=1"])
async def test_a_wrong_page_is_refused(admin: Any, problem: Any, query: str) -> None:
    problem(await admin.get(f"/v1/webhooks/dead?{query}"), 400)


async def test_another_site_sees_nothing_of_it(chief: Any, url: str, listener: Listener, key_for: Any) -> None:
    await chief("PUT", "/v1/webhooks", {"url": url})
    listener.status = 500
    await queue_comment(chief, "c-1")
    await until(settled(chief))
    other = await key_for(chief.client, site="weekly")
    assert (await other.get("/v1/webhooks")).body["url"] is None
    assert (await other.get("/v1/webhooks/dead")).body["letters"] == []
    assert (await other.post("/v1/webhooks/dead/evt_daily_c-1_1:retry")).status == 404
    assert (await chief.get("/v1/webhooks")).body["dead"] == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/webhooks"),
        ("PUT", "/v1/webhooks"),
        ("DELETE", "/v1/webhooks"),
        ("POST", "/v1/webhooks:rotate"),
        ("POST", "/v1/webhooks:test"),
        ("GET", "/v1/webhooks/dead"),
        ("POST", "/v1/webhooks/dead:retry"),
        ("POST", "/v1/webhooks/dead/evt_daily_c-1_1:retry"),
    ],
)
async def test_webhooks_are_the_administrators(client: Any, key_for: Any, problem: Any, method: str, path: str) -> None:
    moderator = await key_for(client, "review", "comments", "score", name="ann")
    problem(await moderator(method, path, {"url": "https://a.example/"} if method == "PUT" else None), 403)


async def test_what_administrators_do_is_in_the_audit_trail(chief: Any, url: str) -> None:
    secret = (await chief("PUT", "/v1/webhooks", {"url": url})).body["secret"]
    rotated = (await chief.post("/v1/webhooks:rotate")).body["secret"]
    await chief("DELETE", "/v1/webhooks")
    reply = await chief.get("/v1/audit")
    done = [(each["details"]["action"], each["details"]["actor"]) for each in reply.body["entries"]]
    assert done == [
        ("webhook_secret_made", "chief"),
        ("webhook_set", "chief"),
        ("webhook_secret_made", "chief"),
        ("webhook_removed", "chief"),
    ]
    assert secret.encode() not in reply.raw
    assert rotated.encode() not in reply.raw


async def test_with_a_key_secrets_lie_encrypted_in_redis(
    settings: Any, run: Any, key_for: Any, tmp_path: Any, redis_server: Any
) -> None:
    file = tmp_path / "keys"
    file.write_text("q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=\n")
    async with run(msgspec.structs.replace(settings, secret_file=file)) as client:
        chief = await key_for(client, name="chief")
        secret = (await chief.post("/v1/webhooks:rotate")).body["secret"]
        assert len(key_of(secret)) == 32
        site = "daily"
        with redis_server.client() as redis:
            kept = redis.hgetall(Shard(site).key("webhook:secrets"))
        assert kept["current"].startswith("fernet:")
        assert secret.removeprefix("whsec_") not in str(kept)
        assert keys.WEBHOOKS in client.server.app


async def test_the_relay_can_be_left_to_another_process(
    settings: Any, run: Any, key_for: Any, url: str, listener: Listener
) -> None:
    alone = msgspec.structs.replace(settings, webhook_allow_private=True, relay=False)
    async with run(alone) as client:
        chief = await key_for(client, name="chief")
        await chief("PUT", "/v1/webhooks", {"url": url})
        await queue_comment(chief, "c-1")
        await asyncio.sleep(1.2)
        assert listener.came == []
        assert (await chief.get("/v1/webhooks")).body["pending"] == 1
    async with run(msgspec.structs.replace(alone, relay=True)) as client:
        await until(settled(type(chief)(client, chief.key)))
        assert listener.ids == ["evt_daily_c-1_1"]


async def test_a_webhook_that_is_not_taken_is_logged_with_host_and_next_try(
    settings: Any, run: Any, key_for: Any, url: str, listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    listener.status = 500
    patient = msgspec.structs.replace(settings, webhook_allow_private=True, webhook_schedule="0,600", undo_hold_s=0)
    async with run(patient) as client:
        chief = await key_for(client, name="chief")
        await chief("PUT", "/v1/webhooks", {"url": url})
        await queue_comment(chief, "c-1")

        async def is_logged() -> bool:
            return any("did not take an event" in each.getMessage() for each in caplog.records)

        await until(is_logged)
    (line,) = [each.getMessage() for each in caplog.records if "did not take an event" in each.getMessage()]
    assert re.fullmatch(
        r"webhooks of daily: 127\.0\.0\.1 did not take an event \(500\); attempt 1, the next one in \d{3} s", line
    )

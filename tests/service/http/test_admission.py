"""Who may enter: what an address may ask without a key, and keys that are for pages of certain origins."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from service import app_keys as keys
from service.console.entry import LINK_LASTS
from service.http import admission
from service.settings import Settings
from service.values.access import Scope, mint
from service.values.accounts import Account, Role, Ticket

RATE = 0.001
AT_ONCE = 5
ORIGIN, OTHER = "https://www.example.org", "https://evil.example"


@pytest.fixture
def slow(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """So slow that no machine gives a request back during a test: the next one is due after a quarter of an hour."""
    monkeypatch.setattr(admission, "BURST_S", AT_ONCE / RATE)
    return msgspec.structs.replace(settings, address_rate_per_s=RATE, trusted_proxies="127.0.0.0/8", demo=True)


def of(address: str, **headers: str) -> dict[str, str]:
    return {"X-Forwarded-For": address, **headers}


def wrong_key() -> str:
    return mint("daily", frozenset(Scope), None, datetime.now(UTC))[0]


# A request of each protocol that does without a valid key, and its status before the limit.
STRANGE = {
    "no key": ("POST", "/v1/comments", {}, {"json": {"text": "a"}}, 401),
    "no key for metrics": ("GET", "/metrics", {}, {}, 401),
    "documentation": ("GET", "/docs", {}, {}, 200),
    "its assets": ("GET", "/docs/swagger-ui.css", {}, {}, 200),
    "its description": ("GET", "/openapi.json", {}, {}, 200),
    "discovery": ("GET", "/$discovery/rest?version=v1alpha1", {}, {}, 200),
    "demonstration": ("GET", "/demo", {}, {}, 200),
    "malformed": ("POST", "/v1/score", {"Authorization": "Bearer x"}, {"json": {"text": "a"}}, 401),
    "unknown": ("POST", "/v1/score", {"Authorization": f"Bearer {wrong_key()}"}, {"json": {"text": "a"}}, 401),
    "openai": ("POST", "/v1/moderations", {"Authorization": "Bearer sk-x"}, {"json": {"input": "a"}}, 401),
    "perspective": ("POST", "/v1alpha1/comments:analyze?key=x", {}, {"json": {"comment": {"text": "a"}}}, 400),
    "akismet": ("POST", "/1.1/verify-key", {}, {"data": {"key": "x", "blog": "https://a.example"}}, 200),
    "coral": ("POST", "/coral/daily", {"X-Coral-Signature": "sha256=00"}, {"json": {}}, 401),
    "console": ("GET", "/console/queue", {"Sec-Fetch-Site": "same-origin"}, {"allow_redirects": False}, 303),
    "sign-in": (
        *("POST", "/console/sign-in/link", {"Sec-Fetch-Site": "same-origin"}),
        *({"data": {"ticket": "x"}}, 401),
    ),
}


@pytest.mark.parametrize("kind", STRANGE)
async def test_an_address_without_a_valid_key_is_limited_and_valid_keys_from_it_are_not(
    run: Any, slow: Settings, key_for: Any, kind: str
) -> None:
    method, path, headers, more, status = STRANGE[kind]
    async with run(slow) as client:
        caller = await key_for(client)
        for _ in range(AT_ONCE):
            async with client.request(method, path, headers=of("192.0.2.1", **headers), **more) as response:
                assert response.status == status, await response.text()
        async with client.request(method, path, headers=of("192.0.2.1", **headers), **more) as response:
            assert response.status == 429
            assert int(response.headers["Retry-After"]) >= 1
        async with client.request(method, path, headers=of("192.0.2.2", **headers), **more) as response:
            assert response.status == status, "another address is another limit"
        for _ in range(2 * AT_ONCE):
            reply = await caller.post("/v1/score", {"text": "a"}, headers=of("192.0.2.1"))
            assert reply.status == 200


async def test_who_signs_in_is_no_stranger(run: Any, slow: Settings) -> None:
    async with run(slow) as client:
        accounts = client.server.app[keys.STORE].accounts
        assert await accounts.put(Account("ann", {"daily": Role.MODERATOR}, datetime.now(UTC)))
        for _ in range(3 * AT_ONCE):
            ticket = await accounts.issue(Ticket("link", "ann", 0), LINK_LASTS)
            asked = {"data": {"ticket": ticket}, "headers": of("192.0.2.1", **{"Sec-Fetch-Site": "same-origin"})}
            async with client.post("/console/sign-in/link", allow_redirects=False, **asked) as response:
                assert response.status == 303


async def test_an_operator_who_did_not_name_the_proxy_is_told_once(
    run: Any, slow: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    for proxies, told in (("127.0.0.0/8", 0), ("", 1)):
        admission._warn_of_proxy.cache_clear()  # noqa: SLF001 - as in a new process
        async with run(msgspec.structs.replace(slow, trusted_proxies=proxies)) as client:
            for _ in range(AT_ONCE + 3):
                async with client.post("/v1/score", json={}, headers=of("192.0.2.1")) as response:
                    await response.read()
            assert response.status == 429
        assert sum("STEWARD_TRUSTED_PROXIES" in record.message for record in caplog.records) == told


async def test_whether_it_lives_and_is_ready_is_told_without_limit(run: Any, slow: Settings) -> None:
    """Or a flood from behind the same proxy would have whoever watches over the service take it away."""
    async with run(slow) as client:
        for path in ("/livez", "/readyz"):
            for _ in range(3 * AT_ONCE):
                async with client.get(path, headers=of("192.0.2.1")) as response:
                    assert response.status == 200


async def test_a_limit_of_0_is_none(run: Any, slow: Settings) -> None:
    async with run(msgspec.structs.replace(slow, address_rate_per_s=0)) as client:
        for _ in range(300):
            async with client.post("/v1/score", json={"text": "a"}) as response:
                assert response.status == 401


@pytest.mark.parametrize("origin", [None, OTHER, "null", f"{ORIGIN}/", f"{ORIGIN}:8443", "http://www.example.org"])
async def test_a_key_for_pages_is_refused_elsewhere(
    client: Any, key_for: Any, problem: Any, origin: str | None
) -> None:
    page = await key_for(client, "score", origins=frozenset({ORIGIN}))
    headers = {} if origin is None else {"Origin": origin}
    told = problem(await page.post("/v1/score", {"text": "a"}, headers=headers), 403)
    assert told["code"] == "wrong_origin"
    nobody = type(page)(client, None)
    asked = {"comment": {"text": "a"}, "requestedAttributes": {"TOXICITY": {}}}
    reply = await nobody.post(f"/v1alpha1/comments:analyze?key={page.key}", asked, headers=headers)
    assert (reply.status, reply.body["error"]["details"][0]["reason"]) == (403, "API_KEY_HTTP_REFERRER_BLOCKED")
    reply = await page.post("/v1/moderations", {"input": "a"}, headers=headers)
    assert reply.status == 403


async def test_a_key_for_pages_works_from_them_and_other_keys_from_anywhere(client: Any, key_for: Any) -> None:
    page = await key_for(client, "score", origins=frozenset({ORIGIN, "http://localhost:3000"}))
    for origin in (ORIGIN, "http://localhost:3000"):
        assert (await page.post("/v1/score", {"text": "a"}, headers={"Origin": origin})).status == 200
    server = await key_for(client, "score")
    for headers in ({}, {"Origin": OTHER}):
        assert (await server.post("/v1/score", {"text": "a"}, headers=headers)).status == 200

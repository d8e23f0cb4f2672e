"""Signing in by an OpenID provider: a small one of our own, which keeps the rules, and breaks each of them once."""

import base64
import hashlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from service import app_keys as keys
from service.console.entry import LINK_LASTS
from service.console.visit import COOKIE
from service.values.accounts import Role, Ticket

CLIENT, SECRET = "steward", "a secret: with signs %&"
NEW = "many green pears on a wall"


@dataclass
class Provider:
    """`lies` changes the claims of the next token; `signs_with`: another key than the published one."""

    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "k-1"}))
    issuer: str = ""
    lies: dict[str, Any] = field(default_factory=dict)
    signs_with: RSAKey | None = None
    asked: dict[str, str] = field(default_factory=dict)
    exchanges: int = 0

    def app(self) -> web.Application:
        app = web.Application()
        app.add_routes(
            [
                web.get("/.well-known/openid-configuration", self.about),
                web.get("/keys", self.keys),
                web.post("/token", self.token),
            ]
        )
        return app

    async def about(self, _: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize?tenant=1",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
            }
        )

    async def keys(self, _: web.Request) -> web.Response:
        return web.json_response(KeySet([self.key]).as_dict(private=False))

    def consent(self, location: str) -> tuple[str, str]:
        """What the person does there: the code and the state that the browser brings back."""
        self.asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        return "the-code", self.asked["state"]

    async def token(self, request: web.Request) -> web.Response:
        self.exchanges += 1
        form = await request.post()
        user, _, password = (
            base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode().partition(":")
        )
        challenge = base64.urlsafe_b64encode(hashlib.sha256(str(form["code_verifier"]).encode()).digest()).decode()
        is_right = (
            form["code"] == "the-code"
            and form["redirect_uri"] == self.asked["redirect_uri"]
            and challenge.rstrip("=") == self.asked["code_challenge"]
            and (user, password) == (CLIENT, "a%20secret%3A%20with%20signs%20%25%26")
        )
        if not is_right:
            return web.json_response({"error": "invalid_grant"}, status=400)
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "s-1",
            "iat": now,
            "exp": now + 60,
            "nonce": self.asked["nonce"],
            **self.lies,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        key = self.signs_with or self.key
        return web.json_response({"id_token": jwt.encode({"alg": "RS256", "kid": "k-1"}, claims, key)})


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    provider = Provider()
    async with TestServer(provider.app()) as server:
        provider.issuer = str(server.make_url("")).rstrip("/")
        yield provider


@pytest.fixture
async def client(run: Any, settings: Any, provider: Provider, tmp_path: Any) -> AsyncIterator[Any]:
    (tmp_path / "secret").write_text(SECRET + "\n")
    given = {
        "oidc_issuer": provider.issuer,
        "oidc_client_id": CLIENT,
        "oidc_client_secret_file": tmp_path / "secret",
        "oidc_name": "the newsroom",
    }
    async with run(msgspec.structs.replace(settings, **given)) as client:
        yield client


async def gone_to(browser: Any, provider: Provider, following: str = "") -> tuple[str, str]:
    page = await browser.get(f"/console/sign-in/oidc?next={following}")
    assert page.location.startswith(f"{provider.issuer}/authorize?tenant=1&")
    return provider.consent(page.location)


async def back(browser: Any, code: str, state: str, **more: str) -> Any:
    headers = {"Sec-Fetch-Site": "cross-site"}
    return await browser.get(
        "/console/sign-in/oidc/back", params={"code": code, "state": state, **more}, headers=headers
    )


async def test_the_provider_lets_in_whom_an_administrator_named(browser: Any, account: Any, provider: Provider) -> None:
    await account("ann", Role.SUPERVISOR, password=None, subject="s-1")
    assert "Sign in with the newsroom" in (await browser.get("/console/sign-in")).text
    page = await back(browser, *await gone_to(browser, provider, "/console/account"))
    assert '<meta http-equiv="refresh" content="0; url=/console/account">' in page.text
    assert "Supervisor" in (await browser.get("/console/account")).text, "the second factor is the provider's affair"
    assert provider.asked["code_challenge_method"] == "S256"
    assert provider.asked["response_type"] == "code"


async def test_who_came_through_the_provider_chooses_no_password_that_would_outlast_it(
    browser: Any, account: Any, provider: Provider, app: Any
) -> None:
    await account("ann", password=None, subject="s-1")
    await back(browser, *await gone_to(browser, provider, "/console/account"))
    page = await browser.get("/console/account")
    assert "To choose a password, ask an administrator for a link." in page.text
    assert 'name="new"' not in page.text
    for path in ("/console/account/password", "/console/welcome"):
        await browser.post(path, new=NEW)
        assert (await app[keys.STORE].accounts.get("ann")).password is None, path
    ticket = await app[keys.STORE].accounts.issue(Ticket("link", "ann"), LINK_LASTS)
    await browser.get(f"/console/sign-in/link?ticket={ticket}")
    await browser.post("/console/sign-in/link", ticket=ticket)
    await browser.get("/console/account")
    await browser.post("/console/account/password", new=NEW)
    assert (await app[keys.STORE].accounts.get("ann")).password is not None, "an administrator allowed it"


async def test_an_address_counts_only_where_the_provider_verified_it(
    browser: Any, account: Any, provider: Provider
) -> None:
    await account("ann", password=None, subject="ann@example.org")
    for lies, status in (
        ({"email": "ann@example.org"}, 401),
        ({"email": "ann@example.org", "email_verified": "true"}, 401),
        ({"email": "ann@example.org", "email_verified": True}, 200),
    ):
        provider.lies = lies
        assert (await back(browser, *await gone_to(browser, provider))).status == status


async def test_who_has_no_account_stays_outside(browser: Any, account: Any, provider: Provider) -> None:
    await account("ann", password=None, subject="s-2")
    await account("bob", password=None, subject="s-1", is_disabled=True)
    page = await back(browser, *await gone_to(browser, provider))
    assert page.status == 401
    assert "you have no account here" in page.text
    assert COOKIE not in browser.cookies


@pytest.mark.parametrize(
    "lies",
    [
        {"iss": "https://evil.example"},
        {"aud": "another"},
        {"aud": ["another", "steward"], "azp": "another"},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": 1},
        {"exp": None},
        {"sub": None},
    ],
    ids=str,
)
async def test_a_token_that_is_not_for_us_now_lets_nobody_in(
    browser: Any, account: Any, provider: Provider, lies: dict[str, Any]
) -> None:
    await account("ann", password=None, subject="s-1")
    provider.lies = lies
    assert (await back(browser, *await gone_to(browser, provider))).status == 401
    assert COOKIE not in browser.cookies


async def test_a_token_of_another_key_lets_nobody_in_and_a_changed_key_is_learned(
    browser: Any, account: Any, provider: Provider
) -> None:
    await account("ann", password=None, subject="s-1")
    provider.signs_with = RSAKey.generate_key(2048, {"kid": "k-1"})
    assert (await back(browser, *await gone_to(browser, provider))).status == 401
    provider.key = provider.signs_with
    assert (await back(browser, *await gone_to(browser, provider))).status == 200


async def test_an_answer_that_this_browser_did_not_ask_for_is_refused(
    browser: Any, account: Any, provider: Provider, client: Any
) -> None:
    await account("ann", password=None, subject="s-1")
    code, state = await gone_to(browser, provider)
    somebody_else = type(browser)(client)
    assert (await back(somebody_else, code, state)).status == 401
    await gone_to(somebody_else, provider)
    assert (await back(somebody_else, code, state)).status == 401, "the state of another browser"
    assert provider.exchanges == 0, "the code was not even used"
    assert (await back(browser, code, state, iss="https://evil.example")).status == 401
    assert (await back(browser, code, state)).status == 401, "once only"


async def test_a_provider_that_is_away_is_said_and_passwords_still_work(
    browser: Any, account: Any, provider: Provider
) -> None:
    await account("ann")
    provider.issuer = "http://127.0.0.1:1"
    assert (await browser.get("/console/sign-in/oidc")).status == 503
    page = await browser.post("/console/sign-in", name="ann", password="correct horse battery")
    assert page.status == 303

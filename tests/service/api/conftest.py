"""The whole service over a real Redis and a real socket, and callers with keys."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from service import keys
from service.access import Scope, mint
from service.app import build_app
from service.settings import Settings

# Thresholds that send every comment to where a test needs it, whatever the model says.
ALWAYS = {
    "approve": {"toxicity": {}},
    "review": {"toxicity": {"review_at": 0}},
    "reject": {"toxicity": {"reject_at": 0}},
}


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: Any
    raw: bytes
    body: Any


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody with a key, or without one."""

    client: Any
    key: str | None
    name: str = ""

    async def __call__(self, method: str, path: str, body: Any = None, **more: Any) -> Reply:
        headers = {**({"Authorization": f"Bearer {self.key}"} if self.key else {}), **more.pop("headers", {})}
        if body is not None:
            more["json"] = body
        async with self.client.request(method, path, headers=headers, **more) as response:
            raw = await response.read()
            is_json = response.content_type.endswith(("/json", "+json"))
            parsed = await response.json(content_type=None) if is_json and raw else None
            return Reply(response.status, response.headers, raw, parsed)

    async def get(self, path: str, **more: Any) -> Reply:
        return await self("GET", path, **more)

    async def post(self, path: str, body: Any = None, **more: Any) -> Reply:
        return await self("POST", path, body, **more)

    async def send(self, path: str, data: bytes, content_type: str = "application/json", **more: Any) -> Reply:
        """A body as it is."""
        headers = {"Content-Type": content_type, **more.pop("headers", {})}
        return await self("POST", path, data=data, headers=headers, **more)


@contextlib.asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Any]:
    server = TestServer(build_app(settings))
    await server.start_server(auto_decompress=False)  # as `steward serve` does
    async with TestClient(server) as client:
        yield client


@pytest.fixture(scope="session")
def run() -> Any:
    """Runs a service with given settings."""
    return serving


@pytest.fixture
def client_of() -> Any:
    """A client for any application."""
    return lambda app: TestClient(TestServer(app))


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[Any]:
    async with serving(settings) as client:
        yield client


@pytest.fixture
def app(client: Any) -> web.Application:
    return client.server.app


@pytest.fixture(scope="session")
def key_for() -> Callable[..., Awaitable[Caller]]:
    """Makes a key in a running service's Redis and gives whoever calls with it."""

    async def key_for(client: Any, *scopes: str, site: str = "daily", name: str | None = None, **more: Any) -> Caller:
        text, record = mint(site, frozenset(map(Scope, scopes or Scope)), name, datetime.now(UTC), **more)
        await client.server.app[keys.STORE].access.keep(record)
        await client.server.app[keys.DIRECTORY].refresh()
        return Caller(client, text, record.name)

    return key_for


@pytest.fixture
async def admin(client: Any, key_for: Any) -> Caller:
    """May do everything for the site daily."""
    return await key_for(client, name="chief")


@pytest.fixture
async def ann(client: Any, key_for: Any) -> Caller:
    return await key_for(client, "review", name="ann")


@pytest.fixture
async def bob(client: Any, key_for: Any) -> Caller:
    return await key_for(client, "review", name="bob")


@pytest.fixture
def decide_always(admin: Caller) -> Callable[[str], Awaitable[None]]:
    async def decide_always(decision: str) -> None:
        reply = await admin("PUT", "/v1/policies/default", {"thresholds": ALWAYS[decision]})
        assert reply.status == 200, reply.body

    return decide_always


@pytest.fixture
def problem() -> Callable[[Reply, int], dict[str, Any]]:
    """Checks what every error has in common, and gives it."""

    def problem(reply: Reply, status: int) -> dict[str, Any]:
        assert reply.status == status, reply.body
        assert reply.headers["Content-Type"] == "application/problem+json"
        found: dict[str, Any] = reply.body
        assert found["status"] == status
        assert {"type", "title", "status", "detail", "instance"} <= found.keys()
        assert all(fault.keys() == {"pointer", "detail"} for fault in found.get("errors", []))
        return found

    return problem

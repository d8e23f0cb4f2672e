"""A real Redis for the service's tests, the whole service over it and a real socket, and callers with keys."""

import asyncio
import contextlib
import gc
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from ipaddress import ip_address
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import redis.utils
from aiohttp import web, web_app
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web_urldispatcher import UrlDispatcher
from argon2 import PasswordHasher
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from prometheus_client import REGISTRY

sys.path.insert(0, str(Path(__file__).parent))

import one_service
from contrary import write_contrary
from redis_server import RedisServer

import classifier
from service import app_keys as keys
from service.cases import model_folders, unrecorded
from service.console import routes
from service.console.assets import Assets
from service.console.rendering import Renderer
from service.http import shortcut
from service.process import app as application
from service.settings import Settings
from service.store import Store, changes, open_store
from service.store.keyspace import CHANGES
from service.values import accounts
from service.values.access import Scope, mint
from service.webhooks import relay

# Of one list in the service's routes; shorter lists cost little.
MANY_ROUTES = 20


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    one_service.share_loops(items)


@pytest.fixture(scope="session")
def shared_server() -> Iterator[RedisServer]:
    server = RedisServer()
    server.start()
    yield server
    server.remove()


@pytest.fixture
def redis_server(shared_server: RedisServer) -> Iterator[RedisServer]:
    """An empty Redis; after the test every key that it left must expire or be listed as permanent."""
    shared_server.flush()
    yield shared_server
    assert shared_server.undying() == []


@pytest.fixture
def own_server() -> Iterator[RedisServer]:
    """A Redis for one test, which may kill it."""
    server = RedisServer()
    server.start()
    yield server
    server.remove()


@pytest.fixture
def make_server() -> Iterator[Any]:
    """Makes servers with other options than the service asks for."""
    made: list[RedisServer] = []

    def make(*, is_started: bool = True, **options: str) -> RedisServer:
        server = RedisServer(**options)
        made.append(server)
        if is_started:
            server.start()
        return server

    yield make
    for server in made:
        server.remove()


@pytest.fixture
def self_signed(tmp_path: Path) -> Path:
    """A PEM file with a certificate of 127.0.0.1 that nobody vouches for, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = tmp_path / "both.pem"
    path.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    return path


@pytest.fixture
def settings(redis_server: RedisServer, tmp_path: Path) -> Settings:
    """As patient with Redis as can be: these tests share a machine with others. Tests of the deadline set their own."""
    return Settings(redis_url=redis_server.url, data_dir=tmp_path, store_timeout_s=30)


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[Store]:
    assert settings.redis_url is not None
    async with open_store(settings, settings.redis_url) as store:
        yield store


@pytest.fixture(scope="session", autouse=True)
def cheap_hashes() -> Iterator[None]:
    """Passwords of the tests guard nothing; test_accounts.py says what a hash costs in the service."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(accounts, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture(scope="session", autouse=True)
def patient() -> Iterator[None]:
    """What the service gives up after a moment, it does not give up because the machine is busy with other tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STEWARD_STORE_TIMEOUT_S", "30")  # of commands
        patch.setattr(unrecorded, "LOOK_S", 30)
        patch.setattr(relay, "HAND_BACK_S", 30)
        yield


@pytest.fixture(scope="session", autouse=True)
def still_frozen() -> Iterator[None]:
    """A service that ends in the process of the tests unfreezes nothing that tests/conftest.py froze."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gc, "freeze", lambda: None)
        patch.setattr(gc, "unfreeze", lambda: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def shipped_model_once() -> Iterator[None]:
    """Every service of the tests uses the shipped model, which nothing changes: it is read once for all of them."""
    load = model_folders._load  # noqa: SLF001 - a model of a test's own is loaded as ever
    shipped = cache(partial(load, classifier.SHIPPED))

    def once(path: Path, *, both: bool) -> classifier.Model:
        return shipped(both=both) if path == classifier.SHIPPED else load(path, both=both)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model_folders, "_load", once)
        yield


@pytest.fixture(scope="session")
def contrary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model that says the opposite of the shipped one."""
    return write_contrary(tmp_path_factory.mktemp("models") / "contrary")


@pytest.fixture(scope="session", autouse=True)
def console_texts_once() -> Iterator[None]:
    """Every service of the tests has the same templates, translations, styles and scripts: they are compiled, and
    packed, once for all of them.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(routes, "Assets", cache(Assets))
        patch.setattr(routes, "Renderer", cache(Renderer))
        yield


@pytest.fixture(scope="session", autouse=True)
def routes_once() -> Iterator[None]:
    """Every service of the tests has the same routes, which know nothing of their application; aiohttp takes a third of
    a service's start to make them.
    """
    add, known = UrlDispatcher.add_routes, dict[Any, UrlDispatcher]()

    def once(router: UrlDispatcher, routes: Sequence[Any]) -> list[Any]:
        if len(routes) < MANY_ROUTES:
            return add(router, routes)
        named = tuple((each.method, each.path, each.handler) for each in routes)
        if named not in known:
            known[named] = UrlDispatcher()
            add(known[named], routes)
        first = known[named]
        # As `register_resource` would, one by one, with a look at the class, the name and the path of each.
        assert not first._named_resources  # noqa: SLF001 - aiohttp's
        assert not first._matched_sub_app_resources  # noqa: SLF001 - aiohttp's
        router._resources.extend(first._resources)  # noqa: SLF001 - aiohttp's
        for place, found in first._resource_index.items():  # noqa: SLF001 - aiohttp's
            router._resource_index.setdefault(place, []).extend(found)  # noqa: SLF001 - aiohttp's
        return [route for resource in first.resources() for route in resource]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(application, "routes", cache(application.routes))
        patch.setattr(application, "console_routes", cache(application.console_routes))
        patch.setattr(UrlDispatcher, "add_routes", once)
        yield


@pytest.fixture(scope="session", autouse=True)
def version_of_redis_py_once() -> Iterator[None]:
    """redis-py reads its own version from its metadata for each connection, and each test opens several."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(redis.utils, "get_lib_version", cache(redis.utils.get_lib_version))
        yield


@pytest.fixture(scope="session")
def failures() -> Callable[[str], float]:
    """How often a loop beside the requests has failed in this process."""
    return lambda loop: REGISTRY.get_sample_value("steward_background_failures_total", {"loop": loop}) or 0.0


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


class AsServed(TestServer):
    """aiohttp's own cancels a handler whose client goes away; `steward serve` does not: what was sent is recorded."""

    async def _make_runner(self, **options: Any) -> web.AppRunner:
        return web.AppRunner(self.app, **{**options, "handler_cancellation": False})


@contextlib.asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Any]:
    server = AsServed(application.build_app(settings))
    await server.start_server(auto_decompress=False, access_log=None)  # as `steward serve` does
    shortcut.install_fast_path(server.runner)  # as well
    async with TestClient(server) as client:
        yield client
    # aiohttp remembers the handlers of the last thousand routes, and with them their applications.
    web_app._cached_build_middleware.cache_clear()  # noqa: SLF001 - it offers no other way
    if next(_ended) % 100 == 0:
        # An application holds most of a megabyte in circles, and Python would let hundreds of them be before it looks.
        gc.collect()


_ended = count(1)


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
async def only_told(client: Any, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits at `client` hears of changes from Redis alone: the service does not look again by itself."""
    monkeypatch.setattr(changes, "LOOK_AGAIN_S", 3600)
    assert client.server.started
    with redis_server.client() as redis:
        async with asyncio.timeout(60):
            while not dict(redis.pubsub_numsub(CHANGES))[CHANGES]:
                await asyncio.sleep(0.01)


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

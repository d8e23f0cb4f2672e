"""One service, Redis and event loop for all tests of a file, and a site of its own for each of them.

To start a service takes longer than most requests. A file takes what is here if none of its tests needs an empty
service, breaks it or changes its settings:

    redis_server, settings, client, site, key_for, admin, ann, bob = one_service.FIXTURES

Keys are of the test's own site unless a test names another one.
"""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from functools import partial
from itertools import count
from typing import Any

import pytest
import pytest_asyncio
from redis_server import RedisServer

from service.settings import Settings

_sites = count(1)


@pytest.fixture(scope="module")
def redis_server(shared_server: RedisServer) -> Iterator[RedisServer]:
    """Empty before the first test; after the last, every key that they left must expire or be listed as permanent."""
    shared_server.flush()
    yield shared_server
    assert shared_server.undying() == []


@pytest.fixture(scope="module")
def settings(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """As patient with Redis as elsewhere, and with strangers: all tests of a file come from one address."""
    folder = tmp_path_factory.mktemp("service")
    return Settings(redis_url=redis_server.url, data_dir=folder, store_timeout_s=30, address_rate_per_s=0)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(run: Any, settings: Settings) -> AsyncIterator[Any]:
    async with run(settings) as client:
        yield client


@pytest.fixture
def site() -> str:
    return f"daily-{next(_sites)}"


@pytest.fixture
def key_for(key_for: Callable[..., Awaitable[Any]], site: str) -> Callable[..., Awaitable[Any]]:
    return partial(key_for, site=site)


@pytest_asyncio.fixture(loop_scope="module")
async def admin(client: Any, key_for: Callable[..., Awaitable[Any]]) -> Any:
    """May do everything for the test's site."""
    return await key_for(client, name="chief")


@pytest_asyncio.fixture(loop_scope="module")
async def ann(client: Any, key_for: Callable[..., Awaitable[Any]]) -> Any:
    return await key_for(client, "review", name="ann")


@pytest_asyncio.fixture(loop_scope="module")
async def bob(client: Any, key_for: Callable[..., Awaitable[Any]]) -> Any:
    return await key_for(client, "review", name="bob")


FIXTURES = redis_server, settings, client, site, key_for, admin, ann, bob


def share_loops(items: Iterable[pytest.Item]) -> None:
    """The asynchronous tests of such files run on the event loop of their service."""
    for item in items:
        is_asynchronous = isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.obj)
        if is_asynchronous and getattr(item.module, "client", None) is client:
            item.add_marker(pytest.mark.asyncio(loop_scope="module"), append=False)

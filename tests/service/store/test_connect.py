"""Whether a Redis keeps what it acknowledges; one that does not is not written to."""

from typing import Any

import pytest

from service.redis.connect import Durability
from service.redis.replies import NotDurable
from service.settings import Settings
from service.store import open_store
from service.values.errors import StoreUnavailable


@pytest.mark.parametrize(
    ("options", "said"), [({"maxmemory-policy": "allkeys-lru"}, "noeviction"), ({"appendonly": "no"}, "appendonly")]
)
async def test_a_redis_that_would_lose_comments_is_refused(
    make_server: Any, submit: Any, options: dict[str, str], said: str
) -> None:
    server = make_server(**options)
    async with open_store(Settings(redis_url=server.url, store_timeout_s=30), server.url) as store:
        with pytest.raises(StoreUnavailable, match=said):
            await submit("c-1", to=store)
        with pytest.raises(StoreUnavailable, match=said):
            await store.check()
        with server.client() as client:
            assert client.dbsize() == 0


async def test_an_operator_may_accept_the_loss(make_server: Any, submit: Any) -> None:
    server = make_server(appendonly="no")
    async with open_store(Settings(redis_url=server.url, accept_loss=True, store_timeout_s=30), server.url) as store:
        assert (await submit("c-1", to=store))[0] == "created"
        assert store.durability.mode == "cache"


@pytest.mark.parametrize(("appendfsync", "mode"), [("always", "strict"), ("everysec", "standard")])
async def test_the_promise_of_the_server_is_known(make_server: Any, appendfsync: str, mode: str) -> None:
    server = make_server(appendfsync=appendfsync)
    async with open_store(Settings(redis_url=server.url, store_timeout_s=30), server.url) as store:
        await store.check()
        assert store.durability.mode == mode


async def test_a_server_that_hides_its_configuration_is_used_with_a_warning(
    own_server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with own_server.client() as client:
        client.acl_setuser(
            "default", enabled=True, nopass=True, commands=["+@all", "-config"], keys=["*"], channels=["*"]
        )
    async with open_store(Settings(redis_url=own_server.url, store_timeout_s=30), own_server.url) as store:
        await store.check()
        assert store.durability.mode == "unknown"
        assert "does not show its configuration" in caplog.text


@pytest.mark.parametrize("version", ["6.0.20", "5.0.7", "2.8.0"])
def test_an_old_redis_is_refused(version: str) -> None:
    with pytest.raises(NotDurable, match=version):
        Durability(accept_loss=True).examine(version, "master", None)

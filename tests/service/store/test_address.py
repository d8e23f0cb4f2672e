"""What STEWARD_REDIS_URL may be."""

from typing import Any

import pytest

from service.redis.address import parse
from service.settings import Settings
from service.store import open_store
from service.values.errors import SettingsError


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("redis://host:7/2", {"host": "host", "port": 7, "db": 2}),
        ("redis://ann:p%40ss@host", {"host": "host", "username": "ann", "password": "p@ss"}),
    ],
)
def test_one_server_is_named_as_redis_py_names_it(url: str, options: dict[str, Any]) -> None:
    assert parse(url).kind == "server"
    assert parse(url).options == options


def test_a_sentinel_set_has_hosts_a_name_and_perhaps_a_database() -> None:
    address = parse("redis+sentinel://ann:p%2Fss@one,two:7,[::1]:8/the-queue/3")
    assert address.kind == "sentinel"
    assert address.nodes == (("one", 26379), ("two", 7), ("::1", 8))
    assert address.service == "the-queue"
    assert address.options == {"username": "ann", "password": "p/ss", "db": 3}
    assert address.sentinel_options == {}


def test_the_sentinels_have_a_password_of_their_own_and_share_the_certificates() -> None:
    address = parse("rediss+sentinel://:secret@one/queue?sentinel_password=other&ssl_ca_certs=ca.pem")
    assert address.options == {"password": "secret", "db": 0, "ssl": True, "ssl_ca_certs": "ca.pem"}
    assert address.sentinel_options == {"password": "other", "ssl": True, "ssl_ca_certs": "ca.pem"}


def test_a_cluster_has_hosts_only() -> None:
    address = parse("redis+cluster://:secret@one,two:7001")
    assert (address.kind, address.nodes) == ("cluster", (("one", 6379), ("two", 7001)))
    assert address.at("three", 9).options == {"password": "secret", "db": 0, "host": "three", "port": 9}


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("localhost:6379", "must begin with"),
        ("http://host", "must begin with"),
        ("redis+ring://host", "must begin with"),
        ("unix+cluster:///a/socket", "must begin with"),
        ("unix://", "path of a socket"),
        ("redis://:secret@host:port", "cannot be read"),
        ("redis+sentinel://one,two", "needs the name"),
        ("redis+sentinel://one/queue/first", "no number"),
        ("redis+sentinel:///queue", "must name its hosts"),
        ("redis+cluster://one,,two", "must name its hosts"),
        ("redis+cluster://one:secret", "must name its hosts"),
        ("redis+cluster://one/1", "only database 0"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_its_secrets(url: str, said: str) -> None:
    with pytest.raises(SettingsError, match=f"STEWARD_REDIS_URL .*{said}") as caught:
        parse(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["redis://host", "redis+sentinel://host/queue", "redis+cluster://host"])
async def test_an_option_that_nobody_knows_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(SettingsError, match="STEWARD_REDIS_URL"):
        async with open_store(Settings(), f"{url}?tiemout=3"):
            pass


@pytest.mark.parametrize("scheme", ["redis", "redis+sentinel", "redis+cluster"])
async def test_every_form_of_url_is_looked_at_before_anything_is_connected(scheme: str) -> None:
    name = "/queue" if scheme == "redis+sentinel" else ""
    async with open_store(Settings(), f"{scheme}://:secret@nowhere.invalid:1{name}") as store:
        assert store.durability.mode == "unknown"

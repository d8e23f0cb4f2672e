"""A proxy is believed only where the operator named it."""

from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request

from service import keys
from service.errors import SettingsError
from service.http.origin import asked_host, client_address, own_origin
from service.settings import Settings, from_env

FORWARDED = {
    "Host": "inside:8080",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "talk.example",
    "X-Forwarded-For": "6.6.6.6, 203.0.113.9, 10.0.0.2",
}


def asked(remote: str | None, headers: dict[str, str] | None = None, **settings: Any) -> Any:
    request = make_mocked_request("GET", "/", headers=headers or FORWARDED)
    request.app[keys.SETTINGS] = Settings(**settings)
    return request.clone(remote=remote)


@pytest.mark.parametrize(
    ("remote", "trusted", "origin", "client"),
    [
        ("10.0.0.1", "10.0.0.0/8", "https://talk.example", "203.0.113.9"),
        ("10.0.0.1", "10.0.0.1", "https://talk.example", "10.0.0.2"),
        ("10.0.0.1", "", "http://inside:8080", "10.0.0.1"),
        ("192.0.2.1", "10.0.0.0/8, ::1", "http://inside:8080", "192.0.2.1"),
        ("::1", "10.0.0.0/8, ::1", "https://talk.example", "203.0.113.9"),
    ],
)
def test_what_a_proxy_says_counts_only_if_it_is_trusted(remote: str, trusted: str, origin: str, client: str) -> None:
    request = asked(remote, trusted_proxies=trusted)
    assert (own_origin(request), client_address(request)) == (origin, client)


def test_a_public_url_wins_over_what_any_request_says() -> None:
    assert own_origin(asked("10.0.0.1", public_url="https://steward.example/")) == "https://steward.example"


@pytest.mark.parametrize("host", ["a b", "evil.example/path", "a@b", "", "x" * 300])
def test_a_host_that_is_none_is_not_repeated(host: str) -> None:
    assert own_origin(asked("192.0.2.1", {"Host": host})) == "http://localhost"


def test_networks_that_are_none_are_refused_by_name() -> None:
    with pytest.raises(SettingsError, match="STEWARD_TRUSTED_PROXIES"):
        from_env({"STEWARD_TRUSTED_PROXIES": "10.0.0.0/33"})


def test_the_host_that_was_asked_is_the_clients_word_or_a_trusted_proxys() -> None:
    assert asked_host(asked("192.0.2.1")) == "inside:8080"
    assert asked_host(asked("10.0.0.1", trusted_proxies="10.0.0.1")) == "talk.example"
    assert asked_host(asked("192.0.2.1", public_url="https://steward.example/")) == "inside:8080"
    assert asked_host(asked("192.0.2.1", {"Host": "a b"})) == ""

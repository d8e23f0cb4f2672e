"""A proxy is believed only where the operator named it."""

from collections.abc import Mapping
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from service import app_keys as keys
from service.http.origin import asked_host, client_address, client_network, own_origin
from service.settings import Settings, from_env
from service.values.errors import SettingsError

FORWARDED = {
    "Host": "inside:8080",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "talk.example",
    "X-Forwarded-For": "6.6.6.6, 203.0.113.9, 10.0.0.2",
}


def asked(remote: str | None, headers: Mapping[str, str] | None = None, **settings: Any) -> Any:
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


@pytest.mark.parametrize(
    ("lines", "client"),
    [
        (["6.6.6.6", "203.0.113.9"], "203.0.113.9"),  # a proxy that adds a line of its own leaves the client's there
        (["6.6.6.6, 7.7.7.7", "203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        (["203.0.113.9:4711"], "203.0.113.9"),
        (["[2001:db8::1]:4711"], "2001:db8::1"),
        (["::ffff:203.0.113.9"], "203.0.113.9"),
        (["2001:DB8:0::1"], "2001:db8::1"),
        (["nonsense"], "10.0.0.1"),
        (["203.0.113.9, \u0661.1.1.1"], "10.0.0.1"),
        ([""], "10.0.0.1"),
    ],
)
def test_the_client_is_whom_the_nearest_proxy_names_however_it_writes_that(lines: list[str], client: str) -> None:
    headers = CIMultiDict([("Host", "a"), *(("X-Forwarded-For", line) for line in lines)])
    assert client_address(asked("10.0.0.1", headers, trusted_proxies="10.0.0.0/8")) == client


def test_the_last_word_on_scheme_and_host_is_the_nearest_proxys() -> None:
    said = [("X-Forwarded-Proto", "http"), ("X-Forwarded-Host", "evil.example")]
    said += [("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "talk.example")]
    request = asked("10.0.0.1", CIMultiDict([("Host", "inside"), *said]), trusted_proxies="10.0.0.1")
    assert own_origin(request) == "https://talk.example"


def test_for_limits_all_addresses_that_one_client_of_ipv6_may_have_are_one() -> None:
    networks = {client_network(asked(f"2001:db8:1:2:{last}::1", {"Host": "a"})) for last in range(9)}
    assert networks == {"2001:db8:1:2::/64"}
    assert client_network(asked("2001:db8:1:3::1", {"Host": "a"})) == "2001:db8:1:3::/64"
    assert client_network(asked("::ffff:192.0.2.1", {"Host": "a"})) == client_network(asked("192.0.2.1", {"Host": "a"}))
    assert client_network(asked(None, {"Host": "a"})) == "unknown"


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

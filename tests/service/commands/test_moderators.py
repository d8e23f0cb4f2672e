"""steward moderators, beside a running Redis."""

import json
import re
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result
from redis import Redis

from service.commands.moderators import moderators
from service.values.accounts import Account, is_password

PASSWORD = "correct horse battery"


@pytest.fixture
def command(redis_server: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Any:
    monkeypatch.setenv("STEWARD_REDIS_URL", redis_server.url)
    monkeypatch.setenv("STEWARD_DATA_DIR", str(tmp_path))

    def command(*arguments: str, said: str = "") -> Result:
        return CliRunner().invoke(moderators, arguments, input=said)

    return command


def account(client: "Redis[str]", name: str) -> Account:
    return msgspec.json.decode(client.hget("cm:{access}:accounts", name), type=Account)


def test_an_account_is_made_with_a_password_from_the_standard_input(command: Any, redis_server: Any) -> None:
    assert command("add", "olena", "--site", "daily", "--role", "moderator", said=f"{PASSWORD}\n").exit_code == 0
    mistyped = command("add", "olena", "--site", "weekly", "--role", "auditor")
    assert mistyped.exit_code == 1
    assert "site 'weekly' is new (known: daily). Add --new-site" in mistyped.output
    again = command("add", "olena", "--site", "weekly", "--role", "auditor", "--new-site")
    assert again.exit_code == 0, "it has a password already"
    with redis_server.client() as client:
        made = account(client, "olena")
        assert made.roles == {"daily": "moderator", "weekly": "auditor"}
        assert is_password(PASSWORD, made.password)
        assert PASSWORD not in str(client.hgetall("cm:{access}:accounts"))
    assert "olena" in command("list").output
    (listed,) = json.loads(command("list", "--json").stdout)
    assert (listed["roles"], listed["password"]) == ({"daily": "moderator", "weekly": "auditor"}, True)


@pytest.mark.parametrize("password", ["short", "", "olena olena olena", "aaaaaaaaaaaaaaaa", "x" * 2000])
def test_a_weak_password_is_refused_with_the_reason(command: Any, password: str, redis_server: Any) -> None:
    refused = command("add", "olena", "--site", "daily", "--role", "moderator", said=f"{password}\n")
    assert refused.exit_code == 1
    assert "the password must have" in refused.output
    with redis_server.client() as client:
        assert not client.exists("cm:{access}:accounts")


@pytest.mark.parametrize(
    "arguments", [("o lena", "--site", "daily"), ("olena", "--site", "Daily!"), ("ол", "--site", "daily")]
)
def test_names_that_would_not_do_are_refused(command: Any, arguments: tuple[str, ...]) -> None:
    refused = command("add", *arguments, "--role", "moderator", said=f"{PASSWORD}\n")
    assert refused.exit_code == 2


def test_a_link_and_a_disabled_account(command: Any, redis_server: Any) -> None:
    made = command("add", "jan", "--site", "daily", "--role", "moderator", "--link")
    assert re.search(r"/console/sign-in/link\?ticket=[\w-]{43}", made.output)
    assert "/console/sign-in/link?ticket=" in command("link", "jan").output
    assert command("disable", "jan").exit_code == 0
    with redis_server.client() as client:
        assert account(client, "jan").is_disabled
        assert account(client, "jan").epoch == 1
    assert command("disable", "jan", "--enable").exit_code == 0
    filters = "cm:{daily}:filters:jan"
    with redis_server.client() as client:
        client.hset(filters, "mine", '{"name":"mine","query":"","by":"jan"}')
    assert command("disable", "jan", "--site", "daily").exit_code == 0
    with redis_server.client() as client:
        assert not client.exists(filters), "they go with the role, as by the console"
        assert not account(client, "jan").is_disabled
        assert account(client, "jan").roles == {}
    assert command("disable", "nobody").exit_code == 1


def test_a_new_password_ends_sessions_and_may_forget_the_second_factor(command: Any, redis_server: Any) -> None:
    command("add", "eve", "--site", "daily", "--role", "admin", "--subject", "s-1")
    with redis_server.client() as client:
        kept = account(client, "eve")
        assert (kept.subject, kept.password) == ("s-1", None)
    assert command("password", "eve", "--forget-second-factor", said=f"{PASSWORD}\n").exit_code == 0
    with redis_server.client() as client:
        kept = account(client, "eve")
        assert is_password(PASSWORD, kept.password)
        assert (kept.epoch, kept.totp, kept.recovery) == (1, None, ())

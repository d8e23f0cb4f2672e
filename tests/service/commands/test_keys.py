"""steward keys: labels, made without asking anybody, and keys for pages."""

import re
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from service.commands.keys import keys
from service.values.access import ApiKey, label_of, mint
from service.values.short_keys import digest, rotated

KEY, _ = mint("daily", frozenset(), None, datetime.now(UTC))


def test_the_label_of_the_key_in_the_environment_is_printed_alone() -> None:
    done = CliRunner().invoke(keys, ["label"], env={"STEWARD_KEY": KEY})
    assert (done.exit_code, done.output) == (0, f"{label_of(KEY)}\n")


def test_a_key_is_asked_for_and_not_shown() -> None:
    done = CliRunner().invoke(keys, ["label"], input=f"{KEY}\n", env={"STEWARD_KEY": None})
    assert done.exit_code == 0
    assert label_of(KEY) in done.output
    assert KEY not in done.output


def test_what_is_no_key_is_refused_and_not_repeated() -> None:
    done = CliRunner().invoke(keys, ["label"], env={"STEWARD_KEY": "cmk_live_canary"})
    assert done.exit_code == 1
    assert "no API key" in done.output
    assert "canary" not in done.output


def test_an_origin_that_is_none_is_refused_by_the_option() -> None:
    asked = ["create", "--site", "daily", "--scope", "score", "--origin", "https://a.example/path"]
    done = CliRunner().invoke(keys, asked)
    assert done.exit_code == 2
    assert "--origin" in done.output
    assert "https://a.example/path" in done.output


def test_a_key_for_pages_keeps_its_origins_as_browsers_send_them(
    redis_server: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("STEWARD_REDIS_URL", redis_server.url)
    monkeypatch.setenv("STEWARD_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    named = ["--origin", "https://WWW.example.org:443/", "--origin", "http://localhost:3000"]
    done = CliRunner().invoke(keys, ["create", "--site", "daily", "--scope", "score", *named])
    assert done.exit_code == 0, done.output
    assert re.fullmatch(r"cmk_live_\S+\n", done.stdout)
    origins = {"https://www.example.org", "http://localhost:3000"}
    with redis_server.client() as client:
        (kept,) = client.hvals("cm:{access}:keys")
        assert msgspec.json.decode(kept, type=ApiKey).origins == origins
        ((_, entry),) = client.xrange("cm:{daily}:audit")
        assert set(entry["origins"].split()) == origins
    listed = CliRunner().invoke(keys, ["list"]).output
    assert all(origin in listed for origin in origins)


def test_a_key_for_akismet_has_12_digits_and_is_rotated_by_its_id(
    redis_server: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("STEWARD_REDIS_URL", redis_server.url)
    monkeypatch.setenv("STEWARD_DATA_DIR", str(tmp_path))
    made = CliRunner().invoke(keys, ["create", "--site", "daily", "--scope", "akismet", "--name", "blog"])
    assert re.fullmatch("[0-9a-f]{12}\n", made.stdout), made.stdout
    with redis_server.client() as client:
        record = msgspec.json.decode(client.hvals("cm:{access}:keys")[0], type=ApiKey)
        done = CliRunner().invoke(keys, ["rotate", record.id])
        assert re.fullmatch("[0-9a-f]{12}\n", done.stdout), done.stdout
        after = msgspec.json.decode(client.hvals("cm:{access}:keys")[0], type=ApiKey)
        actions = [entry["action"] for _, entry in client.xrange("cm:{daily}:audit")]
    assert after.short_digest == digest(done.stdout.strip())
    assert after.former_digest == record.short_digest == digest(made.stdout.strip())
    assert actions == ["key_made", "key_rotated"]
    assert CliRunner().invoke(keys, ["rotate", "missing1"]).exit_code == 1


def test_a_key_that_somebody_else_rotates_at_the_same_moment_is_rotated_once(
    redis_server: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("STEWARD_REDIS_URL", redis_server.url)
    monkeypatch.setenv("STEWARD_DATA_DIR", str(tmp_path))
    CliRunner().invoke(keys, ["create", "--site", "daily", "--scope", "akismet", "--name", "blog"])
    with redis_server.client() as client:
        record = msgspec.json.decode(client.hvals("cm:{access}:keys")[0], type=ApiKey)
        other, by_other = rotated(record, datetime.now(UTC))

        def late(known: ApiKey, now: datetime) -> tuple[str, ApiKey]:
            client.hset("cm:{access}:keys", record.id, msgspec.json.encode(by_other))
            return rotated(known, now)

        monkeypatch.setattr("service.commands.keys.short_keys.rotated", late)
        done = CliRunner().invoke(keys, ["rotate", record.id])
        kept = msgspec.json.decode(client.hvals("cm:{access}:keys")[0], type=ApiKey)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "changed meanwhile" in done.stderr
    assert kept.short_digest == digest(other), "the key that the other one was shown still opens"


@pytest.mark.parametrize("more", [["--scope", "score"], ["--origin", "https://a.example"]])
def test_a_key_for_akismet_opens_nothing_else(more: list[str]) -> None:
    done = CliRunner().invoke(keys, ["create", "--site", "daily", "--scope", "akismet", *more])
    assert done.exit_code == 2
    assert "akismet stands alone" in done.output

"""steward keys: labels, made without asking anybody, and keys for pages."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from service.commands.keys import keys
from service.store.audit import Audit
from service.values.access import ApiKey, label_of, mint, opens
from service.values.errors import StoreUnavailable
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


def test_no_key_comes_or_goes_without_its_entry_in_the_trail(
    redis_server: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("STEWARD_REDIS_URL", redis_server.url)
    monkeypatch.setenv("STEWARD_DATA_DIR", str(tmp_path))
    create = ["create", "--site", "daily", "--scope", "score"]

    async def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("away")

    with redis_server.client() as client:
        with monkeypatch.context() as patched:
            patched.setattr(Audit, "write", away)
            assert CliRunner().invoke(keys, create).exit_code != 0
        assert client.hlen("cm:{access}:keys") == 0
        assert CliRunner().invoke(keys, create).exit_code == 0
        (key_id,) = client.hkeys("cm:{access}:keys")
        with monkeypatch.context() as patched:
            patched.setattr(Audit, "write", away)
            assert CliRunner().invoke(keys, ["revoke", key_id]).exit_code != 0
        assert client.hlen("cm:{access}:keys") == 1
        assert CliRunner().invoke(keys, ["revoke", key_id]).exit_code == 0
        assert CliRunner().invoke(keys, ["revoke", key_id]).exit_code == 1
        entries = [(entry["action"], entry["key"]) for _, entry in client.xrange("cm:{daily}:audit")]
    assert entries == [("key_made", key_id), ("key_revoked", key_id)]


def test_a_key_that_somebody_else_rotates_at_the_same_moment_is_rotated_once(
    redis_server: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("STEWARD_REDIS_URL", redis_server.url)
    monkeypatch.setenv("STEWARD_DATA_DIR", str(tmp_path))
    CliRunner().invoke(keys, ["create", "--site", "daily", "--scope", "akismet", "--name", "blog"])
    with redis_server.client() as client:
        record = msgspec.json.decode(client.hvals("cm:{access}:keys")[0], type=ApiKey)
        other, by_other = rotated(record, datetime.now(UTC))

        def late(known: ApiKey, now: datetime, keep: timedelta) -> tuple[str, ApiKey]:
            client.hset("cm:{access}:keys", record.id, msgspec.json.encode(by_other))
            return rotated(known, now, keep)

        monkeypatch.setattr("service.cases.rotating.short_keys.rotated", late)
        done = CliRunner().invoke(keys, ["rotate", record.id])
        kept = msgspec.json.decode(client.hvals("cm:{access}:keys")[0], type=ApiKey)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "revoked or rotated meanwhile" in done.stderr
    assert kept.short_digest == digest(other), "the key that the other one was shown still opens"


def test_a_long_key_is_rotated_and_the_text_before_works_as_long_as_was_said(
    redis_server: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("STEWARD_REDIS_URL", redis_server.url)
    monkeypatch.setenv("STEWARD_DATA_DIR", str(tmp_path))
    first = CliRunner().invoke(keys, ["create", "--site", "daily", "--scope", "score"]).stdout.strip()
    key_id = first.split("_")[2]
    done = CliRunner().invoke(keys, ["rotate", key_id, "--keep-hours", "72"])
    assert done.exit_code == 0, done.output
    second = done.stdout.strip()
    assert re.fullmatch(rf"cmk_live_{key_id}_\S+", second)
    assert "the text before works until" in done.stderr
    with redis_server.client() as client:
        record = msgspec.json.decode(client.hvals("cm:{access}:keys")[0], type=ApiKey)
        entries = [entry for _, entry in client.xrange("cm:{daily}:audit") if entry["action"] == "key_rotated"]
        now = datetime.now(UTC)
        assert opens(second, record, now + timedelta(days=900))
        assert opens(first, record, now + timedelta(hours=71))
        assert not opens(first, record, now + timedelta(hours=73))
        assert [(each["key"], each["actor"]) for each in entries] == [(key_id, "command line")]
        (listed,) = msgspec.json.decode(CliRunner().invoke(keys, ["list", "--json"]).stdout)
        assert datetime.fromisoformat(listed["older until"]) == record.former[0].until
        done = CliRunner().invoke(keys, ["rotate", key_id, "--keep-hours", "0"])
        assert "the text before has ended" in done.stderr
        record = msgspec.json.decode(client.hvals("cm:{access}:keys")[0], type=ApiKey)
    assert [opens(each, record, now) for each in (first, second, done.stdout.strip())] == [False, False, True]
    assert CliRunner().invoke(keys, ["rotate", key_id, "--keep-hours", "721"]).exit_code == 2


@pytest.mark.parametrize("more", [["--scope", "score"], ["--origin", "https://a.example"]])
def test_a_key_for_akismet_opens_nothing_else(more: list[str]) -> None:
    done = CliRunner().invoke(keys, ["create", "--site", "daily", "--scope", "akismet", *more])
    assert done.exit_code == 2
    assert "akismet stands alone" in done.output

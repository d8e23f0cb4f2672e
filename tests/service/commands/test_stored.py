"""Which store a command uses: said each time, and never a second Redis beside a running service."""

import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from service.commands.keys import keys
from service.commands.stored import _say_once
from service.process.running import RunningService, noted, running_services
from service.settings import Settings

URL = "http://127.0.0.1:8080"


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where services of this test leave their notes; this process looks like one that serves."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("service.process.running._is_alive", lambda pid: pid > 1)
    return tmp_path / "run" / "steward"


def test_a_command_does_not_start_a_second_redis_beside_a_running_service(notes: Path, tmp_path: Path) -> None:
    with noted(Settings(data_dir=tmp_path / "elsewhere"), URL):
        refused = CliRunner().invoke(keys, ["list"])
    assert refused.exit_code == 1
    assert f"STEWARD_DATA_DIR={tmp_path / 'elsewhere'}   # {URL}" in refused.stderr
    assert not (tmp_path / "home").exists(), "nothing was started"
    assert not list(notes.iterdir()), "the note leaves with the service"


def test_the_address_of_another_redis_is_told_without_its_password(notes: Path, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, redis_url="redis://:secret@redis.example.org:6379/1")
    with noted(settings, URL):
        (note,) = running_services()
        refused = CliRunner().invoke(keys, ["list"])
        assert "secret" not in next(notes.iterdir()).read_text()
    assert (note.data_dir, note.url) == (str(tmp_path), URL)
    assert "STEWARD_REDIS_URL=redis://***@redis.example.org:6379/1" in refused.stderr


@pytest.mark.usefixtures("notes")
def test_a_data_folder_that_was_named_is_used_as_it_is(redis_server: Any, tmp_path: Path) -> None:
    _say_once.cache_clear()  # said before in this process, by the test of another command
    with noted(Settings(data_dir=tmp_path / "elsewhere"), URL):
        done = CliRunner(env={"STEWARD_REDIS_URL": redis_server.url}).invoke(keys, ["list"])
    assert done.exit_code == 0, done.output
    assert f"store: Redis at {redis_server.url}" in done.stderr


def test_the_note_of_a_killed_service_is_removed(notes: Path) -> None:
    notes.mkdir(parents=True)
    gone = notes / "1.json"
    gone.write_bytes(msgspec.json.encode(RunningService(1, URL, "/nowhere")))
    (notes / "2.json").write_text("{")
    assert running_services() == []
    assert not gone.exists()


def test_a_process_that_does_not_serve_is_no_service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert "serve" not in " ".join(sys.argv)
    with noted(Settings(data_dir=tmp_path), URL):
        assert running_services() == []

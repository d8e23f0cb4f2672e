"""The embedded Redis ends with the service, whatever keeps it from ending by itself."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.redis.embedded import EmbeddedRedis


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short: a unix socket lies in it."""
    made = Path(tempfile.mkdtemp(prefix="steward-end-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


def names(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir()}


async def test_a_server_that_hangs_is_killed_and_leaves_no_socket(folder: Path) -> None:
    async with EmbeddedRedis(folder, stop_s=0.2).running() as embedded:
        assert embedded.pid is not None
        os.kill(embedded.pid, signal.SIGSTOP)
    assert str(embedded.pid) not in names(Path("/proc"))
    assert "redis.sock" not in names(folder)


async def test_a_server_that_does_not_hear_the_command_is_stopped_by_a_signal(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unheard(_: Path) -> None:
        """As of a server that is too busy to take it."""

    monkeypatch.setattr("service.redis.embedded.shut_down", unheard)
    async with EmbeddedRedis(folder, stop_s=60).running() as embedded:
        process = embedded._process  # noqa: SLF001 - how it ended is shown nowhere else
    assert process is not None
    assert process.returncode == 0, "not killed"
    assert "redis.sock" not in names(folder)

"""Which services run on this machine for this user: a note for each, so that commands find the right data folder."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import msgspec
from msgspec import Struct

from service.settings import Settings, default_data_dir
from service.values import access


class RunningService(Struct, frozen=True):
    """`redis`: the address of its Redis without the password; empty: its own, in the data folder."""

    pid: int
    url: str
    data_dir: str
    redis: str = ""


@contextlib.contextmanager
def noted(settings: Settings, url: str) -> Iterator[None]:
    """Leave a note while the service runs. A machine without a folder for it runs without."""
    redis = settings.redis_url or ""
    is_own = unquote(redis) == f"unix://{settings.data_path / 'redis.sock'}"
    named = "" if is_own or not redis else access.address_without_password(redis)
    note = RunningService(os.getpid(), url, str(settings.data_path), named)
    file = _folder() / f"{note.pid}.json"
    with contextlib.suppress(OSError):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.write_bytes(msgspec.json.encode(note))
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            file.unlink(missing_ok=True)


def running_services() -> list[RunningService]:
    """Those whose process is alive; a note that a killed service left is removed."""
    found = []
    for file in sorted(_folder().glob("*.json")):
        with contextlib.suppress(OSError, msgspec.DecodeError):
            note = msgspec.json.decode(file.read_bytes(), type=RunningService)
            if _is_alive(note.pid):
                found.append(note)
            else:
                file.unlink(missing_ok=True)
    return found


def _is_alive(pid: int) -> bool:
    """A process of ours that serves: the number alone may have been given to another program."""
    try:
        return b"serve" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _folder() -> Path:
    """As `XDG_RUNTIME_DIR` says. Where there is none, a folder that nobody else can have made."""
    user = os.getuid()
    given = os.environ.get("XDG_RUNTIME_DIR")
    folder = Path(given) / "steward" if given else Path(tempfile.gettempdir()) / f"steward-{user}"
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_uid == user:
            return folder
    return default_data_dir() / "run"

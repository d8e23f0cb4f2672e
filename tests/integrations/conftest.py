"""Real engines against the real service. `make integrations` sets up what they need; elsewhere these tests skip."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "e2e"))

from own_plugin import install
from ports import free_port
from steward import Steward
from wordpress import SOURCE, WordPress, wordpress


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Short: unix sockets lie in it."""
    found = Path(tempfile.mkdtemp(prefix="wp-"))
    yield found
    shutil.rmtree(found, ignore_errors=True)


@pytest.fixture(scope="module")
def service(folder: Path) -> Iterator[Steward]:
    """On a port of its own, so that it comes back where it was."""
    steward = Steward(folder / "steward")
    steward.environment |= {
        "STEWARD_PORT": str(free_port()),
        "STEWARD_UNDO_HOLD_S": "0",
        "STEWARD_WEBHOOK_ALLOW_PRIVATE": "true",
    }
    steward.start()
    yield steward
    if steward.process.poll() is None:
        steward.stop()


@pytest.fixture(scope="module")
def site(folder: Path) -> Iterator[WordPress]:
    if not (SOURCE / "wp-load.php").exists():
        pytest.skip("no WordPress: run 'make integrations', which unpacks Debian's package")
    (folder / "wordpress").mkdir()
    with wordpress(folder / "wordpress") as found:
        yield found


@pytest.fixture(scope="module")
def chief(service: Steward) -> str:
    return service.key("daily", "chief", "admin", "review", "comments")


@pytest.fixture(scope="module")
def secret(service: Steward, chief: str) -> str:
    with service.client(chief) as client:
        return str(client.post("/v1/webhooks:rotate").raise_for_status().json()["secret"])


@pytest.fixture(scope="module")
def own_blog(site: WordPress, service: Steward, secret: str) -> WordPress:
    return install(site, service, secret)

"""One real service for all stories that do not need to break it."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

sys.path.insert(0, str(Path(__file__).parent))

from pages import browsing
from steward import Steward, running


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """Short: a unix socket lies in it."""
    folder = Path(tempfile.mkdtemp(prefix="steward-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def service() -> Iterator[Steward]:
    folder = Path(tempfile.mkdtemp(prefix="steward-"))
    with running(folder) as steward:
        yield steward
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as browser:
        yield browser


@pytest.fixture(scope="module")
def admin(service: Steward) -> str:
    return service.first_key()

"""One real service and one browser for all stories that do not need to break them.

Both are started once for each process of the tests, so each test has sites and moderators of its own. They end with
the last test of this folder: Playwright keeps an event loop running, and asynchronous tests need one of their own.
"""

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from playwright.sync_api import Error as PlaywrightError

sys.path.insert(0, str(Path(__file__).parent))

from pages import UNPAINTED, Desk, browsing
from steward import Steward, running


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that fails says what the newest pages show: what it waited for does not tell what came instead."""
    report = yield
    browser = getattr(item, "funcargs", {}).get("browser")
    if report.failed and browser is not None:
        for page in (page for context in browser.contexts[-1:] for page in context.pages):
            with contextlib.suppress(PlaywrightError):  # a page that has ended
                report.sections.append((page.url, page.locator("body").inner_text(timeout=5_000)))
    return report


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """Short: a unix socket lies in it."""
    folder = Path(tempfile.mkdtemp(prefix="steward-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="package")
def service() -> Iterator[Steward]:
    folder = Path(tempfile.mkdtemp(prefix="steward-"))
    with running(folder) as steward:
        yield steward
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    with browsing(UNPAINTED) as browser:
        yield browser


@pytest.fixture(scope="module")
def browser(chromium: Browser) -> Iterator[Browser]:
    """What the tests of a file leave open would go on asking the service."""
    yield chromium
    for context in chromium.contexts:
        context.close()


@pytest.fixture
def desk(browser: Browser, service: Steward) -> Iterator[Desk]:
    """Somebody at a browser; at the end it has nothing to complain of."""
    desk = Desk.open(browser, service)
    yield desk
    desk.page.context.close()
    assert desk.complaints == []


@pytest.fixture(scope="package")
def first_link(service: Steward) -> str:
    """Good for one sign-in of the first administrator."""
    return service.line(r"(http://\S+/console/sign-in/link\?ticket=\S+)")


@pytest.fixture(scope="package")
def admin(service: Steward, first_link: str) -> str:
    assert first_link  # which the service tells first
    return service.first_key()

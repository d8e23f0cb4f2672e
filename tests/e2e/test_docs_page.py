"""/docs: grouped, with examples, readable in the dark, and with nothing that axe finds."""

from collections.abc import Mapping

import pytest
from pages import SCHEMES, Desk, expect, violations_by_scheme
from playwright.sync_api import Browser
from steward import Steward


@pytest.fixture(scope="module")
def found(browser: Browser, service: Steward) -> Mapping[str, list[str]]:
    """By color scheme."""
    desk = Desk.open(browser, service)
    page = desk.page
    page.goto(f"{service.url}/docs")
    expect(page.get_by_text("Start here.")).to_be_visible()
    expect(page.locator(".opblock-tag").first).to_contain_text("Comments")
    page.locator("#operations-Comments-submit_comment .opblock-summary-control").click()
    expect(page.locator("#operations-Comments-submit_comment")).to_contain_text("Only a fool would believe")
    found = violations_by_scheme(desk)
    assert desk.complaints == []
    page.context.close()
    return found


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_documentation_shows_examples_and_is_accessible(found: Mapping[str, list[str]], scheme: str) -> None:
    assert found[scheme] == []

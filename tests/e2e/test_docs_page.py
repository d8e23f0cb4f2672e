"""/docs: grouped, with examples, readable in the dark, and with nothing that axe finds."""

import pytest
from pages import Desk, expect, violations
from playwright.sync_api import Browser
from steward import Steward


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_documentation_shows_examples_and_is_accessible(browser: Browser, service: Steward, scheme: str) -> None:
    desk = Desk.open(browser, service, color_scheme=scheme)
    page = desk.page
    page.goto(f"{service.url}/docs")
    expect(page.get_by_text("Start here.")).to_be_visible()
    expect(page.locator(".opblock-tag").first).to_contain_text("Comments")
    page.locator("#operations-Comments-submit_comment .opblock-summary-control").click()
    expect(page.locator("#operations-Comments-submit_comment")).to_contain_text("Only a fool would believe")
    assert violations(desk) == []
    assert desk.complaints == []
    page.context.close()

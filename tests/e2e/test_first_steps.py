"""The first ten minutes: from what the first start prints to the first decision, by what is on the screen alone."""

from pathlib import Path

from pages import Desk, expect, violations
from playwright.sync_api import Browser
from steward import Steward

PASSWORD = "four words in a row"


def test_a_newcomer_gets_from_the_printed_link_to_the_first_decision(browser: Browser, data_dir: Path) -> None:
    steward = Steward(data_dir)
    steward.environment["STEWARD_DEMO"] = "true"
    steward.start()
    try:
        _follow(Desk.open(browser, steward), steward.line(r"Console\s+(http://\S+)"))
    finally:
        steward.stop()


def _follow(desk: Desk, link: str) -> None:
    page, steward = desk.page, desk.steward
    page.goto(link)
    expect(page.get_by_text("You are signing in as admin. Next, choose a password.")).to_be_visible()
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("New password").fill(PASSWORD)
    assert violations(desk) == []
    page.get_by_role("button", name="Set password").click()
    expect(page.get_by_role("heading", name="What is this queue?")).to_be_visible()
    assert violations(desk) == []
    page.get_by_role("button", name="Try it with a comment of the demo").click()
    expect(page.get_by_text("What a dumb take.")).to_be_visible()
    page.get_by_role("button", name="Approve").click()
    expect(page.locator(".happened")).to_contain_text("Approved")
    page.goto(steward.url)
    assert violations(desk) == []
    page.get_by_role("link", name="Demo").click()
    expect(page.get_by_role("heading", name="What others wrote")).to_be_visible()
    page.goto(f"{steward.url}/console/queue?view=list")
    expect(page.locator("#list tbody tr").first).to_be_visible()
    assert desk.complaints == []

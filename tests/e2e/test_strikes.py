"""A moderator at a real Chromium rejects by the site's own reasons, and the strikes give the author a status."""

from pages import Desk, forum, texts, violations
from playwright.sync_api import Browser, expect
from steward import Steward

AUTHOR = {"id": "u-1", "name": "Joe"}
REASONS = [
    {"key": "advertising", "titles": {"en": "Advertising", "de": "Werbung"}, "label": "spam"},
    {"key": "house_rules", "titles": {"en": "House rules", "de": "Hausordnung"}},
]
STRIKES = {
    "at": [{"strikes": 3, "status": "premoderated", "days": 7}, {"strikes": 9, "status": "banned"}],
    "weights": {"advertising": 2},
}


def test_own_reasons_bring_strikes_that_an_undo_takes_back(service: Steward, browser: Browser) -> None:
    site = forum(service, "strikes", texts("s-1", "s-2", "s-3"), author=AUTHOR)
    review = {"reasons": REASONS, "reason_required": True}
    with service.client(site.key) as client:
        policy = client.get("/v1/policies/default").json()
        body = {"thresholds": policy["thresholds"], "review": {**policy["review"], **review}, "strikes": STRIKES}
        client.put("/v1/policies/default", json=body).raise_for_status()
    made = service.command("moderators", "add", "anna", "--site", "strikes", "--role", "supervisor", "--link")
    desk = Desk.open(browser, service)
    page = desk.page
    desk.enter(made)
    stored = site.get("/v1/authors/u-1").json()["author"]

    desk.wait_for_card()
    desk.press("r")
    menu = page.locator("#cards > article:not([hidden]) details.choice[open] .options")
    expect(menu.locator("button")).to_have_text(["1 Advertising", "2 House rules"])
    assert violations(desk) == []
    first = desk.current
    desk.press("1")
    desk.wait_for_card(first)
    desk.go("/queue")  # cards show what was when they came
    desk.wait_for_card()
    second = desk.current
    expect(page.locator("#cards > article:not([hidden]) .about")).to_contain_text("2 strikes")
    desk.press("r", "2")
    desk.wait_for_card(second)
    desk.go("/queue")
    desk.wait_for_card()
    expect(page.locator("#cards > article:not([hidden]) .about")).to_contain_text("3 strikes")
    expect(page.locator("#cards > article:not([hidden]) .about .author-premoderated").first).to_be_visible()
    assert site.get(f"/v1/authors/{stored}/status").json()["status"] == "premoderated"

    desk.go(f"/author?id={stored}")
    expect(page.locator("[data-strikes] li")).to_have_count(2)
    expect(page.locator(".timeline")).to_contain_text("for 3 strikes")
    assert violations(desk) == []
    desk.go("/queue")
    desk.wait_for_card()
    desk.press("u")
    expect(page.locator(f'#cards > article[data-id="{second}"]')).to_have_count(1)
    assert site.get(f"/v1/authors/{stored}/status").json()["status"] == "active"
    assert desk.complaints == []

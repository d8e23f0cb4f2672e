"""Macros and saved filters in a real browser, by keys: on the card, in the list, in the palette, and offline."""

import itertools
from collections.abc import Iterator

import pytest
from pages import ALL_TO_REVIEW, Desk, Forum, expect, forum, moderator, texts, violations
from playwright.sync_api import Browser
from steward import Steward

RUNS = itertools.count()
MANY = 8
MACROS = [
    {"name": "Shop link", "decision": "reject", "reason": "advertising", "note": "Links to a shop"},
    {"name": "Fan of the team", "decision": "approve"},
    {"name": "Threat for the desk", "decision": "escalate", "note": "Please look at once"},
    {"name": "W" * 60, "decision": "reject", "reason": "advertising", "note": "a long word " + "W" * 120},
]
REASONS = [{"key": "advertising", "titles": {"en": "Advertising"}}]


@pytest.fixture(scope="module")
def site(service: Steward) -> Forum:
    made = forum(service, "macros", {})
    policy = {**ALL_TO_REVIEW, "review": {**ALL_TO_REVIEW["review"], "reasons": REASONS, "macros": MACROS}}
    with service.client(made.key) as client:
        assert client.put("/v1/policies/default", json=policy).status_code == 200
    return made


@pytest.fixture
def desk(browser: Browser, service: Steward, site: Forum) -> Iterator[Desk]:
    """Somebody new at a browser, with comments that wait; at the end there is nothing to complain of."""
    site.empty()
    run = next(RUNS)
    moderator(service, site.name, f"mac{run}")
    site.post(texts(*(f"m-{run}-{number}" for number in range(MANY))))
    desk = Desk.open(browser, service)
    desk.sign_in(f"mac{run}")
    yield desk
    desk.page.context.close()
    assert desk.complaints == []


def macros_of(site: Forum, comment_id: str) -> list[str]:
    """Those that the trail names, the oldest first."""
    found, after = list[str](), ""
    while True:  # a page may be empty before the end
        page = site.get(f"/v1/audit?comment={comment_id}&limit=1000{after}").json()
        found += [each["details"]["macro"] for each in page["entries"] if "macro" in each["details"]]
        if page["next"] is None:
            return found
        after = f"&after={page['next']}"


def test_a_macro_decides_the_open_comment_by_two_keys_and_is_taken_back_by_one(desk: Desk, site: Forum) -> None:
    first = desk.wait_for_card()
    desk.press("m")
    card = desk.page.locator("article.card:not([hidden])")
    expect(card.get_by_role("button", name="Shop link")).to_be_visible()
    assert violations(desk) == []
    desk.press("Escape")
    expect(card.get_by_role("button", name="Shop link")).to_be_hidden()
    desk.press("1")  # a digit without the menu is nothing
    assert desk.current == first
    desk.press("m", "1")
    desk.wait_for_card(first)
    expect(desk.page.locator("#toasts")).to_contain_text("Rejected: Shop link")
    desk.wait_until_sent()
    site.becomes(first, "rejected")
    assert macros_of(site, first) == ["Shop link"]
    desk.press("u")
    expect(desk.page.locator("#cards > article:not([hidden])")).to_have_attribute("data-id", first)
    desk.rest()
    expect(desk.page.locator("#toasts")).to_contain_text("Taken back; it was: Rejected: Shop link")
    site.becomes(first, "pending")
    desk.press("m", "3")
    desk.wait_for_card(first)
    desk.wait_until_sent()
    (item,) = site.get("/v1/review/items?state=escalated").json()["items"]
    assert item["id"] == first
    assert macros_of(site, first) == ["Shop link", "Threat for the desk"]


def test_without_a_connection_a_macro_waits_in_the_browser(desk: Desk, site: Forum) -> None:
    first = desk.wait_for_card()
    desk.page.context.set_offline(True)
    desk.press("m", "2")
    desk.wait_for_card(first)
    expect(desk.page.locator("#connection")).to_contain_text("1 decision is kept here until then.")
    assert site.statuses([first]) == ["pending"]
    desk.page.context.set_offline(False)
    desk.wait_until_sent()
    site.becomes(first, "approved")
    assert macros_of(site, first) == ["Fan of the team"]
    desk.complaints[:] = [each for each in desk.complaints if "ERR_INTERNET_DISCONNECTED" not in each]


def test_in_the_list_a_macro_is_for_what_is_selected_else_for_the_current_row(desk: Desk, site: Forum) -> None:
    desk.go("/queue?view=list")
    rows = desk.page.locator("#list tbody tr")
    ids = [rows.nth(number).get_attribute("data-id") or "" for number in range(3)]
    desk.press("m")  # nothing is selected, and no row is the current one
    expect(desk.page.locator("#announced")).to_have_text("Nothing is selected.")
    desk.press("j", "m")
    expect(desk.page.locator("#bulk").get_by_role("button", name="Fan of the team")).to_be_visible()
    assert violations(desk) == []
    desk.press("2")
    desk.wait_until_sent()
    site.becomes(ids[0], "approved")
    desk.rest()
    desk.press("x", "j", "x", "m")
    desk.press("1")
    desk.wait_until_sent()
    expect(desk.page.locator("#toasts")).to_contain_text("Rejected: Shop link: 2")
    assert site.statuses(ids) == ["approved", "rejected", "rejected"]
    assert [macros_of(site, each) for each in ids] == [["Fan of the team"], ["Shop link"], ["Shop link"]]
    desk.rest()
    desk.press("u")
    expect(desk.page.locator("#toasts")).to_contain_text("Taken back: 2 of 2")
    assert site.statuses(ids[1:]) == ["pending", "pending"]


def test_the_palette_and_the_help_know_macros_and_saved_filters(desk: Desk, site: Forum) -> None:
    first = desk.wait_for_card()
    desk.press("?")
    expect(desk.page.locator("#help")).to_contain_text("Apply a macro of the site")
    expect(desk.page.locator("#help")).to_contain_text("Saved filters")
    desk.press("Escape")
    desk.press("Control+k")
    desk.page.keyboard.type("fan of")
    palette = desk.page.get_by_role("dialog", name="Pages and actions")
    expect(palette.get_by_role("option")).to_have_text(["Macro: Fan of the teamm 2"])
    desk.press("Enter")
    desk.wait_for_card(first)
    site.becomes(first, "approved")
    assert macros_of(site, first) == ["Fan of the team"]


def test_a_list_is_saved_found_renamed_and_deleted_by_keys(desk: Desk) -> None:
    page = desk.page
    desk.go("/queue?view=list")
    page.locator("#rows-order").select_option("newest")
    page.get_by_label("Filter the rows").fill("say")
    expect(page).to_have_url(f"{desk.steward.url}/console/queue?view=list&order=newest&words=say")
    newest = page.locator("#list tbody tr").first.get_attribute("data-id")
    page.locator("h1").evaluate("() => document.activeElement.blur()")
    desk.press("f")
    page.keyboard.type("My newest")
    assert violations(desk) == []
    desk.press("Enter")
    expect(page.get_by_text("The filter is saved.")).to_be_visible()
    desk.go("/queue")
    desk.press("g", "6")
    page.wait_for_url("**/queue?view=list&order=newest&words=say")
    expect(page.locator("#rows-order")).to_have_value("newest")
    expect(page.locator("#list tbody tr").first).to_have_attribute("data-id", newest or "")
    desk.go("/dashboard")
    desk.go("/queue?queue=held&view=list")
    desk.press("Control+k")
    page.keyboard.type("my newest")
    expect(page.get_by_role("dialog", name="Pages and actions").get_by_role("option")).to_have_count(1)
    desk.press("Enter")
    page.wait_for_url("**/queue?view=list&order=newest&words=say")
    desk.press("f")
    expect(page.locator(".saved li > a")).to_be_focused()
    desk.press("Tab", "Enter")
    assert violations(desk) == []
    desk.press("Tab", "Control+a")
    page.keyboard.type("Newest first")
    desk.press("Enter")
    expect(page.get_by_text("The filter is renamed.")).to_be_visible()
    desk.press("f")
    expect(page.locator(".saved li > a")).to_contain_text("Newest first")
    page.locator(".saved .change > summary", has_text="Rename or delete Newest first").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("The filter is deleted.")).to_be_visible()
    expect(page.locator(".saved li")).to_have_count(0)
    expect(page.locator("#rows-order")).to_have_value("newest")


@pytest.mark.parametrize("width", [390, 768, 1440])
def test_long_names_stay_within_the_page(desk: Desk, width: int) -> None:
    desk.page.set_viewport_size({"width": width, "height": 900})
    desk.go("/queue?view=list&order=author")
    desk.press("f")
    desk.page.keyboard.type("W" * 60)
    desk.press("Enter")
    expect(desk.page.get_by_text("The filter is saved.")).to_be_visible()
    for path, keys in (("/queue", ["m"]), ("/queue?view=list", ["j", "x", "m"]), ("/queue?view=list", ["f"])):
        desk.go(path)
        if path == "/queue":
            desk.wait_for_card()
        desk.press(*keys)
        opened = desk.page.locator("details.choice[open] .options, details.menu[open] > .sheet").first
        expect(opened).to_be_visible()
        box = opened.bounding_box()
        assert box is not None
        assert (box["x"] >= 0, box["x"] + box["width"] <= width) == (True, True), (path, keys, box)
        assert desk.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (path, keys)

"""Keys that work everywhere, the palette, the list by keys, and what the desk says without a connection."""

import itertools
from collections.abc import Iterator

import pytest
from pages import Desk, Forum, expect, forum, moderator, routed, texts, violations
from playwright.sync_api import Browser, Route
from steward import Steward

MANY = 5
RUNS = itertools.count()


@pytest.fixture(scope="module")
def keyed(service: Steward) -> Forum:
    made = forum(service, "keyed", {})
    moderator(service, "keyed", "kim")
    return made


@pytest.fixture
def kim(browser: Browser, service: Steward, keyed: Forum) -> Iterator[Desk]:
    keyed.empty()
    run = next(RUNS)
    keyed.post(texts(*(f"c-{run}-{number}" for number in range(MANY))))
    desk = Desk.open(browser, service)
    desk.sign_in("kim")
    yield desk
    desk.page.context.close()
    assert desk.complaints == []


def test_g_and_a_letter_go_to_a_page_and_decide_nothing(kim: Desk) -> None:
    kim.wait_for_card()
    kim.press("g", "d")
    kim.page.wait_for_url("**/console/dashboard")
    kim.press("g", "q")
    kim.wait_for_card()
    kim.press("g", "s")  # s alone skips, and a approves
    kim.page.wait_for_url("**/console/search")
    kim.go("/dashboard")
    kim.press("g", "t")
    kim.page.wait_for_url("**/console/decided")
    kim.press("/")
    kim.page.wait_for_url("**/console/search")
    assert kim.decisions == []
    assert not any("/release" in each for each in kim.requests)


def test_the_palette_reaches_pages_and_actions_by_their_names(kim: Desk) -> None:
    kim.wait_for_card()
    kim.page.keyboard.press("Control+k")
    palette = kim.page.get_by_role("dialog", name="Pages and actions")
    expect(palette).to_be_visible()
    assert violations(kim) == []
    kim.page.keyboard.type("dash")
    expect(palette.get_by_role("option")).to_have_count(1)
    kim.press("Enter")
    kim.page.wait_for_url("**/console/dashboard")
    kim.press("?")
    kim.page.keyboard.type("decided today")
    kim.press("Enter")
    kim.page.wait_for_url("**/console/decided")


def test_what_is_typed_before_the_palette_is_there_decides_nothing_and_is_typed_into_it(kim: Desk) -> None:
    first = kim.wait_for_card()
    held = list[Route]()

    def hold(route: Route) -> None:
        held.append(route)

    with routed(kim.page, "**/palette*", hold):
        kim.press("Control+k")
        kim.page.keyboard.type("gs")  # elsewhere the search
        kim.press("Backspace", "Backspace")
        kim.page.keyboard.type("dashboa")  # elsewhere a approves, and s skips
        kim.press("Enter")
        while not held:
            kim.page.wait_for_timeout(10)
        assert kim.current == first
        held[0].continue_()
        kim.page.wait_for_url("**/console/dashboard")
    assert kim.decisions == []


def test_rows_are_selected_in_ranges_filtered_and_ordered(kim: Desk, keyed: Forum) -> None:
    kim.wait_for_card()  # the desk holds some; the list offers the others
    keyed.post(texts(*(f"row-{number}" for number in range(6))))
    kim.go("/queue?view=list")
    rows, chosen = kim.page.locator("#list tbody tr"), kim.page.locator('input[name="chosen"]:checked')
    kim.press("x")  # no row is current yet: the first one
    expect(chosen).to_have_count(1)
    kim.press("j", "j", "X")
    expect(chosen).to_have_count(3)
    kim.page.get_by_label("Select all").check()
    expect(chosen).to_have_count(kim.page.locator('input[name="chosen"]:enabled').count())
    kim.page.get_by_label("Filter the rows").fill("Comment row-3")
    expect(chosen).to_have_count(1)
    expect(kim.page.locator("#list tbody tr:visible")).to_have_count(1)
    kim.page.get_by_label("Filter the rows").fill("")
    kim.page.get_by_role("combobox", name="Order").select_option("newest")
    expect(rows.first).to_have_attribute("data-id", "row-5")


def test_an_undo_says_what_it_took_back(kim: Desk) -> None:
    kim.wait_for_card()
    kim.press("a")
    kim.wait_until_sent()
    kim.rest()
    kim.press("u")
    expect(kim.page.locator(".toast")).to_contain_text(["Taken back; it was: Approved"])


def test_without_a_connection_the_empty_desk_promises_nothing_untrue(kim: Desk) -> None:
    kim.wait_for_card()
    kim.page.context.set_offline(True)
    for _ in range(MANY):
        if kim.current is None:
            break
        kim.press("a")
        kim.rest()
    expect(kim.page.locator("#nothing-title")).to_have_text("No connection to the service.")
    expect(kim.page.locator("#nothing-why")).to_have_text("The next comments come when the connection is back.")
    kim.page.context.set_offline(False)
    kim.wait_until_sent()
    expect(kim.page.locator("#connection")).to_be_hidden()
    kim.complaints[:] = [each for each in kim.complaints if "ERR_INTERNET_DISCONNECTED" not in each]

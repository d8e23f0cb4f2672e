"""Comfortable or compact: the switch, what it does to the card and the list, and that it stays."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

import pytest
from pages import SCHEMES, Desk, expect, forum, moderator, texts, violations_by_scheme
from playwright.sync_api import Browser
from steward import Steward

WIDTHS = (390, 768, 1440)


@pytest.fixture(scope="module")
def dense(service: Steward) -> str:
    """The moderator of a site with comments that wait."""
    forum(service, "dense", texts(*(f"d-{n}" for n in range(8))), parent={"id": "p-1", "text": "You said so."})
    moderator(service, "dense", "dena")
    return "dena"


@pytest.fixture
def dena(browser: Browser, service: Steward, dense: str) -> Iterator[Desk]:
    desk = Desk.open(browser, service)
    desk.sign_in(dense)
    yield desk
    desk.page.context.close()
    assert desk.complaints == []


def height(desk: Desk, selector: str) -> float:
    box = desk.page.locator(selector).first.bounding_box()
    assert box
    return float(box["height"])


def test_the_switch_makes_card_and_list_compact_at_once_and_it_stays(dena: Desk) -> None:
    dena.wait_for_card()
    root, switch = dena.page.locator("html"), dena.page.get_by_role("button", name="Comfortable or compact")
    card = height(dena, "#cards > article:not([hidden])")
    with dena.page.expect_response("**/account/preferences"):
        switch.click()
    expect(root).to_have_attribute("data-density", "compact")
    assert height(dena, "#cards > article:not([hidden])") < card - 50
    dena.go("/queue?view=list")
    expect(root).to_have_attribute("data-density", "compact")
    row = height(dena, "#list tbody tr")
    # The palette reaches it too, without the pointer.
    dena.page.keyboard.press("Control+k")
    dena.page.keyboard.type("compact")
    with dena.page.expect_response("**/account/preferences"):
        dena.page.keyboard.press("Enter")
    expect(root).to_have_attribute("data-density", "comfortable")
    assert height(dena, "#list tbody tr") > row + 5
    dena.page.reload()
    assert height(dena, "#list tbody tr") > row + 5


@pytest.fixture(scope="module")
def found(browser: Browser, service: Steward, dense: str) -> Mapping[str, list[str]]:
    """By color scheme, what axe finds on compact pages, and by `width` on which of them something is too wide."""
    desk, found = Desk.open(browser, service), defaultdict[str, list[str]](list)
    desk.sign_in(dense)
    desk.go("/account")
    desk.page.get_by_label("Density of cards and lists").select_option("compact")
    desk.page.get_by_role("button", name="Save").first.click()
    expect(desk.page.locator("html")).to_have_attribute("data-density", "compact")
    for width in WIDTHS:
        desk.page.set_viewport_size({"width": width, "height": 900})
        for path in ("/queue", "/queue?view=list"):
            desk.go(path)
            desk.page.locator("article.card:visible, #list tbody tr").first.wait_for()
            if not desk.page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
                found["width"].append(f"{path} at {width} px")
            for scheme, faults in violations_by_scheme(desk).items():
                found[scheme] += [f"{path} at {width} px: {each}" for each in faults]
    assert desk.complaints == []
    desk.page.context.close()
    return found


@pytest.mark.parametrize("theme", SCHEMES)
def test_compact_pages_fit_and_axe_finds_nothing(found: Mapping[str, list[str]], theme: str) -> None:
    assert found["width"] == []
    assert found[theme] == []

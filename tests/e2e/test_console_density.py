"""Comfortable or compact: the switch, what it does to the card and the list, and that it stays."""

from collections.abc import Iterator
from typing import Any

import pytest
from pages import Desk, expect, forum, moderator, texts, violations
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


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_compact_pages_fit_and_axe_finds_nothing(browser: Browser, service: Steward, dense: str, theme: Any) -> None:
    for width in WIDTHS:
        desk = Desk.open(browser, service, viewport={"width": width, "height": 900}, color_scheme=theme)
        desk.sign_in(dense)
        desk.go("/account")
        desk.page.get_by_label("Density of cards and lists").select_option("compact")
        desk.page.get_by_role("button", name="Save").first.click()
        for path in ("/queue", "/queue?view=list"):
            desk.go(path)
            desk.page.locator("article.card:visible, #list tbody tr").first.wait_for()
            assert desk.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (path, width)
            assert violations(desk) == [], (path, width)
        assert desk.complaints == []
        desk.page.context.close()

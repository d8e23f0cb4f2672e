"""What is hidden until asked for is decided by nobody who has not read it, but on purpose."""

from collections.abc import Iterator

import pytest
from pages import Desk, Forum, browsing, forum, moderator
from playwright.sync_api import Browser, expect
from steward import Steward


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as browser:
        yield browser


def sensitive(browser: Browser, service: Steward, name: str, count: int) -> tuple[Desk, Forum]:
    """Somebody who has all texts hidden, and a site of their own."""
    site = forum(service, name, {f"{name}-{n}": f"Comment {n}, what do you say?" for n in range(count)})
    moderator(service, name, f"m-{name}")
    desk = Desk.open(browser, service)
    desk.sign_in(f"m-{name}")
    desk.go("/account")
    desk.page.locator('select[name="blur"]').select_option("all")
    desk.page.locator('form:has(select[name="blur"])').get_by_role("button", name="Save").click()
    desk.page.wait_for_url("**said=preferences")
    return desk, site


@pytest.mark.parametrize("key", ["a", "r"])
def test_at_the_desk_the_first_press_reveals_and_the_second_decides(
    browser: Browser, service: Steward, key: str
) -> None:
    desk, site = sensitive(browser, service, f"desk-{key}", 2)
    desk.go("/queue")
    first = desk.wait_for_card()
    text = desk.page.locator(f'article[data-id="{first}"] details.veil .text')
    expect(text).to_be_hidden()
    desk.press(key)
    expect(text).to_be_visible()
    expect(desk.page.locator("#announced")).to_have_text("The text is shown now. Decide once more.")
    assert desk.page.locator("details.choice[open]").count() == 0
    desk.page.wait_for_timeout(260)
    assert (desk.current, site.statuses([first])) == (first, ["pending"])
    desk.press(*(("a",) if key == "a" else ("r", "0")))
    second = desk.wait_for_card(first)
    desk.wait_until_sent()
    assert site.statuses([first]) == ["approved" if key == "a" else "rejected"]

    desk.press("b")  # read, and hidden again
    desk.press("b")
    desk.press(*(("a",) if key == "a" else ("r", "0")))
    expect(desk.page.locator(f'article[data-id="{second}"]')).to_have_count(0)
    desk.wait_until_sent()
    assert site.statuses([second]) == ["approved" if key == "a" else "rejected"]
    assert desk.complaints == []
    desk.page.context.close()


def test_nor_does_a_click_decide_what_is_hidden_or_a_key_that_is_held_down(browser: Browser, service: Steward) -> None:
    desk, site = sensitive(browser, service, "click", 2)
    desk.go("/queue")
    first = desk.wait_for_card()
    card = desk.page.locator(f'article[data-id="{first}"]')
    card.get_by_role("button", name="Approve").click()
    expect(card.locator("details.veil .text")).to_be_visible()
    assert site.statuses([first]) == ["pending"]
    card.get_by_role("button", name="Approve").click()
    second = desk.wait_for_card(first)
    for _ in range(20):
        desk.page.keyboard.down("a")
    desk.page.keyboard.up("a")
    expect(desk.page.locator(f'article[data-id="{second}"] details.veil .text')).to_be_visible()
    desk.wait_until_sent()
    assert site.statuses([first, second]) == ["approved", "pending"]
    assert desk.complaints == []
    desk.page.context.close()


def test_on_a_page_of_its_own_the_first_press_reveals_too(browser: Browser, service: Steward) -> None:
    desk, site = sensitive(browser, service, "one", 2)
    for n, (key, status) in enumerate((("a", "approved"), ("r", "rejected"))):
        desk.go(f"/queue/one-{n}")
        desk.page.wait_for_selector("html.has-script")
        text = desk.page.locator("details.veil .text")
        expect(text).to_be_hidden()
        desk.press(key)
        expect(text).to_be_visible()
        desk.page.wait_for_timeout(260)
        assert site.statuses([f"one-{n}"]) == ["pending"]
        with desk.page.expect_navigation():
            desk.press(*(("a",) if key == "a" else ("r", "0")))
        assert site.statuses([f"one-{n}"]) == [status]
    assert desk.complaints == []
    desk.page.context.close()


def test_the_list_asks_before_it_decides_hidden_rows(browser: Browser, service: Steward) -> None:
    desk, site = sensitive(browser, service, "list", 7)
    desk.go("/queue?view=list")
    page = desk.page
    page.wait_for_selector("html.has-script")
    rows = page.locator("table.rows tbody tr")
    expect(rows).to_have_count(3)  # the others lie on this moderator's desk
    ids = [row.get_attribute("data-id") or "" for row in rows.all()]
    dialog = page.locator("dialog[open]")
    desk.press("j", "a")
    expect(dialog).to_contain_text("1 of these comments is hidden because it may be severe.")
    desk.press("a")
    desk.press("Escape")
    expect(dialog).to_have_count(0)
    expect(rows).to_have_count(3)
    for row in rows.all()[1:]:
        row.get_by_role("checkbox").check()
    desk.press("R", "5")
    expect(dialog).to_contain_text("2 of these comments are hidden because they may be severe.")
    page.get_by_role("button", name="Do not decide").click()
    expect(rows).to_have_count(3)
    assert site.statuses(ids) == ["pending"] * 3
    page.locator('#bulk button[value="approve"]').click()
    page.get_by_role("button", name="Decide all the same").click()
    expect(rows).to_have_count(1)
    desk.wait_until_sent()
    assert site.statuses(ids) == ["pending", "approved", "approved"]
    assert desk.complaints == []
    page.context.close()

"""A hidden comment is decided only once its text was shown, or when a moderator says that it is meant."""

import pytest
from pages import Desk, Forum, forum, moderator, texts
from playwright.sync_api import Browser, expect
from steward import Steward


def sensitive(browser: Browser, service: Steward, name: str, count: int) -> tuple[Desk, Forum]:
    """Somebody who has all texts hidden, and a site of their own."""
    site = forum(service, name, texts(*(f"{name}-{n}" for n in range(count))))
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
    desk.rest()
    assert (desk.current, desk.decisions, site.statuses([first])) == (first, [], ["pending"])
    desk.press(*(("a",) if key == "a" else ("r", "0")))
    second = desk.wait_for_card(first)
    desk.wait_until_sent()
    assert site.statuses([first]) == ["approved" if key == "a" else "rejected"]

    text = desk.page.locator(f'article[data-id="{second}"] details.veil .text')
    desk.press("b")
    expect(text).to_be_visible()
    desk.wait_for('id => document.querySelector(`article[data-id="${id}"] .veil`).dataset.seen', second)
    desk.press("b")
    expect(text).to_be_hidden()
    desk.press(*(("a",) if key == "a" else ("r", "0")))
    expect(desk.page.locator(f'article[data-id="{second}"]')).to_have_count(0)
    desk.wait_until_sent()
    assert site.statuses([second]) == ["approved" if key == "a" else "rejected"]
    assert desk.complaints == []
    desk.page.context.close()


def test_a_text_that_is_shown_and_hidden_within_one_moment_was_not_read(browser: Browser, service: Steward) -> None:
    desk, site = sensitive(browser, service, "moment", 1)
    desk.go("/queue")
    shown = desk.wait_for_card()
    desk.page.evaluate(  # in one go, before anything could be drawn
        "for (const each of ['b', 'b'])"
        " document.dispatchEvent(new KeyboardEvent('keydown', {key: each, bubbles: true}))"
    )
    desk.press("a")
    expect(desk.page.locator("#announced")).to_have_text("The text is shown now. Decide once more.")
    desk.rest()
    assert (desk.current, desk.decisions, site.statuses([shown])) == (shown, [], ["pending"])
    desk.page.context.close()


def test_a_click_or_a_held_key_decides_no_hidden_comment(browser: Browser, service: Steward) -> None:
    desk, site = sensitive(browser, service, "click", 2)
    desk.go("/queue")
    first = desk.wait_for_card()
    card = desk.page.locator(f'article[data-id="{first}"]')
    card.get_by_role("button", name="Approve").click()
    expect(card.locator("details.veil .text")).to_be_visible()
    assert site.statuses([first]) == ["pending"]
    desk.rest()
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


def test_a_double_click_reveals_a_hidden_text_and_decides_nothing(browser: Browser, service: Steward) -> None:
    desk, site = sensitive(browser, service, "double", 2)
    desk.go("/queue")
    first = desk.wait_for_card()
    card = desk.page.locator(f'article[data-id="{first}"]')
    approve = "button => { button.click(); button.click(); }"  # with nothing between, as a fast double click may be
    card.get_by_role("button", name="Approve").evaluate(approve)
    expect(card.locator("details.veil .text")).to_be_visible()
    desk.rest()
    assert (desk.current, desk.decisions, site.statuses([first])) == (first, [], ["pending"])

    card.get_by_role("button", name="Approve").click()
    second = desk.wait_for_card(first)
    desk.go(f"/queue/{second}")
    desk.page.wait_for_selector("html.has-script")
    desk.page.get_by_role("button", name="Approve").evaluate(approve)
    expect(desk.page.locator("details.veil .text")).to_be_visible()
    desk.rest()
    assert site.statuses([first, second]) == ["approved", "pending"]
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
        desk.rest()
        assert len(desk.decisions) == n
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

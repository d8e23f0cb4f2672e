"""A supervisor at a real Chromium calms an article from a card, closes it on its page, and takes both back."""

from pages import Desk, forum, texts, violations
from playwright.sync_api import Browser, expect
from steward import Steward, posted

ARTICLE = {"id": "a-1", "title": "A new bridge over the river", "section": "politics"}


def test_an_article_is_heated_from_a_card_and_closed_on_its_page(service: Steward, browser: Browser) -> None:
    site = forum(service, "articles", texts("w-1", "w-2"), article=ARTICLE)
    made = service.command("moderators", "add", "editor", "--site", "articles", "--role", "supervisor", "--link")
    desk = Desk.open(browser, service)
    page = desk.page
    desk.enter(made)
    desk.wait_for_card()

    # By keys only: t opens the menu of the article, Enter presses its first button.
    desk.press("t")
    expect(page.locator(".place-menu[open] button").first).to_be_focused()
    assert violations(desk) == []
    page.set_viewport_size({"width": 390, "height": 844})
    box = page.locator(".place-menu[open] .sheet").bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390, "the menu lies within a phone"
    page.set_viewport_size({"width": 1280, "height": 720})
    desk.press("Enter")
    expect(page.locator(".toast")).to_contain_text("The article: Heated until")
    shown = page.locator("#cards > article:not([hidden]) .article-heated")
    expect(shown).to_contain_text("Heated until")
    assert site.get("/v1/articles/a-1").json()["status"] == "heated"
    page.locator(".toast button", has_text="Take back").click()
    expect(shown).to_have_count(0)
    assert site.get("/v1/articles/a-1").json()["status"] == "open"

    desk.press("t", "Escape")
    expect(page.locator(".place-menu[open]")).to_have_count(0)
    desk.go("/article?article=a-1")
    page.get_by_role("button", name="Close: new comments are rejected").focus()
    desk.press("Enter")
    expect(page.locator(".good")).to_contain_text("The status is changed.")
    expect(page.locator("h1 .tag")).to_have_text("Closed")
    page.evaluate("document.querySelectorAll('details:not(.menu)').forEach(each => { each.open = true; })")
    assert violations(desk) == []
    with service.client(site.key) as client:
        refused = posted(client, "/v1/comments", {"id": "n-1", "text": "Hello again.", "article": ARTICLE})
        assert (refused["status"], refused["reasons"][-1]["code"]) == ("rejected", "article_closed")
        desk.go("/comment?id=n-1")
        expect(page.locator("main")).to_contain_text("The article is closed")
        desk.go("/article?article=a-1")
        page.get_by_role("button", name="Take the last change back").click()
        expect(page.locator("h1 .tag")).to_have_text("Open")
        assert (
            posted(client, "/v1/comments", {"id": "n-2", "text": "Hi again.", "article": ARTICLE})["decision"]
            != "reject"
        )
    assert desk.complaints == []

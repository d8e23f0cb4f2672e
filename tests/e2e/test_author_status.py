"""A supervisor at a real Chromium bans an author and rejects all that waits of the author, and takes both back."""

from pages import Desk, forum, texts, violations
from playwright.sync_api import Browser, expect
from steward import Steward, posted

AUTHOR = {"id": "u-1", "name": "Joe"}
WAITING = ("w-1", "w-2", "w-3")


def test_an_author_is_banned_and_all_that_waits_rejected_and_both_are_taken_back(
    service: Steward, browser: Browser
) -> None:
    site = forum(service, "authors", texts(*WAITING), author=AUTHOR)
    site.post(texts("other"), author={"id": "u-2"})
    made = service.command("moderators", "add", "lead", "--site", "authors", "--role", "supervisor", "--link")
    desk = Desk.open(browser, service)
    page = desk.page
    desk.enter(made)
    stored = site.get("/v1/authors/u-1").json()["author"]

    # By keys only: the details open with Enter, the choices are made by typing.
    desk.go(f"/author?id={stored}")
    page.locator("summary", has_text="Change the status…").focus()
    desk.press("Enter")
    page.locator('select[name="status"]').focus()
    page.keyboard.type("Banned")
    page.locator('select[name="why"]').focus()
    page.keyboard.type("Spam")
    page.locator('textarea[name="note"]').focus()
    page.keyboard.type("third account")
    desk.press("Tab", "Enter")
    expect(page.locator(".good")).to_contain_text("The status is changed.")
    expect(page.locator("h1 .tag")).to_have_text("Banned")
    expect(page.locator(".timeline")).to_contain_text("third account")
    with service.client(site.key) as client:
        refused = posted(client, "/v1/comments", {"id": "n-1", "text": "Hello again.", "author": AUTHOR})
        assert refused["status"] == "rejected"
        assert "author_banned" in [each["code"] for each in refused["reasons"]]

    desk.go(f"/queue/{WAITING[0]}")
    expect(page.locator(".about .author-banned")).to_have_text("Banned")
    expect(page.locator(".about")).to_contain_text("Last decisions: Rejected")
    assert violations(desk) == []
    desk.go(f"/author?id={stored}")
    page.locator("summary", has_text="Reject all that waits…").focus()
    desk.press("Enter")
    page.get_by_role("button", name="Reject all that waits").focus()
    desk.press("Enter")
    expect(page.locator(".good")).to_contain_text("3 waiting comments are rejected.")
    assert site.statuses([*WAITING, "other"]) == ["rejected", "rejected", "rejected", "pending"]
    page.evaluate("document.querySelectorAll('details:not(.menu)').forEach(each => { each.open = true; })")
    assert violations(desk) == []

    page.get_by_role("button", name="Take the rejections back").click()
    expect(page.locator(".good")).to_contain_text("3 rejections were taken back.")
    assert site.statuses([*WAITING, "n-1"]) == ["pending", "pending", "pending", "rejected"]
    page.get_by_role("button", name="Take my last change back").click()
    expect(page.locator(".good")).to_contain_text("The change was taken back.")
    expect(page.locator("h1 .tag")).to_have_text("Active")
    site.post(texts("n-2"), author=AUTHOR)
    said = [each["status"] for each in site.get(f"/v1/authors/{stored}/status").json()["history"]]
    assert said == ["active", "banned"]
    assert desk.complaints == []

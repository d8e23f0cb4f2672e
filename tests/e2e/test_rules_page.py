"""An administrator at a real Chromium writes a rule, sees what it would have done, and takes it back."""

import re

from pages import Desk, violations
from playwright.sync_api import Browser, expect
from steward import Steward, posted

HELD = "Come and see my zorblax today, friends."


def faults(desk: Desk) -> list[str]:
    """What axe finds, with everything opened that can be."""
    desk.page.evaluate("document.querySelectorAll('details:not(.menu)').forEach(each => { each.open = true; })")
    return violations(desk)


def test_a_rule_is_written_previewed_saved_and_turned_back(service: Steward, browser: Browser, admin: str) -> None:
    made = service.command("moderators", "add", "chief", "--site", "default", "--role", "admin", "--link")
    desk = Desk.open(browser, service)
    page = desk.page
    desk.enter(made)
    with service.client(admin) as client:
        assert posted(client, "/v1/comments", {"id": "r-1", "text": HELD})["decision"] == "approve"

        # The rule, by keys as far as that goes: a link opens with Enter, fields are typed into.
        desk.go("/rules")
        assert faults(desk) == []
        page.get_by_role("link", name="Words", exact=True).focus()
        desk.press("Enter")
        page.get_by_label("Or these words").fill("zorblax")
        page.get_by_label("Name", exact=True).fill("house-words")
        page.get_by_label("State").select_option("on")
        page.get_by_role("button", name="Preview").focus()
        desk.press("Enter")
        expect(page.locator("#preview")).to_contain_text("It would have applied to 1 comment")
        expect(page.locator("#preview")).to_contain_text("Approve → Review")
        assert page.locator("#preview a").first.get_attribute("href") == "/console/comment?id=r-1"
        assert faults(desk) == []
        page.get_by_role("button", name=re.compile("^Save as version")).click()
        expect(page.locator(".good")).to_contain_text("The rule is saved.")
        expect(page.locator("#rule-house-words")).to_contain_text("Holds a comment for review if it has “zorblax”.")

        held = posted(client, "/v1/comments", {"id": "r-2", "text": HELD})
        assert held["decision"] == "review"
        assert "house-words" in [each.get("rule") for each in held["reasons"]]
        desk.go("/comment?id=r-2")
        expect(page.locator("main")).to_contain_text("A rule holds it")

        desk.go("/rules")
        page.get_by_label("Text of the comment").fill("No Z-o-r-b-l-a-x here.")
        page.get_by_role("button", name="Try", exact=True).click()
        expect(page.locator(".tried mark")).to_have_text("Z-o-r-b-l-a-x")
        assert faults(desk) == []

        page.get_by_role("button", name="Undo the last change").click()
        expect(page.locator(".good")).to_contain_text("The last change is undone.")
        expect(page.locator("#rule-house-words")).to_have_count(0)
        assert posted(client, "/v1/comments", {"id": "r-3", "text": HELD})["decision"] == "approve"
    assert desk.complaints == []


def test_a_file_is_read_into_the_form_of_a_list(service: Steward, browser: Browser, admin: str) -> None:
    made = service.command("moderators", "add", "clerk", "--site", "default", "--role", "admin", "--link")
    desk = Desk.open(browser, service, viewport={"width": 390, "height": 844})
    page = desk.page
    desk.enter(made)
    desk.go("/lists")
    page.get_by_label("Name", exact=True).fill("house-words")
    page.get_by_role("button", name="Make the list").click()
    words = b"plugh\nquux\n"
    page.get_by_label("File", exact=True).set_input_files({"name": "a.txt", "mimeType": "text/plain", "buffer": words})
    expect(page.get_by_label("Content of the file")).to_have_value(words.decode())
    page.get_by_label("Format").select_option("coral")
    page.get_by_role("button", name="Show what it changes").click()
    expect(page.locator(".tried")).to_contain_text("Afterwards the list has 2 entries.")
    assert faults(desk) == []
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.locator(".good")).to_contain_text("The list is changed.")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    with service.client(admin) as client:
        assert [each["text"] for each in client.get("/v1/lists/house-words").json()["items"]] == ["plugh", "quux"]
    assert desk.complaints == []

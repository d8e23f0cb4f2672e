"""An author reads why a comment was rejected and complains, a person judges it, and the answer is on the same page."""

from collections.abc import Iterator

import pytest
from full_site import IN_SCOPE
from pages import AXE, Desk, forum
from playwright.sync_api import Browser, Page, expect
from steward import Steward, posted

REJECTED = {"thresholds": {"toxicity": {"reject_at": 0.0}}, "dsa": IN_SCOPE}


@pytest.fixture
def author(browser: Browser) -> Iterator[Page]:
    """A stranger at a browser with the language of the author, on a phone."""
    context = browser.new_context(locale="de", viewport={"width": 390, "height": 844}, color_scheme="dark")
    yield context.new_page()
    context.close()


def faults(page: Page) -> list[str]:
    page.evaluate(AXE.read_text())
    found = page.evaluate("async () => (await axe.run()).violations")
    return [f"{each['id']}: {node['html'][:200]}" for each in found for node in each["nodes"]]


def test_an_author_complains_on_the_page_of_the_statement_and_reads_the_answer_there(
    author: Page, service: Steward, browser: Browser
) -> None:
    site = forum(service, "statement", {})
    with service.client(site.key) as client:
        assert client.put("/v1/policies/default", json=REJECTED).status_code == 200
        assert posted(client, "/v1/comments", {"id": "r-0", "text": "you idiot"})["status"] == "rejected"
        url = client.get("/v1/comments/r-0/statement").json()["page_url"]
    author.goto(url)
    expect(author.get_by_role("heading", name="Begründung")).to_be_visible()
    assert "you idiot" not in author.content(), "whoever is sent the address does not read the comment"
    assert faults(author) == []
    author.get_by_label("Warum die Entscheidung falsch ist").fill("Ich habe jemanden zitiert.")
    author.get_by_role("button", name="Beschwerde senden").click()
    expect(author.get_by_role("heading", name="Ihre Beschwerde")).to_be_visible()
    expect(author.locator("textarea")).to_have_count(0)
    assert author.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert faults(author) == []

    desk = Desk.open(browser, service)
    desk.enter(service.command("moderators", "add", "xenia", "--site", "statement", "--role", "supervisor", "--link"))
    assert desk.wait_for_card() == "r-0"
    card = desk.page.locator("article.card:not([hidden])")
    expect(card).to_contain_text("Ich habe jemanden zitiert.")
    if card.locator("details.veil:not([open])").count():
        desk.press("b")
        desk.rest()
    desk.press("a")
    desk.wait_until_sent()
    site.becomes("r-0", "approved")
    assert desk.complaints == []
    desk.page.context.close()

    author.reload()
    expect(author.get_by_text("Der Kommentar ist nicht mehr abgelehnt.")).to_be_visible()
    expect(author.get_by_role("heading", name="Ihre Beschwerde")).to_be_visible()
    assert faults(author) == []

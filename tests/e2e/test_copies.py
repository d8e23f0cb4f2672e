"""A moderator at a real Chromium rejects spam, then its copies by one decision, and takes that back: by keys only."""

from pages import Desk, forum, moderator, violations
from playwright.sync_api import Browser, expect
from steward import Steward, posted

SAME = {
    "id": "same",
    "when": {"duplicate": {"match": "near", "of": "site", "at_least": 2, "s": 3600}},
    "then": {"action": "review", "label": "spam"},
}
POLICY = {"thresholds": {"insult": {"review_at": 0.9}}, "rules": [SAME]}
TEXT = "Get rich today with our amazing offer, my dear friends"
SPAM = [f"s-{n}" for n in range(7)]


def test_copies_of_rejected_spam_are_rejected_by_one_decision(service: Steward, browser: Browser) -> None:
    site = forum(service, "copies", {})
    moderator(service, "copies", "ann")
    with service.client(site.key) as client:
        assert client.put("/v1/policies/default", json=POLICY).status_code == 200
        assert posted(client, "/v1/comments", {"id": "first", "text": TEXT})["status"] == "approved"
    site.post({each: f"{TEXT} {each}" for each in SPAM})
    desk = Desk.open(browser, service)
    page = desk.page
    desk.sign_in("ann")
    rejected = desk.wait_for_card()
    desk.press("r", "5")
    expect(page.locator(".toast").last).to_contain_text("6 comments like it wait.")
    desk.rest()
    desk.press("c")
    page.wait_for_url(f"**/queue/{rejected}/copies")
    expect(page.locator(".notice")).to_contain_text("6 comments that wait are like this one:")
    expect(page.locator("#chosen")).to_have_text("6 selected")
    expect(page.get_by_role("button", name="Reject selected: Spam")).to_be_focused()
    assert violations(desk) == []
    desk.press("Enter")
    expect(page.locator(".toast").last).to_contain_text("Rejected: 6")
    for each in SPAM:
        site.becomes(each, "rejected")
    desk.rest()
    desk.press("u")
    expect(page.locator(".toast").last).to_contain_text("Taken back: 6 of 6")
    assert {each for each in SPAM if site.statuses([each]) == ["rejected"]} == {rejected}
    assert desk.complaints == []

"""What is stuck, in a real browser: a supervisor sets it going again, and gives back what somebody holds."""

from pages import Desk, forum, moderator, texts, violations
from playwright.sync_api import Browser, expect
from steward import Steward


def enter_as_supervisor(desk: Desk, service: Steward, site: str, name: str) -> None:
    """By a link, which asks for no second factor."""
    desk.enter(service.command("moderators", "add", name, "--site", site, "--role", "supervisor", "--link"))


def test_a_supervisor_finds_what_is_stuck_and_sets_it_going_again(desk: Desk, service: Steward) -> None:
    site = forum(service, "stuck", texts("s-0", "s-1"))
    moderator(service, "stuck", "ingrid")
    with service.client(site.key) as client:
        assert client.post("/v1/review/s-1/assign", json={"to": "ingrid"}).status_code == 200
    service.command("moderators", "disable", "ingrid")
    enter_as_supervisor(desk, service, "stuck", "sam")
    assert desk.wait_for_card() == "s-0", "nobody but ingrid is offered the other one"
    desk.press("g", "x")
    desk.page.wait_for_url("**/stuck")
    row = desk.page.get_by_role("row").filter(has_text="Comment s-1, what do you say?")
    expect(row).to_contain_text("Assigned to somebody who cannot decide it any more")
    expect(row).to_contain_text("ingrid")
    for width in (390, 768, 1440):
        desk.page.set_viewport_size({"width": width, "height": 900})
        assert desk.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
    assert violations(desk) == []
    row.get_by_label("Assign to").select_option("sam")
    row.get_by_role("button", name="Assign", exact=True).click()
    expect(desk.page.get_by_role("status").filter(has_text="Assigned.")).to_be_visible()
    expect(desk.page.get_by_text("Nothing is stuck.")).to_be_visible()
    desk.go("/queue?mine=1")
    assert desk.wait_for_card() == "s-1"
    desk.press("a")
    desk.wait_until_sent()
    site.becomes("s-1", "approved")


def test_what_is_stuck_is_released_and_escalated_and_shown_by_its_reason(desk: Desk, service: Steward) -> None:
    site = forum(service, "stuck2", texts("t-0", "t-1"))
    moderator(service, "stuck2", "ugo")
    with service.client(site.key) as client:
        for each in ("t-0", "t-1"):
            assert client.post(f"/v1/review/{each}/assign", json={"to": "ugo"}).status_code == 200
    service.command("moderators", "disable", "ugo")
    enter_as_supervisor(desk, service, "stuck2", "thea")
    desk.go("/stuck")
    desk.page.get_by_role("link", name="Assigned to somebody who cannot decide it any more").click()
    first, second = (desk.page.get_by_role("row").filter(has_text=f"Comment {each}") for each in ("t-0", "t-1"))
    first.get_by_role("button", name="Release").click()
    expect(desk.page.get_by_text("It is assigned to nobody now, and offered to everybody.")).to_be_visible()
    expect(first).to_have_count(0)
    second.get_by_role("button", name="Escalate").click()
    expect(desk.page.get_by_text("Escalated to the supervisors.")).to_be_visible()
    desk.go("/queue?queue=escalated&view=list")
    expect(desk.page.locator('tr[data-id="t-1"]')).to_be_visible()
    desk.go("/queue")
    assert desk.wait_for_card() == "t-0"


def test_a_supervisor_gives_back_what_somebody_holds_and_that_person_is_told(
    desk: Desk, service: Steward, browser: Browser
) -> None:
    site = forum(service, "freed", texts("f-0", "f-1"))
    moderator(service, "freed", "walt")
    other = Desk.open(browser, service)
    other.sign_in("walt")
    assert other.wait_for_card() == "f-0"
    enter_as_supervisor(desk, service, "freed", "vera")
    desk.go("/queue?queue=held")
    desk.page.locator('tr[data-id="f-0"]').get_by_role("button", name="Give back to the queue").click()
    expect(desk.page.get_by_text("The comment is back in the queue.")).to_be_visible()
    assert violations(desk) == []
    expect(other.page.locator("#toasts")).to_contain_text("vera gave a comment that you held back to the queue.")
    assert other.wait_for_card("f-0") == "f-1", "the next one is there, and not the same one again"
    # The other one from its own page, where it is then decided.
    desk.go("/queue/f-1")
    desk.page.get_by_role("button", name="Give back to the queue").click()
    expect(desk.page.get_by_role("button", name="Give back to the queue")).to_have_count(0)
    expect(other.page.get_by_text("All done for now.")).to_be_visible()
    desk.page.get_by_role("button", name="Approve").click()
    site.becomes("f-1", "approved")
    assert other.complaints == []
    other.page.context.close()

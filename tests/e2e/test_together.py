"""Moderators who work together, in a real browser: notes, and what comes with them."""

import re

import pytest
from pages import Desk, forum, moderator, routed, texts, violations
from playwright.sync_api import Browser, expect
from steward import Steward


def test_a_note_is_written_by_keys_and_read_by_whoever_comes_next(
    desk: Desk, service: Steward, browser: Browser
) -> None:
    forum(service, "noted", texts("n-0", "n-1"))
    for name in ("abel", "ben"):
        moderator(service, "noted", name)
    desk.sign_in("abel")
    assert desk.wait_for_card() == "n-0"
    desk.press("n")
    desk.page.keyboard.type("a regular; quotes a song")
    assert desk.current == "n-0", "no key decides while one writes"
    desk.press("Control+Enter")
    expect(desk.page.get_by_role("region", name="Messages")).to_contain_text("The note is saved.")
    assert violations(desk) == [], "also while a message is shown"
    card = desk.page.locator("article.card:not([hidden])")
    expect(card.locator("[data-note]")).to_contain_text("a regular; quotes a song")
    expect(card.locator('[data-choice="note"]')).not_to_have_attribute("open", "")
    expect(card).to_be_focused()
    desk.rest()
    desk.press("s")
    assert desk.wait_for_card("n-0") == "n-1"
    desk.wait_until_sent()
    other = Desk.open(browser, service)
    other.sign_in("ben")
    assert other.wait_for_card() == "n-0"
    expect(other.page.locator("article.card:not([hidden]) [data-note]")).to_contain_text("abel")
    assert violations(other) == []
    other.go("/comment?id=n-0")
    expect(other.page.locator(".timeline")).to_contain_text("a regular; quotes a song")
    assert violations(other) == []
    assert other.complaints == []
    other.page.context.close()


def test_a_note_that_could_not_be_sent_stays_in_its_field(desk: Desk, service: Steward) -> None:
    forum(service, "unsent", texts("s-0"))
    moderator(service, "unsent", "cleo")
    # From the first page on: a request right after interception begins may pass by it.
    with routed(desk.page, "**/queue/*/note", lambda route: route.abort()):
        desk.sign_in("cleo")
        desk.wait_for_card()
        desk.press("n")
        desk.page.keyboard.type("kept")
        desk.press("Control+Enter")
        expect(desk.page.locator("#toasts")).to_contain_text("No connection to the service.")
    field = desk.page.get_by_label("Note for other moderators")
    expect(field).to_have_value("kept")
    desk.complaints.clear()  # of the request that was cut off
    desk.page.get_by_role("button", name="Save the note").click()
    expect(desk.page.locator("[data-note]")).to_contain_text("kept")
    expect(field).to_have_value("")


@pytest.mark.parametrize("width", [390, 768, 1440])
def test_long_notes_stay_within_the_page(desk: Desk, service: Steward, width: int) -> None:
    site = forum(service, f"long{width}", texts("l-0"))
    with service.client(site.key) as client:
        for text in ("W" * 900, "a few words " * 40):
            assert client.post("/v1/review/l-0/notes", json={"text": text}).status_code == 200
    moderator(service, f"long{width}", "dora")
    desk.page.set_viewport_size({"width": width, "height": 900})
    desk.sign_in("dora")
    desk.wait_for_card()
    for path in ("", "/comment?id=l-0"):
        if path:
            desk.go(path)
        else:
            desk.press("n")
        assert desk.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_a_comment_is_handed_to_somebody_by_keys_and_waits_for_that_person(
    desk: Desk, service: Steward, browser: Browser
) -> None:
    site = forum(service, "handed", texts("h-0", "h-1"))
    for name in ("eva", "finn"):
        moderator(service, "handed", name)
    desk.sign_in("eva")
    assert desk.wait_for_card() == "h-0"
    desk.press("i")
    expect(desk.page.locator("#people option")).to_have_count(2)
    desk.page.keyboard.type("finn")
    desk.press("Enter")
    assert desk.wait_for_card("h-0") == "h-1", "it is not held here any more"
    expect(desk.page.locator("#toasts")).to_contain_text("Assigned to finn")
    desk.press("a")
    desk.wait_until_sent()
    expect(desk.page.get_by_text("All done for now.")).to_be_visible()
    desk.page.get_by_role("link", name="List").click()
    row = desk.page.locator('tr[data-id="h-0"]')
    expect(row).to_contain_text("for finn")
    expect(row.locator('input[name="chosen"]')).to_have_count(0)
    other = Desk.open(browser, service)
    other.sign_in("finn")
    other.go("/queue?mine=1")
    assert other.wait_for_card() == "h-0"
    assert violations(other) == []
    other.press("a")
    other.wait_until_sent()
    site.becomes("h-0", "approved")
    expect(row).to_have_class(re.compile("left"))  # the other page hears of it
    assert other.complaints == []
    other.page.context.close()


def test_what_is_selected_is_assigned_in_the_list_and_a_wrong_name_is_told(desk: Desk, service: Steward) -> None:
    forum(service, "lists", texts(*(f"m-{n}" for n in range(9))))
    for name in ("gina", "hugo"):
        moderator(service, "lists", name)
    desk.sign_in("gina")
    desk.go("/queue?view=list")
    desk.page.locator("#pick-all").check()
    rows = desk.page.locator("#list tbody tr").count()
    desk.page.locator("#rows-filter").press("Enter")  # decides nothing
    desk.page.locator("#pick-all").focus()
    desk.press("i")
    desk.page.keyboard.type("nobody")
    desk.press("Enter")
    expect(desk.page.locator("#toasts")).to_contain_text("Nobody with this name may decide it.")
    desk.complaints.clear()  # the browser tells of the refusal
    field = desk.page.locator("#bulk input[name=to]")
    field.fill("hugo")
    desk.press("Enter")
    expect(desk.page.locator(".holder", has_text="for hugo")).to_have_count(rows)
    desk.go("/queue?view=list")
    expect(desk.page.locator(".holder", has_text="for hugo")).to_have_count(rows)
    assert violations(desk) == []
    desk.go("/queue?view=list&mine=1")
    expect(desk.page.get_by_text("Nothing here is assigned to you.")).to_be_visible()
    assert desk.decisions == []


def test_whoever_is_mentioned_hears_of_it_at_once_and_finds_the_note(
    desk: Desk, service: Steward, browser: Browser
) -> None:
    forum(service, "called", texts(*(f"c-{n}" for n in range(9))))
    for name in ("inga", "joan"):
        moderator(service, "called", name)
    other = Desk.open(browser, service)
    other.sign_in("joan")
    other.go("/queue?queue=held&view=list")
    expect(other.page.locator("[data-mentions]")).to_be_hidden()
    desk.sign_in("inga")
    desk.wait_for_card()
    desk.press("n")
    desk.page.keyboard.type("@joan do you know this song?")
    desk.press("Control+Enter")
    expect(other.page.locator("#toasts")).to_contain_text("inga mentions you in a note.")
    expect(other.page.locator("[data-mentions-count]")).to_have_text("1")
    expect(desk.page.locator("[data-mentions]")).to_be_hidden()
    other.page.locator("main").click(position={"x": 1, "y": 1})
    other.press("g", "n")
    other.page.wait_for_url("**/mentions")
    expect(other.page.locator("[data-mention]")).to_contain_text("do you know this song?")
    assert violations(other) == []
    other.page.get_by_role("button", name="Mark as done").click()
    expect(other.page.get_by_text("No mentions")).to_be_visible()
    assert other.complaints == []
    other.page.context.close()


def test_a_card_that_is_assigned_offers_what_is_possible_now(desk: Desk, service: Steward) -> None:
    forum(service, "offers", texts("o-0"))
    for name in ("kai", "lena"):
        moderator(service, "offers", name)
    desk.sign_in("kai")
    desk.wait_for_card()
    card = desk.page.locator("article.card:not([hidden])")
    mine, nobodys = (card.locator(f'button[name="assign"][value="{value}"]') for value in ("me", "nobody"))
    desk.press("i")
    expect(nobodys).to_be_hidden()
    mine.click()
    expect(card.locator(".assignee")).to_have_text("you")
    expect(card).to_be_focused()
    desk.press("i")
    expect(mine).to_be_hidden()
    nobodys.click()
    expect(card.locator(".assignee")).to_have_text("nobody")
    desk.go("/queue/o-0")
    desk.page.wait_for_selector("html.has-script")
    desk.press("i")
    desk.page.keyboard.type("no-such-person")
    desk.press("Enter")
    expect(desk.page.locator("#toasts")).to_contain_text("Nobody with this name may decide it.")
    desk.complaints.clear()  # the browser tells of the refusal
    field = desk.page.locator("article.card input[name=to]")
    field.fill("lena")
    field.press("Enter")
    expect(desk.page.locator("main")).to_contain_text("It is assigned to lena. To decide it, assign it to yourself.")


def test_what_is_assigned_in_the_list_is_what_is_selected_or_the_current_row(desk: Desk, service: Steward) -> None:
    forum(service, "rows", texts(*(f"r-{n}" for n in range(9))))
    for name in ("mara", "nils"):
        moderator(service, "rows", name)
    desk.sign_in("mara")
    desk.go("/queue?view=list")
    desk.page.wait_for_selector("html.has-script")
    rows = desk.page.locator("#list tbody tr")
    first, second, third = (rows.nth(n).get_attribute("data-id") for n in range(3))
    desk.press("j", "r")  # a row to be rejected, and then thought better of
    desk.page.locator(f'tr[data-id="{second}"] input[type=checkbox]').check()
    desk.page.locator("#bulk summary", has_text="Assign").click()
    desk.page.locator('#bulk button[value="me"]').click()
    expect(desk.page.locator(f'tr[data-id="{second}"] .holder')).to_have_text("for you")
    expect(desk.page.locator(f'tr[data-id="{first}"] .holder')).to_have_text("")
    desk.page.locator(f'tr[data-id="{third}"] a.open').focus()
    desk.press("i")
    desk.page.keyboard.type("nils")
    desk.press("Enter")
    expect(desk.page.locator(f'tr[data-id="{third}"] .holder')).to_have_text("for nils")
    desk.go("/queue?view=list&mine=1")
    desk.page.locator("#pick-all").check()
    desk.page.locator("#bulk summary", has_text="Assign").click()
    desk.page.locator('#bulk button[value="nobody"]').click()
    expect(rows.first.locator(".holder")).to_have_text("no longer in this list")
    assert desk.decisions == []


def test_a_page_without_a_stream_learns_of_mentions_too(desk: Desk, service: Steward) -> None:
    site = forum(service, "unstreamed", texts("u-0"))
    moderator(service, "unstreamed", "ulrike")
    desk.page.route("**/console/stream**", lambda route: route.abort())
    desk.sign_in("ulrike")
    desk.go("/queue?view=list&queue=held")
    with service.client(site.key) as client:
        assert client.post("/v1/review/u-0/notes", json={"text": "@ulrike please"}).status_code == 200
    expect(desk.page.locator("[data-mentions-count]")).to_have_text("1")
    expect(desk.page.locator("[data-mentions]")).to_be_visible()
    desk.complaints.clear()  # of the requests that were cut off

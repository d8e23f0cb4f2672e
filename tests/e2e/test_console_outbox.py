"""Decisions on their way in the browser: whatever storage, other tabs and reloads do, none is lost without a word."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from pages import Desk, Forum, forum, moderator, routed, texts
from playwright.sync_api import Browser, Page, expect
from steward import Steward, posted

STORAGE = {
    "full": "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); };",
    "off": "for (const name of ['localStorage', 'sessionStorage'])"
    " Object.defineProperty(window, name, { get() { throw new DOMException('off', 'SecurityError'); } });",
}
NUMBERS = itertools.count()
NAME = "olga"
KEY = f"steward.outbox.outbox.{NAME}"


@pytest.fixture(scope="module")
def site(service: Steward) -> Forum:
    return forum(service, "outbox", {})


@pytest.fixture(scope="module")
def signed_in(browser: Browser, service: Steward, site: Forum) -> Any:
    """What a browser keeps of it."""
    moderator(service, site.name, NAME)
    desk = Desk.open(browser, service)
    desk.sign_in(NAME)
    desk.page.goto("about:blank")
    state = desk.page.context.storage_state()
    desk.page.context.close()
    return state


@pytest.fixture
def start(browser: Browser, service: Steward, site: Forum, signed_in: Any) -> Iterator[Callable[..., Desk]]:
    """Olga's browser, anew, with three comments to judge; at the end it has nothing to complain of."""
    opened: list[Desk] = []
    name = f"t{next(NUMBERS)}"

    def start(script: str = "") -> Desk:
        site.post(texts(*(f"{name}-{n}" for n in range(3))))
        desk = Desk.open(browser, service, storage_state=signed_in)
        opened.append(desk)
        if script:
            desk.page.context.add_init_script(script)
        desk.go("/queue")
        desk.wait_for_card()
        return desk

    yield start
    for desk in opened:
        desk.page.context.close()
        # Of what does not arrive, or is refused, the browser may complain.
        assert [each for each in desk.complaints if "net::ERR_" not in each and "409" not in each] == []
    site.empty()


def cut(page: Page) -> AbstractContextManager[None]:
    """Inside the block no decision of this page arrives."""
    return routed(page, "**/decision*", lambda route: route.abort())


def approve(desk: Desk) -> str:
    """Approve the comment that is looked at, and wait for the next one; the id of the first.

    By then the desk has asked for more: what is given back from here on, it does not take again.
    """
    first = desk.current
    assert first
    with desk.page.expect_response("**/queue/claim*"):
        desk.press("a")
    desk.wait_for_card(first)
    return first


def try_now(page: Page) -> None:
    """Press the button, unless the outbox tried by itself meanwhile and was through with it."""
    page.evaluate("document.querySelector('#connection button')?.click()")


def decided_by_another(desk: Desk, service: Steward, site: Forum, comment_id: str) -> None:
    """It was given back from here, as when a lease ends, and somebody else was faster."""
    (entry,) = desk.page.evaluate(f"JSON.parse(localStorage.getItem('{KEY}'))")
    desk.release(comment_id, entry["body"]["lease"])
    with service.client(site.key) as client:
        (item,) = posted(client, "/v1/review/claim", {"count": 10})["items"]
        assert item["id"] == comment_id
        posted(client, f"/v1/review/{comment_id}/decision", {"decision": "reject", "lease": item["lease"]})


@pytest.mark.parametrize("how", STORAGE)
def test_what_storage_cannot_keep_is_sent_at_once(start: Any, site: Forum, how: str) -> None:
    desk = start(STORAGE[how])
    site.becomes(approve(desk), "approved")
    expect(desk.page.locator("#connection")).to_be_hidden()


@pytest.mark.parametrize("how", STORAGE)
def test_what_storage_cannot_keep_is_shown_as_unsent_until_it_was_sent(start: Any, site: Forum, how: str) -> None:
    desk = start(STORAGE[how])
    line = desk.page.locator("#connection")
    with cut(desk.page):
        first = approve(desk)
        expect(line).to_contain_text("1 decision is not sent yet, and this browser cannot keep it")
        second = desk.current
        desk.press("r", "1")
        desk.wait_for_card(second)
        expect(line).to_contain_text("2 decisions are not sent yet, and this browser cannot keep them")
        assert site.statuses([first, second]) == ["pending", "pending"]
    try_now(desk.page)
    expect(line).to_be_hidden()
    assert site.statuses([first, second]) == ["approved", "rejected"]


def test_a_page_that_only_keeps_a_decision_itself_is_not_left_without_a_question(start: Any, site: Forum) -> None:
    desk = start(STORAGE["full"])
    line = desk.page.locator("#connection")
    with cut(desk.page):
        first = approve(desk)
        expect(line).to_contain_text("1 decision is not sent yet")
        with desk.page.expect_event("dialog") as asked:
            desk.page.evaluate("setTimeout(() => location.reload())")
        assert asked.value.type == "beforeunload"
        asked.value.dismiss()
    desk.complaints.remove(f"dialog: {asked.value.message}")
    try_now(desk.page)
    expect(line).to_be_hidden()
    assert site.statuses([first]) == ["approved"]


def test_a_refusal_is_told_after_a_reload(start: Any, service: Steward, site: Forum) -> None:
    desk = start()
    with cut(desk.page):
        first = approve(desk)
        decided_by_another(desk, service, site, first)
        desk.page.reload()
    expect(desk.page.locator("#toasts")).to_contain_text("1 decision did not count.")
    expect(desk.page.locator("#toasts")).to_contain_text(f"{first}: website was faster: it is decided.")
    desk.wait_until_sent()
    assert site.statuses([first]) == ["rejected"]


def test_each_tab_sends_its_own_and_hears_of_its_own(start: Any, service: Steward, site: Forum) -> None:
    desk = start()
    with cut(desk.page):
        first = approve(desk)
        other = Desk(desk.page.context.new_page(), service)
        other.page.on("request", lambda each: other.requests.append(f"{each.method} {each.url}"))
        with other.page.expect_response("**/queue/claim*"):
            other.go("/queue")
        other.wait_for_card()
        assert (other.decisions, site.statuses([first])) == ([], ["pending"]), "the tab that decided is still there"
        decided_by_another(desk, service, site, first)
    desk.page.bring_to_front()
    try_now(desk.page)
    expect(desk.page.locator("#toasts")).to_contain_text("website was faster: it is decided.")
    assert other.decisions == []


def test_what_a_closed_tab_left_is_sent_by_another_and_its_refusal_told_to_both(
    start: Any, service: Steward, site: Forum
) -> None:
    desk = start()
    with cut(desk.page):
        first = approve(desk)
        decided_by_another(desk, service, site, first)
        name = desk.page.evaluate("sessionStorage.getItem('steward.page')")
        other = desk.page.context.new_page()
        desk.page.close()
    other.goto(f"{service.url}/livez")
    other.wait_for_function(  # until the browser has noticed that the tab is gone
        "async name => !(await navigator.locks.query()).held.some(each => each.name.includes(name))", arg=name
    )
    other.goto(f"{service.url}/console/queue")
    said = f"{first}: website was faster: it is decided."
    expect(other.locator("#toasts")).to_contain_text(said)
    again = desk.page.context.new_page()  # as when a browser opens a closed tab again
    again.add_init_script(f"sessionStorage.setItem('steward.page', '{name}')")
    again.goto(f"{service.url}/console/queue")
    expect(again.locator("#toasts")).to_contain_text(said)


def test_two_tabs_that_write_at_once_lose_nothing(start: Any, service: Steward, site: Forum) -> None:
    desk = start()
    with cut(desk.page):
        first = approve(desk)
        other = desk.page.context.new_page()
        other.goto(f"{service.url}/console/account")
        other.evaluate(f"localStorage.setItem('{KEY}', '[]')")  # of a list that was read before
        desk.wait_for(f"() => localStorage.getItem('{KEY}').includes('{first}')")
        desk.page.reload()
    try_now(desk.page)
    desk.wait_until_sent()
    expect(desk.page.locator("#connection")).to_be_hidden()
    assert site.statuses([first]) == ["approved"]

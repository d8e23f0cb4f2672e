"""Decisions on their way in the browser: whatever storage, other tabs and reloads do, none is lost without a word."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pages import Desk, Forum, browsing, forum, moderator
from playwright.sync_api import Browser, Page, Route, expect
from steward import Steward, posted

STORAGE = {
    "full": "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); };",
    "off": "for (const name of ['localStorage', 'sessionStorage'])"
    " Object.defineProperty(window, name, { get() { throw new DOMException('off', 'SecurityError'); } });",
}
NUMBERS = itertools.count()
KEY = "steward.outbox.daily.olena"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as browser:
        yield browser


@pytest.fixture(scope="module")
def site(service: Steward) -> Forum:
    made = forum(service, "daily", {})
    moderator(service, made.name, "olena")
    return made


@pytest.fixture(scope="module")
def signed_in(browser: Browser, service: Steward, site: Forum) -> Any:
    """What a browser keeps of it."""
    assert site.name == "daily"
    desk = Desk.open(browser, service)
    desk.sign_in("olena")
    desk.page.goto("about:blank")
    state = desk.page.context.storage_state()
    desk.page.context.close()
    return state


@pytest.fixture
def start(browser: Browser, service: Steward, site: Forum, signed_in: Any) -> Iterator[Callable[..., Desk]]:
    """Olena's browser, anew, with some comments to judge; at the end it has nothing to complain of."""
    opened: list[Desk] = []
    name = f"t{next(NUMBERS)}"

    def start(script: str = "", count: int = 3) -> Desk:
        site.post({f"{name}-{n}": f"Comment {n}, what do you say?" for n in range(count)})
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
    with service.client(site.key) as client:
        for state in ("queued", "claimed"):
            for item in client.get(f"/v1/review/items?state={state}").json()["items"]:
                assert client.delete(f"/v1/comments/{item['id']}").status_code == 204


def cut(page: Page) -> Callable[[], None]:
    """No decision of this page arrives, until what is returned is called."""
    pattern = "**/decision*"

    def abort(route: Route) -> None:
        route.abort()

    page.route(pattern, abort)
    return lambda: page.unroute(pattern, abort)


def becomes(site: Forum, comment_id: str, status: str) -> None:
    for _ in range(200):
        if site.statuses([comment_id]) == [status]:
            return
    raise AssertionError(site.statuses([comment_id]))


def decided_by_another(desk: Desk, service: Steward, site: Forum, comment_id: str) -> None:
    """It was given back from here, as when a lease ends, and somebody else was faster."""
    with service.client(site.key) as client:
        (held,) = [
            each for each in client.get("/v1/review/items?state=claimed").json()["items"] if each["id"] == comment_id
        ]
        entry = desk.page.evaluate(f"JSON.parse(localStorage.getItem('{KEY}'))")[0]
        desk.page.evaluate(
            "([id, lease]) => import(document.querySelector('script[src*=\"base\"]').src)"
            ".then(base => base.ask('POST', `/queue/${id}/release`, {id, lease}))",
            [held["id"], entry["body"]["lease"]],
        )
        while True:
            (item,) = posted(client, "/v1/review/claim", {"count": 1})["items"]
            posted(client, f"/v1/review/{item['id']}/decision", {"decision": "reject", "lease": item["lease"]})
            if item["id"] == comment_id:
                return


@pytest.mark.parametrize("how", STORAGE)
def test_what_storage_cannot_keep_is_sent_at_once(start: Any, site: Forum, how: str) -> None:
    desk = start(STORAGE[how])
    first = desk.wait_for_card()
    desk.press("a")
    desk.wait_for_card(first)
    becomes(site, first, "approved")
    expect(desk.page.locator("#connection")).to_be_hidden()


@pytest.mark.parametrize("how", STORAGE)
def test_what_storage_cannot_keep_is_shown_as_unsent_until_it_was_sent(start: Any, site: Forum, how: str) -> None:
    desk = start(STORAGE[how])
    heal = cut(desk.page)
    first = desk.wait_for_card()
    desk.press("a")
    second = desk.wait_for_card(first)
    line = desk.page.locator("#connection")
    expect(line).to_contain_text("1 decision is not sent yet, and this browser cannot keep it")
    desk.press("r", "1")
    desk.wait_for_card(second)
    expect(line).to_contain_text("2 decisions are not sent yet, and this browser cannot keep them")
    assert site.statuses([first, second]) == ["pending", "pending"]
    heal()
    desk.page.get_by_role("button", name="Try now").click()
    expect(line).to_be_hidden()
    assert site.statuses([first, second]) == ["approved", "rejected"]


def test_a_page_that_only_keeps_a_decision_itself_is_not_left_without_a_question(start: Any, site: Forum) -> None:
    desk = start(STORAGE["full"])
    heal = cut(desk.page)
    first = desk.wait_for_card()
    desk.press("a")
    expect(desk.page.locator("#connection")).to_contain_text("1 decision is not sent yet")
    asked: list[str] = []
    desk.page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    desk.page.evaluate("setTimeout(() => location.reload())")
    desk.page.wait_for_timeout(300)
    assert asked == ["beforeunload"]
    desk.complaints.clear()
    heal()
    becomes_sent = desk.page.locator("#connection")
    desk.page.get_by_role("button", name="Try now").click()
    expect(becomes_sent).to_be_hidden()
    assert site.statuses([first]) == ["approved"]


def test_a_refusal_is_told_after_a_reload(start: Any, service: Steward, site: Forum) -> None:
    desk = start()
    heal = cut(desk.page)
    first = desk.wait_for_card()
    desk.press("a")
    desk.wait_for_card(first)
    decided_by_another(desk, service, site, first)
    heal()
    desk.page.reload()
    expect(desk.page.locator("#toasts")).to_contain_text("1 decision did not count.")
    expect(desk.page.locator("#toasts")).to_contain_text(f"{first}: website was faster: it is decided.")
    desk.wait_until_sent()
    assert site.statuses([first]) == ["rejected"]


def test_each_tab_sends_its_own_and_hears_of_its_own(start: Any, service: Steward, site: Forum) -> None:
    desk = start()
    heal = cut(desk.page)
    first = desk.wait_for_card()
    desk.press("a")
    desk.wait_for_card(first)
    other = Desk(desk.page.context.new_page(), service)
    sent: list[str] = []
    other.page.on("request", lambda each: sent.append(each.url) if "/decision" in each.url else None)
    other.go("/queue")
    other.wait_for_card()
    assert (sent, site.statuses([first])) == ([], ["pending"]), "the tab that decided is still there"
    decided_by_another(desk, service, site, first)
    heal()
    desk.page.bring_to_front()
    button = desk.page.get_by_role("button", name="Try now")
    if button.count():
        button.click()
    expect(desk.page.locator("#toasts")).to_contain_text("website was faster: it is decided.")
    assert sent == []


def test_what_a_closed_tab_left_is_sent_by_another_and_its_refusal_told_to_both(
    start: Any, service: Steward, site: Forum
) -> None:
    desk = start()
    cut(desk.page)
    first = desk.wait_for_card()
    desk.press("a")
    desk.wait_for_card(first)
    decided_by_another(desk, service, site, first)
    name = desk.page.evaluate("sessionStorage.getItem('steward.page')")
    other = desk.page.context.new_page()
    desk.page.close()
    other.goto(f"{service.url}/console/queue")
    said = f"{first}: website was faster: it is decided."
    expect(other.locator("#toasts")).to_contain_text(said)
    again = desk.page.context.new_page()  # as when a browser opens a closed tab again
    again.add_init_script(f"sessionStorage.setItem('steward.page', '{name}')")
    again.goto(f"{service.url}/console/queue")
    expect(again.locator("#toasts")).to_contain_text(said)


def test_two_tabs_that_write_at_once_lose_nothing(start: Any, service: Steward, site: Forum) -> None:
    desk = start()
    heal = cut(desk.page)
    first = desk.wait_for_card()
    desk.press("a")
    desk.wait_for_card(first)
    other = desk.page.context.new_page()
    other.goto(f"{service.url}/console/account")
    other.evaluate(f"localStorage.setItem('{KEY}', '[]')")  # of a list that was read before
    desk.wait_for(f"() => localStorage.getItem('{KEY}').includes('{first}')")
    desk.page.reload()
    heal()
    becomes_sent = desk.page.locator("#connection")
    button = desk.page.get_by_role("button", name="Try now")
    if button.count():
        button.click()
    desk.wait_until_sent()
    expect(becomes_sent).to_be_hidden()
    assert site.statuses([first]) == ["approved"]

"""The thread on the card: opened by a key, loaded once, and the next comment is there as fast as without it."""

from collections.abc import Iterator

import pytest
from pages import Desk, Forum, expect, forum, moderator, routed, violations
from playwright.sync_api import Browser
from steward import Steward


@pytest.fixture(scope="module")
def talk(service: Steward) -> Forum:
    site = forum(service, "talk", {})
    moderator(service, "talk", "tess")
    site.post({"top": "What do you think of the new square?"}, author={"id": "u-1", "name": "Ann"})
    parent = {"id": "top", "text": "What do you think of the new square?"}
    site.post({f"t-{n}": f"Reply {n}." for n in range(4)}, parent=parent, author={"id": "u-2", "name": "Bob"})
    return site


@pytest.fixture
def tess(browser: Browser, service: Steward, talk: Forum) -> Iterator[Desk]:
    assert talk.name == "talk"
    desk = Desk.open(browser, service)
    desk.sign_in("tess")
    yield desk
    desk.page.context.close()
    assert desk.complaints == []


def looks(desk: Desk) -> list[str]:
    return [each for each in desk.requests if "/thread" in each and "/static/" not in each]


def test_a_key_opens_the_thread_which_is_loaded_once_and_decides_nothing(tess: Desk) -> None:
    assert tess.wait_for_card() == "top"
    assert looks(tess) == []
    card = tess.page.locator("#cards > article:not([hidden])")
    tess.press("o")
    expect(card.locator(".post:not(.here)")).to_have_count(4)
    expect(tess.page.locator("#announced")).to_have_text("Thread: 4 other comments.")
    assert violations(tess) == []
    for _ in range(2):
        tess.press("o")
    expect(card.locator("details.thread")).to_have_attribute("open", "")
    assert len(looks(tess)) == 1
    tess.press("a")
    assert tess.wait_for_card("top") == "t-0"
    tess.wait_until_sent()
    tess.press("o")
    expect(card.locator(".post.here + .post")).to_contain_text("Reply 1.")
    expect(card.locator(".post .status-approved")).to_have_count(1)
    expect(card.locator(".tag.same")).to_have_count(3)
    assert len(tess.decisions) == 1


def test_without_an_answer_the_link_stays_and_opening_it_again_tries_again(tess: Desk) -> None:
    tess.wait_for_card()
    card = tess.page.locator("#cards > article:not([hidden])")
    with routed(tess.page, "**/thread?part=1", lambda route: route.fulfill(status=503)):
        tess.press("o")
        expect(tess.page.locator("#announced")).to_have_text("The thread could not be loaded.")
    expect(card.get_by_role("link", name="Open the thread")).to_be_visible()
    tess.press("o", "o")
    expect(card.locator(".post.here")).to_have_count(1)
    tess.complaints[:] = [each for each in tess.complaints if "503" not in each]

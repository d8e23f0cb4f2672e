"""Two people at the console at once: they see each other, and never decide the same comment."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pages import PASSWORD, Desk, Forum, forum, moderator, routed, texts, violations
from playwright.sync_api import Browser, Route, expect
from steward import Steward

# What no model takes for anything else; and what the site of the demonstration warns of, and shows to a person.
INSULT = "You are a stupid idiot."
WARNING = "This may be read as an insult."
OF_INSULTS = {"thresholds": {"insult": {"review_at": 0.5, "reject_at": None}}}


@pytest.fixture(scope="module")
def service() -> Iterator[Steward]:
    """One service for all; it is started again on the same port by the test that needs it."""
    folder = Path(tempfile.mkdtemp(prefix="steward-"))
    steward = Steward(folder)
    steward.environment["STEWARD_DEMO"] = "true"
    steward.start()
    steward.environment["STEWARD_PORT"] = re.search(r":(\d+)$", steward.url)[1]  # type: ignore[index]
    with steward.client(steward.first_key()) as client:
        assert client.put("/v1/policies/default", json=OF_INSULTS).status_code == 200
    yield steward
    if steward.process.poll() is None:
        steward.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def site(service: Steward) -> Forum:
    return forum(service, "daily", {})


@pytest.fixture(scope="module")
def signed_in(browser: Browser, service: Steward, site: Forum) -> Iterator[tuple[Desk, Desk]]:
    desks = (Desk.open(browser, service), Desk.open(browser, service))
    for desk, name in zip(desks, ("olena", "jan"), strict=True):
        moderator(service, site.name, name)
        desk.go("/sign-in?next=/console/account")
        desk.page.get_by_label("Name").fill(name)
        desk.page.get_by_label("Password").fill(PASSWORD)
        desk.page.get_by_role("button", name="Sign in").click()
        desk.page.wait_for_url("**/console/account")
    yield desks
    for desk in desks:
        desk.page.context.close()


@pytest.fixture
def both(signed_in: tuple[Desk, Desk], site: Forum) -> Iterator[tuple[Desk, Desk]]:
    """Olena and Jan, each at a browser of their own; at the end neither has anything to complain of."""
    yield signed_in
    for desk in signed_in:
        desk.go("/account")
    site.empty()
    complaints = [desk.complaints.copy() for desk in signed_in]
    for desk in signed_in:
        desk.complaints.clear()
    assert complaints == [[], []]


def opened(desk: Desk, path: str) -> Any:
    """The page, once its stream has begun."""
    with desk.page.expect_response(lambda response: "/console/stream" in response.url):
        desk.go(path)
    return desk.page


def test_two_at_once_never_decide_the_same_comment(both: tuple[Desk, Desk], site: Forum) -> None:
    ids = [f"t-{n:02}" for n in range(20)]
    site.post(texts(*ids))
    seen: list[list[str]] = [[], []]
    for desk in both:
        desk.go("/queue")
        desk.wait_for_card()
    while any(desk.current for desk in both):
        for number, desk in enumerate(both):
            if desk.current:
                seen[number].append(desk.wait_for_card())
                desk.press("a")
    for desk in both:
        desk.wait_until_sent()
    assert not set(seen[0]) & set(seen[1])
    assert sorted(seen[0] + seen[1]) == ids
    assert set(site.statuses(ids)) == {"approved"}


def test_the_list_shows_who_holds_what_and_what_others_decide(both: tuple[Desk, Desk], site: Forum) -> None:
    watcher, worker = both
    site.post(texts(*(f"s-{n}" for n in range(7))))
    page = opened(watcher, "/queue?view=list")
    rows = page.locator("table.rows tbody tr")
    expect(rows).to_have_count(7)
    row = page.locator('tr[data-id="s-0"]')
    row.get_by_role("checkbox").check()
    expect(page.locator("#bulk")).to_be_visible()
    worker.go("/queue")
    assert worker.wait_for_card() == "s-0"
    expect(row.locator(".holder")).to_have_text("jan")
    expect(row.get_by_role("checkbox")).to_be_disabled()
    expect(page.locator("#bulk")).to_be_hidden()
    expect(page.locator('[data-count="leased"]')).not_to_have_text("0")

    worker.press("s")  # skipped: it waits again, for others
    worker.wait_for_card("s-0")
    expect(row.locator(".holder")).to_have_text("")
    expect(row.get_by_role("checkbox")).to_be_enabled()

    worker.press("a")
    expect(page.locator('tr[data-id="s-1"] .holder')).to_have_text("decided by jan")
    expect(page.locator("#announced")).to_have_text("jan decided a comment of this list.")
    worker.wait_for_card("s-1")
    worker.press("u")
    expect(page.locator('tr[data-id="s-1"] .holder')).to_have_text("jan")
    worker.wait_for_card("s-2")
    worker.press("a")
    expect(page.locator('tr[data-id="s-1"]')).to_have_count(0)

    site.post(texts("s-7"))
    page.get_by_role("button", name="Show 1 new comment").click()
    expect(page.locator('tr[data-id="s-7"]')).to_be_visible()


def test_what_was_taken_back_in_the_list_says_when_it_is_decided_in_another_window(
    both: tuple[Desk, Desk], site: Forum
) -> None:
    desk, _ = both
    site.post(texts("w-0", "w-1"))
    page = opened(desk, "/queue?view=list")
    row = page.locator('tr[data-id="w-0"]')
    row.get_by_role("checkbox").check()
    page.locator('#bulk button[value="approve"]').click()
    expect(row).to_have_count(0)
    desk.wait_until_sent()
    desk.rest()
    desk.press("u")
    expect(row).to_have_count(1)
    desk.wait_until_sent()
    assert site.statuses(["w-0"]) == ["pending"]

    window = Desk(page.context.new_page(), desk.steward)
    window.go("/queue")
    assert window.wait_for_card() == "w-0"
    window.press("a")
    window.wait_until_sent()
    window.go("/account")
    window.page.close()
    expect(row.locator(".holder")).to_have_text("decided by olena")


def test_a_comment_that_somebody_else_takes_leaves_the_desk(both: tuple[Desk, Desk], site: Forum) -> None:
    desk, other = both
    site.post(texts("x-0", "x-1"))
    opened(desk, "/queue")
    assert desk.wait_for_card() == "x-0"
    other.go("/queue")
    expect(other.page.get_by_text("All done for now.")).to_be_visible()
    # What this desk asks when it hears that x-0 was given back is answered once it is Jan's, and not before.
    held: list[Route] = []
    is_jans = False

    def hold(route: Route) -> None:
        if is_jans:
            route.continue_()
        else:
            held.append(route)

    with routed(desk.page, "**/queue/extend", hold):
        desk.release("x-0", desk.page.locator('article[data-id="x-0"]').get_attribute("data-lease"))
        assert other.wait_for_card() == "x-0"
        is_jans = True
        for each in held:
            each.continue_()
        assert desk.wait_for_card("x-0") == "x-1"
    expect(desk.page.locator("#toasts")).to_contain_text("jan has it now.")
    opened(desk, "/queue/x-0")
    other.press("a")
    expect(desk.page.locator("#one > .notice")).to_have_text("jan was faster: it is decided.")


def test_each_sees_who_else_is_here_and_who_looks_at_the_same_comment(both: tuple[Desk, Desk], site: Forum) -> None:
    one, other = both
    site.post(texts("h-0", "h-1"))
    opened(one, "/queue/h-0")
    expect(one.page.locator("[data-here]")).to_be_hidden()
    opened(other, "/queue?view=list")
    for desk, name in ((one, "jan"), (other, "olena")):
        expect(desk.page.locator("[data-here] .here-names")).to_have_text(name)
    one.page.locator("[data-here] summary").click()
    expect(one.page.locator("[data-here] .sheet")).to_contain_text("jan")
    looks = "Also looking at this comment: "
    expect(one.page.get_by_text(looks)).to_be_hidden()
    opened(other, "/queue/h-0")
    for desk, name in ((one, "jan"), (other, "olena")):
        expect(desk.page.get_by_text(looks)).to_have_text(f"{looks}{name}")
        assert violations(desk) == []
    other.go("/account")
    expect(one.page.get_by_text(looks)).to_be_hidden()
    expect(one.page.locator("[data-here]")).to_be_hidden()


def test_an_empty_queue_does_not_count_what_waits_in_others(both: tuple[Desk, Desk], site: Forum) -> None:
    desk, _ = both
    site.post(texts("n-0"))
    desk.go("/queue?queue=appeals")
    why = "Nothing more waits for you in this queue with this filter."
    expect(desk.page.locator("#nothing-why")).to_have_text(why)


def test_a_lost_connection_shows_itself_and_heals(both: tuple[Desk, Desk], service: Steward, site: Forum) -> None:
    watcher, worker = both
    site.post(texts(*(f"l-{n}" for n in range(6))))
    opened(watcher, "/queue?view=list")
    opened(worker, "/queue")
    first = worker.wait_for_card()
    service.kill()
    for desk in both:
        expect(desk.page.locator("#connection")).to_contain_text("No connection to the service")
    worker.press("a")
    second = worker.wait_for_card(first)
    expect(worker.page.locator("#connection")).to_contain_text("1 decision is kept here")
    service.start()
    for desk in both:
        expect(desk.page.locator("#connection")).to_be_hidden()
    worker.wait_until_sent()
    expect(watcher.page.locator(f'tr[data-id="{first}"]')).to_have_count(0)
    assert site.statuses([first, second]) == ["approved", "pending"]
    for desk in both:  # of a service that is gone the browser may complain
        desk.complaints[:] = [each for each in desk.complaints if "net::ERR_" not in each]


def test_the_demonstration_warns_posts_and_changes_when_a_moderator_decides(browser: Browser, service: Steward) -> None:
    moderator(service, "default", "mia")
    reader, desk = Desk.open(browser, service), Desk.open(browser, service)
    page = reader.page
    page.goto(f"{service.url}/demo")
    assert page.locator("li[data-id]").count() > 30
    page.get_by_label("Your name").fill("Sam")
    page.get_by_label("Your comment").type(INSULT)
    expect(page.locator("#hint")).to_contain_text(WARNING)
    page.get_by_label("Your comment").fill("Thank you.")
    expect(page.locator("#hint")).to_be_empty()
    page.get_by_label("Your comment").fill(INSULT)
    expect(page.locator("#hint")).to_contain_text(WARNING)
    with page.expect_response(lambda response: "/demo/stream" in response.url):
        page.get_by_role("button", name="Post").click()
    mine = page.locator("li.own")
    expect(mine.locator("bdi")).to_have_text("Sam")
    expect(mine).to_contain_text("Waits for a moderator")
    desk.sign_in("mia")
    opened(desk, f"/queue/{mine.get_attribute('data-id')}")
    desk.press("a")
    expect(mine).to_have_attribute("data-status", "approved")
    expect(mine).to_contain_text("Published")
    expect(page.locator("#announced")).to_have_text("Sam: Published")
    desk.page.wait_for_url(lambda url: "/console/queue?" in url)
    for each in (reader, desk):
        each.page.goto("about:blank")  # a browser that closes while it streams may wait for ever
        each.page.context.close()
        assert each.complaints == []


def test_a_range_on_the_axis_is_drawn_decided_at_once_and_taken_back(both: tuple[Desk, Desk], site: Forum) -> None:
    rude = {f"r-{n}": f"{INSULT} {n}" for n in range(12)}
    site.post(rude | {f"k-{n}": f"Thank you, number {n}." for n in range(12)})
    desk = both[0]
    page = opened(desk, "/scores?axis=insult")
    rows = page.locator("table.rows tbody tr")
    everything = rows.count()
    assert 0 < everything <= 24, "every fifth, by chance, is shown without scores"

    box = page.locator("#axis").bounding_box()
    assert box is not None
    height = box["y"] + box["height"] / 3
    page.mouse.move(box["x"] + box["width"] * 0.5, height)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 1, height, steps=4)
    with page.expect_response(lambda response: "/console/scores" in response.url):
        page.mouse.up()
    expect(page.locator('tr[data-id^="k-"]')).to_have_count(0)
    chosen = rows.count()
    expect(page.locator("#found")).to_contain_text(f"{chosen} comments lie in this range.")

    page.get_by_label("From").first.focus()  # the handle does the same by keyboard
    with page.expect_response(lambda response: "/console/scores" in response.url):
        desk.press("Home")
    expect(rows).to_have_count(everything)
    with page.expect_response(lambda response: "/console/scores" in response.url):
        page.locator('input[name="low"]').fill("0.5")
        page.locator('input[name="low"]').blur()
    expect(rows).to_have_count(chosen)

    page.get_by_role("link", name="Select all").click()
    expect(page.locator("#chosen")).to_have_text(f"{chosen} selected")
    ids = [row.get_attribute("data-id") or "" for row in rows.all()]
    site.post({"r-99": f"{INSULT} 99"})  # comes too late to be selected
    page.locator("table.rows a.open").first.focus()
    desk.press("R", "1")
    expect(rows).to_have_count(0)
    desk.wait_until_sent()
    assert set(site.statuses(ids)) == {"rejected"}
    assert site.statuses(["r-99"]) == ["pending"]
    expect(page.locator("#found")).not_to_contain_text(f"{chosen} comments lie")
    desk.rest()
    desk.press("u")
    expect(rows).to_have_count(chosen)
    desk.wait_until_sent()
    assert set(site.statuses(ids)) == {"pending"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_axis_and_in_the_story(
    browser: Browser, service: Steward, both: tuple[Desk, Desk], site: Forum, scheme: Any
) -> None:
    site.post({f"y-{scheme}-{n}": f"{INSULT} {n}" for n in range(8)})
    desk = both[0]
    desk.page.emulate_media(color_scheme=scheme)
    for width in (1280, 390):
        desk.page.set_viewport_size({"width": width, "height": 860})
        opened(desk, "/scores?axis=insult&low=0.5")
        desk.page.get_by_role("link", name="Select all").click()
        assert violations(desk) == [], width
        assert desk.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    desk.page.set_viewport_size({"width": 1280, "height": 860})
    reader = Desk.open(browser, service, color_scheme=scheme)
    reader.page.goto(f"{service.url}/demo")
    reader.page.get_by_label("Your comment").fill(INSULT)
    expect(reader.page.locator("#hint")).to_contain_text(WARNING)
    assert violations(reader) == []
    reader.page.context.close()
    assert reader.complaints == []

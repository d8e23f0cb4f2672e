"""The moderators' console in a real browser: by keys alone, undone, in bulk, and whatever is thrown at it."""

import re
from collections import defaultdict
from collections.abc import Mapping

import pyotp
import pytest
from pages import PASSWORD, SCHEMES, Desk, forum, moderator, texts, violations_by_scheme
from playwright.sync_api import Browser, expect
from steward import Steward

HOSTILE = {
    "h-1": '<script>window.hacked = 1</script><img src=x onerror="window.hacked = 1"> javascript:window.hacked=1',
    "h-2": "\u202eevil\u202c \u2066\u2067 pass\u200bword https://evil.example/\u202egpj.exe http://javascript:alert(1)",
    "h-3": "W" * 20_000,
    "h-4": "🤬💩👨‍👩‍👧‍👦" * 600,
    "h-5": "Z" + "\u0351\u0322\u034a" * 900 + "algo " * 5,
    "h-6": "</div></article></main><h1>Signed out</h1><form action=https://evil.example><input name=password>",
    "h-7": "{{7*7}} ${7*7} <!-- \n" * 50,
}


def test_the_first_start_lets_its_operator_in_who_comes_back_with_two_factors(desk: Desk, first_link: str) -> None:
    page = desk.page
    page.goto(first_link)
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/console/welcome")
    desk.go("/account")
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_role("button", name="Set password").click()
    expect(page.get_by_role("status")).to_contain_text(["Your password was changed"])
    page.locator(".menu summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    page.get_by_label("Name").fill("admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/account/second-factor")
    secret = page.locator('input[name="secret"]').input_value()
    page.get_by_label("six digits").fill(pyotp.TOTP(secret).now())
    page.get_by_role("button", name="Set up").click()
    page.wait_for_url("**/console/account**")
    desk.go()
    page.wait_for_url("**/console/queue")
    (cookie,) = page.context.cookies()
    assert (cookie["name"], cookie["httpOnly"], cookie["secure"], cookie["sameSite"]) == (
        *("__Host-cm_session", True, True),
        "Strict",
    )
    page.goto(first_link)
    expect(page.get_by_role("alert")).to_contain_text("That link has expired.")
    assert [complaint for complaint in desk.complaints if "401" not in complaint] == []
    desk.complaints.clear()  # which the browser says of that one


def test_two_dozen_comments_are_cleared_by_keys_alone(desk: Desk, service: Steward) -> None:
    ids = [f"k-{n:02}" for n in range(24)]
    site = forum(service, "keys", texts(*ids))
    moderator(service, "keys", "olena")
    desk.sign_in("olena")
    seen: list[str] = []
    desk.requests.clear()
    while len(seen) < 24:
        seen.append(desk.wait_for_card(seen[-1] if seen else None))
        desk.press(*(("r", str(len(seen) % 10)) if len(seen) % 3 == 0 else ("a",)))
    desk.wait_until_sent()
    assert sorted(seen) == ids, "each of them, once, the most urgent first"
    assert seen == ids
    expected = ["rejected" if (n + 1) % 3 == 0 else "approved" for n in range(24)]
    assert site.statuses(ids) == expected
    assert len(desk.decisions) == 24
    claims = [each for each in desk.requests if "/queue/claim" in each]
    assert len(claims) < 20, "the next comments come several at a time, before they are needed"
    labels = site.get("/v1/labels").text.splitlines()
    assert sum('"reason":"personal_attack"' in label for label in labels) == 1, "only the 21st was rejected by 1"
    expect(desk.page.get_by_text("All done for now.")).to_be_visible()
    site.post({"k-24": "One more, please."})
    assert desk.wait_for_card() == "k-24", "it comes by itself"


def test_a_decision_is_taken_back_by_a_key_or_by_the_toast(desk: Desk, service: Steward) -> None:
    site = forum(service, "undo", texts(*(f"u-{n}" for n in range(4))))
    moderator(service, "undo", "jan")
    desk.sign_in("jan")
    assert desk.wait_for_card() == "u-0"
    desk.press("a")
    assert desk.wait_for_card("u-0") == "u-1"
    desk.press("r", "1")
    assert desk.wait_for_card("u-1") == "u-2"
    desk.press("u")
    assert desk.wait_for_card("u-2") == "u-1", "first in view again"
    desk.wait_until_sent()
    assert site.statuses(["u-0", "u-1"]) == ["approved", "pending"]
    desk.press("Control+z")
    assert desk.wait_for_card("u-1") == "u-0"
    desk.wait_until_sent()
    assert site.statuses(["u-0", "u-1"]) == ["pending", "pending"]
    desk.press("a")
    assert desk.wait_for_card("u-0") == "u-1"
    desk.page.get_by_role("button", name="Take back").last.click()
    assert desk.wait_for_card("u-1") == "u-0"
    desk.press("a")
    desk.wait_for_card("u-0")
    desk.wait_until_sent()
    desk.page.reload()
    desk.wait_for_card()
    desk.press("u")
    desk.wait_until_sent()
    desk.wait_for_card("u-1")
    assert site.statuses(["u-0"]) == ["pending"], "also after the page was loaded again"


def test_a_key_that_is_held_down_decides_one_comment(desk: Desk, service: Steward) -> None:
    site = forum(service, "held", texts(*(f"d-{n}" for n in range(4))))
    moderator(service, "held", "mira")
    desk.sign_in("mira")
    desk.wait_for_card()
    for _ in range(30):
        desk.page.keyboard.down("a")  # without the key going up: it repeats
    desk.page.keyboard.up("a")
    desk.wait_for_card("d-0")
    desk.wait_until_sent()
    assert site.statuses([f"d-{n}" for n in range(4)]) == ["approved", "pending", "pending", "pending"]
    # Nor does anything while somebody writes.
    desk.press("e")
    desk.page.keyboard.type("a raw quote")
    assert desk.current == "d-1"
    desk.page.keyboard.press("Control+Enter")
    desk.wait_for_card("d-1")
    desk.wait_until_sent()
    items = site.get("/v1/review/items?state=escalated").json()["items"]
    assert [item["id"] for item in items] == ["d-1"]


def test_many_are_decided_in_the_list_and_taken_back_at_once(desk: Desk, service: Steward) -> None:
    ids = [f"b-{n}" for n in range(8)]
    site = forum(service, "bulk", texts(*ids))
    moderator(service, "bulk", "ada")
    desk.sign_in("ada")
    desk.wait_for_card()
    desk.press("z")
    desk.page.wait_for_url("**view=list")
    desk.page.wait_for_selector("html.has-script")
    rows = desk.page.locator("table.rows tbody tr")
    free = rows.count()
    assert free == 4, "the others lie on this moderator's desk"
    desk.press("j", "x", "j", "x", "j", "j", "x")
    expect(desk.page.locator("#chosen")).to_have_text("3 selected")
    desk.press("R", "5")
    expect(rows).to_have_count(free - 3)
    desk.wait_until_sent()
    assert site.statuses(ids).count("rejected") == 3
    desk.rest()
    desk.press("u")
    expect(rows).to_have_count(free)
    desk.wait_until_sent()
    assert site.statuses(ids).count("rejected") == 0
    desk.rest()
    desk.press("A")
    desk.press("k", "k", "k", "a")
    expect(rows).to_have_count(free - 1)
    desk.wait_until_sent()
    assert site.statuses(ids).count("approved") == 1


@pytest.mark.parametrize("width", [1280, 390])
def test_a_hostile_comment_is_inert_and_breaks_no_layout(browser: Browser, service: Steward, width: int) -> None:
    name = f"hostile-{width}"
    author = {"name": "<b onmouseover=alert(1)>\u202e" + "N" * 170}
    article = {"id": "a'\"><script>", "title": "T" * 400 + "<script>", "section": "S" * 100}
    site = forum(service, name, HOSTILE, author=author, article=article, parent={"text": HOSTILE["h-3"]})
    moderator(service, name, f"eve-{width}")
    desk = Desk.open(browser, service, viewport={"width": width, "height": 800})
    desk.sign_in(f"eve-{width}")
    seen: list[str] = []
    for _ in HOSTILE:
        seen.append(desk.wait_for_card(seen[-1] if seen else None))
        desk.press("b")
        check_layout(desk)
        desk.press("a")
    desk.wait_until_sent()
    assert sorted(seen) == sorted(HOSTILE)
    assert set(site.statuses(sorted(HOSTILE))) == {"approved"}
    site.post({f"{comment_id}-again": text for comment_id, text in HOSTILE.items()})
    desk.go("/queue?view=list")
    check_layout(desk)
    for comment_id in HOSTILE:
        desk.go(f"/queue/{comment_id}-again")
        check_layout(desk)
    assert desk.complaints == []
    assert not [request for request in desk.requests if service.url not in request], "no request to anybody else"
    desk.page.context.close()


def check_layout(desk: Desk) -> None:
    """Nothing ran, nothing is wider than the window, and the buttons are where a finger finds them."""
    page = desk.page
    assert page.evaluate("window.hacked") is None
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    assert page.locator("main h1").count() == 1
    assert page.locator("form[action^=http]").count() == 0
    button = page.locator('button[value="approve"]:visible').first
    if button.count():
        box = button.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= page.viewport_size["height"] + 1 or page.locator("table.rows").count()


def test_without_scripts_comments_are_read_decided_and_taken_back(browser: Browser, service: Steward) -> None:
    site = forum(service, "plain", texts("p-0", "p-1", "p-2"))
    moderator(service, "plain", "ida")
    desk = Desk.open(browser, service, java_script_enabled=False)
    page = desk.page
    desk.sign_in_by_form("ida")
    page.get_by_role("button", name="Take the next one").click()
    expect(page.locator("article.card .text")).to_have_text("Comment p-0, what do you say?")
    page.locator('[data-choice="reject"] summary').click()
    page.get_by_role("button", name="Threat").click()
    expect(page.get_by_role("status").first).to_contain_text("Rejected")
    expect(page.locator("article.card .text")).to_have_text("Comment p-1, what do you say?")
    assert site.statuses(["p-0"]) == ["rejected"]
    page.get_by_role("button", name="Take back").click()
    assert site.statuses(["p-0"]) == ["pending"]
    desk.go("/queue?view=list")
    page.get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Approve selected").click()
    expect(page.get_by_role("status").first).to_contain_text("1 / 1")
    assert site.statuses(["p-2"]) == ["approved"]
    assert desk.complaints == []
    page.context.close()


def test_keys_can_be_others_and_help_shows_them(desk: Desk, service: Steward) -> None:
    site = forum(service, "other", texts("o-0", "o-1", "o-2"))
    moderator(service, "other", "tom")
    desk.sign_in("tom")
    desk.go("/account#keys")
    desk.page.get_by_label("Approve", exact=True).fill("y")
    desk.page.locator("section[aria-labelledby=keys]").get_by_role("button", name="Save").click()
    desk.page.wait_for_url("**said=preferences")
    desk.go("/queue")
    assert desk.wait_for_card() == "o-0"
    desk.press("a")
    assert desk.current == "o-0"
    desk.press("?")
    expect(desk.page.locator("#help tr", has_text="Approve").first.locator("kbd")).to_have_text("y")
    desk.press("y")
    assert desk.current == "o-0", "not behind a dialog"
    desk.press("Escape", "y")
    desk.wait_for_card("o-0")
    desk.wait_until_sent()
    assert site.statuses(["o-0"]) == ["approved"]


@pytest.mark.parametrize(
    ("locale", "approve", "approved"),
    [
        ("de", "Freigeben", "Freigegeben"),
        ("es", "Aprobar", "Aprobado"),
        ("fr", "Approuver", "Approuvé"),
        ("uk", "Схвалити", "Схвалено"),
    ],
)
def test_all_pages_speak_the_language_of_whoever_reads_them(
    browser: Browser, service: Steward, locale: str, approve: str, approved: str
) -> None:
    name = f"spoken-{locale}"
    forum(service, name, {"s-1": "What do you say?", "s-2": "And you?"})
    moderator(service, name, f"lena-{locale}")
    desk = Desk.open(browser, service, locale=locale)
    desk.go("/sign-in")
    desk.page.locator('input[name="name"]').fill(f"lena-{locale}")
    desk.page.locator('input[name="password"]').fill(PASSWORD)
    desk.page.locator("button.primary").click()
    desk.page.wait_for_url("**/queue")
    desk.wait_for_card()
    expect(desk.page.get_by_role("button", name=re.compile(approve)).first).to_be_visible()
    desk.press("a")
    expect(desk.page.locator(".toast")).to_contain_text(approved)
    assert desk.complaints == []
    desk.page.context.close()


def test_the_first_page_is_small(desk: Desk, service: Steward) -> None:
    forum(service, "small", {f"s-{n}": "What do you say?" for n in range(5)})
    moderator(service, "small", "una")
    desk.sign_in("una")
    desk.page.goto("about:blank")
    desk.go("/queue")
    desk.wait_for_card()
    sizes = desk.page.evaluate(
        "Object.fromEntries(['navigation', 'resource'].flatMap(kind => performance.getEntriesByType(kind))"
        ".map(each => [each.name.split('/').at(-1), each.encodedBodySize]))"
    )
    assert {"base.css", "queue.css", "desk.js", "queue"} <= sizes.keys()
    assert sum(sizes.values()) < 80_000, sizes


PAGES = [
    *("/queue", "/queue?view=list", "/queue?queue=held", "/queue/x-0", "/account", "/account/second-factor"),
    *("/leave?to=http%3A%2F%2Fx.example", "/no-such-page"),
]


@pytest.fixture(scope="module")
def found(browser: Browser, service: Steward) -> Mapping[str, list[str]]:
    """By color scheme."""
    forum(service, "axe", {"x-0": "You stupid fool, what do you say?", **HOSTILE}, parent={"text": "Before that."})
    moderator(service, "axe", "axel")
    desk, found = Desk.open(browser, service), defaultdict[str, list[str]](list)

    def look(where: str) -> None:
        for scheme, faults in violations_by_scheme(desk).items():
            found[scheme] += [f"{where}: {each}" for each in faults]

    desk.go("/sign-in")
    look("sign in")
    desk.sign_in("axel")
    desk.wait_for_card()
    for path in PAGES:
        desk.go(path)
        if path == "/queue":
            desk.wait_for_card()
            desk.press("r")
            look("with the reasons open")
            desk.press("Escape", "?")
            look("with the help open")
            desk.press("Escape")
        look(path)
    for width in (820, 390):
        desk.page.set_viewport_size({"width": width, "height": 844})
        for path in PAGES[:2]:
            desk.go(path)
            look(f"{path} at {width} px")
    desk.page.context.close()
    return found


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing_on_any_page(found: Mapping[str, list[str]], scheme: str) -> None:
    assert found[scheme] == []

"""The pages beside the queue in a real Chromium: no complaint of the browser or of axe, and they do what they say."""

import re
import time
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import pytest
from full_site import OTHER, Site, fill, full_site
from pages import AT_REST, AXE, COLOR_RULES, PATIENCE_S, SCHEMES
from playwright.sync_api import Browser, Page, ViewportSize

import classifier

PATHS = (
    "/dashboard?span=week",
    "/search?text=idiot",
    "/comment?id=hostile%22%3E%3Cb%3E",
    "/queue/hostile%22%3E%3Cb%3E",
    "/queue/c-4/thread",
    "/queue/c-4/copies",
    "/queue?view=list",
    "/queue?queue=held",
    "/queue?queue=escalated",
    "/decided",
    "/mentions",
    "/article?article=a",
    "/statement?id=rejected",
    "/complaint?id=complained",
    "/author?id=u-1",
    "/appeals",
    "/appeals?kind=appeal",
    "/appeals?kind=notice",
    "/stuck",
    "/policy",
    "/promises",
    "/approvals",
    "/rules",
    "/rules/edit?kind=links",
    "/rules/edit?kind=json",
    "/lists",
    "/models",
    f"/models/compare?challenger={OTHER}",
    f"/models/gate?version={OTHER}&only_site=1",
    "/webhooks",
    "/keys",
    "/moderators",
    "/account",
    "/account/second-factor",
    "/welcome",
    "/welcome/queue",
    "/leave?to=https%3A%2F%2Fdaily.example%2Ftram",
)


PHONE, DESKTOP = ViewportSize(width=390, height=844), ViewportSize(width=1280, height=720)


@pytest.fixture(scope="module")
def site(browser: Browser) -> Iterator[Site]:
    with full_site(browser, fill) as site:
        yield site


def faults(page: Page, scheme: str = SCHEMES[0]) -> list[str]:
    """What axe finds against WCAG 2.2 AA and its own best practices, with everything opened that can be.

    In the dark only colors are other ones.
    """
    page.evaluate("document.querySelectorAll('details:not(.menu)').forEach(each => { each.open = true; })")
    which = {"rules": {"target-size": {"enabled": True}}} if scheme == SCHEMES[0] else {"runOnly": [*COLOR_RULES]}
    found = page.evaluate("async which => (await axe.run({ ...which, resultTypes: ['violations'] })).violations", which)
    return [f"{each['id']}: {node['html'][:200]}" for each in found for node in each["nodes"]]


class Looked(NamedTuple):
    """What is wrong with each page: in a color scheme, for axe; where it is wider than the window; for the browser."""

    by_scheme: Mapping[str, Mapping[str, list[str]]]
    too_wide: list[str]
    complaints: list[str]


@pytest.fixture(scope="module")
def looked(site: Site) -> Looked:
    """Each page is loaded once, on a phone, and then seen on a desktop in both color schemes."""
    page, complaints = site.page()
    axe, found = AXE.read_text(), Looked({scheme: {} for scheme in SCHEMES}, [], complaints)
    for path in PATHS:
        page.set_viewport_size(PHONE)
        answer = page.goto(site.url(path))
        assert answer
        assert answer.status == 200, path
        page.locator("main").wait_for()
        for size in (PHONE, DESKTOP):
            page.set_viewport_size(size)
            if not page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
                found.too_wide.append(f"{path} at {size['width']} px")
        page.evaluate(axe)
        for scheme, by_path in found.by_scheme.items():
            page.emulate_media(color_scheme=scheme)
            page.evaluate(AT_REST)
            by_path[path] = faults(page, scheme)
    page.context.close()
    return found


@pytest.mark.parametrize("theme", SCHEMES)
def test_no_page_is_complained_of_by_browser_or_axe(looked: Looked, theme: str) -> None:
    assert looked.complaints == []
    assert [*looked.by_scheme[theme]] == [*PATHS]
    assert {path: each for path, each in looked.by_scheme[theme].items() if each} == {}


def test_nothing_is_wider_than_a_phone(looked: Looked) -> None:
    assert looked.too_wide == []


def test_a_policy_is_tried_by_a_slider_and_then_saved(site: Site) -> None:
    page, complaints = site.page()
    page.goto(site.url("/policy"))
    preview = page.locator("#preview")
    preview.get_by_text("Every comment would get the same answer again.").wait_for()
    # The slider by keys alone: from 0.30 to the very end, and the number beside it follows.
    slider = page.get_by_role("slider", name="Insult: review from")
    slider.focus()
    page.keyboard.press("Home")
    assert page.locator('[name="review_at.insult"]').input_value() == "0"
    preview.get_by_text(re.compile(r"Approve → Review|Every comment would")).first.wait_for()
    page.locator('[name="review_at.insult"]').fill("2")
    preview.get_by_text("Fix the errors in the form first.").wait_for()
    page.get_by_role("button", name="Save as version 3").click()
    problem = page.locator('[name="review_at.insult"]')
    assert problem.get_attribute("aria-invalid") == "true"
    assert problem.evaluate("each => each === document.activeElement")
    problem.fill("0.25")
    complaints.clear()  # the answer 400 is told as an error of the page that was loaded
    page.get_by_role("button", name="Save as version 3").click()
    page.get_by_text("Saved. Every process decides by it within seconds.").first.wait_for()
    assert page.locator('[name="review_at.insult"]').input_value() == "0.25"
    assert complaints == []


def test_the_same_works_without_scripts(site: Site) -> None:
    page, _ = site.page(java_script_enabled=False)
    page.goto(site.url("/policy"))
    page.locator('[name="reject_at.insult"]').fill("0.01")
    page.locator('[name="review_at.insult"]').fill("0.01")
    page.get_by_role("button", name="Preview").click()
    assert page.locator("#preview").get_by_text("→ Reject").count() > 0
    assert page.locator('[name="reject_at.insult"]').input_value() == "0.01"
    page.goto(site.url("/dashboard"))
    page.get_by_text("The numbers").first.click()
    assert page.locator("table").get_by_role("rowheader").first.is_visible()
    page.goto(site.url("/appeals"))
    decision = page.locator("li.card form").first
    decision.locator("select").select_option("hate")
    decision.get_by_role("button", name="Reject").click()
    assert page.get_by_text("Rejected.", exact=True).is_visible()


def test_targets_and_a_clause_are_set_by_keys_and_the_version_is_brought_back(site: Site) -> None:
    page, complaints = site.page()
    page.goto(site.url("/policy"))
    version = int(page.locator('#policy [name="version"]').input_value())
    page.get_by_label("Of automatic approvals, at most").fill("100")
    page.locator("summary", has_text="Another clause").first.press("Enter")
    row = page.locator("details.clause[open]")
    row.get_by_label("Reason or attribute").fill("insult")
    page.keyboard.press("Tab")
    page.keyboard.type("Section 3")
    page.keyboard.press("Tab")
    page.keyboard.type("Insults are not allowed.")
    page.get_by_role("button", name="Save as version").click()
    wrong = page.get_by_label("Of automatic approvals, at most")
    assert wrong.evaluate("each => each === document.activeElement")
    page.get_by_text("Enter a number from 0.01 to 99.99.").wait_for()
    complaints.clear()  # the answer 400 is told as an error of the page that was loaded
    wrong.fill("1")
    page.get_by_role("button", name="Show it as the form says it").click()
    page.get_by_text("Why your comment was rejected").wait_for()
    page.get_by_role("button", name="Save as version").click()
    page.get_by_text("Saved. Every process decides by it within seconds.").first.wait_for()
    assert page.get_by_text("There is no certificate.").is_visible()
    assert page.locator("summary", has_text="insult").count() == 1
    page.get_by_text("Bring back…").first.click()
    page.get_by_role("button", name=f"Bring back version {version}").click()
    page.locator("#main").get_by_text("The version is brought back").wait_for()
    assert page.get_by_label("Of automatic approvals, at most").input_value() == ""
    assert page.locator("summary", has_text="insult").count() == 0
    assert complaints == []


def test_a_key_is_made_copied_and_revoked(site: Site) -> None:
    page, complaints = site.page()
    key = new_key(page, site, "newsroom", "score")
    with site.steward.client(key) as client:
        assert client.post("/v1/score", json={"text": "Hello."}).status_code == 200
        page.goto(site.url("/keys"))
        row = page.get_by_role("row").filter(has_text="newsroom")
        row.get_by_text("Revoke…").click()
        row.get_by_role("button", name="Revoke newsroom").click()
        page.get_by_text("The key is revoked.").wait_for()
        assert client.post("/v1/score", json={"text": "Hello."}).status_code == 401
    assert complaints == []


def test_a_key_of_12_digits_is_made_and_rotated(site: Site) -> None:
    page, complaints = site.page()
    first = new_key(page, site, "blog", "akismet")
    row = page.get_by_role("row").filter(has_text="blog")
    row.get_by_text("Rotate…").click()
    row.get_by_role("button", name="Rotate blog").click()
    page.get_by_text("The old key works until").wait_for()
    assert re.fullmatch("[0-9a-f]{12}", page.locator("#made").inner_text())
    assert page.locator("#made").inner_text() != first
    assert complaints == []


def test_a_long_key_is_rotated_with_an_overlap_and_then_at_once(site: Site) -> None:
    """A site changes its programs one after the other; after a leak, the old text ends at once."""
    page, complaints = site.page()
    texts = [new_key(page, site, "bridge", "score")]
    texts.append(rotated(page, "one more day"))
    row = page.get_by_role("row").filter(has_text="bridge")
    overlap = row.get_by_text("An older key works until")
    overlap.wait_for()
    assert [scored(site, each) for each in texts] == [200, 200]
    assert faults_of(page) == []
    page.goto(site.url("/keys"))
    texts.append(rotated(page, "not at all: it has leaked"))
    assert overlap.count() == 0
    assert len(set(texts)) == 3
    assert scored(site, texts[2]) == 200
    for leaked in texts[:2]:
        until = time.monotonic() + PATIENCE_S
        while scored(site, leaked) != 401:  # refused everywhere within seconds
            assert time.monotonic() < until
    assert complaints == []


def new_key(page: Page, site: Site, name: str, scope: str) -> str:
    """The text of a key that was made on the page API keys."""
    page.goto(site.url("/keys"))
    page.get_by_label("Name").fill(name)
    page.get_by_role("checkbox", name=re.compile(f"^{scope}")).check()
    page.get_by_role("button", name="Make the key").click()
    return page.locator("#made").inner_text()


def rotated(page: Page, keeps: str) -> str:
    """The new text of the key `bridge`; `keeps`: for how long the old one works, as the page says it."""
    row = page.get_by_role("row").filter(has_text="bridge")
    row.get_by_text("Rotate…").click()
    row.get_by_label("The old key works for").select_option(label=keeps)
    row.get_by_role("button", name="Rotate bridge").click()
    page.get_by_text("bridge has a new key.").wait_for()
    return page.locator("#made").inner_text()


def scored(site: Site, key: str) -> int:
    with site.steward.client(key) as client:
        return int(client.post("/v1/score", json={"text": "Hello."}).status_code)


def faults_of(page: Page) -> list[str]:
    page.evaluate(AXE.read_text())
    return faults(page)


def test_a_dead_letter_is_sent_again_and_arrives(site: Site) -> None:
    page, complaints = site.page()
    page.goto(site.url("/webhooks"))
    page.get_by_text("The receiver answered 500").first.wait_for()
    site.receiver.answers.append(200)
    page.get_by_role("button", name="Send again: c-0").first.click()
    page.get_by_text("It is sent again.").wait_for()
    assert site.receiver.heard.wait(60)
    assert site.receiver.told[0].startswith("evt_default_c-0_")
    page.get_by_text("Send all again…").click()
    page.get_by_role("button", name="Send all again").click()
    page.get_by_text(re.compile(r"letters? (is|are) sent again")).wait_for()
    page.get_by_text("There are none.").wait_for()
    assert complaints == []


def test_a_model_is_promoted_and_rolled_back(site: Site) -> None:
    page, complaints = site.page()
    page.goto(site.url("/models"))
    page.get_by_text("Promote…").click()
    page.get_by_role("button", name=f"Promote {OTHER}").click()
    page.get_by_text("The model is in use").wait_for()
    assert page.get_by_role("heading", name=f"{OTHER} in use").is_visible()
    page.get_by_text("Roll back…").click()
    page.get_by_role("button", name=f"Roll back to {classifier.SHIPPED.name}").click()
    page.get_by_text("in use again").wait_for()
    assert page.get_by_role("heading", name=f"{classifier.SHIPPED.name} in use").is_visible()
    assert complaints == []

"""The pages beside the queue in a real Chromium: no complaint of the browser or of axe, and they do what they say."""

import contextlib
import http.server
import json
import re
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pages import AXE
from playwright.sync_api import Browser, Page
from steward import Steward, posted

import classifier

OTHER = "2026-12-01-1"
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)> \u202egnp.exe\u202c " + "W" * 1800 + " you idiot"
INSULTS_TO_REVIEW = {"thresholds": {"insult": {"review_at": 0.3, "reject_at": None}}}
PATHS = (
    "/dashboard?span=week",
    "/search?text=idiot",
    "/comment?id=hostile%22%3E%3Cb%3E",
    "/author?id=u-1",
    "/appeals",
    "/appeals?kind=appeal",
    "/policy",
    "/promises",
    "/approvals",
    "/rules",
    "/rules/edit?kind=links",
    "/rules/edit?kind=json",
    "/lists",
    "/models",
    f"/models/compare?challenger={OTHER}",
    "/webhooks",
    "/keys",
    "/moderators",
    "/account",
)


class Receiver(NamedTuple):
    """A site's endpoint. What it answers is `answers[-1]`; `told`: the ids that it answered 200."""

    url: str
    answers: list[int]
    told: list[str]
    heard: threading.Event


class Site(NamedTuple):
    steward: Steward
    receiver: Receiver
    browser: Browser
    state: Any

    def page(self, **options: Any) -> tuple[Page, list[str]]:
        """A page of the administrator's, and what the browser complains of."""
        context = self.browser.new_context(storage_state=self.state, **{"locale": "en", **options})
        page, complaints = context.new_page(), list[str]()
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
        return page, complaints

    def url(self, path: str) -> str:
        return f"{self.steward.url}/console{path}"


@contextlib.contextmanager
def receiving() -> Iterator[Receiver]:
    answers, told, heard = [500], list[str](), threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            if answers[-1] == 200:
                told.append(self.headers["webhook-id"])
                heard.set()
            self.send_response(answers[-1])
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as the library calls it
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Receiver(f"http://127.0.0.1:{server.server_port}/hook", answers, told, heard)
        server.shutdown()


@pytest.fixture(scope="module")
def site(browser: Browser) -> Iterator[Site]:
    """A site with something on every page, and its administrator at a browser."""
    folder = Path(tempfile.mkdtemp(prefix="steward-"))
    copied = shutil.copytree(classifier.SHIPPED, folder / "models" / OTHER)
    manifest = json.loads((copied / "manifest.json").read_text())
    (copied / "manifest.json").write_text(json.dumps(manifest | {"version": OTHER}))
    steward = Steward(folder)
    steward.environment |= {"STEWARD_WEBHOOK_ALLOW_PRIVATE": "true", "STEWARD_WEBHOOK_SCHEDULE": "0"}
    with receiving() as receiver:
        steward.start()
        try:
            link = steward.line(r"(http://\S+/console/sign-in/link\S+)")
            key = steward.first_key()
            fill(steward, key, receiver)
            context = browser.new_context()
            page = context.new_page()
            page.goto(link)
            page.get_by_role("button", name="Continue").click()
            page.wait_for_url("**/console/welcome")
            state = context.storage_state()
            context.close()
            yield Site(steward, receiver, browser, state)
        finally:
            steward.stop()
    shutil.rmtree(folder, ignore_errors=True)


def fill(steward: Steward, key: str, receiver: Receiver) -> None:
    with steward.client(key) as client:
        assert client.put("/v1/webhooks", json={"url": receiver.url}).status_code == 200
        assert client.put("/v1/policies/default", json=INSULTS_TO_REVIEW).status_code == 200
        for n in range(6):
            author = {"id": "u-1", "name": "Joe"}
            posted(client, "/v1/comments", {"id": f"c-{n}", "text": f"You are an idiot, number {n}.", "author": author})
        for n, item in enumerate(posted(client, "/v1/review/claim", {"count": 4})["items"]):
            answer = {"decision": ("escalate", "reject", "approve")[n % 3], "lease": item["lease"], "reason": "hate"}
            posted(client, f"/v1/review/{item['id']}/decision", answer)
            if n == 1:
                posted(client, f"/v1/comments/{item['id']}/appeal", {"reason": HOSTILE})
        hostile = {"id": 'hostile"><b>', "text": HOSTILE, "author": {"id": "evil", "name": "<i>Evil</i>"}}
        posted(client, "/v1/comments", {**hostile, "article": {"title": "<script>1</script>", "id": "a"}})


def faults(page: Page) -> list[str]:
    """What axe finds against WCAG 2.2 AA and its own best practices, with everything opened that can be."""
    page.evaluate("document.querySelectorAll('details:not(.menu)').forEach(each => { each.open = true; })")
    options = "{ rules: { 'target-size': { enabled: true } }, resultTypes: ['violations'] }"
    found = page.evaluate(f"async () => (await axe.run({options})).violations")
    return [f"{each['id']}: {node['html'][:200]}" for each in found for node in each["nodes"]]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_page_is_complained_of_by_browser_or_axe(site: Site, theme: Any) -> None:
    page, complaints = site.page(color_scheme=theme)
    axe, found = AXE.read_text(), {}
    for path in PATHS:
        answer = page.goto(site.url(path))
        assert answer
        assert answer.status == 200, path
        page.locator("main").wait_for()
        page.evaluate(axe)
        found[path] = faults(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert complaints == [], path
    assert {path: each for path, each in found.items() if each} == {}


def test_nothing_is_wider_than_a_phone(site: Site) -> None:
    page, complaints = site.page(viewport={"width": 390, "height": 844})
    for path in PATHS:
        page.goto(site.url(path))
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    assert complaints == []


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


def test_a_key_is_made_copied_and_revoked(site: Site) -> None:
    page, complaints = site.page()
    page.goto(site.url("/keys"))
    page.get_by_label("Name").fill("newsroom")
    page.get_by_role("checkbox", name=re.compile("^score")).check()
    page.get_by_role("button", name="Make the key").click()
    key = page.locator("#made").inner_text()
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
    page.goto(site.url("/keys"))
    page.get_by_label("Name").fill("blog")
    page.get_by_role("checkbox", name=re.compile("^akismet")).check()
    page.get_by_role("button", name="Make the key").click()
    first = page.locator("#made").inner_text()
    row = page.get_by_role("row").filter(has_text="blog")
    row.get_by_text("Rotate…").click()
    row.get_by_role("button", name="Rotate blog").click()
    page.get_by_text("The old key works for one more day.").wait_for()
    assert re.fullmatch("[0-9a-f]{12}", page.locator("#made").inner_text())
    assert page.locator("#made").inner_text() != first
    assert complaints == []


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

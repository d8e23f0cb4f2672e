"""A real Chromium on the console, for the tests in this folder: all goes by keys, clicks and what is on the page."""

import contextlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx
from playwright.sync_api import Browser, ConsoleMessage, Page, Route, expect, sync_playwright
from steward import CERTIFICATES, Steward, posted

AXE = Path(__file__).parents[2] / ".clients" / "node" / "node_modules" / "axe-core" / "axe.min.js"
KEYS = Path(__file__).parents[2] / "service" / "console" / "static" / "keys.js"
(GUARD_MS,) = map(int, re.findall(r"^const GUARD_MS = (\d+);", KEYS.read_text(), re.MULTILINE))
PATIENCE_S = 60  # beside other work a page takes its time; whoever waits for something that comes waits no longer
ASK_MS = 20
expect.set_options(timeout=PATIENCE_S * 1000)
PASSWORD = "a long enough password"
# What makes it quiet, and lets it run as root in a container; the pages are our own.
ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]
# No test looks at pixels. Without memory for them the browser lays pages out, runs them and finds what lies under the
# pointer as ever, but paints nothing, which saves a seventh of the time of all its processes.
UNPAINTED = "--force-gpu-mem-available-mb=1"
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
COLOR_RULES = ("color-contrast", "link-in-text-block")
SCHEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")
# Until no color is on its way to another one.
AT_REST = """() => Promise.all(document.getAnimations()
  .filter(each => each.effect.getComputedTiming().endTime < Infinity).map(each => each.finished.catch(() => {})))
  .then(() => {})"""
# Every comment waits for a person, and moderators see what the model says of four in five.
ALL_TO_REVIEW = {
    "thresholds": {"toxicity": {"review_at": 0.0, "reject_at": None}, "insult": {"review_at": 0.3, "reject_at": None}},
    "review": {"show_scores": True},
}


def chromium() -> str:
    # The shell is the same Chromium without windows, toolbars and tabs, which take more processor time than our pages.
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    found = os.environ.get("STEWARD_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    assert found, "the tests of the console need Chromium: install it, or name it in STEWARD_CHROMIUM"
    return found


@contextlib.contextmanager
def browsing(*more: str) -> Iterator[Browser]:
    """`more`: arguments of the browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=[*ARGUMENTS, *more])
        yield browser
        browser.close()


@dataclass
class Desk:
    """A moderator at a browser; `complaints` is what the browser found wrong with our pages."""

    page: Page
    steward: Steward
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    @classmethod
    def open(cls, browser: Browser, steward: Steward, **options: Any) -> "Desk":
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 860}, "locale": "en", **options})
        context.set_default_timeout(PATIENCE_S * 1000)
        desk = cls(context.new_page(), steward)
        desk.page.on("console", desk._heard)
        desk.page.on("pageerror", lambda error: desk.complaints.append(str(error)))
        desk.page.on("dialog", lambda dialog: desk.complaints.append(f"dialog: {dialog.message}"))
        desk.page.on("request", lambda request: desk.requests.append(f"{request.method} {request.url}"))
        return desk

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def go(self, path: str = "") -> None:
        self.page.goto(f"{self.steward.url}/console{path}")

    def sign_in(self, name: str, password: str = PASSWORD) -> None:
        """By a request and not by the form, which takes the browser longer than some stories do."""
        url, given = self.steward.url, {"name": name, "password": password}
        asked = {"data": given, "headers": {"Origin": url}, "timeout": PATIENCE_S, "verify": CERTIFICATES}
        reply = httpx.post(f"{url}/console/sign-in", **asked)
        assert reply.has_redirect_location, reply.text
        ((cookie, value),) = reply.cookies.items()
        place = {"domain": urlsplit(url).hostname, "path": "/"}
        kind = {"httpOnly": True, "secure": True, "sameSite": "Strict"}
        self.page.context.add_cookies([{"name": cookie, "value": value, **place, **kind}])
        self.go("/queue")
        self.page.wait_for_url("**/console/queue")
        self.settle()

    def sign_in_by_form(self, name: str, password: str = PASSWORD) -> None:
        self.go("/sign-in")
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url("**/console/queue**")

    def settle(self) -> None:
        """Until a desk, if the page is one, holds the comments that it asked for, or says that there are none.

        Who goes on to another page before that cannot know which comments lie on the desk.
        """
        self.wait_for(
            "() => { const desk = document.querySelector('#desk');"
            " return !desk || desk.querySelector('#cards > article:not([hidden])')"
            " || !desk.querySelector('#nothing').hidden; }"
        )

    def enter(self, made: str) -> None:
        """Sign in by the link that `moderators add --link` printed, and go to the queue without setting a password."""
        self.go(re.findall(r"/console(/sign-in/link\S+)", made)[0])
        self.page.get_by_role("button", name="Continue").click()
        self.page.wait_for_url("**/console/welcome")
        self.go("/queue")
        self.settle()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    @property
    def current(self) -> str | None:
        """The id of the comment that is looked at; None while there is none."""
        card = self.page.locator("#cards > article:not([hidden])")
        return card.get_attribute("data-id") if card.count() else None

    def wait_for(self, expression: str, argument: Any = None) -> None:
        # Unless told otherwise it asks in each frame, of which there would be none at rest.
        self.page.wait_for_function(expression, arg=argument, polling=ASK_MS)

    def wait_for_card(self, but: str | None = None) -> str:
        """Until another comment than `but` is shown, and the keys are taken again."""
        self.wait_for(
            "but => { const id = document.querySelector('#cards > article:not([hidden])')?.dataset.id;"
            " return id !== undefined && id !== but; }",
            but,
        )
        self.rest()
        return self.current or ""

    def rest(self) -> None:
        """Until the console takes keys again: for a moment after a decision, or a reveal, it takes none."""
        self.page.wait_for_timeout(GUARD_MS + 10)

    def release(self, comment_id: str, lease: str | None) -> None:
        """Give a comment back behind the back of this page, as another page of the same moderator does."""
        self.page.evaluate(
            "([id, lease]) => import(document.querySelector('script[src*=\"base\"]').src)"
            ".then(base => base.ask('POST', `/queue/${id}/release`, {id, lease}))",
            [comment_id, lease],
        )

    @property
    def decisions(self) -> list[str]:
        """The requests that decided something."""
        return [each for each in self.requests if "/decision" in each]

    def wait_until_sent(self) -> None:
        self.wait_for("() => !Object.keys(localStorage).some(key => key.startsWith('steward.outbox'))")


@contextlib.contextmanager
def routed(page: Page, pattern: str, handler: Callable[[Route], None]) -> Iterator[None]:
    """Inside the block, what the page asks for under the pattern goes through the handler."""
    page.route(pattern, handler)
    try:
        yield
    finally:
        if not page.is_closed():
            page.unroute(pattern, handler)


def texts(*ids: str) -> dict[str, str]:
    """A text for each id."""
    return {each: f"Comment {each}, what do you say?" for each in ids}


def moderator(steward: Steward, site: str, name: str, role: str = "moderator") -> None:
    """An account with PASSWORD, made on the command line. Its name is in no other file: files share a service."""
    steward.command("moderators", "add", name, "--site", site, "--role", role, said=f"{PASSWORD}\n")


@dataclass
class Forum:
    """A site whose comments all wait for a person; what is asked of it goes over its own key."""

    steward: Steward
    name: str
    key: str

    def post(self, texts: dict[str, str], **more: Any) -> None:
        with self.steward.client(self.key) as client:
            for comment_id, text in texts.items():
                assert posted(client, "/v1/comments", {"id": comment_id, "text": text, **more})["status"] == "pending"

    def empty(self) -> None:
        """Delete what waits and what somebody holds."""
        with self.steward.client(self.key) as client:
            for state in ("queued", "claimed"):
                for item in client.get(f"/v1/review/items?state={state}").json()["items"]:
                    assert client.delete(f"/v1/comments/{item['id']}").status_code == 204

    def becomes(self, comment_id: str, status: str) -> None:
        """Until the comment has this status."""
        until = time.monotonic() + PATIENCE_S
        while (found := self.statuses([comment_id])) != [status]:
            assert time.monotonic() < until, found
            time.sleep(0.02)

    def get(self, path: str) -> Any:
        with self.steward.client(self.key) as client:
            return client.get(path)

    def statuses(self, ids: list[str]) -> list[str]:
        with self.steward.client(self.key) as client:
            return [client.get(f"/v1/comments/{comment_id}").json()["status"] for comment_id in ids]


def forum(steward: Steward, name: str, texts: dict[str, str], **more: Any) -> Forum:
    """A site with comments that wait."""
    made = Forum(steward, name, steward.key(name, "website", "comments", "review", "admin"))
    with steward.client(made.key) as client:
        assert client.put("/v1/policies/default", json=ALL_TO_REVIEW).status_code == 200
    made.post(texts, **more)
    return made


def violations(desk: Desk) -> list[str]:
    """What axe finds on the page as it is."""
    desk.page.evaluate(AXE.read_text())
    return _violations(desk)


def violations_by_scheme(desk: Desk) -> dict[str, list[str]]:
    """What axe finds on the page as it is, in light and dark; it stays dark. In the dark only colors are other ones."""
    desk.page.evaluate(AXE.read_text())
    found = dict[str, list[str]]()
    for scheme in SCHEMES:
        desk.page.emulate_media(color_scheme=scheme)
        desk.page.evaluate(AT_REST)
        found[scheme] = _violations(desk) if scheme == SCHEMES[0] else _violations(desk, COLOR_RULES, 1)
    return found


def _violations(desk: Desk, rules: Sequence[str] = RULES, least: int = 11) -> list[str]:
    found = desk.page.evaluate(  # of what passes axe need only tell that it does
        "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})"
        ".then(found => ({violations: found.violations, passes: found.passes.length}))",
        [*rules],
    )
    assert found["passes"] >= least, "it has looked"
    firsts = [(each["id"], each["nodes"][0]) for each in found["violations"]]
    return [f"{rule}: {first['html'][:200]} {first['failureSummary']}" for rule, first in firsts]

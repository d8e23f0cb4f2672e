"""A site with something on every page of the console, and its administrator at a browser."""

import contextlib
import http.server
import json
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pages import PATIENCE_S
from playwright.sync_api import Browser, Page
from steward import Steward, posted

import classifier

OTHER = "2026-12-01-1"
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)> \u202egnp.exe\u202c " + "W" * 1800 + " you idiot"
IN_SCOPE = {"in_scope": True, "clauses": {"other": {"clause": "Section 1", "explanation": "Keep to our rules."}}}
INSULTS_TO_REVIEW = {"thresholds": {"insult": {"review_at": 0.3, "reject_at": None}}}


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
        context.set_default_timeout(PATIENCE_S * 1000)
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


@contextlib.contextmanager
def full_site(browser: Browser, fill: Callable[[Steward, str, Receiver], None]) -> Iterator[Site]:
    """`fill(steward, key, receiver)` gives the site what is on its pages; the key is the first one, with all scopes."""
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
            wait_until_told(steward, key)
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


def wait_until_told(steward: Steward, key: str) -> None:
    """Until each event was delivered or became a dead letter, so that the pages stay as they are."""
    until = time.monotonic() + PATIENCE_S
    with steward.client(key) as client:
        while pending := client.get("/v1/webhooks").json()["pending"]:
            assert time.monotonic() < until, f"{pending} are still to be told"
            time.sleep(0.1)


def fill(steward: Steward, key: str, receiver: Receiver) -> None:
    """Comments that wait, are decided, escalated and appealed, a notice, and a dead letter."""
    with steward.client(key) as client:
        assert client.put("/v1/webhooks", json={"url": receiver.url}).status_code == 200
        in_scope = {**INSULTS_TO_REVIEW, "dsa": IN_SCOPE}
        assert client.put("/v1/policies/default", json=in_scope).status_code == 200
        for n in range(6):
            author = {"id": "u-1", "name": "Joe"}
            posted(client, "/v1/comments", {"id": f"c-{n}", "text": f"You are an idiot, number {n}.", "author": author})
        for n, item in enumerate(posted(client, "/v1/review/claim", {"count": 4})["items"]):
            answer = {"decision": ("escalate", "reject", "approve")[n % 3], "lease": item["lease"], "reason": "hate"}
            posted(client, f"/v1/review/{item['id']}/decision", answer)
            if n == 1:
                posted(client, f"/v1/comments/{item['id']}/appeal", {"reason": HOSTILE})
        hostile = {"id": 'hostile"><b>', "text": HOSTILE, "author": {"id": "evil", "name": "<i>Evil</i>"}}
        posted(client, "/v1/comments/c-5/notices", {"reporter": "r-1", "kind": "insult", "explanation": HOSTILE})
        posted(client, "/v1/comments", {**hostile, "article": {"title": "<script>1</script>", "id": "a"}})
        posted(client, "/v1/review/c-5/notes", {"text": f"@admin {HOSTILE[:500]}"})
        for each in ("rejected", "complained"):
            posted(client, "/v1/comments", {"id": each, "text": "You are an idiot."})
            _reject(client, each)
        posted(client, "/v1/comments/complained/appeal", {"reason": HOSTILE})
    with steward.client(_another_key(steward)) as client:
        _reject(client, "complained")


def _reject(client: Any, comment_id: str) -> None:
    version = client.get(f"/v1/comments/{comment_id}").json()["version"]
    answer = {"decision": "reject", "version": version, "reason": "hate"}
    posted(client, f"/v1/review/{comment_id}/decision", answer)


def _another_key(steward: Steward) -> str:
    """That of somebody who may answer what is said against decisions by the first key."""
    scopes = ("--scope", "comments", "--scope", "review", "--scope", "admin")
    return steward.command("keys", "create", "--site", "default", "--name", "erna", *scopes).strip()


REVIEWED = {
    "thresholds": {
        "toxicity": {"review_at": 0.2, "reject_at": 0.95},
        "insult": {"review_at": 0.3, "reject_at": None},
        "identity_attack": {"review_at": 0.3, "reject_at": 0.9},
    },
    "review": {"show_scores": True},
    "rules": [
        {
            "id": "house-words",
            "when": {"words": {"list": "house-words"}},
            "then": {"action": "review"},
            "note": "Slurs",
        },
        {
            "id": "advertising-links",
            "when": {"links": {"at_least": 3}},
            "then": {"action": "reject", "reason": "spam"},
            "state": "shadow",
        },
    ],
    "two_people": {"bulk": 50, "erasures": True},
    "dsa": IN_SCOPE,
}
LONG = "The council voted for the new tram line after a debate of nine hours"


def fill_more(steward: Steward, key: str, receiver: Receiver) -> None:
    """What several moderators leave behind: notes, mentions, assignments, statuses, proposals, lists and rules."""
    for name, role in (("olena", "moderator"), ("maximilian.habermann", "supervisor"), ("ines", "auditor")):
        steward.command("moderators", "add", name, "--site", "default", "--role", role, said="a long enough password\n")
    with steward.client(key) as client:
        entries = [{"text": "idiot"}, {"text": "class clown", "exception": True, "note": "a good joke"}]
        _put(client, "/v1/lists/house-words", {"entries": entries})
        _put(client, "/v1/policies/default", REVIEWED)
        _put(client, "/v1/webhooks", {"url": receiver.url})
        article = {
            "id": "a-1",
            "title": f"{LONG}, and nobody is happy",
            "section": "City and region",
            "url": "https://daily.example/tram",
        }
        for n in range(12):
            author = {"id": f"u-{n % 3}", "name": ("Joe", "Annemarie Schwarzenbach-Holtzendorff", "k")[n % 3]}
            said = {"id": f"c-{n:02}", "text": f"You are an idiot, number {n}. {LONG}.", "author": author}
            posted(client, "/v1/comments", {**said, "article": article, "parent": {"text": f"{LONG}, says the mayor."}})
            posted(client, f"/v1/comments/c-{n:02}/report", {"reporter": f"r-{n}", "reason": "This insults the mayor."})
        posted(client, "/v1/comments", {"id": "rejected", "text": "I will kill you, you idiot, and I mean it."})
        _decide(client)
        posted(client, "/v1/review/c-06/notes", {"text": "A regular, and rather loud."})
        posted(client, "/v1/review/c-07/assign", {"to": "olena"})
        posted(client, "/v1/review/c-08/assign", {"to": "admin"})
        notice = {"reporter": "r-1", "kind": "insult", "explanation": f"{LONG}. This calls people idiots."}
        posted(client, "/v1/comments/c-09/notices", notice)
        _put(client, "/v1/authors/u-1/status", {"status": "premoderated", "note": "New here, and loud."})
        _put(client, "/v1/articles/a-1", {"status": "premoderated", "note": "Shared on a large forum."})
        posted(client, "/v1/approvals", {"deed": {"kind": "erase_author", "author": "u-2"}})
    _answer(steward)


def _answer(steward: Steward) -> None:
    """Somebody else mentions the administrator, and decides an appeal."""
    with steward.client(_another_key(steward)) as client:
        for text in ("@admin do you know this quote?", f"@admin {LONG}. " * 3):
            posted(client, "/v1/review/c-06/notes", {"text": text})
        items = client.get("/v1/review/items?limit=200").json()["items"]
        appeal = min((each for each in items if each["review"]["why"] == "appeal"), key=lambda each: each["id"])
        answer = {"decision": "approve", "version": appeal["version"], "reason": "no_violation"}
        posted(client, f"/v1/review/{appeal['id']}/decision", answer)


def _decide(client: Any) -> None:
    """Of six: two escalated, two rejected of which one is appealed and one has an answer, two approved."""
    verdicts = ("escalate", "reject", "approve")
    items = posted(client, "/v1/review/claim", {"count": 6})["items"]
    for n, item in enumerate(items):
        answer = {"decision": verdicts[n % 3], "lease": item["lease"], "reason": "hate", "note": "See the second line."}
        posted(client, f"/v1/review/{item['id']}/decision", answer)
    for item in (items[1], items[4]):
        posted(client, f"/v1/comments/{item['id']}/appeal", {"reason": f"I quoted the minister. {LONG}."})


def _put(client: Any, path: str, body: Any) -> None:
    reply = client.put(path, json=body)
    assert reply.status_code == 200, reply.text

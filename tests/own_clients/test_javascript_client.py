"""The JavaScript client against the running service: in Node.js, and the nudge in a browser."""

import functools
import http.server
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pages import AXE, PATIENCE_S, browsing
from playwright.sync_api import Browser, Page, expect
from steward import Steward as Service

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "clients" / "javascript"
NODE = ROOT / ".clients" / "node"
MOST_NUDGE_BYTES = 10_000
FORM = """<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>Form</title></head>
<body><main><h1>Form</h1>
<label for="text">Comment</label><textarea id="text" aria-describedby="hint"></textarea><p id="hint">Be kind.</p>
<script type="module" src="use.js"></script></main></body></html>"""
USE = """import {{ nudge }} from "./nudge.js";
window.used = nudge(document.getElementById("text"), {{ url: "{url}", key: "{key}", delayMs: 50 }});
"""


@pytest.fixture(scope="module")
def used(service: Service, key: str) -> Any:
    command = ["node", Path(__file__).parent / "use.mjs", service.url, key]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_every_operation_works(used: Any) -> None:
    assert used["score"] == [True, "en", True]
    assert used["many"] == [False, True]
    assert used["statuses"] == ["approved", "rejected", "pending"]
    assert used["twice"] == [1, 1], "sent twice, recorded once"
    assert used["batch"] == ["approved", 400, "/comments/1/text"]
    assert used["follow"] == "approved"
    assert (used["report"], used["appeal"]) == ("js/1", "js/2")
    assert used["reconcile"] == ["lost"]
    assert used["events"] is True
    assert used["erased"] is None


def test_refusals_say_what_is_wrong(used: Any) -> None:
    assert used["refused"] == ["Refused", 400, "/language"]
    assert used["missing"] == ["Refused", 404]
    assert used["stranger"] == ["Refused", 401]


def test_what_may_succeed_later_is_tried_again_under_the_same_id(used: Any) -> None:
    assert used["retried"] == ["approved", 4, 1, 3000]
    assert used["away"] is True
    assert used["once"] == ["bad_request", 1]


def test_an_erasure_that_something_in_between_answered_is_not_done(used: Any) -> None:
    assert used["between"] == ["manual", ["Refused", 301], "manual", ["Refused", 200]]


def test_webhooks_are_checked(used: Any) -> None:
    assert used["event"] == {
        "type": "decision.created",
        "comment_id": "c-1",
        "version": 2,
        "status": "rejected",
        "note": "ä",
    }
    assert used["forged"] == [True] * 4


def test_decisions_of_a_site_are_labels(used: Any, service: Service, chief: str) -> None:
    assert used["score"]
    with service.client(chief) as client:
        lines = client.get("/v1/labels").raise_for_status().text.splitlines()
    found = {label["text"]: label for label in map(json.loads, lines)}
    assert (found["Buy my pen"]["decision"], found["Buy my pen"]["labels"]["spam"]) == ("reject", True)


def test_the_types_hold(tmp_path: Path) -> None:
    compiler = NODE / "node_modules" / "typescript" / "bin" / "tsc"
    assert compiler.exists(), f"{compiler} is missing: run 'make test', which installs it"
    installed = tmp_path / "node_modules" / "@comment-steward" / "client"
    shutil.copytree(PACKAGE, installed)
    shutil.copy(Path(__file__).parent / "types.ts", tmp_path / "types.mts")
    options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2022", "--lib", "es2022,dom"]
    done = subprocess.run(
        ["node", compiler, *options, "types.mts"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout


def test_the_package_needs_no_build_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    told = json.loads((PACKAGE / "package.json").read_text())
    assert {"dependencies", "scripts", "devDependencies"}.isdisjoint(told)
    size = (PACKAGE / "src" / "nudge.js").stat().st_size
    with capsys.disabled():
        print(f"\nnudge.js has {size} bytes, index.js {(PACKAGE / 'src' / 'index.js').stat().st_size}")  # noqa: T201 - the size is a figure that people ask for
    assert size <= MOST_NUDGE_BYTES
    assert "import " not in (PACKAGE / "src" / "nudge.js").read_text(), "the size is that of the whole nudge"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as found:
        yield found


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """A site of another origin than the service; its address."""
    shutil.copy(PACKAGE / "src" / "nudge.js", tmp_path)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def form(site: str, tmp_path: Path, service: Service, browser: Browser) -> Iterator[Any]:
    """Opens a form with the nudge, with a key that may only score, from this site alone."""
    made = ["keys", "create", "--site", "daily", "--scope", "score", "--origin", site]
    (tmp_path / "use.js").write_text(USE.format(url=service.url, key=service.command(*made).strip()))
    _wait_for_origin(service, site)
    opened: list[Page] = []

    def form(language: str = "en") -> Page:
        (tmp_path / "index.html").write_text(FORM.format(language=language))
        page = browser.new_page()
        opened.append(page)
        page.goto(site)
        return page

    yield form
    for page in opened:
        page.close()


def _wait_for_origin(service: Service, site: str) -> None:
    """The service reads new keys, and with them the origins, every second."""
    asked = {"Origin": site, "Access-Control-Request-Method": "POST"}
    end = time.monotonic() + PATIENCE_S
    while "Access-Control-Allow-Origin" not in httpx.options(f"{service.url}/v1/score", headers=asked).headers:
        assert time.monotonic() < end, "the origin of the new key is not allowed"
        time.sleep(0.1)


def test_an_insult_is_told_politely_and_the_text_stays(form: Any) -> None:
    page = form()
    said = page.get_by_role("status")
    expect(said).to_have_text("")
    page.fill("#text", "You stupid idiot, shut up.")
    expect(said).to_have_text("This may be read as an insult.")
    assert page.input_value("#text") == "You stupid idiot, shut up."
    described = page.get_attribute("#text", "aria-describedby")
    assert described.split() == ["hint", said.get_attribute("id")]
    page.fill("#text", "You are right, thank you.")
    expect(said).to_have_text("")


def test_it_speaks_the_language_of_the_page_and_stops(form: Any) -> None:
    page = form("de-AT")
    page.fill("#text", "You stupid idiot, shut up.")
    expect(page.get_by_role("status")).to_have_text("Das kann als Beleidigung verstanden werden.")
    page.evaluate("used.stop()")
    expect(page.get_by_role("status")).to_have_text("")


def test_it_is_accessible(form: Any) -> None:
    page = form()
    page.fill("#text", "You stupid idiot, shut up.")
    expect(page.get_by_role("status")).not_to_have_text("")
    page.add_script_tag(path=AXE)
    assert page.evaluate("axe.run().then((found) => found.violations.map((each) => each.id))") == []


def test_without_the_service_nothing_is_said_and_nothing_breaks(form: Any) -> None:
    page = form()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.route("**/v1/score", lambda route: route.abort())
    with page.expect_event("requestfailed"):
        page.fill("#text", "You stupid idiot, shut up.")
    expect(page.get_by_role("status")).to_have_text("")
    assert problems == []

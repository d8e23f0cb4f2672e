"""The pages for people without an account in a real Chromium: a reader's notice, its receipt, an author's statement."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from pages import AXE, Forum, forum
from playwright.sync_api import Browser, Page
from steward import Steward, posted

from service.console.texts import LANGUAGES

MEASURE = (Path(__file__).parent / "layout.js").read_text()
CLAUSES = {"other": {"clause": "Section 1 of our rules", "explanation": "Comments must keep to our rules."}}
POLICY = {"thresholds": {"threat": {"reject_at": 0.5}}, "dsa": {"in_scope": True, "clauses": CLAUSES}}
LONG = "W" * 150


class Readers(NamedTuple):
    """A site in scope, and the paths of the form, of a receipt and of a statement."""

    steward: Steward
    form: str
    receipt: str
    statement: str


@pytest.fixture(scope="module")
def readers(service: Steward) -> Readers:
    made: Forum = forum(service, "readers", {})
    with service.client(made.key) as client:
        assert client.put("/v1/policies/default", json=POLICY).status_code == 200
        posted(client, "/v1/comments", {"id": LONG, "text": "The tram is late again."})
        posted(client, "/v1/comments", {"id": "c-2", "text": "I will kill you, you idiot, and I mean it."})
        notice = posted(client, f"/v1/comments/{LONG}/notices", {"reporter": "r-1", "explanation": "It names me."})
        statement = client.get("/v1/comments/c-2/statement").json()
    paths = [urlsplit(each["page_url"]).path for each in (notice, statement)]
    return Readers(service, f"/console/notice?site=readers&comment={LONG}", *paths)


def violations_on(page: Page) -> list[str]:
    page.evaluate(AXE.read_text())
    options = "{rules: {'target-size': {enabled: true}}, resultTypes: ['violations']}"
    found = page.evaluate(f"axe.run({options}).then(found => found.violations)")
    return [f"{each['id']}: {node['html'][:200]}" for each in found for node in each["nodes"]]


def pages_of(page: Page, readers: Readers) -> Iterator[str]:
    """Opens each page in turn, the last one with its faults; yields what it is."""
    for name, path in (("statement", readers.statement), ("receipt", readers.receipt), ("form", readers.form)):
        page.goto(readers.steward.url + path)
        yield name
    page.locator("form").evaluate("form => { form.noValidate = true; }")
    page.get_by_role("button").click()
    page.locator("#p-email").wait_for()
    yield "form with faults"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser: Browser, readers: Readers, scheme: Any) -> None:
    context = browser.new_context(locale="en", color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    found = {name: violations_on(page) for name in pages_of(page, readers)}
    context.close()
    assert list(found) == ["statement", "receipt", "form", "form with faults"]
    assert [each for faults in found.values() for each in faults] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_cut_off_at_any_width(browser: Browser, readers: Readers, language: str) -> None:
    context = browser.new_context(locale=language)
    page, found = context.new_page(), list[str]()
    for name in pages_of(page, readers):
        assert page.locator("html").get_attribute("lang") == language
        for width in (390, 768, 1440):
            page.set_viewport_size({"width": width, "height": 900})
            found += [f"{name} at {width} px: {each}" for each in page.evaluate(f"({MEASURE})()")]
    context.close()
    assert found == []


def test_a_reader_gives_notice_without_scripts_and_keeps_the_receipt(browser: Browser, readers: Readers) -> None:
    context = browser.new_context(locale="en", java_script_enabled=False)
    page = context.new_page()
    page.goto(readers.steward.url + readers.form)
    page.get_by_label("What is wrong with it").select_option(label="Private information")
    page.get_by_label("Why it is illegal").fill("It says where I live.")
    page.get_by_label("Your name").fill("Jo Doe")
    page.get_by_label("Your e-mail address").fill("jo@doe.example")
    page.get_by_label("I believe in good faith").check()
    page.get_by_role("button", name="Send the notice").click()
    page.get_by_text("This is your receipt.").wait_for()
    receipt = page.url
    assert urlsplit(receipt).path.startswith("/console/notice/")
    page.reload()
    assert page.url == receipt
    page.get_by_text("We received your notice of").wait_for()
    context.close()

"""The first minutes: the link names the account, a password is chosen, the queue explained, one comment decided."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from browsing import Browser

from service import app_keys as keys
from service.console.entry import LINK_LASTS
from service.console.visit import COOKIE
from service.settings import Settings
from service.values.access import FIRST_SITE
from service.values.accounts import Account, Role, Ticket, is_password
from service.values.domain import Action

NEW = "four words in a row"


@pytest.fixture
async def arrived(browser: Any, account: Any, app: Any) -> Any:
    """Somebody without a password, who came by a link."""
    await account("new", password=None)
    ticket = await app[keys.STORE].accounts.issue(Ticket("link", "new"), LINK_LASTS)
    page = await browser.get(f"/console/sign-in/link?ticket={ticket}")
    assert "You are signing in as new. Next, choose a password." in page.text
    await browser.post("/console/sign-in/link", ticket=ticket)
    await browser.get("/console/welcome")
    return browser


async def test_a_link_leads_to_a_password_and_then_to_what_the_queue_is(arrived: Any, app: Any) -> None:
    weak = await arrived.post("/console/welcome", new="short")
    assert weak.status == 400
    assert "Take at least 12 characters" in weak.text
    secret = arrived.cookies[COOKIE]
    page = await arrived.post("/console/welcome", new=NEW)
    assert page.location == "/console/welcome/queue?saved=1"
    assert arrived.cookies[COOKIE] != secret, "the session goes on under a new secret"
    account = await app[keys.STORE].accounts.get("new")
    assert is_password(NEW, account.password)
    page = await arrived.get(page.location)
    assert "Your password is set." in page.text
    assert "Go to the queue" in page.text, "there is no demonstration to practice on"


async def test_only_the_first_password_is_chosen_there(signed_in: Any, app: Any) -> None:
    ann = await signed_in("ann")
    before = (await app[keys.STORE].accounts.get("ann")).password
    assert (await ann.post("/console/welcome", new=NEW)).location == "/console/account"
    assert (await app[keys.STORE].accounts.get("ann")).password == before
    assert (await ann.get("/console/welcome")).location == "/console/welcome/queue"


async def test_without_a_demonstration_there_is_no_practice(signed_in: Any) -> None:
    ann = await signed_in("ann")
    assert (await ann.post("/console/welcome/practice")).status == 404


@pytest.fixture
async def with_demo(settings: Settings, run: Any) -> AsyncIterator[Any]:
    async with run(msgspec.structs.replace(settings, demo=True)) as client:
        yield client


async def test_the_practice_comment_waits_for_a_person_and_its_text_is_not_hidden(with_demo: Any) -> None:
    app = with_demo.server.app
    await app[keys.STORE].accounts.put(Account("chief", {FIRST_SITE: Role.ADMIN}, datetime.now(UTC)))
    ticket = await app[keys.STORE].accounts.issue(Ticket("link", "chief"), LINK_LASTS)
    chief = Browser(with_demo)
    await chief.post("/console/sign-in/link", ticket=ticket)
    assert "Try it with a comment of the demo" in (await chief.get("/console/welcome/queue")).text
    where = (await chief.post("/console/welcome/practice")).location
    record = await app[keys.STORE].comments.get(FIRST_SITE, where.rpartition("/")[2])
    assert record.decision is Action.REVIEW
    card = await chief.get(where)
    assert "What a dumb take." in card.text
    assert 'class="veil"' not in card.text


@pytest.mark.parametrize("demo", [True, False])
async def test_the_start_page_leads_to_all_there_is(settings: Settings, run: Any, demo: bool) -> None:
    async with run(msgspec.structs.replace(settings, demo=demo)) as client:
        async with client.get("/") as answer:
            text = await answer.text()
            assert answer.status == 200
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        for path in ("/console", "/docs", "/readyz"):
            assert f'href="{path}"' in text
        assert ('href="/demo"' in text) is demo


async def test_browsers_find_an_icon_and_lost_callers_the_documentation(client: Any) -> None:
    async with client.get("/favicon.ico") as answer:
        assert (answer.status, answer.content_type) == (200, "image/svg+xml")
    async with client.get("/v1/coments") as answer:
        assert answer.status == 404
        assert "/docs" in (await answer.json(content_type=None))["detail"]

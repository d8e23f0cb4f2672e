"""Signing in and out: what lets somebody in, what does not, and what it costs to guess."""

import re
from datetime import UTC, datetime
from http.cookies import SimpleCookie
from typing import Any

import msgspec
import pyotp
import pytest
from browsing import Browser

from service import app_keys as keys
from service.console.entry import FREE_FOR_ACCOUNT, LINK_LASTS
from service.console.visit import COOKIE
from service.values.accounts import LONGEST, Account, Role, Session, Ticket

PASSWORD = "correct horse battery"


async def test_who_has_not_signed_in_is_asked_to_and_comes_back_to_the_page(browser: Any, account: Any) -> None:
    await account()
    page = await browser.get("/console/account?said=password")
    assert page.location == "/console/sign-in?next=%2Fconsole%2Faccount%3Fsaid%3Dpassword"
    form = await browser.get(page.location)
    assert form.status == 200
    entered = await browser.post(
        "/console/sign-in", name="ann", password=PASSWORD, next="/console/account?said=password"
    )
    assert entered.location == "/console/account?said=password"
    assert (await browser.get(entered.location)).status == 200


@pytest.mark.parametrize(
    "following",
    ["https://evil.example/", "//evil.example", "/console//evil.example", "/console/\\evil", "/v1/score", "x"],
)
async def test_nobody_is_sent_elsewhere_after_signing_in(browser: Any, account: Any, following: str) -> None:
    await account()
    assert (
        await browser.post("/console/sign-in", name="ann", password=PASSWORD, next=following)
    ).location == "/console"


async def test_the_cookie_is_as_strict_as_cookies_can_be(browser: Any, account: Any) -> None:
    await account()
    page = await browser.post("/console/sign-in", name="ann", password=PASSWORD)
    cookie = SimpleCookie(page.headers["Set-Cookie"])[COOKIE]
    assert COOKIE.startswith("__Host-")
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, True, "Strict", "/")
    assert not cookie["domain"]
    assert len(cookie.value) >= 43, "256 bits"


async def test_a_wrong_name_and_a_wrong_password_are_answered_alike(browser: Any, account: Any) -> None:
    await account()
    await account("gone", is_disabled=True)
    await account("nowhere", roles={})
    await account("guest", password=None)
    answers = [
        await browser.post("/console/sign-in", name=name, password=password)
        for name, password in [
            ("ann", "wrong"),
            ("nobody", PASSWORD),
            ("gone", PASSWORD),
            ("nowhere", PASSWORD),
            ("guest", ""),
            ("", ""),
        ]
    ]
    assert {answer.status for answer in answers} == {401}
    # Only the name stands in the form as it was typed, and the cursor where something is missing.
    alike = {re.sub(r'(?<=name="name" value=")[^"]*| autofocus', "", answer.text) for answer in answers}
    assert len(alike) == 1
    assert COOKIE not in browser.cookies


async def test_guessing_takes_longer_and_longer_and_ends_by_itself(
    browser: Any, account: Any, redis_server: Any
) -> None:
    await account()
    for _ in range(FREE_FOR_ACCOUNT + 1):
        assert (await browser.post("/console/sign-in", name="ann", password="guess")).status == 401
    with redis_server.client() as client:
        (key,) = (key for key in client.scan_iter("cm:{access}:tries:*") if client.hexists(key, "until"))
        client.hincrby(key, "until", 60_000)  # a slow machine must not be through with waiting already
    refused = await browser.post("/console/sign-in", name="ann", password=PASSWORD)
    assert refused.status == 429, "also the right one"
    assert 30 <= int(refused.headers["Retry-After"]) <= 61
    with redis_server.client() as client:
        client.hdel(key, "until")  # as if it had passed
    assert (await browser.post("/console/sign-in", name="ann", password=PASSWORD)).status == 303


async def test_signing_in_gives_a_new_secret_and_ends_the_session_that_was_there(entered: Any) -> None:
    ann = await entered()
    earlier = ann.secret
    await ann.post("/console/sign-in", name="ann", password=PASSWORD)
    assert ann.secret != earlier
    ann.cookies[COOKIE] = earlier
    assert (await ann.get("/console/account")).status == 303


async def test_a_secret_that_somebody_else_chose_is_not_taken_over(browser: Any, account: Any) -> None:
    await account()
    browser.cookies[COOKIE] = "chosen-by-an-attacker"
    await browser.post("/console/sign-in", name="ann", password=PASSWORD)
    assert browser.secret != "chosen-by-an-attacker"


async def test_signing_out_ends_the_session_on_the_server(signed_in: Any) -> None:
    ann = await signed_in()
    secret = ann.secret
    assert (await ann.post("/console/sign-out")).location == "/console/sign-in"
    assert COOKIE not in ann.cookies
    ann.cookies[COOKIE] = secret
    assert (await ann.get("/console/account")).status == 303


async def test_a_changed_role_counts_at_once_and_gives_the_session_a_new_secret(signed_in: Any, app: Any) -> None:
    ann = await signed_in()
    secret, store = ann.secret, app[keys.STORE].accounts
    kept = await store.get("ann")
    assert await store.put(msgspec.structs.replace(kept, roles={"daily": Role.AUDITOR}))
    page = await ann.get("/console/account")
    assert "Auditor" in page.text
    assert ann.secret != secret
    now = ann.secret
    ann.cookies[COOKIE] = secret
    assert (await ann.get("/console/account")).status == 303
    ann.cookies[COOKIE] = now
    kept = await store.get("ann")
    assert await store.put(msgspec.structs.replace(kept, roles={}))
    assert (await ann.get("/console/account")).status == 303


async def test_a_moderator_of_two_sites_works_for_one_at_a_time(signed_in: Any) -> None:
    ann = await signed_in(roles={"daily": Role.MODERATOR, "weekly": Role.AUDITOR})
    assert '<span class="site"> · daily' in (await ann.get("/console/account")).text
    secret = ann.secret
    assert (await ann.post("/console/account/site", site="weekly")).status == 303
    assert ann.secret != secret
    assert '<span class="site"> · weekly' in (await ann.get("/console/account")).text
    assert (await ann.post("/console/account/site", site="monthly")).status == 404


async def test_a_link_lets_in_once_and_only_when_it_is_used_by_a_person(browser: Any, account: Any, app: Any) -> None:
    await account("new", password=None)
    ticket = await app[keys.STORE].accounts.issue(Ticket("link", "new"), LINK_LASTS)
    for _ in range(2):
        assert (await browser.get(f"/console/sign-in/link?ticket={ticket}")).status == 200, "looking uses nothing up"
    assert (await browser.post("/console/sign-in/link", ticket=ticket)).location == "/console/welcome"
    assert "Choose a password" in (await browser.get("/console/welcome")).text
    browser.cookies.clear()
    assert (await browser.post("/console/sign-in/link", ticket=ticket)).status == 401


async def test_a_supervisor_must_set_up_a_second_factor_before_anything_else(entered: Any, browser: Any) -> None:
    eve = await entered("eve", Role.SUPERVISOR)
    for path in ("/console", "/console/account", "/console/queue"):
        assert (await eve.get(path)).location == "/console/account/second-factor"
    page = await eve.get("/console/account/second-factor")
    secret = re.search(r'name="secret" value="([A-Z2-7]{32})"', page.text)[1]
    assert (await eve.post("/console/account/second-factor", secret=secret, code="000000")).status == 400
    code = pyotp.TOTP(secret).now()
    assert (await eve.post("/console/account/second-factor", secret=secret, code=code)).status == 200
    assert (await eve.get("/console/account")).status == 200
    # From now on the password alone is not enough, and a code is good once.
    asked = await browser.post("/console/sign-in", name="eve", password=PASSWORD)
    assert COOKIE not in browser.cookies
    again = await browser.post("/console/sign-in/code", ticket=_ticket(asked), code=code)
    assert again.status == 401, "that code was used"
    later = pyotp.TOTP(secret).at(datetime.now(UTC), counter_offset=1)
    entered = await browser.post("/console/sign-in/code", ticket=_ticket(again), code=f"{later[:3]} {later[3:]}")
    assert entered.location == "/console"


async def test_a_ticket_for_the_code_is_of_no_use_without_the_code_or_twice(
    browser: Any, account: Any, app: Any
) -> None:
    await account("eve", Role.ADMIN, totp="plain:" + pyotp.random_base32())
    asked = await browser.post("/console/sign-in", name="eve", password=PASSWORD)
    assert (await browser.post("/console/sign-in/link", ticket=_ticket(asked))).status == 401, "it is no link"
    assert (await browser.post("/console/sign-in/code", ticket=_ticket(asked), code="123456")).status == 401
    ticket = await app[keys.STORE].accounts.issue(Ticket("link", "eve"), LINK_LASTS)
    assert 'name="code"' in (await browser.post("/console/sign-in/link", ticket=ticket)).text, (
        "nor does a link replace it"
    )


async def test_a_session_is_over_after_its_longest_time(signed_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = await signed_in()
    monkeypatch.setattr("service.console.visit.Visit.now", property(lambda _: datetime.now(UTC) + LONGEST))
    assert (await ann.get("/console/account")).location.startswith("/console/sign-in")


async def test_a_link_on_another_sites_page_arrives_although_the_cookie_is_strict(browser: Any) -> None:
    page = await browser.get("/console/account", headers={"Sec-Fetch-Site": "cross-site"})
    assert page.status == 200
    assert '<meta http-equiv="refresh" content="0; url=/console/account">' in page.text


async def test_what_happened_is_in_the_audit_trail(entered: Any, admin: Any) -> None:
    ann = await entered()
    await ann.post("/console/sign-out")
    entries = (await admin.get("/v1/audit?actor=ann")).body["entries"]
    assert [entry["details"]["action"] for entry in entries] == ["signed_in", "signed_out"]


def _ticket(page: Any) -> str:
    assert 'name="code"' in page.text
    found = re.search(r'name="ticket" value="([^"]+)"', page.text)
    assert found
    return found[1]


async def test_while_redis_is_away_the_console_says_so_in_its_own_layout_and_nobody_is_signed_out(
    run: Any, settings: Any, own_server: Any
) -> None:
    impatient = msgspec.structs.replace(settings, redis_url=own_server.url, store_timeout_s=5)
    async with run(impatient) as client:
        store = client.server.app[keys.STORE].accounts
        assert await store.put(Account("ann", {"daily": Role.MODERATOR}, datetime.now(UTC)))
        session = Session("ann", 0, "daily", Role.MODERATOR, datetime.now(UTC), "link")
        ann = Browser(client, {COOKIE: await store.open_session(session)})
        assert (await ann.get("/console/queue")).status == 200
        own_server.hang()
        page = await ann.get("/console/queue")
        assert page.status == 503
        assert int(page.headers["Retry-After"]) >= 1
        assert "Nothing was lost" in page.text
        own_server.resume()
        assert (await ann.get("/console/queue")).status == 200

"""One's own account: password, sessions, preferences."""

import re
from typing import Any

import pyotp

from service.console.visit import COOKIE
from service.values.accounts import Role

PASSWORD = "correct horse battery"
BETTER = "staple of a better horse"


async def test_a_new_password_ends_all_other_sessions(signed_in: Any, browser: Any) -> None:
    ann = await signed_in()
    elsewhere = ann.cookies.copy()
    await browser.post("/console/sign-in", name="ann", password=PASSWORD)
    await browser.get("/console/account")
    assert (await browser.post("/console/account/password", old="wrong", new=BETTER)).status == 400
    assert (await browser.post("/console/account/password", old=PASSWORD, new="short")).status == 400
    assert (await browser.post("/console/account/password", old=PASSWORD, new="ann ann ann ann")).status == 400
    page = await browser.post("/console/account/password", old=PASSWORD, new=BETTER)
    assert "signed out everywhere else" in (await browser.get(page.location)).text
    ann.cookies = elsewhere
    assert (await ann.get("/console/account")).status == 303
    ann.cookies = {}
    assert (await ann.post("/console/sign-in", name="ann", password=PASSWORD)).status == 401
    assert (await ann.post("/console/sign-in", name="ann", password=BETTER)).status == 303


async def test_sessions_are_shown_and_can_be_ended(signed_in: Any, browser: Any) -> None:
    ann = await signed_in()
    firefox = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
    data = {"name": "ann", "password": PASSWORD}
    await browser("POST", "/console/sign-in", data=data, headers=firefox)
    page = await ann.get("/console/account")
    assert "Firefox" in page.text
    (other,) = re.findall(r'name="session" value="([0-9a-f]{64})"', page.text)
    assert (await ann.post("/console/account/sessions/end", session=other)).location == "/console/account?said=session"
    assert (await browser.get("/console/account")).status == 303
    assert (await ann.post("/console/account/sessions/end", session=other)).status == 404


async def test_nobody_ends_anothers_session(signed_in: Any) -> None:
    ann, bob = await signed_in("ann"), await signed_in("bob")
    from service.values.accounts import digest  # noqa: PLC0415 - for this test alone

    assert (await ann.post("/console/account/sessions/end", session=digest(bob.secret))).status == 404
    assert (await bob.get("/console/account")).status == 200


async def test_preferences_are_kept_and_wrong_ones_refused(signed_in: Any) -> None:
    ann = await signed_in()
    page = await ann.post("/console/account/preferences", language="de", theme="dark", blur="all", break_min="0")
    assert page.location == "/console/account?said=preferences"
    page = await ann.get("/console/account")
    assert '<html lang="de" data-theme="dark">' in page.text
    assert (await ann.post("/console/account/preferences", theme="sepia")).status == 400
    # The switch for the theme changes only that, and goes back to where it stood.
    page = await ann.post("/console/account/preferences", theme="light", back="/console/account")
    assert page.location == "/console/account"
    assert '<html lang="de" data-theme="light">' in (await ann.get("/console/account")).text
    page = await ann.post("/console/account/preferences", language="")
    assert '<html lang="en"' in (await ann.get("/console/account")).text


async def test_the_density_is_kept_with_the_account_and_shown_in_cards_and_lists(signed_in: Any) -> None:
    ann = await signed_in()
    assert "data-density" not in (await ann.get("/console/queue?view=list")).text.partition(">")[2].partition(">")[0]
    page = await ann.post("/console/account/preferences", density="compact", back="/console/queue?view=list")
    assert page.location == "/console/queue?view=list"
    for path in ("/console/queue", "/console/queue?view=list", "/console/account"):
        shown = (await ann.get(path)).text
        assert '<html lang="en" data-theme="auto" data-density="compact">' in shown
    assert '<option value="compact" selected>' in shown
    assert (await ann.post("/console/account/preferences", density="tiny")).status == 400
    await ann.post("/console/account/preferences", theme="dark")
    assert 'data-density="compact"' in (await ann.get("/console/queue")).text, "another switch leaves it as it is"


async def test_the_second_factor_moves_to_another_app_only_with_a_code_of_the_old_one(signed_in: Any) -> None:
    ann = await signed_in()
    old, new = pyotp.random_base32(), pyotp.random_base32()
    await ann.post("/console/account/second-factor", secret=old, code=pyotp.TOTP(old).now())
    await ann.get("/console/account")
    page = await ann.post("/console/account/second-factor", secret=new, code=pyotp.TOTP(new).now(), old_code="123456")
    assert page.status == 400
    assert (await ann.post("/console/account/second-factor", secret="short", code="1")).status == 400
    assert COOKIE in ann.cookies


async def test_the_language_is_the_browsers_until_one_is_chosen(browser: Any) -> None:
    for said, language in [
        ("uk-UA,uk;q=0.9,en;q=0.8", "uk"),
        ("pl-PL,pl;q=0.9,en;q=0.8", "pl"),
        ("es-MX, en;q=0.5", "es"),
        ("pt-BR,pt;q=0.9", "pt"),
        ("fr-CA;q=0.9, de-AT;q=0.5", "fr"),
        ("nl;q=0.9, de-AT;q=0.5", "de"),
        ("nl, *;q=0.1", "en"),
        ("", "en"),
        ("de;q=0, en;q=nonsense,,,", "en"),
        ("x" * 5000, "en"),
    ]:
        page = await browser.get("/console/sign-in", headers={"Accept-Language": said})
        assert f'<html lang="{language}"' in page.text, said


async def test_roles_are_named(signed_in: Any) -> None:
    assert "Auditor" in (await (await signed_in("eve", Role.AUDITOR)).get("/console/account")).text

"""The second factor: signing in with it, moving it to another app, and the codes for whoever lost the app."""

import asyncio
import html
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pyotp
import pytest
from browsing import Browser, Page

from service import app_keys as keys
from service.console.entry import FREE_FOR_ACCOUNT, FREE_FOR_ADDRESS
from service.console.visit import COOKIE
from service.values import accounts
from service.values.accounts import RECOVERY_CODES, Account, Role

PASSWORD = "correct horse battery"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
OVER_AND_OVER = 200


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], datetime]]:
    """The console's time; each call goes on by one step of the one-time codes, and gives it."""
    now = [datetime.now(UTC)]

    def tick() -> datetime:
        now[0] += timedelta(seconds=30)
        return now[0]

    monkeypatch.setattr("service.console.visit.Visit.now", property(lambda _: now[0]))
    return tick


@pytest.fixture
def with_code(account: Any) -> Any:
    """Makes an account that signs in by password and one-time code."""

    async def with_code(name: str = "eve", role: Role = Role.ADMIN, **more: Any) -> Account:
        return await account(name, role, password=accounts.hashed(PASSWORD), totp=f"plain:{SECRET}", **more)

    return with_code


async def test_an_office_signs_in_by_password_and_code_as_often_as_it_likes(
    browser: Browser, with_code: Any, clock: Any
) -> None:
    names = [f"eve-{number}" for number in range(10)]
    for name in names:
        await with_code(name)
    for number in range(OVER_AND_OVER):
        asked = await _with_password(browser, names[number % len(names)])
        assert asked.status == 200, f"sign-in {number}: {asked.text}"
        entered = await _with_code(browser, asked, pyotp.TOTP(SECRET).at(clock()))
        assert entered.status == 303, f"sign-in {number}: {entered.text}"


async def test_wrong_codes_count_although_the_password_was_right(
    browser: Browser, with_code: Any, redis_server: Any
) -> None:
    await with_code()
    for _ in range(FREE_FOR_ACCOUNT + 1):
        asked = await _with_password(browser)
        assert asked.status == 200, asked.text
        assert (await _with_code(browser, asked, "000000")).status == 401
    _hold(redis_server)
    assert (await _with_password(browser)).status == 429
    assert (await _with_code(browser, asked, "000000")).status == 429


async def test_right_passwords_without_codes_do_not_forget_wrong_tries_of_others(
    browser: Browser, with_code: Any, redis_server: Any
) -> None:
    await with_code()
    for number in range(FREE_FOR_ADDRESS + 1):
        await browser.post("/console/sign-in", name=f"nobody-{number}", password="guess")
        _let_go(redis_server)
        assert (await _with_password(browser)).status == 200
        _let_go(redis_server)
    assert _tries(redis_server)[-1] == FREE_FOR_ADDRESS + 1


async def test_a_ticket_outlives_a_wrong_code_and_a_wait_and_is_used_up_by_the_right_code(
    browser: Browser, with_code: Any, clock: Any, redis_server: Any
) -> None:
    await with_code()
    asked = await _with_password(browser)
    for _ in range(FREE_FOR_ACCOUNT + 1):
        assert (await _with_code(browser, asked, "000000")).status == 401
    _hold(redis_server)
    code = pyotp.TOTP(SECRET).at(clock())
    refused = await _with_code(browser, asked, code)
    assert refused.status == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 61
    assert _ticket(refused) == _ticket(asked), "the password need not be typed again"
    _let_go(redis_server)
    assert (await _with_code(browser, asked, code)).status == 303
    assert (await _with_code(browser, asked, pyotp.TOTP(SECRET).at(clock()))).status == 401, "it is used up"


async def test_a_role_that_was_taken_away_before_the_code_came_lets_nobody_in(
    browser: Browser, with_code: Any, clock: Any, app: Any
) -> None:
    made = await with_code()
    asked = await _with_password(browser)
    await app[keys.STORE].accounts.put(msgspec.structs.replace(made, roles={}, revision=1))
    assert (await _with_code(browser, asked, pyotp.TOTP(SECRET).at(clock()))).status == 401


async def test_ten_recovery_codes_are_shown_once_and_kept_as_hashes(
    signed_in: Any, clock: Any, redis_server: Any
) -> None:
    ann = await signed_in(password=accounts.hashed(PASSWORD))
    page = await _set_up(ann, clock)
    codes = _codes(page)
    assert len(set(codes)) == RECOVERY_CODES == 10
    assert all(re.fullmatch(r"([0-9a-z]{4}-){3}[0-9a-z]{4}", code) for code in codes)
    later = await ann.get("/console/account")
    assert not any(code in later.text for code in codes)
    assert "10 recovery codes are left" in later.text
    with redis_server.client() as client:
        kept = json.dumps([client.hgetall("cm:{access}:accounts"), list(client.scan_iter())])
    assert not any(code in kept or code.replace("-", "") in kept for code in codes)
    trail = [entry["details"]["action"] for entry in await _trail(ann, "daily")]
    assert trail[-1] == "second_factor_set"


@pytest.mark.parametrize("typed", [str, str.upper, lambda code: code.replace("-", " "), lambda code: f" {code}\t"])
async def test_a_recovery_code_lets_in_once_instead_of_the_app(
    signed_in: Any, browser: Browser, clock: Any, typed: Any
) -> None:
    ann = await signed_in(password=accounts.hashed(PASSWORD))
    first, second, *_ = _codes(await _set_up(ann, clock))
    asked = await _with_password(browser, "ann")
    assert (await _with_code(browser, asked, typed(first))).status == 303
    assert "9 recovery codes are left" in (await browser.get("/console/account")).text
    browser.cookies.clear()
    asked = await _with_password(browser, "ann")
    assert (await _with_code(browser, asked, first)).status == 401, "it was used"
    assert COOKIE not in browser.cookies
    assert (await _with_code(browser, asked, second)).status == 303
    trail = [entry["details"]["action"] for entry in await _trail(ann, "daily")]
    assert trail.count("recovery_code_used") == 2


async def test_of_two_sign_ins_with_one_recovery_code_at_once_one_is_let_in(
    signed_in: Any, client: Any, clock: Any
) -> None:
    ann = await signed_in(password=accounts.hashed(PASSWORD))
    code = _codes(await _set_up(ann, clock))[0]
    browsers = [Browser(client) for _ in range(4)]
    asked = [await _with_password(each, "ann") for each in browsers]
    pairs = zip(browsers, asked, strict=True)
    entered = await asyncio.gather(*(_with_code(each, page, code) for each, page in pairs))
    assert sorted(page.status for page in entered) == [303, 401, 401, 401]


async def test_somebody_elses_recovery_code_opens_nothing(signed_in: Any, browser: Browser, clock: Any) -> None:
    ann = await signed_in("ann", password=accounts.hashed(PASSWORD))
    bob = await signed_in("bob", password=accounts.hashed(PASSWORD))
    (code, *_), _ = _codes(await _set_up(ann, clock)), await _set_up(bob, clock)
    asked = await _with_password(browser, "bob")
    assert (await _with_code(browser, asked, code)).status == 401


async def test_new_recovery_codes_take_a_code_and_replace_the_old_ones(
    signed_in: Any, browser: Browser, clock: Any
) -> None:
    ann = await signed_in(password=accounts.hashed(PASSWORD))
    old = _codes(await _set_up(ann, clock))
    refused = await ann.post("/console/account/recovery-codes", code="000000")
    assert refused.status == 400
    assert "10 recovery codes are left" in refused.text
    made = await ann.post("/console/account/recovery-codes", code=pyotp.TOTP(_secret_of(ann)).at(clock()))
    new = _codes(made)
    assert len(set(new)) == RECOVERY_CODES
    assert not set(new) & set(old)
    asked = await _with_password(browser, "ann")
    assert (await _with_code(browser, asked, old[0])).status == 401
    assert (await _with_code(browser, asked, new[0])).status == 303


async def test_without_a_second_factor_there_are_no_recovery_codes(signed_in: Any) -> None:
    ann = await signed_in()
    assert "recovery codes" not in (await ann.get("/console/account")).text
    assert (await ann.post("/console/account/recovery-codes", code="000000")).status == 400


async def test_an_account_of_an_earlier_release_is_told_that_it_has_no_recovery_codes(
    signed_in: Any, clock: Any
) -> None:
    ann = await signed_in(totp=f"plain:{SECRET}")
    assert "You have no recovery codes" in (await ann.get("/console/account")).text
    made = await ann.post("/console/account/recovery-codes", code=pyotp.TOTP(SECRET).at(clock()))
    assert len(_codes(made)) == RECOVERY_CODES


async def test_the_second_factor_moves_with_codes_of_both_apps_at_the_same_moment(signed_in: Any, clock: Any) -> None:
    ann = await signed_in()
    await _set_up(ann, clock)
    old, new, at = _secret_of(ann), pyotp.random_base32(), clock()
    page = await ann.post(
        "/console/account/second-factor",
        secret=new,
        code=pyotp.TOTP(new).at(at),
        old_code=pyotp.TOTP(old).at(at),
    )
    assert len(_codes(page)) == RECOVERY_CODES


async def test_whoever_lost_the_app_moves_the_second_factor_with_a_recovery_code(signed_in: Any, clock: Any) -> None:
    ann = await signed_in()
    codes = _codes(await _set_up(ann, clock))
    new = pyotp.random_base32()
    fields = {"secret": new, "old_code": codes[3]}
    wrong = await ann.post("/console/account/second-factor", code="000000", **fields)
    assert wrong.status == 400
    page = await ann.post("/console/account/second-factor", code=pyotp.TOTP(new).at(clock()), **fields)
    assert len(_codes(page)) == RECOVERY_CODES, "a typo in the new app's code used no recovery code up"


async def test_codes_and_passwords_of_a_session_cannot_be_guessed_without_delay(
    signed_in: Any, clock: Any, redis_server: Any
) -> None:
    ann = await signed_in(password=accounts.hashed(PASSWORD))
    await _set_up(ann, clock)
    tries = [
        ("/console/account/second-factor", {"secret": SECRET, "code": "000000", "old_code": "111111"}),
        ("/console/account/recovery-codes", {"code": "000000"}),
        ("/console/account/password", {"old": "guess", "new": "staple of a better horse"}),
    ]
    for number in range(FREE_FOR_ACCOUNT + 1):
        path, fields = tries[number % len(tries)]
        assert (await ann.post(path, **fields)).status == 400
    _hold(redis_server)
    for path, fields in tries:
        refused = await ann.post(path, **fields)
        assert refused.status == 429, path
        assert int(refused.headers["Retry-After"]) >= 1


async def _with_password(browser: Browser, name: str = "eve") -> Page:
    return await browser.post("/console/sign-in", name=name, password=PASSWORD)


async def _with_code(browser: Browser, asked: Page, code: str) -> Page:
    return await browser.post("/console/sign-in/code", ticket=_ticket(asked), code=code)


async def _set_up(browser: Browser, clock: Any) -> Page:
    """The page that follows."""
    page = await browser.get("/console/account/second-factor")
    found = re.search(r'name="secret" value="([A-Z2-7]{32})"', page.text)
    assert found
    _SECRETS[id(browser)] = found[1]
    made = await browser.post("/console/account/second-factor", secret=found[1], code=pyotp.TOTP(found[1]).at(clock()))
    await browser.get("/console/account")
    return made


_SECRETS: dict[int, str] = {}


def _secret_of(browser: Browser) -> str:
    return _SECRETS[id(browser)]


def _codes(page: Page) -> list[str]:
    assert page.status == 200, page.text
    return re.findall(r'<code class="recovery">([^<]+)</code>', page.text)


def _ticket(page: Page) -> str:
    found = re.search(r'name="ticket" value="([^"]+)"', page.text)
    assert found, html.unescape(page.text)
    return found[1]


async def _trail(browser: Browser, site: str) -> list[dict[str, Any]]:
    store = browser.client.server.app[keys.STORE]
    return [{"details": entry.details} for entry in (await store.audit.page(site, "", 1000))[0]]


def _tries(redis_server: Any) -> list[int]:
    with redis_server.client() as client:
        return sorted(int(client.hget(key, "n")) for key in client.scan_iter("cm:{access}:tries:*"))


def _hold(redis_server: Any) -> None:
    """A slow machine must not be through with waiting already."""
    with redis_server.client() as client:
        for key in client.scan_iter("cm:{access}:tries:*"):
            if client.hexists(key, "until"):
                client.hincrby(key, "until", 60_000)


def _let_go(redis_server: Any) -> None:
    """As if the time to wait had passed."""
    with redis_server.client() as client:
        for key in client.scan_iter("cm:{access}:tries:*"):
            client.hdel(key, "until")

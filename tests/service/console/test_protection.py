"""Headers of every answer, and who may ask for a change: origin x header x token."""

import itertools
from typing import Any

import msgspec
import pytest

from service import metrics
from service.console.protection import CSP
from service.console.routes import PAGES
from service.values.accounts import Role

WANTED_CSP = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "font-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "require-trusted-types-for 'script'",
    "report-uri /console/csp-reports",
}
# The stream has no end to be read to; its own tests look at its headers.
READS = sorted({page.path for page in PAGES if page.method == "GET"} - {"/stream"})


def check_headers(page: Any) -> None:
    assert set(page.headers["Content-Security-Policy"].split("; ")) == WANTED_CSP
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert page.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in page.headers["Permissions-Policy"]


@pytest.mark.parametrize("path", READS)
async def test_every_page_carries_the_policy_and_is_not_kept(signed_in: Any, browser: Any, path: str) -> None:
    ann = await signed_in("ann", Role.MODERATOR)
    for somebody in (ann, browser):
        page = await somebody.get(f"/console{path}")
        check_headers(page)
        assert page.headers["Cache-Control"] == "no-store"
        assert "unsafe" not in page.headers["Content-Security-Policy"]


async def test_errors_and_assets_carry_it_too(signed_in: Any) -> None:
    ann = await signed_in()
    for page in (await ann.get("/console/no/such/page"), await ann.post("/console/account/site", site="x")):
        assert page.status == 404
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        check_headers(page)
    assert "unsafe" not in CSP


async def test_only_https_is_told_to_stay_https(browser: Any, run: Any, settings: Any) -> None:
    assert "Strict-Transport-Security" not in (await browser.get("/console/sign-in")).headers
    public = msgspec.structs.replace(settings, public_url="https://moderation.example")
    async with run(public) as client, client.get("/console/sign-in") as response:
        assert response.headers["Strict-Transport-Security"] == "max-age=31536000"


OWN = "own"
SITES = [None, "same-origin", "none", "same-site", "cross-site", "nonsense"]
ORIGINS = [None, OWN, "null", "https://evil.example", "http://127.0.0.1:1"]
TOKENS = ["right", "header", "wrong", "of another session", None]


def is_allowed(site: str | None, origin: str | None, token: str | None) -> bool:
    says_ours = site in ("same-origin", "none") or (site is None and origin == OWN)
    return says_ours and origin in (None, "null", OWN) and token in ("right", "header")


async def test_a_change_comes_from_our_own_page_or_does_not_happen(signed_in: Any) -> None:
    ann, bob = await signed_in("ann"), await signed_in("bob")
    own = str(ann.client.make_url("")).rstrip("/")
    token = ann.token
    for site, origin, kind in itertools.product(SITES, ORIGINS, TOKENS):
        headers = {"Sec-Fetch-Site": site, "Origin": own if origin == OWN else origin}
        fields = {"theme": "dark", "back": "/console/account"}
        if kind == "header":
            headers["X-CSRF-Token"] = token
        elif kind is not None:
            fields["csrf"] = {"right": token, "wrong": token[::-1], "of another session": bob.token}[kind]
        page = await ann("POST", "/console/account/preferences", data=fields, headers=headers)
        case = (site, origin, kind)
        assert page.status == (303 if is_allowed(site, origin, kind) else 403), case


@pytest.mark.parametrize("page", [page for page in PAGES if page.method != "GET"], ids=lambda page: page.path)
async def test_no_change_is_asked_for_by_another_site_or_by_a_get(signed_in: Any, page: Any) -> None:
    ann = await signed_in()
    path = f"/console{page.path}".replace("{id}", "c-1")
    forged = await ann(page.method, path, data={"csrf": ann.token}, headers={"Sec-Fetch-Site": "cross-site"})
    assert forged.status == 403
    if page.roles is not None:
        assert (await ann(page.method, path, data={}, headers={})).status == 403, "no token"
    secret = ann.secret
    await ann.get(path)
    assert ann.secret == secret


async def test_a_json_body_is_taken_as_json_only_with_the_token_in_the_header(signed_in: Any) -> None:
    ann = await signed_in()
    page = await ann("POST", "/console/account/site", json={"csrf": ann.token, "site": "daily"})
    assert page.status == 403
    page = await ann("POST", "/console/account/site", data=b"<xml/>", headers={"Content-Type": "text/xml"})
    assert page.status == 415


async def test_reports_of_the_policy_are_counted_and_nothing_of_them_is_kept(client: Any) -> None:
    before = metrics.CSP_REPORTS._value.get()  # noqa: SLF001 - what the library offers no other way to
    async with client.post("/console/csp-reports", data=b'{"csp-report": {"blocked-uri": "inline"}}') as response:
        assert response.status == 204
    assert metrics.CSP_REPORTS._value.get() == before + 1  # noqa: SLF001 - prometheus_client has no public way


async def test_scripts_are_told_of_errors_as_problems(signed_in: Any) -> None:
    ann = await signed_in()
    page = await ann.get("/console/nowhere", headers={"Accept": "application/json"})
    assert page.headers["Content-Type"] == "application/problem+json"

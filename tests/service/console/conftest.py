"""Somebody at a browser without scripts: keeps cookies, follows forms, says where requests come from as browsers do."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest

from service import keys
from service.accounts import Account, Role, Session, hashed
from service.console.visit import COOKIE

PASSWORD = "correct horse battery"
HASHED = hashed(PASSWORD)


class Forms(HTMLParser):
    """The hidden fields and buttons of each form, by its action."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: dict[str, dict[str, str]] = {}
        self._form: dict[str, str] | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = self.found.setdefault(said["action"], {})
        elif tag == "input" and self._form is not None and said.get("type") == "hidden":
            self._form[said["name"]] = said["value"]

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None


@dataclass
class Page:
    status: int
    headers: Any
    text: str

    @property
    def location(self) -> str:
        assert self.status == 303, (self.status, self.text[:500])
        return str(self.headers["Location"])


@dataclass
class Browser:
    client: Any
    cookies: dict[str, str] = field(default_factory=dict)
    token: str = ""

    async def __call__(self, method: str, path: str, **more: Any) -> Page:
        headers = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html", **more.pop("headers", {})}
        headers = {name: value for name, value in headers.items() if value is not None}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        async with self.client.request(method, path, headers=headers, allow_redirects=False, **more) as response:
            for name, morsel in response.cookies.items():
                self.cookies[name] = morsel.value
                if not morsel.value:
                    del self.cookies[name]
            text = await response.text()
            if found := re.search(r'data-token="([^"]*)"', text):
                self.token = found[1]
            return Page(response.status, response.headers, text)

    async def get(self, path: str, **more: Any) -> Page:
        return await self("GET", path, **more)

    async def post(self, path: str, **fields: str | list[str]) -> Page:
        """As a form of the page that was loaded last."""
        return await self("POST", path, data={"csrf": self.token, **fields})

    @property
    def secret(self) -> str:
        return self.cookies[COOKIE]


@pytest.fixture
def browser(client: Any) -> Browser:
    return Browser(client)


@pytest.fixture
def account(client: Any) -> Callable[..., Awaitable[Account]]:
    """Makes an account in the running service's Redis, with PASSWORD."""

    async def account(name: str = "ann", role: Role = Role.MODERATOR, **more: Any) -> Account:
        made = Account(name, more.pop("roles", {"daily": role}), datetime.now(UTC), **{"password": HASHED, **more})
        assert await client.server.app[keys.STORE].accounts.put(made)
        return made

    return account


@pytest.fixture
def signed_in(client: Any, account: Any) -> Callable[..., Awaitable[Browser]]:
    """Somebody who has signed in, as if by a link: nothing has been hashed, no second factor asked for."""

    async def signed_in(name: str = "ann", role: Role = Role.MODERATOR, **more: Any) -> Browser:
        made = await account(name, role, **more)
        site = min(made.roles)
        session = Session(name, made.epoch, site, made.roles[site], datetime.now(UTC), "link")
        browser = Browser(client)
        browser.cookies[COOKIE] = await client.server.app[keys.STORE].accounts.open_session(session)
        await browser.get("/console/account")
        return browser

    return signed_in


@pytest.fixture
def entered(client: Any, account: Any) -> Callable[..., Awaitable[Browser]]:
    """The same by name and password."""

    async def entered(name: str = "ann", role: Role = Role.MODERATOR, **more: Any) -> Browser:
        await account(name, role, **more)
        browser = Browser(client)
        page = await browser.post("/console/sign-in", name=name, password=PASSWORD)
        assert page.location.startswith("/console"), page.text
        await browser.get("/console/account")
        return browser

    return entered


@pytest.fixture
def as_role(signed_in: Any) -> Callable[..., Awaitable[Browser]]:
    """Somebody of a role, whose name does not matter."""

    async def as_role(role: Role = Role.ADMIN, name: str = "", **more: Any) -> Browser:
        browser: Browser = await signed_in(name or role.value, role, **more)
        return browser

    return as_role

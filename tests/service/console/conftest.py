"""Accounts, and somebody at a browser (browsing.py) who has signed in."""

import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from browsing import Browser

from service import app_keys as keys
from service.console.visit import COOKIE
from service.values.accounts import Account, Role, Session, hashed

PASSWORD = "correct horse battery"
HASHED = hashed(PASSWORD)


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

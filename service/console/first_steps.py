"""The first steps of somebody who came by a link: choose a password, see what the queue is, decide one comment."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from service.console import entry
from service.console.account import WEAK, change, may_choose_password
from service.console.keymap import chosen
from service.console.texts import N_
from service.console.visit import DECIDERS, Page, Visit
from service.values import accounts
from service.values.access import FIRST_SITE
from service.values.errors import NotFound


@dataclass(frozen=True, slots=True)
class Practice:
    """`post` writes a doubtful comment to the demonstration and returns its id."""

    post: Callable[[], Awaitable[str]]


# Set where there is a demonstration.
PRACTICE = web.AppKey("practice", Practice)


async def show_password(visit: Visit) -> web.StreamResponse:
    if visit.account.password is not None or not may_choose_password(visit):
        return visit.go("/welcome/queue")
    return visit.show("welcome_password.html", problem="")


async def choose_password(visit: Visit) -> web.StreamResponse:
    """Only the first one: a password that exists is changed with its old one, on the page Account."""
    new = visit.field("new")
    if visit.account.password is not None or not may_choose_password(visit):
        return visit.go("/account")
    if accounts.weakness(new, visit.account.name) is not None:
        return visit.show("welcome_password.html", 400, problem=WEAK)
    async with entry.AT_ONCE:
        kept = await asyncio.to_thread(accounts.hashed, new)
    await change(visit, "password_changed", password=kept, epoch=visit.account.epoch + 1)
    return visit.go("/welcome/queue", saved="1")


async def show_queue(visit: Visit) -> web.StreamResponse:
    return visit.show(
        "welcome_queue.html",
        saved="saved" in visit.request.query,
        chosen=chosen(visit.preferences.keys),
        has_practice=_practice(visit) is not None,
    )


async def practice(visit: Visit) -> web.StreamResponse:
    there = _practice(visit)
    if there is None:
        raise NotFound(N_("There is no demonstration here."))
    return visit.go(f"/queue/{await there.post()}")


def _practice(visit: Visit) -> Practice | None:
    """The demonstration writes to the first site only."""
    is_there = visit.site == FIRST_SITE and visit.role in DECIDERS
    return visit.request.app.get(PRACTICE) if is_there else None


PAGES = (
    Page(path="/welcome", view=show_password),
    Page(path="/welcome", view=choose_password, method="POST"),
    Page(path="/welcome/queue", view=show_queue),
    Page(path="/welcome/practice", view=practice, method="POST", roles=DECIDERS),
)

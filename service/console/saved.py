"""Filters of the list that are saved under a name: a moderator's own, or for everybody at the site."""

from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from service.console.queue import asked_in
from service.console.visit import DECIDERS, EVERYBODY, SUPERVISORS, Page, Visit
from service.http import bodies
from service.store.saved_filters import SavedFilter
from service.values.domain import ONE_LINE, ONE_LINE_WORDS, WORDS
from service.values.errors import Forbidden

# As `refused` in the address of the list (_queue_head.html).
REFUSED = {"taken": "filter_taken", "full": "filters_full", "gone": "filter_gone", "not_yours": "filter_not_yours"}


class FilterName(Struct, frozen=True):
    name: Annotated[str, Meta(max_length=60, pattern=ONE_LINE, extra={WORDS: ONE_LINE_WORDS})]


async def save(visit: Visit) -> web.StreamResponse:
    """The list that the form was on, with its filter and order."""
    asked = msgspec.structs.replace(asked_in(visit, "in_"), view="list")
    saved = SavedFilter(_name(visit, "name"), asked.link().partition("?")[2], visit.account.name)
    outcome = await visit.console.store.filters.save(visit.site, _owner(visit), saved)
    return _back(visit, outcome, "filter_saved")


async def change(visit: Visit) -> web.StreamResponse:
    """Rename it, or delete it."""
    filters, name = visit.console.store.filters, visit.field("name")
    who = (visit.site, _owner(visit), visit.account.name, name)
    may_others = visit.role in SUPERVISORS
    if visit.field("do") == "delete":
        return _back(visit, await filters.delete(*who, may_others=may_others), "filter_deleted")
    outcome = await filters.rename(*who, _name(visit, "to"), may_others=may_others)
    return _back(visit, outcome, "filter_renamed")


def _name(visit: Visit, field: str) -> str:
    return bodies.shape({"name": visit.field(field).strip()}, FilterName).name


def _owner(visit: Visit) -> str:
    """Whose filters the form is about; "": those of the whole site."""
    if visit.field("shared") != "1":
        return visit.account.name
    if visit.role not in DECIDERS:
        raise Forbidden("whoever decides nothing saves no filter for others")
    return ""


def _back(visit: Visit, outcome: str, done: str) -> web.Response:
    asked = asked_in(visit, "in_")
    happened = {"what": done} if outcome == "ok" else {"refused": REFUSED[outcome]}
    return visit.go(asked.link(**happened))


PAGES = (
    Page(path="/queue/filters", view=save, method="POST", roles=EVERYBODY),
    Page(path="/queue/filters/change", view=change, method="POST", roles=EVERYBODY),
)

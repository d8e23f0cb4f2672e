"""Articles and sections: their status, changed by one button on a card or on a page of their own."""

from datetime import timedelta
from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct

from service import app_keys as keys
from service.cases.articles import ArticleStanding, ArticleStatusRequest
from service.console import words
from service.console.rendering import moment
from service.console.texts import N_
from service.console.visit import SUPERVISORS, Page, Visit, whole
from service.http import bodies
from service.values.articles import ArticleStatus, Place, PlaceKind
from service.values.domain import MAX_ID, MAX_SECTION
from service.values.errors import BadRequest, Conflict, Fault

SAID = {
    "changed": N_("The status is changed. It counts for new comments."),
    "undone": N_("The change was taken back."),
}
REFUSED = {
    "status_changed": N_("Somebody else changed the status meanwhile. This is how it stands now."),
    "no_change": N_("There is nothing to take back."),
}
# How long a status lasts, in hours; 0: until somebody changes it.
HOURS = {
    0: N_("Until somebody changes it"),
    1: N_("1 hour"),
    4: N_("4 hours"),
    24: N_("1 day"),
    72: N_("3 days"),
    168: N_("7 days"),
    720: N_("30 days"),
}
# The buttons on cards: a status, for how many hours, and what they say.
AT_ONCE = (
    (ArticleStatus.HEATED, 4, N_("Heated for 4 hours: people look from lower scores on")),
    (ArticleStatus.PREMODERATED, 24, N_("Pre-moderate for a day: people look at everything")),
    (ArticleStatus.CLOSED, 0, N_("Close: new comments are rejected")),
)


class ArticleQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """An article or a section; neither: only the list of those that are not open."""

    article: Annotated[str, Meta(max_length=MAX_ID)] = ""
    section: Annotated[str, Meta(max_length=MAX_SECTION)] = ""
    said: str = ""
    refused: str = ""

    @property
    def place(self) -> Place | None:
        if self.article:
            return Place(PlaceKind.ARTICLE, self.article)
        return Place(PlaceKind.SECTION, self.section) if self.section else None


class PlaceRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """What a card sends. `version`: of the change to take back."""

    article: Annotated[str, Meta(max_length=MAX_ID)] = ""
    section: Annotated[str, Meta(max_length=MAX_SECTION)] = ""
    status: ArticleStatus = ArticleStatus.OPEN
    hours: int = 0
    version: Annotated[int, Meta(ge=1)] | None = None


class ChangedPlace(Struct, frozen=True):
    """The status now, and in words; `version`: of the change, with which it can be taken back."""

    status: ArticleStatus
    said: str
    version: int


async def show_article(visit: Visit) -> web.StreamResponse:
    return await _page(visit, visit.query(ArticleQuery))


async def _page(visit: Visit, query: ArticleQuery, status: int = 200, problem: str = "") -> web.StreamResponse:
    articles = visit.request.app[keys.ARTICLES]
    return visit.show(
        "article_status.html",
        status,
        words=words,
        query=query,
        standing=await articles.show(visit.site, query.place) if query.place else None,
        listed=await articles.listed(visit.site),
        said=SAID.get(query.said, ""),
        refused=REFUSED.get(query.refused, ""),
        problem=problem,
        hours=HOURS,
        at_once=AT_ONCE,
        may_change=visit.role in SUPERVISORS,
    )


async def set_status(visit: Visit) -> web.StreamResponse:
    if visit.wants_json:
        return visit.answer(await _set_from_card(visit, visit.body(PlaceRequest)))
    query = _query(visit)
    status, hours = _chosen(visit)
    if status == ArticleStatus.HEATED and hours == 0:
        return await _page(visit, query, 400, N_("Choose for how long it is heated."))
    asked = {
        "status": status,
        "note": visit.field("note").strip(),
        "until": visit.now + timedelta(hours=hours) if hours and status != ArticleStatus.OPEN else None,
        "version": whole(visit.field("version")) if visit.field("version") else None,
    }
    try:
        await visit.request.app[keys.ARTICLES].change(
            visit.site, _place(query), bodies.shape(asked, ArticleStatusRequest), visit.account.name
        )
    except Conflict as error:
        return _go(visit, query, refused=error.reason)
    return _go(visit, query, said="changed")


async def undo_status(visit: Visit) -> web.StreamResponse:
    articles = visit.request.app[keys.ARTICLES]
    if visit.wants_json:
        asked = visit.body(PlaceRequest)
        place = _place(ArticleQuery(asked.article, asked.section))
        return visit.answer(_changed(visit, await articles.undo(visit.site, place, visit.account.name, asked.version)))
    query = _query(visit)
    try:
        await articles.undo(visit.site, _place(query), visit.account.name, whole(visit.field("version")))
    except Conflict as error:
        return _go(visit, query, refused=error.reason)
    return _go(visit, query, said="undone")


async def _set_from_card(visit: Visit, asked: PlaceRequest) -> ChangedPlace:
    hours = _known_hours(str(asked.hours))
    until = visit.now + timedelta(hours=hours) if hours else None
    change = ArticleStatusRequest(asked.status, until)
    place = _place(ArticleQuery(asked.article, asked.section))
    return _changed(visit, await visit.request.app[keys.ARTICLES].change(visit.site, place, change, visit.account.name))


def _changed(visit: Visit, standing: ArticleStanding) -> ChangedPlace:
    said = visit.texts(words.ARTICLE_STATUSES[standing.status])
    if standing.until:
        said = f"{said} {visit.texts(N_('until %(time)s'), time=moment(visit.texts, standing.until))}"
    return ChangedPlace(standing.status, said, standing.version)


def _chosen(visit: Visit) -> tuple[str, int]:
    """The status and its hours, of a button that says both or of the form's fields."""
    status, _, hours = visit.field("set").partition(" ")
    return status or visit.field("status"), _known_hours(hours or visit.field("hours", "0"))


def _known_hours(text: str) -> int:
    if text not in map(str, HOURS):
        raise BadRequest("hours: not one of the choices", [Fault("/hours", "not one of the choices")])
    return int(text)


def _query(visit: Visit) -> ArticleQuery:
    return bodies.shape({"article": visit.field("article"), "section": visit.field("section")}, ArticleQuery)


def _place(query: ArticleQuery) -> Place:
    if query.place is None:
        raise BadRequest("article: missing", [Fault("/article", "missing")])
    return query.place


def _go(visit: Visit, query: ArticleQuery, **happened: str) -> web.StreamResponse:
    named = {"article": query.article} if query.article else {"section": query.section}
    return visit.go("/article", **named, **happened)


PAGES = (
    Page(path="/article", view=show_article),
    Page(path="/article/status", view=set_status, method="POST", roles=SUPERVISORS),
    Page(path="/article/undo", view=undo_status, method="POST", roles=SUPERVISORS),
)

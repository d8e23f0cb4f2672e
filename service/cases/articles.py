"""The status of articles and sections as people change it."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any

from msgspec import Meta, Struct

from service.cases.until import check_until
from service.store import Store
from service.store.articles import ArticleChange
from service.values.articles import ACTIONS, ArticleStatus, Place, PlaceKind, code_of
from service.values.domain import Instant
from service.values.errors import Conflict
from service.values.rules import RuleAction

MAX_NOTE = 500
# Articles and sections that one answer lists.
MOST_LISTED = 200
# Tries of a change while others change the same status.
_TRIES = 5


class ArticleStatusRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """`version`: change only the status that was seen, named by its version (0: none was given yet)."""

    status: ArticleStatus
    until: Annotated[
        Instant | None,
        Meta(description="When it is open again. Required for `heated`, refused for `open`."),
    ] = None
    note: Annotated[str, Meta(max_length=MAX_NOTE, description="For moderators; not sent to the site.")] = ""
    version: Annotated[int, Meta(ge=0)] | None = None


class Effect(Struct, frozen=True):
    """What becomes of new comments. `action`: as of a rule. `reason`: the code among the reasons in their answers."""

    action: RuleAction
    reason: str


class ArticleStanding(Struct, frozen=True, kw_only=True):
    """The status of an article or a section now, with its last changes, newest first.

    `until`: when it is open again by itself. `version`: of the last change; 0 if there was none. `effect`: null while
    it is open.
    """

    article: str | None = None
    section: str | None = None
    status: ArticleStatus
    until: datetime | None
    effect: Effect | None
    version: int
    history: list[ArticleChange]


class ArticleList(Struct, frozen=True):
    """Articles and sections that are not open, what ends first before the others. `more`: not all are listed."""

    articles: list[ArticleStanding]
    more: bool


class Articles:
    """Methods raise BadRequest, Conflict and StoreUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def show(self, site: str, place: Place) -> ArticleStanding:
        return _standing(place, await self._store.articles.history(site, place), datetime.now(UTC))

    async def listed(self, site: str) -> ArticleList:
        places, is_more = await self._store.articles.listed(site, MOST_LISTED)
        found = await asyncio.gather(*(self.show(site, each) for each in places))
        return ArticleList([each for each in found if each.status is not ArticleStatus.OPEN], is_more)

    async def change(self, site: str, place: Place, asked: ArticleStatusRequest, actor: str) -> ArticleStanding:
        """Give an article or section a status. The same again, by the same person, is no new change."""
        check_until(
            asked.status,
            asked.until,
            datetime.now(UTC),
            required_for=ArticleStatus.HEATED,
            refused_for=ArticleStatus.OPEN,
        )
        newest: ArticleChange | None = None
        for _ in range(_TRIES):
            history = await self._store.articles.history(site, place)
            newest = history[0] if history else None
            if newest is not None and _is_same(newest, asked, actor):
                await self._store.articles.spread(site, place, newest)  # an earlier try may have been interrupted
                return await self.show(site, place)
            seen = newest.version if newest else 0
            if asked.version is not None and asked.version != seen:
                break
            if newest is None and asked.status is ArticleStatus.OPEN:
                return await self.show(site, place)
            now = datetime.now(UTC)
            change = ArticleChange(asked.status, seen + 1, now, actor, asked.note.strip() or None, asked.until)
            before = newest.status if newest is not None and newest.is_in_force(now) else ArticleStatus.OPEN
            if await self._store.articles.put(site, place, change, before=before):
                return await self.show(site, place)
        raise Conflict("status_changed", "somebody else changed the status meanwhile", _current(newest))

    async def undo(self, site: str, place: Place, actor: str, version: int | None) -> ArticleStanding:
        """Restore what was before the last change, if it has that version. Undoing twice restores the change."""
        history = await self._store.articles.history(site, place)
        if not history:
            raise Conflict("no_change", "the status was never changed", _current(None))
        if version == history[0].version - 1:
            asked = _before(history[1:], version)
            if _is_same(history[0], asked, actor):  # it was undone; an earlier try may have been interrupted
                await self._store.articles.spread(site, place, history[0])
                return await self.show(site, place)
        if version != history[0].version:
            raise Conflict("status_changed", "somebody else changed the status meanwhile", _current(history[0]))
        return await self.change(site, place, _before(history, version), actor)

    async def end(self, site: str, place: Place, actor: str) -> ArticleStanding:
        """Open an article or section again; it may be open already."""
        standing = await self.show(site, place)
        if standing.status is ArticleStatus.OPEN:
            for newest in standing.history[:1]:  # an earlier try may have been interrupted
                await self._store.articles.spread(site, place, newest)
            return standing
        return await self.change(site, place, ArticleStatusRequest(ArticleStatus.OPEN), actor)


def effect_of(kind: PlaceKind, status: ArticleStatus) -> Effect | None:
    if status is ArticleStatus.OPEN:
        return None
    return Effect(ACTIONS.get(status, RuleAction.REVIEW), code_of(kind, status))


def _standing(place: Place, history: list[ArticleChange], now: datetime) -> ArticleStanding:
    newest = history[0] if history else None
    in_force = newest if newest is not None and newest.is_in_force(now) else None
    status = in_force.status if in_force else ArticleStatus.OPEN
    is_article = place.kind is PlaceKind.ARTICLE
    return ArticleStanding(
        article=place.name if is_article else None,
        section=None if is_article else place.name,
        status=status,
        until=in_force.until if in_force else None,
        effect=effect_of(place.kind, status),
        version=newest.version if newest else 0,
        history=history,
    )


def _before(history: list[ArticleChange], version: int) -> ArticleStatusRequest:
    """What restores the status before the newest change, which has this version."""
    if len(history) > 1 and history[1].is_in_force(datetime.now(UTC)):
        return ArticleStatusRequest(history[1].status, history[1].until, history[1].note or "", version)
    return ArticleStatusRequest(ArticleStatus.OPEN, version=version)


def _is_same(newest: ArticleChange, asked: ArticleStatusRequest, actor: str) -> bool:
    was = (newest.status, newest.until, newest.note, newest.by)
    return was == (asked.status, asked.until, asked.note.strip() or None, actor)


def _current(newest: ArticleChange | None) -> dict[str, Any]:
    if newest is None:
        return {"version": 0, "status": ArticleStatus.OPEN}
    return {"version": newest.version, "status": newest.status, "by": newest.by}

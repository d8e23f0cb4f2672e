"""steward rebuild: the status of articles and sections comes back from the exported trail."""

import asyncio
from datetime import UTC, datetime, timedelta

from losing import Lost

from service.store import Store
from service.store.articles import ArticleChange, ArticleInForce
from service.values.access import Scope, mint
from service.values.articles import ArticleStatus, Place, PlaceKind

SITE = "daily"
CLOSED, HEATED, ENDED, OPENED = (Place(PlaceKind.ARTICLE, name) for name in ("closed", "heated", "ended", "opened"))
SECTION = Place(PlaceKind.SECTION, "sports")


async def has_status(store: Store, place: Place, status: ArticleStatus, until: datetime | None = None) -> None:
    version = len(await store.articles.history(SITE, place)) + 1
    change = ArticleChange(status, version, datetime.now(UTC), "chief", "a note", until)
    assert await store.articles.put(SITE, place, change)


async def test_the_status_of_articles_comes_back_with_its_end(lost: Lost, store: Store) -> None:
    _, key = mint(SITE, frozenset(Scope), "chief", datetime.now(UTC))
    await store.access.keep(key)
    later = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
    await has_status(store, CLOSED, ArticleStatus.CLOSED)
    await has_status(store, HEATED, ArticleStatus.HEATED, later)
    await has_status(store, SECTION, ArticleStatus.PREMODERATED, later)
    await has_status(store, ENDED, ArticleStatus.CLOSED, datetime.now(UTC) - timedelta(seconds=1))
    await has_status(store, OPENED, ArticleStatus.CLOSED)
    await has_status(store, OPENED, ArticleStatus.OPEN)
    await asyncio.to_thread(lost.export)
    lost.lose()
    assert "3 statuses of articles put back, 0 known already" in (await asyncio.to_thread(lost.run)).output
    assert await store.articles.in_force(SITE, [CLOSED, HEATED, SECTION, ENDED, OPENED]) == {
        CLOSED: ArticleInForce(ArticleStatus.CLOSED),
        HEATED: ArticleInForce(ArticleStatus.HEATED, later),
        SECTION: ArticleInForce(ArticleStatus.PREMODERATED, later),
    }
    assert set((await store.articles.listed(SITE, 9))[0]) == {CLOSED, HEATED, SECTION}
    (change,) = await store.articles.history(SITE, CLOSED)
    assert (change.by, change.note, change.version > 2) == ("chief", None, True)
    assert (await store.events.page(SITE, "", 100))[0] == [], "the site is not told again"
    assert "0 statuses of articles put back, 3 known already" in (await asyncio.to_thread(lost.run)).output

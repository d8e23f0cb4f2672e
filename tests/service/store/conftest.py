"""A store over a real Redis, and the shortest ways to fill it."""

import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from sending import Send, send_to

from service.store import Store
from service.store.articles import ArticleChange
from service.store.author_status import StatusChange
from service.store.base import Record, Submitted
from service.values.articles import ArticleStatus, Place
from service.values.domain import Action, Comment, Judgement, Reason, Urgency, Why
from service.values.rules import AuthorStatus

Submit = Callable[..., Awaitable[tuple[Submitted, Record | None]]]


@pytest.fixture
def site() -> str:
    return "daily"


@pytest.fixture
def submit(store: Store, site: str) -> Submit:
    """Submits a comment that was judged as the arguments say; by default it goes to a person."""

    async def submit(
        comment_id: str,
        text: str = "hello",
        *,
        decision: Action = Action.REVIEW,
        attribute: str = "toxicity",
        sla_ms: int = 60_000,
        urgency: Urgency | None = None,
        at: str = site,
        to: Store = store,
        **more: Any,
    ) -> tuple[Submitted, Record | None]:
        judgement = Judgement(decision, {attribute: 0.5}, (Reason("r", attribute, 0.5, 0.4, 0.9),), "m-1", "default@1")
        if urgency is None and decision is Action.REVIEW:
            urgency = Urgency(Why.UNCERTAIN, 0.5, sla_ms)
        return await to.comments.submit(
            at, comment_id, Comment(text, **more), judgement, urgency=urgency, actor="site-key"
        )

    return submit


@pytest.fixture
def send(store: Store, site: str) -> Send:
    return send_to(store, site)


@pytest.fixture
def has_status(store: Store, site: str) -> Callable[..., Awaitable[None]]:
    async def has_status(author: str, status: AuthorStatus, until: datetime | None = None) -> None:
        earlier = await store.statuses.history(site, author)
        change = StatusChange(status, len(earlier) + 1, datetime.now(UTC), "chief", until=until)
        assert await store.statuses.put(site, author, change)

    return has_status


@pytest.fixture
def place_has(store: Store, site: str) -> Callable[..., Awaitable[None]]:
    """Gives an article or a section a status."""

    async def place_has(place: Place, status: ArticleStatus, until: datetime | None = None) -> None:
        earlier = await store.articles.history(site, place)
        change = ArticleChange(status, len(earlier) + 1, datetime.now(UTC), "chief", until=until)
        assert await store.articles.put(site, place, change)

    return place_has


@pytest.fixture
def trail(store: Store, site: str) -> Callable[[], Awaitable[list[str]]]:
    """The actions of the audit trail, oldest first."""

    async def trail() -> list[str]:
        entries, _ = await store.audit.page(site, "", 1000)
        return [entry.details["action"] for entry in entries]

    return trail

"""A receiver of webhooks on the loopback, and a store with a relay that delivers to it."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from aiohttp import web

from service.settings import Settings
from service.store import Store, open_store
from service.store.review import Answer as Verdicts
from service.store.review import Filter
from service.values.access import Scope, mint
from service.values.domain import Action, Comment, Judgement, Reason, Urgency, Verdict, Why
from service.webhooks.administration import Webhooks, open_webhooks

Answer = Callable[[web.Request, dict[str, Any]], Awaitable[web.StreamResponse]]


@dataclass
class Receiver:
    """Notes what comes, and answers as it is told."""

    url: str = ""
    came: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answer: Answer | None = None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.came.append((dict(request.headers), body))
        return await self.answer(request, json.loads(body)) if self.answer else web.Response(status=204)

    @property
    def events(self) -> list[tuple[str, str, int]]:
        """Type, comment and version of what came, in order."""
        found = [json.loads(body) for _, body in self.came]
        return [(each["type"], each["data"]["comment_id"], each["data"]["version"]) for each in found]

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.came]

    def answers(self, *statuses: int, then: int = 204, headers: dict[str, str] | None = None) -> None:
        """These one after the other, and then the same for ever."""
        left = list(statuses)

        async def answer(_: web.Request, __: dict[str, Any]) -> web.Response:
            status = left.pop(0) if left else then
            return web.Response(status=status, headers=headers if status >= 300 else None)

        self.answer = answer


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield receiver
    await runner.cleanup()


@pytest.fixture
def quick(settings: Settings) -> Settings:
    """Webhooks on the loopback, tried again after milliseconds; decisions are held back for no time."""
    return msgspec.structs.replace(
        settings,
        webhook_allow_private=True,
        webhook_schedule="0,0.05,0.05,0.05",
        webhook_timeout_s=20,  # a receiver that is slow because the machine is busy has not failed
        undo_hold_s=0,
    )


@pytest.fixture
async def store(quick: Settings) -> AsyncIterator[Store]:
    async with stored(quick) as store:
        yield store


@contextlib.asynccontextmanager
async def stored(settings: Settings) -> AsyncIterator[Store]:
    assert settings.redis_url is not None
    async with open_store(settings, settings.redis_url) as store, store.changes.listening():
        # The relay looks after the sites that have a key.
        await store.access.keep(mint("daily", frozenset(Scope), "admin", datetime.now(UTC))[1])
        yield store


@pytest.fixture
def open_stored() -> Any:
    """Opens another store, for other settings."""
    return stored


@pytest.fixture
def site() -> str:
    return "daily"


@pytest.fixture
async def administration(quick: Settings, store: Store) -> AsyncIterator[Webhooks]:
    async with open_webhooks(quick, store) as administration:
        yield administration


@pytest.fixture
async def endpoint(administration: Webhooks, site: str, receiver: Receiver) -> str:
    """The receiver is the site's endpoint; its secret."""
    secret = await administration.put(site, receiver.url, include_text=False, actor="admin")
    assert secret is not None
    return secret


@pytest.fixture
def submit(store: Store, site: str) -> Any:
    """A comment that waits for a person: the site is told that it is queued."""

    async def submit(comment_id: str, text: str = "hello", *, to: Store = store, **more: Any) -> None:
        judgement = Judgement(Action.REVIEW, {"toxicity": 0.5}, (Reason("r", "toxicity", 0.5, 0.4, 0.9),), "m", "p@1")
        urgency = Urgency(Why.UNCERTAIN, 0.5, 60_000)
        await to.comments.submit(site, comment_id, Comment(text, **more), judgement, urgency=urgency, actor="key")

    return submit


@pytest.fixture
def decide(store: Store, site: str) -> Any:
    """Claim everything and approve one."""

    async def decide(comment_id: str) -> None:
        held = {each.id: each for each in await store.queue.claim(site, "ann", 20, 60, Filter())}
        answer = Verdicts(Verdict.APPROVE, held[comment_id].lease, digest=f"{comment_id}{held[comment_id].version}")
        outcome, _ = await store.queue.decide(site, comment_id, "ann", answer, may_overrule=False)
        assert outcome == "ok"

    return decide


@pytest.fixture
def until() -> Any:
    """Waits until something is true."""

    async def until(holds: Callable[[], Any], timeout_s: float = 60) -> None:
        async with asyncio.timeout(timeout_s):
            while True:
                found = holds()
                if await found if asyncio.iscoroutine(found) else found:
                    return
                await asyncio.sleep(0.01)

    return until

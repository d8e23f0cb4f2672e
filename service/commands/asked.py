"""What `status` and `doctor` learn of a service: over HTTP without a key, and from its store."""

import contextlib
import os
from collections.abc import AsyncIterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
from msgspec import Struct

from service.cases.stuck import stuck
from service.process.running import running_services
from service.redis.embedded import is_served, redis_for_command
from service.settings import Settings
from service.store import Store, open_store
from service.store.server import ServerFacts, facts

TIMEOUT_S = 5.0


class Readiness(Struct, frozen=True):
    """`parts`: of /readyz; None: no answer, and `problem` says why. `at`: the clock of the service."""

    url: str
    parts: dict[str, Any] | None
    problem: str = ""
    at: datetime | None = None


class SiteState(Struct, frozen=True):
    """`oldest_s`: None: nothing waits. `late_s`: how late the oldest undelivered webhook is. `stuck`: comments
    that do not get on, as far as a bounded look finds them (service/cases/stuck.py).
    """

    site: str
    waiting: int
    reviewed: int
    escalated: int
    overdue: int
    oldest_s: float | None
    webhooks: int
    dead: int
    late_s: float | None
    is_disabled: bool
    stuck: int = 0


class StoreState(Struct, frozen=True):
    place: str
    durability: str
    server: ServerFacts
    sites: list[SiteState]
    keys: int
    can_sign_in: int


def address(settings: Settings) -> str:
    """Where to ask: STEWARD_URL, the note of a running service with this data, or where the settings would serve."""
    if url := os.environ.get("STEWARD_URL"):
        return url.rstrip("/")
    here = [each.url for each in running_services() if each.data_dir == str(settings.data_path)]
    return here[0] if here else f"http://{settings.host}:{settings.port}"


def readiness(url: str) -> Readiness:
    try:
        response = httpx.get(f"{url}/readyz", timeout=TIMEOUT_S)
        at = parsedate_to_datetime(response.headers["Date"]) if "Date" in response.headers else None
        return Readiness(url, dict(response.json()), at=at)
    except httpx.HTTPError as error:
        return Readiness(url, None, f"no service answers: {error}")
    except (ValueError, TypeError, httpx.InvalidURL):
        return Readiness(url, None, "what answers is not Steward")


@contextlib.asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Store | None]:
    """The store of the settings; None where it is that of no running service: none is started only to look."""
    if settings.redis_url is None and not await is_served(settings):
        yield None
        return
    async with redis_for_command(settings) as url, open_store(settings, url) as store:
        yield store


async def state_of(store: Store, place: str) -> StoreState:
    """Raises ServiceError."""
    await store.check()
    accounts = await store.accounts.all()
    return StoreState(
        place,
        store.durability.mode,
        await facts(store.pipe),
        [await _site(store, name) for name in sorted((await store.access.sites()).known)],
        len(await store.access.keys()),
        sum(bool(each.password or each.subject) and not each.is_disabled for each in accounts),
    )


async def _site(store: Store, name: str) -> SiteState:
    stats, backlog = await store.queue.stats(name, 1), await store.outbox.backlog(name)
    endpoint = await store.outbox.endpoints.get(name)
    return SiteState(
        name,
        stats["queued"],
        stats["leased"],
        stats["escalated"],
        stats["overdue"],
        stats["oldest_ms"] / 1000 if stats["oldest_ms"] >= 0 else None,
        backlog.pending,
        backlog.dead,
        backlog.overdue_s,
        endpoint.disabled_at is not None,
        (await stuck(store, name)).total,
    )

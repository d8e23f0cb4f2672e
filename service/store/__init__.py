"""Redis: comments, the review queue, labels, the audit trail. Nobody else speaks to it."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from redis.asyncio import Redis

from service.settings import Settings
from service.store.access import Access
from service.store.audit import Audit
from service.store.changes import Changes
from service.store.comments import Comments, Retention
from service.store.connect import Durability, connect, ping
from service.store.labels import Labels
from service.store.pipe import Pipe
from service.store.review import LeaseLimits, Queue

__all__ = ["Store", "open_store"]


@dataclass(frozen=True, slots=True)
class Store:
    """Everything that is kept, by what it is about."""

    comments: Comments
    queue: Queue
    labels: Labels
    audit: Audit
    access: Access
    changes: Changes
    durability: Durability
    redis: "Redis"
    timeout_s: float

    async def check(self) -> None:
        """Raises StoreUnavailable with the reason when a comment could not be recorded now."""
        await ping(self.redis, self.timeout_s)


@contextlib.asynccontextmanager
async def open_store(settings: Settings, url: str) -> AsyncIterator[Store]:
    """Connects when first used: the service starts, and scores, while Redis is away."""
    durability = Durability(accept_loss=settings.accept_loss)
    redis = connect(url, durability, settings.store_timeout_s)
    pipe = Pipe(redis, settings.store_timeout_s, settings.max_pending_writes)
    retention = Retention(settings.text_days, settings.label_days)
    limits = LeaseLimits(settings.max_lease_age_s, settings.max_open_leases)
    store = Store(
        comments=Comments(pipe, retention, settings.max_queued),
        queue=Queue(pipe, retention, limits),
        labels=Labels(pipe, retention),
        audit=Audit(pipe),
        access=Access(pipe),
        changes=Changes(redis),
        durability=durability,
        redis=redis,
        timeout_s=settings.store_timeout_s,
    )
    async with redis:
        yield store
        await pipe.close()

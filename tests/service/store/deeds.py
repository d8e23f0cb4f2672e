"""The shortest ways to do what people do, and to see what became of it."""

import json
from typing import Any

from service.store import Store
from service.store.base import Outcome, Record
from service.store.keyspace import Shard
from service.store.review import Answer, Filter
from service.values.domain import Action, Doubling, Urgency, Verdict, Why
from service.values.learning import LearningDraw

ANY = Filter()
HOUR_MS = 3_600_000
DRAWN = Urgency(Why.UNCERTAIN, 0.5, 60_000, Doubling.DRAWN)
REJECTS = Urgency(Why.UNCERTAIN, 0.5, 60_000, Doubling.REJECTS)
AUDIT = Urgency(Why.AUDIT, 0.5, 60_000, inclusion=0.25)
AUTOMATIC = {"approved": Action.APPROVE, "rejected": Action.REJECT}


def who_looks(decision: Action, drawn: str, fingerprint: str, sla_ms: int) -> dict[str, Any]:
    """What `submit` takes. `drawn`: "", "audit", "learning", "drawn" or "rejects"."""
    audit = Urgency(Why.AUDIT, 0.5, sla_ms, inclusion=0.1)
    urgency, learning = None, None
    if decision is Action.REVIEW:
        double = Doubling(drawn) if drawn in ("drawn", "rejects") else None
        urgency = Urgency(Why.UNCERTAIN, 0.5, sla_ms, double)
    elif drawn == "audit":
        urgency = audit
    elif drawn == "learning":
        learning = LearningDraw(0.1, 10_000, (fingerprint,), audit)
    return {"urgency": urgency, "draw": 0.95, "learning": learning}


async def claim(store: Store, site: str, moderator: str = "ann") -> Record:
    (record,) = await store.queue.claim(site, moderator, 1, 60, ANY)
    return record


async def decide(
    store: Store, site: str, held: Record, verdict: Verdict = Verdict.REJECT, *, reason: str = "", **more: Any
) -> tuple[Outcome, Any]:
    """By the holder, with the lease."""
    assert held.owner is not None
    answer = Answer(verdict, held.lease, reason, digest=verdict)
    return await store.queue.decide(site, held.id, held.owner, answer, may_overrule=False, **more)


async def judge(
    store: Store, site: str, moderator: str, verdict: Verdict = Verdict.REJECT, **more: Any
) -> tuple[Outcome, Any]:
    """Claim the most urgent comment and decide it."""
    return await decide(store, site, await claim(store, site, moderator), verdict, **more)


async def overrule(
    store: Store,
    site: str,
    comment_id: str,
    verdict: Verdict,
    *,
    by: str = "chief",
    version: int | None = None,
    **more: Any,
) -> tuple[Outcome, Any]:
    """As somebody who may decide without a lease."""
    answer = Answer(verdict, None, digest=f"{verdict} {version}", version=version)
    return await store.queue.decide(site, comment_id, by, answer, may_overrule=True, **more)


async def told(store: Store, site: str) -> list[tuple[str, int]]:
    """What the site is told, held back or not: type and version, oldest first."""
    found, _ = await store.events.page(site, "", 1000)
    return [(each.details["type"], int(each.details["version"])) for each in found if "type" in each.details]


def to_tell(client: Any, site: str, comment_id: str) -> list[tuple[str, int]]:
    """What waits in the outbox for a comment: type and version, in order."""
    events = [json.loads(each) for each in client.lrange(Shard(site).key(f"out:q:{comment_id}"), 0, -1)]
    return [(each["type"], int(each["version"])) for each in events]


async def labels(store: Store, site: str) -> list[tuple[str, str, str]]:
    """Source, actor and decision of each label that stands, oldest first."""
    found, _ = await store.labels.page(site, "", 1000)
    return [(each.source, each.actor, each.decision) for each in found if each.retracts is None]


async def counted(store: Store, site: str) -> dict[str, int]:
    """What was counted since the server was empty."""
    return dict((await store.queue.stats(site, 2))["hours"][0][1])


def is_whole(server: Any) -> None:
    """Nothing would stay for ever that should not."""
    assert server.undying() == []


async def breaches(store: Store, site: str) -> list[tuple[str, str]]:
    return [(each.comment, each.what) async for each in store.fsck.examine(site)]

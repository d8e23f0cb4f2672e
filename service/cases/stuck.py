"""What is stuck: comments that wait too long, and why, for a supervisor to set going again."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from service.cases import team
from service.store import Store
from service.store.stuck import StuckEntry
from service.values.domain import State, Why

# An escalation is late after this long without an answer.
ESCALATION_LATE = timedelta(hours=24)
# A claim that ended this often without an answer marks a comment (review-queue.md, T5).
MOST_EXPIRIES = 5
MOST_SHOWN = 200


class StuckReason(StrEnum):
    """Why a comment does not get on. The order is that of the page."""

    NOBODY = "nobody_may_judge"
    PUT_BACK = "put_back_often"
    AWAY = "assignee_away"
    ESCALATED = "escalation_unanswered"
    APPEAL = "appeal_overdue"
    NOTICE = "notice_overdue"
    OVERDUE = "overdue"


class StuckComment(Struct, frozen=True, kw_only=True):
    """A waiting comment that does not get on, without its text."""

    id: str
    version: int
    state: State
    reasons: tuple[StuckReason, ...]
    due_at: datetime | None
    created_at: datetime
    assigned_to: str | None
    expiries: Annotated[int, Meta(description="Times a claim ended without a decision.")]


class Stuck(Struct, frozen=True, kw_only=True):
    """`comments`: the most urgent first, 200 at most. `counts`: by reason, of what was looked at.

    Those are the 200 most urgent of each shard, and as many that were put back, are escalated, or are assigned to
    somebody who cannot decide them any more.
    """

    total: Annotated[int, Meta(description="How many of what was looked at are stuck.")]
    counts: dict[StuckReason, int]
    overdue: Annotated[int, Meta(description="All that are past their due time.")]
    escalated_late: Annotated[int, Meta(description="All that wait for a supervisor for more than a day.")]
    dead_letters: int
    webhooks_late_seconds: Annotated[float | None, Meta(description="How late the oldest undelivered webhook is.")]
    comments: list[StuckComment]


async def stuck(store: Store, site: str) -> Stuck:
    """A bounded look, however long the queue is. Raises StoreUnavailable or Overloaded."""
    of_keys, of_people = await asyncio.gather(team.reviewing_keys(store, site), team.deciders(store, site))
    deciders = of_keys | of_people
    found, backlog = await asyncio.gather(
        store.stuck.look(site, datetime.now(UTC), ESCALATION_LATE, deciders), store.outbox.backlog(site)
    )
    comments = [
        _comment(entry, reasons) for entry in found.entries if (reasons := _reasons(entry, deciders, found.now))
    ]
    comments.sort(key=lambda each: (each.due_at or each.created_at, each.id))
    return Stuck(
        total=len(comments),
        counts=dict(Counter(reason for each in comments for reason in each.reasons)),
        overdue=found.overdue,
        escalated_late=found.escalated,
        dead_letters=backlog.dead,
        webhooks_late_seconds=backlog.overdue_s,
        comments=comments[:MOST_SHOWN],
    )


def _reasons(entry: StuckEntry, deciders: Mapping[str, bool], now: datetime) -> tuple[StuckReason, ...]:
    """`deciders`: by name; True: may also decide what is escalated."""
    is_late = entry.state is State.QUEUED and entry.due_at is not None and entry.due_at < now
    is_escalated = entry.state is State.ESCALATED
    is_unanswered = is_escalated and now - (entry.escalated_at or entry.created_at) > ESCALATION_LATE
    noticed = StuckReason.NOTICE if entry.is_noticed else StuckReason.OVERDUE
    may_overrule = deciders.get(entry.assignee) if entry.assignee is not None else True
    holds = {
        StuckReason.NOBODY: entry.state is State.QUEUED and entry.against.issuperset(deciders),
        StuckReason.PUT_BACK: entry.expiries >= MOST_EXPIRIES,
        StuckReason.AWAY: may_overrule is None or (is_escalated and not may_overrule),
        StuckReason.ESCALATED: is_unanswered,
        StuckReason.APPEAL if entry.why == Why.APPEAL else noticed: is_late,
    }
    return tuple(reason for reason in StuckReason if holds.get(reason))


def _comment(entry: StuckEntry, reasons: tuple[StuckReason, ...]) -> StuckComment:
    return StuckComment(
        id=entry.id,
        version=entry.version,
        state=entry.state,
        reasons=reasons,
        due_at=entry.due_at,
        created_at=entry.created_at,
        assigned_to=entry.assignee,
        expiries=entry.expiries,
    )

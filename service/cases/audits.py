"""Blind audits of a site: estimates by attribute, language, model and policy version, and the draws themselves."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

from msgspec import Meta, Struct

from service.store import Store
from service.values.audits import GROUPINGS, AuditCounts, AuditGroup, Draw, counts, group, grouped
from service.values.domain import Action

# Groups of one kind that an answer names, the largest first.
MOST_GROUPS = 100
# The limits that keep comments from being drawn to learn from (see drawn_to_learn in draws.lua).
PASSED_OVER = ("day", "copies")


class AuditSides(Struct, frozen=True):
    """The audits of some comments: of automatic approvals and of automatic rejections."""

    approvals: AuditGroup
    rejections: AuditGroup


class LearningFigures(Struct, frozen=True):
    """Comments that were drawn because a model learns most from them, and are part of no other figure.

    The more doubtful a comment, the likelier it was drawn, so `wrong_share` counts each with 1 / its probability. It
    covers the comments that could be drawn: when the day's number was used up, or after some near copies, none could.
    """

    approvals: AuditGroup
    rejections: AuditGroup
    passed_over: Annotated[
        dict[str, int],
        Meta(description="Comments that would have been drawn but for a limit: of the `day`, or of near `copies`."),
    ]


class AuditFigures(Struct, frozen=True, kw_only=True):
    """What the audits drawn in the last `hours` say of the automatic decisions, together and apart.

    `wrong_share` is the share of decisions that people contradict, with its 95 % interval (`low`, `high`), and with the
    interval for the worst that the unanswered audits could be (`lowest`, `highest`); null: nobody has answered. A
    comment counts for each attribute that led to its decision. Small groups have wide intervals, and of twenty groups
    about one lies outside its interval by chance.
    """

    hours: int
    all: AuditSides
    by_attribute: dict[str, AuditSides]
    by_language: dict[str, AuditSides]
    by_model: dict[str, AuditSides]
    by_policy: Annotated[dict[str, AuditSides], Meta(description="By version, as `default@3`.")]
    learning: LearningFigures


async def audit_figures(store: Store, site: str, hours: int) -> AuditFigures:
    draws = await store.draws.since(site, datetime.now(UTC) - timedelta(hours=hours))
    learning = await _learning(store, site, hours)
    return await asyncio.to_thread(_figures, draws, learning, hours)  # many draws would delay other requests


async def audit_sides(store: Store, site: str, hours: int) -> AuditSides:
    """As `all` of `audit_figures`."""
    draws = await store.draws.since(site, datetime.now(UTC) - timedelta(hours=hours))
    return await asyncio.to_thread(sides, draws)


async def learning_counts(store: Store, site: str, hours: int) -> AuditCounts:
    """What became of the comments that were drawn to learn from."""
    return counts(await store.draws.since(site, datetime.now(UTC) - timedelta(hours=hours), "learning"))


async def _learning(store: Store, site: str, hours: int) -> LearningFigures:
    draws = await store.draws.since(site, datetime.now(UTC) - timedelta(hours=hours), "learning")
    stats = await store.queue.stats(site, hours)
    passed_over: Counter[str] = Counter()
    for _, counted in stats["hours"]:
        passed_over.update({why: n for why in PASSED_OVER if (n := counted.get(f"passed_over:{why}", 0))})
    found = sides(draws)
    return LearningFigures(found.approvals, found.rejections, dict(passed_over))


def _figures(draws: Sequence[Draw], learning: LearningFigures, hours: int) -> AuditFigures:
    by = {f"by_{name}": _by(draws, name) for name in GROUPINGS}
    return AuditFigures(hours=hours, all=sides(draws), learning=learning, **by)


def _by(draws: Sequence[Draw], grouping: str) -> dict[str, AuditSides]:
    groups = sorted(grouped(draws, GROUPINGS[grouping]).items(), key=lambda each: (-len(each[1]), each[0]))
    return {name: sides(some) for name, some in groups[:MOST_GROUPS]}


def sides(draws: Sequence[Draw]) -> AuditSides:
    approvals, rejections = (
        [draw for draw in draws if draw.decision is action] for action in (Action.APPROVE, Action.REJECT)
    )
    return AuditSides(group(approvals), group(rejections))

"""Blind audits of a site: estimates by attribute, language, model and policy version, and the draws themselves."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

from msgspec import Meta, Struct

from service.store import Store
from service.values.audits import GROUPINGS, AuditGroup, Draw, group, grouped
from service.values.domain import Action

# Groups of one kind that an answer names, the largest first.
MOST_GROUPS = 100


class AuditSides(Struct, frozen=True):
    """The audits of some comments: of automatic approvals and of automatic rejections."""

    approvals: AuditGroup
    rejections: AuditGroup


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


async def audit_figures(store: Store, site: str, hours: int) -> AuditFigures:
    draws = await store.draws.since(site, datetime.now(UTC) - timedelta(hours=hours))
    return await asyncio.to_thread(_figures, draws, hours)  # many draws would delay other requests


async def audit_sides(store: Store, site: str, hours: int) -> AuditSides:
    """As `all` of `audit_figures`."""
    draws = await store.draws.since(site, datetime.now(UTC) - timedelta(hours=hours))
    return await asyncio.to_thread(sides, draws)


def _figures(draws: Sequence[Draw], hours: int) -> AuditFigures:
    return AuditFigures(hours=hours, all=sides(draws), **{f"by_{name}": _by(draws, name) for name in GROUPINGS})


def _by(draws: Sequence[Draw], grouping: str) -> dict[str, AuditSides]:
    groups = sorted(grouped(draws, GROUPINGS[grouping]).items(), key=lambda each: (-len(each[1]), each[0]))
    return {name: sides(some) for name, some in groups[:MOST_GROUPS]}


def sides(draws: Sequence[Draw]) -> AuditSides:
    approvals, rejections = (
        [draw for draw in draws if draw.decision is action] for action in (Action.APPROVE, Action.REJECT)
    )
    return AuditSides(group(approvals), group(rejections))

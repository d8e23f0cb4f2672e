"""Blind audits: what they say of the automatic decisions, and each draw with what became of it."""

import datetime as dt
from typing import Annotated, Literal

from msgspec import Meta, Struct

from service import app_keys as keys
from service.api.operation import Call, Operation
from service.cases.audits import AuditFigures, audit_figures
from service.cases.figures import MOST_HOURS
from service.values.access import Scope
from service.values.audits import Draw


class AuditsQuery(Struct, frozen=True, forbid_unknown_fields=True):
    hours: Annotated[int, Meta(ge=1, le=MOST_HOURS, description="How far to look back.")] = 7 * 24


class DrawsQuery(Struct, frozen=True, forbid_unknown_fields=True):
    day: Annotated[dt.date, Meta(description="Of which day (UTC); today if left out.")] | None = None
    sampler: Annotated[
        Literal["audit", "learning"],
        Meta(description="Audits, or comments that were drawn because a model learns most from them."),
    ] = "audit"
    cursor: Annotated[int, Meta(ge=0, le=2**53, description="`next` of the page before.")] = 0
    limit: Annotated[int, Meta(ge=1, le=1000)] = 200


class DrawsResponse(Struct, frozen=True):
    """Oldest first. `next` is the cursor of the next page, null at the end of the day."""

    draws: list[Draw]
    next: int | None


async def show_audits(call: Call) -> AuditFigures:
    """How often people contradict the automatic decisions: by attribute, language, model and version of the policy."""
    return await audit_figures(call.request.app[keys.STORE], call.key.site, call.query.hours)


async def list_draws(call: Call) -> DrawsResponse:
    """The automatic decisions that were drawn on one day for a blind audit, or to learn from, and what became of each.

    Whoever reads this knows which waiting comments are audits, so it takes the scope admin. Draws are kept as long as
    labels.
    """
    query: DrawsQuery = call.query
    day = query.day or dt.datetime.now(dt.UTC).date()
    found = await call.request.app[keys.STORE].draws.of_day(call.key.site, day, query.sampler)
    end = query.cursor + query.limit
    return DrawsResponse(found[query.cursor : end], end if end < len(found) else None)


OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/review/audits",
        handler=show_audits,
        scope=Scope.REVIEW,
        tag="Review",
        summary="What blind audits say of the automatic decisions, in groups.",
        query=AuditsQuery,
        answer=AuditFigures,
        problems=(503,),
    ),
    Operation(
        method="GET",
        path="/v1/review/draws",
        handler=list_draws,
        scope=Scope.ADMIN,
        tag="Review",
        summary="The comments drawn for blind audits, or to learn from, on one day.",
        query=DrawsQuery,
        answer=DrawsResponse,
        problems=(503,),
    ),
)

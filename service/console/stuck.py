"""What is stuck, for supervisors: why, and what sets it going again."""

import asyncio
from typing import Annotated, NamedTuple

from aiohttp import web
from markupsafe import Markup
from msgspec import Meta, Struct

from service import app_keys as keys
from service.cases.stuck import StuckComment, StuckReason, stuck
from service.console.comment import is_veiled, seen
from service.console.shown import plain
from service.console.texts import N_
from service.console.visit import ADMINS, OVERSEERS, SUPERVISORS, Nav, Page, Visit, whole
from service.store.review import Answer
from service.values.domain import Verdict
from service.values.errors import BadRequest, Conflict, Fault, NotFound

SHOWN = 50
REASONS = {
    StuckReason.NOBODY: N_("Nobody who may decide it is left"),
    StuckReason.PUT_BACK: N_("Claimed five times or more without an answer"),
    StuckReason.AWAY: N_("Assigned to somebody who cannot decide it any more"),
    StuckReason.ESCALATED: N_("Escalated for more than a day"),
    StuckReason.APPEAL: N_("Appeal past its time"),
    StuckReason.NOTICE: N_("Reader's notice past its time"),
    StuckReason.OVERDUE: N_("Past its due time"),
}
SAID = {
    "assigned": N_("Assigned."),
    "released": N_("It is assigned to nobody now, and offered to everybody."),
    "raised": N_("Escalated to the supervisors."),
}
REFUSED = {
    "may_not_judge": N_("That person decided it before, so somebody else must judge it."),
    "not_waiting": N_("It does not wait any more."),
    "lease_lost": N_("It changed meanwhile, or a moderator holds it just now."),
    "already_escalated": N_("It was escalated."),
}


class StuckQuery(Struct, frozen=True, forbid_unknown_fields=True):
    reason: StuckReason | None = None
    said: Annotated[str, Meta(max_length=20)] = ""
    refused: Annotated[str, Meta(max_length=40)] = ""


class StuckRow(NamedTuple):
    """`line`: the beginning of its text; None: it is hidden until somebody asks for it."""

    comment: StuckComment
    line: Markup | None


async def show_stuck(visit: Visit) -> web.StreamResponse:
    query = visit.query(StuckQuery)
    found = await stuck(visit.console.store, visit.site)
    wanted = [each for each in found.comments if query.reason is None or query.reason in each.reasons]
    rows = await asyncio.gather(*(_row(visit, each) for each in wanted[:SHOWN]))
    people = await visit.request.app[keys.ASSIGNING].people(visit.site)
    return visit.show(
        "stuck.html",
        found=found,
        rows=[each for each in rows if each is not None],
        left=len(wanted) - SHOWN,
        chosen=query.reason,
        reasons=REASONS,
        people=people,
        said=SAID.get(query.said, ""),
        refused=REFUSED.get(query.refused, N_("Somebody was faster: it stands as it is shown now."))
        if query.refused
        else "",
        may_change=visit.role in SUPERVISORS,
        may_send=visit.role in ADMINS,
    )


async def _row(visit: Visit, comment: StuckComment) -> StuckRow | None:
    try:
        record = await visit.console.store.comments.get(visit.site, comment.id)
    except NotFound:  # it has just been decided and forgotten
        return None
    item = seen(visit, record)
    return StuckRow(comment, None if is_veiled(visit, item) else plain(item.text or ""))


async def cure(visit: Visit) -> web.StreamResponse:
    """Assign it to somebody, take its assignment back, or raise it to the supervisors."""
    comment_id, deed = visit.request.match_info["id"], visit.field("do")
    back = {"reason": visit.field("reason")} if visit.field("reason") in set(StuckReason) else {}
    try:
        if deed == "raise":
            await _raise(visit, comment_id, whole(visit.field("version")))
            return visit.go("/stuck", **back, said="raised")
        to = {"me": visit.account.name, "nobody": "", "to": visit.field("to").strip()}.get(deed)
        if to is None or (deed == "to" and not to):
            raise BadRequest("to: choose a person", [Fault("/to", "choose a person")])
        await visit.request.app[keys.ASSIGNING].assign(visit.moderator, comment_id, to)
    except Conflict as error:
        return visit.go("/stuck", **back, refused=error.reason)
    return visit.go("/stuck", **back, said="assigned" if to else "released")


async def _raise(visit: Visit, comment_id: str, version: int) -> None:
    """Escalate it. What is reserved for somebody else is taken from that person first, who may be gone."""
    record = await visit.console.store.comments.get(visit.site, comment_id)
    if record.assignee not in (None, visit.account.name):
        await visit.request.app[keys.ASSIGNING].assign(visit.moderator, comment_id, "")
    await visit.reviewing.decide(visit.moderator, comment_id, Answer(Verdict.ESCALATE, None, version=version))


PAGES = (
    Page(path="/stuck", view=show_stuck, roles=OVERSEERS, nav=Nav(title=N_("Stuck"), order=25)),
    Page(path="/stuck/{id}", view=cure, method="POST", roles=SUPERVISORS),
)

"""Escalated comments and authors' appeals, for supervisors to decide with a reason."""

from typing import Annotated, Literal, NamedTuple

from aiohttp import web
from msgspec import Meta, Struct

from service.cases.answers import ReviewItem
from service.console import comment, words
from service.console.texts import N_
from service.console.visit import OVERSEERS, SUPERVISORS, Nav, Page, Visit
from service.store.base import Record
from service.store.review import Answer, Filter
from service.values.accounts import Role
from service.values.domain import State, Verdict, Why
from service.values.errors import BadRequest, Conflict, Fault

PER_PAGE = 25

SAID = {"approve": N_("Approved."), "reject": N_("Rejected.")}


class AppealsQuery(Struct, frozen=True, forbid_unknown_fields=True):
    kind: Literal["escalated", "appeal"] = "escalated"
    after: Annotated[int, Meta(ge=0, le=2**53)] = 0
    said: str = ""


class WaitingAppeals(NamedTuple):
    """A waiting comment as this person may see it. `is_own`: this person judged it before, so somebody else must."""

    item: ReviewItem
    record: Record
    is_own: bool
    is_held: bool


async def show_appeals(visit: Visit) -> web.StreamResponse:
    return await _page(visit, visit.query(AppealsQuery))


async def decide(visit: Visit) -> web.StreamResponse:
    """Decide the version that the page showed. If somebody else was faster, the list says so."""
    verdict, reason = visit.field("verdict"), visit.field("reason").strip()
    kind: Literal["escalated", "appeal"] = "appeal" if visit.field("kind") == "appeal" else "escalated"
    version = visit.field("version")
    if verdict not in (Verdict.APPROVE, Verdict.REJECT) or not (version.isascii() and version.isdigit()):
        raise BadRequest("not a form of ours", [Fault("/verdict", "approve or reject")])
    if not reason:
        return await _page(visit, AppealsQuery(kind), 400, problem=N_("Choose a reason first."), at=visit.field("id"))
    answer = Answer(Verdict(verdict), None, reason[:100], note=visit.field("note")[:1000], version=int(version[:15]))
    try:
        await visit.reviewing.decide(visit.moderator, visit.field("id"), answer)
    except Conflict as error:
        problem = _REFUSED.get(error.reason, N_("Somebody was faster: it stands as it is shown now."))
        return await _page(visit, AppealsQuery(kind), 409, problem=problem, at=visit.field("id"))
    return visit.go("/appeals", kind=kind, said=verdict)


_REFUSED = {
    "own_decision": N_("You decided this before, or gave an opinion on it: somebody else must judge it now."),
    "revision_superseded": N_("The author changed the comment meanwhile; there is a newer revision."),
    "lease_lost": N_("It changed meanwhile, or a moderator holds it just now."),
}


async def _page(
    visit: Visit, query: AppealsQuery, status: int = 200, *, problem: str = "", at: str = ""
) -> web.Response:
    if query.kind == "appeal":
        found = await visit.reviewing.listed(visit.site, State.QUEUED, Filter(why=Why.APPEAL), query.after, PER_PAGE)
    else:
        found = await visit.reviewing.listed(visit.site, State.ESCALATED, Filter(), query.after, PER_PAGE)
    stats = await visit.console.store.queue.stats(visit.site, 1)
    held = await visit.reviewing.listed(visit.site, State.LEASED, Filter(why=Why.APPEAL), 0, PER_PAGE)
    return visit.show(
        "appeals.html",
        status,
        words=words,
        kind=query.kind,
        waiting=[_waiting(visit, each) for each in found.records],
        escalated=stats["escalated"],
        following=found.following,
        held=[_waiting(visit, each) for each in held.records] if query.kind == "appeal" else [],
        **comment.telling(visit),
        grounds=visit.reasons.grounds,
        said=SAID.get(query.said, ""),
        problem=problem,
        problem_at=at,
        may_decide=visit.role is not Role.AUDITOR,
    )


def _waiting(visit: Visit, record: Record) -> WaitingAppeals:
    return WaitingAppeals(
        comment.seen(visit, record),
        record,
        # The person who escalated may decide in the end. The store refuses people who voted on it or audited it.
        is_own=record.why == Why.APPEAL and record.moderator == visit.account.name,
        is_held=record.state is State.LEASED,
    )


PAGES = (
    Page(path="/appeals", view=show_appeals, roles=OVERSEERS, nav=Nav(title=N_("Appeals"), order=20)),
    Page(path="/appeals", view=decide, method="POST", roles=SUPERVISORS),
)

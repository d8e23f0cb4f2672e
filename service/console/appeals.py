"""Escalated comments, authors' appeals and readers' notices, for supervisors to decide with a reason."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple

from aiohttp import web
from msgspec import Meta, Struct

from service import app_keys as keys
from service.cases.answers import ReviewItem
from service.cases.statements import dsa_of
from service.console import comment, words
from service.console.texts import N_
from service.console.visit import OVERSEERS, SUPERVISORS, Nav, Page, Visit
from service.store.base import Record
from service.store.review import Answer, Filter
from service.values.accounts import Role
from service.values.domain import State, Verdict, Why
from service.values.errors import BadRequest, Conflict, Fault, NotFound
from service.values.notices import MOST_NOTICES, Notice, NoticeOutcome

PER_PAGE = 25
# All notices before a page are read with it, so the pages end somewhere.
MOST_SKIPPED = 5_000

SAID = {"approve": N_("Approved."), "reject": N_("Rejected.")}


Kind = Literal["escalated", "appeal", "notice"]
KINDS: tuple[Kind, ...] = ("escalated", "appeal", "notice")


class AppealsQuery(Struct, frozen=True, forbid_unknown_fields=True):
    kind: Kind = "escalated"
    after: Annotated[int, Meta(ge=0, le=2**53)] = 0
    said: str = ""


class WaitingAppeals(NamedTuple):
    """A waiting comment as this person may see it. `is_own`: this person judged it before, so somebody else must.

    `notices`: those that are open, if the list is theirs. `is_full`: it takes no more of them.
    """

    item: ReviewItem
    record: Record
    is_own: bool
    is_held: bool
    notices: Sequence[Notice] = ()
    is_full: bool = False


async def show_appeals(visit: Visit) -> web.StreamResponse:
    return await _page(visit, visit.query(AppealsQuery))


async def decide(visit: Visit) -> web.StreamResponse:
    """Decide the version that the page showed. If somebody else was faster, the list says so."""
    verdict, reason = visit.field("verdict"), visit.field("reason").strip()
    kind: Kind = next((each for each in KINDS if each == visit.field("kind")), "escalated")
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
    waiting, following = await _listed(visit, query)
    stats = await visit.console.store.queue.stats(visit.site, 1)
    held = await visit.reviewing.listed(visit.site, State.LEASED, Filter(why=Why.APPEAL), 0, PER_PAGE)
    return visit.show(
        "appeals.html",
        status,
        words=words,
        kind=query.kind,
        waiting=waiting,
        escalated=stats["escalated"],
        following=following,
        in_scope=is_in_scope(visit),
        most_notices=MOST_NOTICES,
        held=[_waiting(visit, each) for each in held.records] if query.kind == "appeal" else [],
        **comment.telling(visit),
        grounds=visit.reasons.grounds,
        said=SAID.get(query.said, ""),
        problem=problem,
        problem_at=at,
        may_decide=visit.role is not Role.AUDITOR,
    )


def is_in_scope(visit: Visit) -> bool:
    """Whether the site says that the Digital Services Act applies to it."""
    return dsa_of(visit.request.app[keys.DIRECTORY].for_people(visit.site)) is not None


async def _listed(visit: Visit, query: AppealsQuery) -> tuple[list[WaitingAppeals], int | None]:
    """A page of the list, and where the next one begins. Raises Conflict for notices of a site that is not in scope."""
    if query.kind == "notice":
        return await _noticed(visit, min(query.after, MOST_SKIPPED))
    if query.kind == "appeal":
        found = await visit.reviewing.listed(visit.site, State.QUEUED, Filter(why=Why.APPEAL), query.after, PER_PAGE)
    else:
        found = await visit.reviewing.listed(visit.site, State.ESCALATED, Filter(), query.after, PER_PAGE)
    return [_waiting(visit, each) for each in found.records], found.following


async def _noticed(visit: Visit, after: int) -> tuple[list[WaitingAppeals], int | None]:
    """A page of comments with open notices behind the first `after`, those that wait longest first."""
    store = visit.console.store
    found = await visit.request.app[keys.NOTICES].waiting(visit.site, after + PER_PAGE + 1)
    following = after + PER_PAGE if len(found) > after + PER_PAGE and after < MOST_SKIPPED else None

    async def read(comment_id: str) -> WaitingAppeals | None:
        try:
            record = await store.comments.get(visit.site, comment_id)
        except NotFound:  # it has just been decided and forgotten
            return None
        given = await store.notices.of(visit.site, comment_id)
        open_ones = [each for each in given if each.outcome is NoticeOutcome.OPEN]
        is_full = len(given) >= MOST_NOTICES
        return _waiting(visit, record)._replace(notices=open_ones, is_full=is_full) if record.is_waiting else None

    read_ones = await asyncio.gather(*(read(each.id) for each in found[after : after + PER_PAGE]))
    return [each for each in read_ones if each is not None], following


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

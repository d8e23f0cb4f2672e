"""What takes two people: proposals that wait for a second person, and what became of those of the last three days."""

from typing import NamedTuple

from aiohttp import web
from msgspec import Struct

from service import app_keys as keys
from service.cases.approvals import Approvals, is_open
from service.console import words
from service.console.author import AuthorTexts, name_of, written
from service.console.texts import N_
from service.console.visit import OVERSEERS, SUPERVISORS, Nav, Page, Visit
from service.values.accounts import Role
from service.values.approvals import Approval, ApprovalState, DecideMany, Deed, EraseAuthor, PromoteModel
from service.values.domain import Verdict
from service.values.errors import Conflict, Forbidden

# Comments of a proposal whose beginning is shown; of the others the ids are in the API.
SHOWN = 20

STATES = {
    ApprovalState.OPEN: N_("Waits for a second person"),
    ApprovalState.APPROVED: N_("Approved, not finished"),
    ApprovalState.DONE: N_("Done"),
    ApprovalState.REFUSED: N_("Refused"),
    ApprovalState.EXPIRED: N_("Expired"),
}
SAID = {
    "done": N_("It is done."),
    "refused": N_("It was refused. Nothing was done."),
}
# Conflicts that a person can cause with two open pages.
REFUSED = {
    "own_proposal": N_("You proposed it: somebody else must approve it."),
    "proposal_expired": N_("Nobody approved it in time. Propose it again."),
    "proposal_refused": N_("It was refused before."),
    "model_changed": N_("The folder holds another model now. Propose it again."),
    "proposal_done": N_("It was approved before."),
    "proposal_under_way": N_("Somebody approved it just now, and it is being done."),
}


class ApprovalsQuery(Struct, frozen=True, forbid_unknown_fields=True):
    said: str = ""
    refused: str = ""


class ApprovalShown(NamedTuple):
    """`author_name`: as far as texts are kept, else "". `decision`: of a bulk decision.

    `may_approve`, `may_refuse`: whether this person may.
    """

    approval: Approval
    author: str
    author_name: str
    model: str
    decision: Verdict | None
    comments: list[AuthorTexts]
    of: int
    may_approve: bool
    may_refuse: bool


async def show_approvals(visit: Visit) -> web.StreamResponse:
    query = visit.query(ApprovalsQuery)
    found = [await _shown(visit, each) for each in await _approvals(visit).listed(visit.site)]
    return visit.show(
        "approvals.html",
        waiting=[each for each in found if is_open(each.approval)],
        settled=[each for each in found if not is_open(each.approval)],
        states=STATES,
        words=words,
        title_of=visit.reasons.title,
        said=SAID.get(query.said, ""),
        refused=REFUSED.get(query.refused, ""),
    )


async def approve(visit: Visit) -> web.StreamResponse:
    name = await _checked(visit)
    try:
        await _approvals(visit).approve(name, visit.moderator)
    except Conflict as error:
        return _refused(visit, error)
    return visit.go("/approvals", said="done")


async def refuse(visit: Visit) -> web.StreamResponse:
    name = await _checked(visit)
    try:
        await _approvals(visit).refuse(name, visit.moderator)
    except Conflict as error:
        return _refused(visit, error)
    return visit.go("/approvals", said="refused")


async def _checked(visit: Visit) -> str:
    """The id from the form. Raises NotFound, and Forbidden if the role may not do this by itself either."""
    found = await _approvals(visit).get(visit.site, visit.field("id"))
    if not _may(visit, found.deed):
        raise Forbidden(N_("This takes an administrator."))
    return found.id


def _may(visit: Visit, deed: Deed) -> bool:
    if isinstance(deed, PromoteModel):
        return visit.role is Role.ADMIN if deed.only_site else visit.operates
    return visit.role is Role.ADMIN or (visit.role in SUPERVISORS and isinstance(deed, DecideMany))


async def _shown(visit: Visit, approval: Approval) -> ApprovalShown:
    deed, waits = approval.deed, is_open(approval)
    comments = deed.comments if isinstance(deed, DecideMany) else ()
    may = waits and _may(visit, deed)
    is_own = approval.by.casefold() == visit.account.name.casefold()
    author = deed.author if isinstance(deed, EraseAuthor) else ""
    return ApprovalShown(
        approval=approval,
        author=author,
        author_name=await name_of(visit, author) if author and waits else "",
        model=deed.model if isinstance(deed, PromoteModel) else "",
        decision=deed.decision if isinstance(deed, DecideMany) else None,
        comments=[await written(visit, each.id) for each in comments[:SHOWN]] if waits else [],
        of=len(comments),
        may_approve=may and not is_own,
        may_refuse=may and approval.state is ApprovalState.OPEN,
    )


def _approvals(visit: Visit) -> Approvals:
    return visit.request.app[keys.APPROVALS]


def _refused(visit: Visit, error: Conflict) -> web.StreamResponse:
    if error.reason not in REFUSED:
        raise error
    return visit.go("/approvals", refused=error.reason)


PAGES = (
    Page(path="/approvals", view=show_approvals, roles=OVERSEERS, nav=Nav(title=N_("Approvals"), order=25)),
    Page(path="/approvals/approve", view=approve, method="POST", roles=SUPERVISORS),
    Page(path="/approvals/refuse", view=refuse, method="POST", roles=SUPERVISORS),
)

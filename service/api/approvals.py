"""Deeds that take two people: proposed by one key, approved or refused by another."""

from msgspec import Struct

from service import app_keys as keys
from service.api.operation import Call, Operation
from service.cases.approvals import Approvals
from service.cases.reviewing import Moderator
from service.http import bodies
from service.values.access import Scope
from service.values.approvals import Approval, Deed, PromoteModel
from service.values.errors import Forbidden


class ProposalRequest(Struct, frozen=True, forbid_unknown_fields=True):
    deed: Deed


class ApprovalsResponse(Struct, frozen=True):
    approvals: list[Approval]


async def propose(call: Call) -> Approval:
    """Propose a deed. It waits for 24 hours until somebody else approves it; nothing is done before.

    The same proposal of the same key, while it is open, is answered with the earlier one.
    """
    asked: ProposalRequest = call.body
    _check_scope(call, asked.deed)
    return await _approvals(call).propose(call.key.site, asked.deed, call.key.name)


async def list_approvals(call: Call) -> ApprovalsResponse:
    """Proposals of the last three days, the newest first, with what became of each."""
    return ApprovalsResponse(await _approvals(call).listed(call.key.site))


async def show_approval(call: Call) -> Approval:
    return await _approvals(call).get(call.key.site, call.id)


async def approve(call: Call) -> Approval:
    """Do exactly what was proposed. Keys of the name that proposed it get 409 `own_proposal`.

    `outcome` says what was done. If the request is interrupted, repeat it: it goes on where it stopped.
    """
    _check_scope(call, (await _approvals(call).get(call.key.site, call.id)).deed)
    return await _approvals(call).approve(call.id, _second(call))


async def refuse(call: Call) -> Approval:
    """Nothing is done. Whoever proposed it may take it back this way."""
    return await _approvals(call).refuse(call.id, _second(call))


def _approvals(call: Call) -> Approvals:
    return call.request.app[keys.APPROVALS]


def _check_scope(call: Call, deed: Deed) -> None:
    """A model is of all sites, or of the key's own. Raises Forbidden."""
    if isinstance(deed, PromoteModel) and not deed.only_site and Scope.OPERATE not in call.key.scopes:
        raise Forbidden


def _second(call: Call) -> Moderator:
    return Moderator(call.key.site, call.key.name, may_overrule=True, role="admin key")


OPERATIONS = (
    Operation(
        method="POST",
        path="/v1/approvals",
        handler=propose,
        scope=Scope.ADMIN,
        tag="Approvals",
        summary="Propose what takes two people.",
        body=ProposalRequest,
        answer=Approval,
        limit=bodies.MAX_BATCH_BYTES,
        problems=(503,),
    ),
    Operation(
        method="GET",
        path="/v1/approvals",
        handler=list_approvals,
        scope=Scope.ADMIN,
        tag="Approvals",
        summary="Proposals and what became of them.",
        answer=ApprovalsResponse,
        problems=(503,),
    ),
    Operation(
        method="GET",
        path="/v1/approvals/{id}",
        handler=show_approval,
        scope=Scope.ADMIN,
        tag="Approvals",
        summary="One proposal.",
        answer=Approval,
        problems=(404, 503),
    ),
    Operation(
        method="POST",
        path="/v1/approvals/{id}:approve",
        handler=approve,
        scope=Scope.ADMIN,
        tag="Approvals",
        summary="Approve what somebody else proposed; it is done.",
        answer=Approval,
        problems=(404, 409, 503),
    ),
    Operation(
        method="POST",
        path="/v1/approvals/{id}:refuse",
        handler=refuse,
        scope=Scope.ADMIN,
        tag="Approvals",
        summary="Refuse a proposal, or take it back.",
        answer=Approval,
        problems=(404, 409, 503),
    ),
)

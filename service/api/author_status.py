"""The status of authors: shown, set, undone; and the rejection of all that waits of one."""

from typing import Annotated

from msgspec import Meta, Struct

from service import app_keys as keys
from service.api.operation import Call, Operation
from service.cases.author_status import (
    BatchId,
    Rejected,
    RejectionReason,
    Standing,
    StatusRequest,
    TakenBack,
)
from service.cases.reviewing import Moderator
from service.values.access import Scope


class UndoStatusRequest(Struct, frozen=True, forbid_unknown_fields=True):
    version: Annotated[int, Meta(ge=1, description="Of the change; unset: the last one, whichever it is.")] | None = (
        None
    )


class RejectWaitingRequest(Struct, frozen=True, forbid_unknown_fields=True):
    reason: RejectionReason = ""
    note: Annotated[str, Meta(max_length=2000)] = ""
    batch: Annotated[BatchId | None, Meta(description="Go on with this batch; unset: a new one.")] = None


class UndoRejectedRequest(Struct, frozen=True, forbid_unknown_fields=True):
    batch: BatchId


async def show_author_status(call: Call) -> Standing:
    """The status now, who gave it and why, and what the author's comments came to.

    The id is the site's own, or the one that comments show. The request is written to the audit trail.
    """
    return await call.request.app[keys.AUTHOR_STATUS].read(call.key.site, await _author(call), call.key.name)


async def set_author_status(call: Call) -> Standing:
    """Set the status of an author. New comments are decided by it from now on; those already decided stay as they are.

    Comments of banned and muted authors are rejected, those of premoderated ones go to review, and those of trusted
    ones are approved where the model is in doubt. The site hears of it as `author.status_changed`.
    """
    return await call.request.app[keys.AUTHOR_STATUS].change(
        call.key.site, await _author(call), call.body, call.key.name
    )


async def undo_author_status(call: Call) -> Standing:
    """Restore the status before the last change, if this key made the change within STEWARD_UNDO_WINDOW_S."""
    asked: UndoStatusRequest = call.body
    return await call.request.app[keys.AUTHOR_STATUS].undo(
        call.key.site, await _author(call), call.key.name, asked.version
    )


async def reject_waiting(call: Call) -> Rejected:
    """Reject the author's comments that wait, 200 at most; repeat with the answered batch while `more` is true.

    Comments that a moderator holds are skipped. A batch can be undone within STEWARD_UNDO_WINDOW_S.
    409 `second_person_needed`: the policy says that so many take two people (`POST /v1/approvals`).
    """
    asked: RejectWaitingRequest = call.body
    return await call.request.app[keys.AUTHOR_STATUS].reject_waiting(
        _moderator(call),
        await _author(call),
        reason=asked.reason,
        note=asked.note,
        batch=asked.batch,
        policy=call.request.app[keys.DIRECTORY].policy(call.key.site),
    )


async def undo_rejected(call: Call) -> TakenBack:
    """Undo the rejections of a batch that still stand, 200 at most; repeat while `more` is true.

    The comments wait again, held by this key.
    """
    asked: UndoRejectedRequest = call.body
    return await call.request.app[keys.AUTHOR_STATUS].undo_rejected(_moderator(call), asked.batch)


async def _author(call: Call) -> str:
    return await call.request.app[keys.AUTHORS].stored_id(call.key.site, call.id)


def _moderator(call: Call) -> Moderator:
    return Moderator(call.key.site, call.key.name, may_overrule=True, role="admin key")


OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/authors/{id}/status",
        handler=show_author_status,
        scope=Scope.REVIEW,
        tag="Authors",
        summary="The status of an author, with its history.",
        answer=Standing,
        problems=(503,),
    ),
    Operation(
        method="PUT",
        path="/v1/authors/{id}/status",
        handler=set_author_status,
        scope=Scope.ADMIN,
        tag="Authors",
        summary="Set the status of an author.",
        body=StatusRequest,
        answer=Standing,
        problems=(409, 503),
    ),
    Operation(
        method="POST",
        path="/v1/authors/{id}/status:undo",
        handler=undo_author_status,
        scope=Scope.ADMIN,
        tag="Authors",
        summary="Undo the last change of an author's status.",
        body=UndoStatusRequest,
        answer=Standing,
        problems=(409, 503),
    ),
    Operation(
        method="POST",
        path="/v1/authors/{id}:reject-waiting",
        handler=reject_waiting,
        scope=Scope.ADMIN,
        tag="Authors",
        summary="Reject all comments of an author that wait.",
        body=RejectWaitingRequest,
        answer=Rejected,
        problems=(409, 503),
    ),
    Operation(
        method="POST",
        path="/v1/authors:undo-rejected",
        handler=undo_rejected,
        scope=Scope.ADMIN,
        tag="Authors",
        summary="Undo the rejections of a batch.",
        body=UndoRejectedRequest,
        answer=TakenBack,
        problems=(404, 409, 503),
    ),
)

"""Finds comments that the service does not know and the site should submit again after a loss."""

from typing import Annotated

from msgspec import Meta, Struct

from service import app_keys as keys
from service.api.operation import Call, Operation
from service.http import bodies
from service.values.access import Scope
from service.values.domain import Id


class KnownComment(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A comment that the site has; `revision` as it was answered when the site submitted it."""

    id: Id
    revision: Annotated[int, Meta(ge=1)] | None = None


class ReconcileRequest(Struct, frozen=True, forbid_unknown_fields=True):
    comments: Annotated[list[KnownComment], Meta(description="At most 1,000.")]


class ReconcileResponse(Struct, frozen=True):
    """In the order of the comments: those that are unknown here, or known in an older revision only."""

    unknown: list[KnownComment]


async def reconcile(call: Call) -> ReconcileResponse:
    """Name comments that the site has; the answer names those to submit again. Changes nothing."""
    asked: list[KnownComment] = call.body.comments
    bodies.check_count(asked, "/comments")
    found = await call.request.app[keys.STORE].comments.revisions(call.key.site, [each.id for each in asked])
    return ReconcileResponse([each for each in asked if found.get(each.id, 0) < (each.revision or 1)])


OPERATIONS = (
    Operation(
        method="POST",
        path="/v1/reconcile",
        handler=reconcile,
        scope=Scope.COMMENTS,
        tag="Comments",
        summary="Which of these comments are not known here.",
        body=ReconcileRequest,
        answer=ReconcileResponse,
        limit=bodies.MAX_BATCH_BYTES,
        problems=(503,),
    ),
)

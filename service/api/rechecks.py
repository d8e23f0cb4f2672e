"""Rechecks: labels that may be wrong, sent back to the queue for somebody else."""

from typing import Annotated

from msgspec import Meta, Struct

from service import app_keys as keys
from service.api.operation import Call, Operation
from service.api.review import moderator_of
from service.values.access import Scope
from service.values.domain import WORDS


class RecheckRequest(Struct, frozen=True, forbid_unknown_fields=True):
    label: Annotated[
        str,
        Meta(
            pattern=r"^[0-9]{1,20}-[0-9]{1,20}$(?!\n)",
            description="`cursor` of the label in GET /v1/labels.",
            extra={WORDS: "must be the cursor of a label"},
        ),
    ]


class RecheckResponse(Struct, frozen=True):
    queued: Annotated[
        bool, Meta(description="False: nothing changed, because it waits already, or two people have judged it.")
    ]


async def recheck(call: Call) -> RecheckResponse:
    """Have somebody else judge a decided comment anew, because its label may be wrong.

    The comment waits as a blind audit does: it looks like any other, and whoever judged it before is not given it. The
    decision stands meanwhile, and the site is told only if the answer changes it. Once for each revision.
    409 `nobody_else`: everybody who may decide comments has judged it, as on a site with one moderator.
    """
    asked: RecheckRequest = call.body
    queued = await call.request.app[keys.RECHECKING].recheck(moderator_of(call), call.id, asked.label)
    return RecheckResponse(queued)


OPERATIONS = (
    Operation(
        method="POST",
        path="/v1/review/{id}/recheck",
        handler=recheck,
        scope=Scope.ADMIN,
        tag="Review",
        summary="Have a label checked by somebody else.",
        body=RecheckRequest,
        answer=RecheckResponse,
        problems=(404, 409, 503),
    ),
)

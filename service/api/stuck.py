"""What is stuck in the queue."""

from service import app_keys as keys
from service.api.operation import Call, Operation
from service.cases.stuck import Stuck, stuck
from service.values.access import Scope


async def show_stuck(call: Call) -> Stuck:
    """Comments that do not get on, and why: past their due time, put back five times without an answer, assigned to
    somebody who cannot decide them any more, escalated for more than a day, or waiting while nobody may judge them.

    `POST /v1/review/{id}/assign` gives one to somebody else, and `POST /v1/review/{id}/decision` with its version
    escalates it.
    """
    return await stuck(call.request.app[keys.STORE], call.key.site)


OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/review/stuck",
        handler=show_stuck,
        scope=Scope.ADMIN,
        tag="Review",
        summary="What is stuck, and why.",
        answer=Stuck,
        problems=(503,),
    ),
)

"""The audit trail: who did what and when."""

from typing import Annotated

from msgspec import Meta, Struct

from service import app_keys as keys
from service.api.operation import Call, Operation
from service.http.cursors import Cursor, checked
from service.store.base import AuditEntry
from service.values.access import Scope


class AuditQuery(Struct, frozen=True, forbid_unknown_fields=True):
    comment: str = ""
    actor: str = ""
    after: Annotated[Cursor, Meta(description="`next` of the page before.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class AuditResponse(Struct, frozen=True):
    """`next` is where to go on, null at the end. A page can be short and still have a next one."""

    entries: list[AuditEntry]
    next: str | None


async def read_audit(call: Call) -> AuditResponse:
    query: AuditQuery = call.query
    entries, following = await call.request.app[keys.STORE].audit.page(
        call.key.site, checked(call.request, query.after), query.limit, comment=query.comment, actor=query.actor
    )
    return AuditResponse(entries, following)


OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/audit",
        handler=read_audit,
        scope=Scope.ADMIN,
        tag="Audit",
        summary="The audit trail, oldest first.",
        query=AuditQuery,
        answer=AuditResponse,
        problems=(503,),
    ),
)

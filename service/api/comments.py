"""Comments: submit, follow, report, appeal, erase."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeVar

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from service import app_keys as keys
from service import metrics
from service.api.operation import Call, Operation
from service.cases.answers import CommentResponse, Results, comment_answer
from service.http import bodies
from service.http.problems import problem_of, rendered
from service.store.fullness import PRESSED
from service.store.reports import ReportReason
from service.values.access import Scope
from service.values.domain import Comment, Id
from service.values.errors import BadRequest, Fault, ServiceError
from service.values.rules import Code

# Comments of a batch that are scored together. They take a few milliseconds.
SLICE = 50
MAX_APPEAL = 2_000
MAX_REPORT = 500
_A_CODE = re.compile(r"[a-z0-9_]{1,64}")


Answer = TypeVar("Answer", bound=Struct)


class BatchRequest(Struct, frozen=True, forbid_unknown_fields=True):
    comments: Annotated[list[Any], Meta(min_length=1, description="Each as in POST /v1/comments; checked one by one.")]


class BatchResponse(Struct, frozen=True):
    """In the order of the comments; one bad item does not spoil the others."""

    results: Results


class WaitQuery(Struct, frozen=True, forbid_unknown_fields=True):
    wait: Annotated[float, Meta(ge=0, le=60, description="Seconds to wait for a final status.")] = 0


async def submit_comment(call: Call) -> CommentResponse | web.StreamResponse:
    """Score, decide and record a comment.

    While the queue is nearly full the answer says so in `X-Queue-Pressure`: the share of what may wait, from 0.80 on.
    """
    return _under_pressure(call, await _submit(call, bodies.check_comment(call.body)))


async def submit_comments(call: Call) -> BatchResponse | web.StreamResponse:
    """The same for many at once."""
    bodies.check_count(call.body.comments, "/comments")
    results: list[Any] = []
    items = list(enumerate(call.body.comments))
    for at in range(0, len(items), SLICE):  # the event loop serves other requests between slices
        work = (_submit_one(call, item, f"/comments/{index}") for index, item in items[at : at + SLICE])
        results += await asyncio.gather(*work)
    return _under_pressure(call, BatchResponse(results))


async def follow_comment(call: Call) -> CommentResponse:
    """Where a comment stands; with `wait`, as soon as that is final."""
    record = await call.request.app[keys.MODERATION].follow(call.key.site, call.id, call.query.wait)
    return comment_answer(call.key.site, record)


class ReportRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A reader's flag. Who reports is kept as a keyed hash. `kind` and `reason` are shown to moderators.

    A `reason` that is a code, such as `spam`, counts as the kind if there is none.
    """

    reporter: Id
    kind: Annotated[Code | None, Meta(description="What it is, as a code of the site's own; counted.")] = None
    reason: Annotated[
        str, Meta(description=f"What the reader says. Cut to {MAX_REPORT} characters; kept for 50 readers.")
    ] = ""


class ReportsResponse(Struct, frozen=True):
    """`readers`: how many reported it. `halved`: how many of them count half; see `reports_discount` of the policy.

    `kinds`: how often each was named. `reasons`: what readers said, those of 50 readers at most, oldest first.
    """

    readers: int
    halved: int
    kinds: Mapping[str, int]
    reasons: Sequence[ReportReason]


class AppealRequest(Struct, frozen=True, forbid_unknown_fields=True):
    reason: Annotated[
        str, Meta(description=f"What the author says; shown to the moderator. Cut to {MAX_APPEAL} characters.")
    ] = ""


async def report_comment(call: Call) -> CommentResponse:
    """Count a reader's report; enough distinct readers bring an approved comment back to the queue.

    Of several reports of one reader the first one counts.
    """
    asked: ReportRequest = call.body
    kind, text = asked.kind or "", bodies.cut(asked.reason.strip(), MAX_REPORT)
    if not kind and _A_CODE.fullmatch(text):
        kind, text = text, ""
    record = await call.request.app[keys.MODERATION].report(call.key.site, call.id, asked.reporter, kind, text)
    return comment_answer(call.key.site, record)


async def show_reports(call: Call) -> ReportsResponse:
    """What readers said of the comment as it is now. Who they are is not told."""
    store = call.request.app[keys.STORE]
    record = await store.comments.get(call.key.site, call.id)
    found = await store.reports.of(call.key.site, call.id)
    return ReportsResponse(record.reports, record.halved, found.kinds, found.reasons)


async def appeal_comment(call: Call) -> CommentResponse:
    """Bring a rejected comment back to the queue, for somebody who did not reject it. It stays down meanwhile."""
    record = await call.request.app[keys.COMPLAINTS].appeal(
        call.key.site, call.id, bodies.cut(call.body.reason, MAX_APPEAL)
    )
    return comment_answer(call.key.site, record)


async def erase_comment(call: Call) -> None:
    """Erase text, author and metadata everywhere; the id, the outcome and the times stay."""
    await call.request.app[keys.STORE].comments.erase(call.key.site, call.id, call.key.name)


def _under_pressure(call: Call, answer: Answer) -> Answer | web.StreamResponse:
    pressure = call.request.app[keys.STORE].fullness.of(call.key.site)
    if pressure < PRESSED:
        return answer
    return web.json_response(body=msgspec.json.encode(answer), headers={"X-Queue-Pressure": f"{min(pressure, 1):.2f}"})


async def _submit(call: Call, comment: Comment, at: str = "") -> CommentResponse:
    if comment.callback_url and (problem := call.request.app[keys.WEBHOOKS].refusal(comment.callback_url)):
        where = f"{at}/callback_url"
        raise BadRequest(f"{where}: {problem}", [Fault(where, problem)])
    record = await call.request.app[keys.MODERATION].submit(call.key, comment)
    metrics.DECISIONS.labels(record.decision).inc()
    return comment_answer(call.key.site, record)


async def _submit_one(call: Call, item: Any, at: str) -> Any:  # noqa: ANN401 - any JSON in, an answer or a problem out
    try:
        return await _submit(call, bodies.check_comment(bodies.shape(item, Comment, at), at), at)
    except ServiceError as error:
        return rendered(problem_of(error))


OPERATIONS = (
    Operation(
        method="POST",
        path="/v1/comments",
        handler=submit_comment,
        scope=Scope.COMMENTS,
        tag="Comments",
        summary="Score, decide and record a comment.",
        body=Comment,
        answer=CommentResponse,
        problems=(409, 503),
        is_hot=True,
    ),
    Operation(
        method="POST",
        path="/v1/comments:batch",
        handler=submit_comments,
        scope=Scope.COMMENTS,
        tag="Comments",
        summary="The same for up to 1,000 comments.",
        body=BatchRequest,
        answer=BatchResponse,
        limit=bodies.MAX_BATCH_BYTES,
    ),
    Operation(
        method="GET",
        path="/v1/comments/{id}",
        handler=follow_comment,
        scope=Scope.COMMENTS,
        tag="Comments",
        summary="Where a comment stands.",
        query=WaitQuery,
        answer=CommentResponse,
        problems=(404, 503),
    ),
    Operation(
        method="POST",
        path="/v1/comments/{id}/report",
        handler=report_comment,
        scope=Scope.COMMENTS,
        tag="Comments",
        summary="A reader's flag.",
        body=ReportRequest,
        answer=CommentResponse,
        problems=(404, 503),
    ),
    Operation(
        method="GET",
        path="/v1/comments/{id}/reports",
        handler=show_reports,
        scope=Scope.REVIEW,
        tag="Comments",
        summary="What readers said when they reported it.",
        answer=ReportsResponse,
        problems=(404, 503),
    ),
    Operation(
        method="POST",
        path="/v1/comments/{id}/appeal",
        handler=appeal_comment,
        scope=Scope.COMMENTS,
        tag="Comments",
        summary="The author asks for another look.",
        body=AppealRequest,
        answer=CommentResponse,
        problems=(404, 409, 503),
    ),
    Operation(
        method="DELETE",
        path="/v1/comments/{id}",
        handler=erase_comment,
        scope=Scope.COMMENTS,
        tag="Comments",
        summary="Erase what is personal.",
        status=204,
        problems=(503,),
    ),
)

"""Notices by readers: a receipt and an outcome for each (article 16 of the EU's Digital Services Act)."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from service import app_keys as keys
from service.api.operation import Call, Operation
from service.cases.notices import MOST_CHARS, GivenNotice, NoticeHandling
from service.http import bodies
from service.http.origin import own_origin
from service.values.access import Scope
from service.values.domain import Id
from service.values.errors import BadRequest, Fault
from service.values.notices import MOST_NOTICES, NoticeOutcome
from service.values.rules import Code


class NoticeRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A reader's notice. Who gives it is kept as a keyed hash: the site keeps the name and the e-mail address."""

    reporter: Id
    explanation: Annotated[
        str, Meta(min_length=1, description=f"Why it may not stay. Not blank; cut to {MOST_CHARS:,} characters.")
    ]
    kind: Annotated[Code | None, Meta(description="What it is, as a code of the site's own; counted.")] = None


class NoticeResponse(Struct, frozen=True, kw_only=True):
    """A notice: the receipt while `outcome` is open, then the decision.

    `texts`: the same in words, by language, for whoever gave notice. `page_url`: a page with them, for that person
    alone: nobody can guess its address. `name` and `email`: as written in the form for readers, else empty. What the
    reader wrote is empty once it was erased.
    """

    id: str
    comment_id: str
    revision: int
    kind: str
    explanation: str
    name: str
    email: str
    received_at: datetime
    outcome: Annotated[NoticeOutcome, Meta(description="`withdrawn`: the comment was erased before a decision.")]
    decided_at: datetime | None
    automated: Annotated[bool, Meta(description="No person decided, but the automatic step or expiry.")]
    complaint_until: datetime | None
    complaint_url: str | None
    dispute_url: str | None
    page_url: str
    texts: dict[str, str]


class NoticesResponse(Struct, frozen=True):
    """Oldest first."""

    notices: list[NoticeResponse]
    left: Annotated[int, Meta(description=f"How many more the comment takes, of {MOST_NOTICES} in all.")]


class NoticedQuery(Struct, frozen=True, forbid_unknown_fields=True):
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class NoticedResponse(Struct, frozen=True):
    """A comment with open notices, and since when the oldest of them waits."""

    comment_id: str
    since: datetime


class OpenNoticesResponse(Struct, frozen=True):
    """Those that wait longest first."""

    comments: list[NoticedResponse]


async def give_notice(call: Call) -> NoticeResponse:
    """Give notice of a comment; the answer is the receipt.

    The comment returns to the queue at once if it was approved, and counts as reported. A reader has one notice of each
    revision: the same again is answered with the first receipt. Whatever decides the comment decides the notice;
    `decision.created` names it in `notices`. 409 `dsa_off`: the site's policy does not say that it is in scope. 409
    `too_many_notices`: the comment has had 200, answered or not; `current` has the outcome of the last one.
    """
    asked: NoticeRequest = call.body
    said = asked.explanation.strip()
    if not said:
        raise BadRequest("/explanation: must not be blank", [Fault("/explanation", "must not be blank")])
    text = bodies.cut(said, MOST_CHARS)
    return _answer(call, await _notices(call).give(call.key.site, call.id, asked.reporter, asked.kind or "", text))


async def list_notices(call: Call) -> NoticesResponse:
    """The notices of a comment, also after the comment itself is not kept any more."""
    found = [_answer(call, each) for each in await _notices(call).of(call.key.site, call.id)]
    return NoticesResponse(found, max(0, MOST_NOTICES - len(found)))


async def show_notice(call: Call) -> NoticeResponse:
    """One notice: where it stands, and what to tell whoever gave it."""
    return _answer(call, await _notices(call).one(call.key.site, call.id, call.request.match_info["notice"]))


async def list_open_notices(call: Call) -> OpenNoticesResponse:
    """Comments that wait with notices, those that wait longest first."""
    query: NoticedQuery = call.query
    found = await _notices(call).waiting(call.key.site, query.limit)
    return OpenNoticesResponse([NoticedResponse(each.id, each.since) for each in found])


def _notices(call: Call) -> NoticeHandling:
    return call.request.app[keys.NOTICES]


def _answer(call: Call, given: GivenNotice) -> NoticeResponse:
    notice, answer = given
    return NoticeResponse(
        id=notice.id,
        comment_id=notice.comment,
        revision=notice.revision,
        kind=notice.kind,
        explanation=notice.text,
        name=notice.name,
        email=notice.email,
        received_at=notice.at,
        outcome=notice.outcome,
        decided_at=notice.decided_at,
        automated=answer.automated,
        complaint_until=answer.complaint_until,
        complaint_url=answer.complaint_url,
        dispute_url=answer.dispute_url,
        page_url=_notices(call).page_url(own_origin(call.request), call.key.site, notice),
        texts=answer.texts,
    )


OPERATIONS = (
    Operation(
        method="POST",
        path="/v1/comments/{id}/notices",
        handler=give_notice,
        scope=Scope.COMMENTS,
        tag="Comments",
        summary="A reader gives notice of a comment.",
        body=NoticeRequest,
        answer=NoticeResponse,
        problems=(404, 409, 503),
    ),
    Operation(
        method="GET",
        path="/v1/comments/{id}/notices",
        handler=list_notices,
        scope=Scope.COMMENTS,
        tag="Comments",
        summary="The notices of a comment.",
        answer=NoticesResponse,
        problems=(409, 503),
    ),
    Operation(
        method="GET",
        path="/v1/comments/{id}/notices/{notice}",
        handler=show_notice,
        scope=Scope.COMMENTS,
        tag="Comments",
        summary="Where a notice stands.",
        answer=NoticeResponse,
        problems=(404, 409, 503),
    ),
    Operation(
        method="GET",
        path="/v1/notices",
        handler=list_open_notices,
        scope=Scope.COMMENTS,
        or_scope=Scope.REVIEW,
        tag="Comments",
        summary="Comments whose notices wait for a decision.",
        query=NoticedQuery,
        answer=OpenNoticesResponse,
        problems=(409, 503),
    ),
)

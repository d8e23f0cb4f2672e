"""Reviewing: claim, decide, extend, release, undo."""

import asyncio
from typing import Annotated, Any

from msgspec import Meta, Struct

from service import app_keys as keys
from service.api.operation import Call, Operation
from service.cases.answers import CommentResponse, Results, ReviewItem, comment_answer, decided_answer, review_item
from service.cases.approvals import check_bulk
from service.cases.reviewing import Moderator, ReviewWorkflow, new_batch
from service.http import bodies
from service.http.admission import bearer, held
from service.http.problems import problem_of, rendered
from service.http.shapes import pointer
from service.store.base import Record
from service.store.review import Answer, Filter
from service.values.access import Scope
from service.values.domain import A_CODE, WORDS, Id, Lease, Verdict
from service.values.errors import BadRequest, Fault, NotFound, ServiceError, Unauthenticated


class ClaimRequest(Struct, frozen=True, forbid_unknown_fields=True):
    count: Annotated[int, Meta(ge=1, le=20)] = 10
    lease_seconds: Annotated[int, Meta(ge=5, le=3600, description="Unset: as the service is set.")] | None = None
    wait: Annotated[float, Meta(ge=0, le=25, description="Seconds to wait while nothing is there.")] = 0
    filter: Filter = Filter()


class ClaimResponse(Struct, frozen=True):
    items: list[ReviewItem]


class DecisionRequest(Struct, frozen=True, forbid_unknown_fields=True):
    decision: Verdict
    lease: Annotated[str, Meta(max_length=64)] | None = None
    reason: Annotated[
        str,
        Meta(
            max_length=64,
            pattern=r"^[a-z0-9_]*$(?!\n)",
            description="A code of the site's own.",
            extra={WORDS: A_CODE},
        ),
    ] = ""
    labels: Annotated[
        dict[str, bool], Meta(description="What the text is, by attribute; what is not said stays open.")
    ] = {}
    note: Annotated[str, Meta(max_length=2000)] = ""
    version: (
        Annotated[
            int,
            Meta(ge=1, description="Decide only this version. With the scope admin, also without a lease."),
        ]
        | None
    ) = None


class DecisionForId(DecisionRequest, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: Id


class DecisionsRequest(Struct, frozen=True, forbid_unknown_fields=True):
    decisions: Annotated[list[Any], Meta(min_length=1, max_length=200)]


class DecisionsResponse(Struct, frozen=True):
    results: Results


class ExtendRequest(Struct, frozen=True, forbid_unknown_fields=True):
    lease: Annotated[str, Meta(max_length=64)]
    lease_seconds: Annotated[int, Meta(ge=5, le=3600)] | None = None


class ReleaseRequest(Struct, frozen=True, forbid_unknown_fields=True):
    lease: Annotated[str, Meta(max_length=64)]
    skip: Annotated[bool, Meta(description="Keep it from this moderator for a day.")] = False


class AssignRequest(Struct, frozen=True, forbid_unknown_fields=True):
    to: (
        Annotated[str, Meta(max_length=64, description="The name of a moderator or of a key; null: nobody any more.")]
        | None
    )


class UndoRequest(Struct, frozen=True, forbid_unknown_fields=True):
    version: Annotated[int, Meta(ge=1, description="Of the decision; unset: the last one, whichever it is.")] | None = (
        None
    )
    lease_seconds: Annotated[int, Meta(ge=5, le=3600)] | None = None


class ReopenRequest(Struct, frozen=True, forbid_unknown_fields=True):
    version: Annotated[int, Meta(ge=1, description="Reopen only this version.")] | None = None


class UndoDecisionsRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """The ids and versions that a bulk decision answered."""

    decisions: Annotated[list[Any], Meta(min_length=1, max_length=200)]


class UndoForId(UndoRequest, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: Id


async def claim(call: Call) -> ClaimResponse:
    """Lease the most urgent comments to the caller, whose own live leases come first.

    A filter looks at the 20,000 most urgent comments; what lies behind them is found when it has moved up.
    """
    asked: ClaimRequest = call.body

    async def still() -> None:
        if call.request.transport is None:  # lease nothing to a client that disconnected while it waited
            raise NotFound("whoever asked has gone")
        if await held(call.request, bearer(call.request)) is None:
            raise Unauthenticated

    found = await _reviewing(call).claim(
        moderator_of(call), asked.count, asked.filter, lease_s=asked.lease_seconds, wait_s=asked.wait, still=still
    )
    return ClaimResponse([_item(call, record) for record in found])


async def decide(call: Call) -> CommentResponse:
    """Decide a comment. Exactly one decision wins; the same request again is answered the same."""
    return await _decide(call, call.id, call.body, "")


async def decide_many(call: Call) -> DecisionsResponse:
    """Decide many at once; each is answered by itself.

    409 `second_person_needed`: the policy says that so many take two people (`POST /v1/approvals`).
    """
    check_bulk(call.request.app[keys.DIRECTORY].policy(call.key.site), len(call.body.decisions))
    batch = new_batch()
    results = await asyncio.gather(
        *(_decide_one(call, item, f"/decisions/{index}", batch) for index, item in enumerate(call.body.decisions))
    )
    return DecisionsResponse(list(results))


async def extend(call: Call) -> ReviewItem:
    """More time for a comment that the caller holds."""
    asked: ExtendRequest = call.body
    lease = _lease(asked.lease, "/lease")
    return _item(call, await _reviewing(call).extend(moderator_of(call), call.id, lease, asked.lease_seconds))


async def release(call: Call) -> None:
    """Put a comment back where it was."""
    asked: ReleaseRequest = call.body
    await _reviewing(call).release(moderator_of(call), call.id, _lease(asked.lease, "/lease"), skip=asked.skip)


async def assign(call: Call) -> ReviewItem:
    """Assign a waiting comment to one person, or take the assignment back (`"to": null`).

    A claim of that person returns it first. Others are not offered it until three quarters of the time until it is due
    are over, and ten minutes at least (`reserved_until`); until then they cannot take or decide it either, unless they
    assign it to themselves. An assignment ends with the decision, an escalation, or when that person skips the comment.
    """
    asked: AssignRequest = call.body
    record = await call.request.app[keys.ASSIGNING].assign(moderator_of(call), call.id, asked.to or "")
    return _item(call, record)


async def undo(call: Call) -> ReviewItem:
    """Take the caller's last decision back: the comment is pending again, the label is withdrawn, the site is told.

    While the decision was still held back, nobody hears of it. What was decided while it was escalated is escalated
    again, and leased to nobody.
    """
    return await _undo(call, call.id, call.body)


async def undo_many(call: Call) -> DecisionsResponse:
    """Take many back at once, as after a bulk decision; each is answered by itself."""
    batch = new_batch()
    results = await asyncio.gather(
        *(_undo_one(call, item, f"/decisions/{index}", batch) for index, item in enumerate(call.body.decisions))
    )
    return DecisionsResponse(list(results))


async def reopen(call: Call) -> CommentResponse:
    """Bring a decided comment back to the queue, for somebody who did not decide it; until then its status stands."""
    asked: ReopenRequest = call.body
    record = await _reviewing(call).reopen(moderator_of(call), call.id, asked.version)
    return comment_answer(call.key.site, record)


async def _undo(call: Call, comment_id: str, asked: UndoRequest, batch: str = "") -> ReviewItem:
    record = await _reviewing(call).undo(
        moderator_of(call), comment_id, version=asked.version, lease_s=asked.lease_seconds, batch=batch
    )
    return _item(call, record)


async def _undo_one(call: Call, item: Any, at: str, batch: str) -> Any:  # noqa: ANN401 - any JSON in, an answer or a problem out
    try:
        asked = bodies.shape(item, UndoForId, at)
        return await _undo(call, asked.id, asked, batch)
    except ServiceError as error:
        return rendered(problem_of(error))


def _reviewing(call: Call) -> ReviewWorkflow:
    return call.request.app[keys.REVIEWING]


def moderator_of(call: Call) -> Moderator:
    is_admin = Scope.ADMIN in call.key.scopes
    return Moderator(call.key.site, call.key.name, may_overrule=is_admin, role="admin key" if is_admin else "key")


def _item(call: Call, record: Record) -> ReviewItem:
    show_scores = call.request.app[keys.DIRECTORY].shows_scores(call.key.site)
    return review_item(call.key.site, record, holder=call.key.name, show_scores=show_scores)


async def _decide_one(call: Call, item: Any, at: str, batch: str) -> Any:  # noqa: ANN401 - any JSON in, an answer or a problem out
    try:
        asked = bodies.shape(item, DecisionForId, at)
        return await _decide(call, asked.id, asked, at, batch)
    except ServiceError as error:
        return rendered(problem_of(error))


async def _decide(call: Call, comment_id: str, asked: DecisionRequest, at: str, batch: str = "") -> CommentResponse:
    _check_labels(asked.labels, call.request.app[keys.MODERATION].attributes(call.key.site), at)
    who = moderator_of(call)
    if asked.lease is None and not who.may_overrule:
        raise BadRequest(f"{at}/lease: required", [Fault(f"{at}/lease", "required; claim the comment first")])
    lease = None if asked.lease is None else _lease(asked.lease, f"{at}/lease")
    answer = Answer(asked.decision, lease, asked.reason, asked.labels, asked.note, version=asked.version)
    record = await _reviewing(call).decide(who, comment_id, answer, batch=batch, at=f"{at}/reason")
    return decided_answer(call.key.site, record)


def _check_labels(labels: dict[str, bool], known: tuple[str, ...], at: str) -> None:
    for name in labels:
        if name not in known:
            where = pointer(at, "labels", name)
            detail = f"not an attribute of this model, which has {', '.join(known)}"
            raise BadRequest(f"{where}: {detail}", [Fault(where, detail)])


def _lease(text: str, at: str) -> Lease:
    lease = Lease.parse(text)
    if lease is None:
        raise BadRequest(f"{at}: not a lease of ours", [Fault(at, "not a lease of ours")])
    return lease


def _operation(
    name: str,
    handler: Any,  # noqa: ANN401 - of any signature
    body: type,
    answer: type | None,
    summary: str,
    *,
    scope: Scope = Scope.REVIEW,
    **more: Any,  # noqa: ANN401 - route's own options
) -> Operation:
    return Operation(
        method="POST",
        path=f"/v1/review/{name}",
        handler=handler,
        scope=scope,
        tag="Review",
        summary=summary,
        body=body,
        answer=answer,
        **more,
    )


OPERATIONS = (
    _operation("claim", claim, ClaimRequest, ClaimResponse, "Lease the most urgent comments.", problems=(503,)),
    _operation(
        "decisions",
        decide_many,
        DecisionsRequest,
        DecisionsResponse,
        "Decide many comments.",
        limit=bodies.MAX_BATCH_BYTES,
        problems=(409,),
    ),
    _operation(
        "{id}/decision", decide, DecisionRequest, CommentResponse, "Decide a comment.", problems=(404, 409, 503)
    ),
    _operation("{id}/extend", extend, ExtendRequest, ReviewItem, "Keep a comment longer.", problems=(404, 409, 503)),
    _operation(
        "{id}/release", release, ReleaseRequest, None, "Put a comment back.", status=204, problems=(404, 409, 503)
    ),
    _operation(
        "{id}/assign", assign, AssignRequest, ReviewItem, "Assign a comment to a person.", problems=(404, 409, 503)
    ),
    _operation("{id}/undo", undo, UndoRequest, ReviewItem, "Take a decision back.", problems=(404, 409, 503)),
    _operation(
        "undo", undo_many, UndoDecisionsRequest, DecisionsResponse, "Take many back.", limit=bodies.MAX_BATCH_BYTES
    ),
    _operation(
        "{id}/reopen",
        reopen,
        ReopenRequest,
        CommentResponse,
        "Have a decided comment judged anew.",
        scope=Scope.ADMIN,
        problems=(404, 409, 503),
    ),
)

"""The feed: a stream for consoles, pages for sites that cannot take webhooks."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Annotated, Any

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from service import app_keys as keys
from service.api.operation import JSON, Call, Operation
from service.cases.statements import PAGES, dsa_of, page_url
from service.http.admission import bearer, held
from service.http.cursors import Cursor, checked
from service.http.origin import own_origin
from service.http.stream import STREAM, follow
from service.store.base import instant
from service.store.events import Events, FeedEvent
from service.values.access import Scope
from service.values.complaints import ComplaintOutcome
from service.values.domain import Status
from service.values.errors import Forbidden
from service.values.notices import NoticesTold


class EventsQuery(Struct, frozen=True, forbid_unknown_fields=True):
    after: Annotated[Cursor, Meta(description="`next` of the page before.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class EventResponse(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What happened to a comment, to the status of an author, an article or a section, or to a promise.

    `type` as in webhooks. Of several events of one of these, the highest version counts. `author`, `article`,
    `section`, `by`, `why` and `until` are those of `author.status_changed` and `article.status_changed`, `promise` and
    `policy` of `promise.broken`; the others are about a comment.
    """

    type: str
    comment_id: str | None = None
    author: Annotated[str | None, Meta(description="The stored id.")] = None
    article: str | None = None
    section: str | None = None
    revision: int | None = None
    version: int
    at: datetime
    status: str
    decided_by: str | None = None
    decision: str | None = None
    reason: str | None = None
    reason_texts: Annotated[
        dict[str, str] | None, Meta(description="The site's own words for the reason, by language.")
    ] = None
    notices: Annotated[
        NoticesTold | None, Meta(description="Notices of readers that have this outcome since the event.")
    ] = None
    complaint: Annotated[
        ComplaintOutcome | None,
        Meta(description="What became of the author's appeal; `open` if that was undone."),
    ] = None
    page_url: Annotated[
        str | None,
        Meta(description="The author's page with the statement of reasons, if rejected on a site in scope (DSA)."),
    ] = None
    by: str | None = None
    why: str | None = None
    until: datetime | None = None
    promise: str | None = None
    policy: str | None = None


class EventsResponse(Struct, frozen=True):
    """`next` is where to go on, also when there are no more yet: ask again with it later.

    A page can be short, or empty, because much was passed over that sites are not told; then `next` is another one.
    """

    events: list[EventResponse]
    next: str | None


async def read_events(call: Call) -> EventsResponse | web.StreamResponse:
    """What sites are told, as pages (`application/json`), or all that happens, as it happens (`text/event-stream`).

    Pages are for sites that cannot take webhooks: start without `after`, keep `next`, ask again. A decision shows once
    it is held back no more. Pages need the scope `comments`, the stream needs `review`; `Last-Event-ID` goes on after a
    break, without it the stream begins now. Both go back as far as STEWARD_EVENT_DAYS.
    """
    if STREAM in call.request.headers.get("Accept", ""):
        return await _stream(call)
    if Scope.COMMENTS not in call.key.scopes:
        raise Forbidden  # the events for sites would reveal blind audits to a moderator
    query: EventsQuery = call.query
    after = checked(call.request, query.after)
    found, following = await _events(call).site_events(call.key.site, after, query.limit)
    pages = _pages_for_authors(call)
    return EventsResponse([_answer(event, pages) for event in found], following or query.after)


def _pages_for_authors(call: Call) -> Callable[[str, int], str] | None:
    """From a comment and its revision to the page of its statement; None: the site is not in scope."""
    directory, site = call.request.app[keys.DIRECTORY], call.key.site
    if dsa_of(directory.for_people(site)) is None:
        return None
    return partial(page_url, own_origin(call.request) + PAGES, directory.salt, site)


def _answer(event: FeedEvent, pages: Callable[[str, int], str] | None) -> EventResponse:
    said = event.details
    about: dict[str, Any] = {"type": said["type"], "version": int(said["version"]), "at": event.at}
    if {"author", "article", "section"} & said.keys():
        return EventResponse(
            **about,
            author=said.get("author"),
            article=said.get("article"),
            section=said.get("section"),
            status=said["status"],
            by=said.get("by"),
            why=said.get("why"),
            until=instant(said.get("ends")),
        )
    if "promise" in said:
        return EventResponse(**about, status=said["status"], promise=said["promise"], policy=said["policy"])
    comment, revision = said["comment"], int(said["revision"])
    return EventResponse(
        **about,
        comment_id=comment,
        revision=revision,
        status=said["status"],
        decided_by=said.get("decided_by"),
        decision=said.get("decision"),
        reason=said.get("reason") or None,
        reason_texts=msgspec.json.decode(said["reason_texts"]) if said.get("reason_texts") else None,
        notices=msgspec.json.decode(said["notices"], type=NoticesTold) if said.get("notices") else None,
        complaint=ComplaintOutcome(said["complaint"]) if said.get("complaint") else None,
        page_url=pages(comment, revision) if pages and said["status"] == Status.REJECTED else None,
    )


async def _stream(call: Call) -> web.StreamResponse:
    if Scope.REVIEW not in call.key.scopes:
        raise Forbidden

    async def is_allowed() -> bool:
        return await held(call.request, bearer(call.request)) is not None

    return await follow(call.request, call.key.site, call.key.id, is_allowed)


def _events(call: Call) -> Events:
    return call.request.app[keys.STORE].events


OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/events",
        handler=read_events,
        scope=Scope.COMMENTS,
        or_scope=Scope.REVIEW,
        tag="Comments",
        summary="What became of the site's comments, as pages or as a stream.",
        query=EventsQuery,
        answer=EventsResponse,
        gives=JSON,
        problems=(503,),
    ),
)

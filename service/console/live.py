"""Live updates for the queue's pages: a stream of events, and current rows of the list."""

import asyncio
import contextlib
import secrets
from typing import Annotated, Any

from aiohttp import web
from msgspec import Meta, Struct

from service.cases.reviewing import matches
from service.console.cards import cards
from service.console.protection import check_origin
from service.console.queue import asked_in, shared
from service.console.visit import EVERYBODY, Page, Visit
from service.http.cursors import checked
from service.http.stream import HEARTBEAT, Encode, follow, line
from service.store.base import Record
from service.store.events import FeedEvent
from service.store.presence import Here
from service.values.domain import MAX_ID, State
from service.values.errors import BadRequest, NotFound, Retryable

# Events within this time are sent together, to limit the number of writes.
PAUSE_S = 0.2
MOST_ROWS = 100
# An open page says at most so often that it is open; the stream looks again every few seconds (changes.py).
SAY_HERE_S = 4.0
# Events of moderators, by their names on the page. Automatic decisions are not shown.
_GONE = frozenset({"withdrawn", "erased"})
_NAMED = frozenset({"claimed", "decided", "undone", "escalated", "assigned", "unassigned", "mentioned", "freed"})
_DONE = _NAMED - {"mentioned"} | {"queued", "released"}


class EventsSinceQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """`after`: the cursor when the page was rendered, so that no event is missed. `comment`: the only one on it."""

    after: str = ""
    comment: Annotated[str, Meta(max_length=MAX_ID)] = ""


class LiveEvent(Struct, frozen=True, omit_defaults=True):
    """An event without status and decision, so that an audit looks like any other.

    `to`: who is assigned to it now, or who held it until somebody else freed it.
    """

    id: str
    version: int
    who: str = ""
    to: str = ""


class QueueCounts(Struct, frozen=True):
    queued: int
    leased: int
    escalated: int
    frees_ms: int


class Present(Struct, frozen=True, order=True):
    """Somebody else who has a page of the queue open. `comment`: the one on it; '' for the desk and the lists."""

    who: str
    comment: str


async def stream(visit: Visit) -> web.StreamResponse:
    """Server-sent events of the session's own site, until the session ends; no more than three for each account."""
    check_origin(visit.request)
    query = visit.query(EventsSinceQuery)
    after = checked(visit.request, query.after)
    page = Here(secrets.token_urlsafe(8), visit.account.name, query.comment)
    try:
        return await follow(
            visit.request,
            visit.site,
            f"account:{visit.account.name}",
            lambda: _is_allowed(visit),
            encode=_encoder(visit, page),
            after=after,
            pause_s=PAUSE_S,
        )
    finally:
        with contextlib.suppress(Retryable):  # it is forgotten with time
            await visit.console.store.presence.left(visit.site, page)


async def _is_allowed(visit: Visit) -> bool:
    """Whether the session is valid and the account still has a role at this site."""
    found = await visit.console.store.accounts.visitor(visit.secret, visit.now, is_active=False)
    return found is not None and visit.site in found.account.roles


def _encoder(visit: Visit, page: Here) -> Encode:
    """Encodes events for the page; and the counts in its header, and who else is here, if they have changed."""
    last: QueueCounts | None = None
    others: list[Present] | None = None  # what a page knows that was connected before may be old
    say_at = 0.0

    async def encode(events: list[FeedEvent]) -> bytes:
        nonlocal last, others, say_at
        said = b"".join(_said(event, visit.account.name) for event in events)
        if events and not said:  # a position from which a client can resume
            said = b"id: %s\n\n" % events[-1].cursor.encode()
        now = await _counts(visit)
        if now != last:
            said += line("counts", now)
            last = now
        if asyncio.get_running_loop().time() >= say_at:
            say_at = asyncio.get_running_loop().time() + SAY_HERE_S
            present = await _others(visit, page)
            if present != others:
                said += line("present", present)
                others = present
        return said or HEARTBEAT

    return encode


async def _others(visit: Visit, page: Here) -> list[Present]:
    """Everybody but the visitor, by name; somebody with several pages open once for each comment on them."""
    found = await visit.console.store.presence.here(visit.site, page)
    return sorted({Present(each.name, each.comment) for each in found if each.name != page.name})


def _said(event: FeedEvent, name: str) -> bytes:
    said = event.details
    kind, who = said["kind"], said.get("moderator", "")
    if kind == "undone" and said.get("state") == State.ESCALATED:  # it waits for supervisors again
        kind = "escalated"
    if kind == "mentioned":  # only whoever is mentioned hears of it
        if name not in said["mentioned"].split(" "):
            return b""
    elif kind in _GONE:
        kind = "gone"
    elif kind not in _DONE or (kind == "decided" and not who and said.get("decided_by") != "expiry"):
        return b""
    to = said.get("holder" if kind == "freed" else "assignee", "")
    return line(kind, LiveEvent(said["comment"], int(said["version"]), who if kind in _NAMED else "", to), event.cursor)


async def _counts(visit: Visit) -> QueueCounts:
    stats = await visit.console.store.queue.stats(visit.site, 1)
    return QueueCounts(stats["queued"], stats["leased"], stats["escalated"], stats["frees_ms"])


async def show_rows(visit: Visit) -> web.StreamResponse:
    """The named comments that the list would show now."""
    asked = asked_in(visit)
    if visit.role not in asked.queued.roles:
        raise NotFound("no such queue")
    ids = visit.form.get("id", [])
    if len(ids) > MOST_ROWS:
        raise BadRequest(f"more than {MOST_ROWS} rows")
    found = await asyncio.gather(*(_now(visit, each) for each in ids))
    wanted = asked.wanted(visit)
    listed = [
        each
        for each in found
        if each and each.state is asked.queued.state and matches(each, wanted, visit.account.name)
    ]
    values: dict[str, Any] = {**await shared(visit, asked), "cards": cards(visit, listed)}
    return visit.show("rows.html", **values)


async def _now(visit: Visit, comment_id: str) -> Record | None:
    try:
        return await visit.console.store.comments.get(visit.site, comment_id)
    except NotFound:
        return None


PAGES = (
    Page(path="/stream", view=stream, roles=EVERYBODY, is_background=True),
    Page(path="/rows", view=show_rows, method="POST", roles=EVERYBODY, is_background=True),
)

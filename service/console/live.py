"""Live updates for the queue's pages: a stream of events, and current rows of the list."""

import asyncio
from typing import Any

from aiohttp import web
from msgspec import Struct

from service.cases.reviewing import matches
from service.console.cards import cards
from service.console.protection import check_origin
from service.console.queue import asked_in, shared
from service.console.visit import EVERYBODY, Page, Visit
from service.http.cursors import checked
from service.http.stream import HEARTBEAT, Encode, follow, line
from service.store.base import Record
from service.store.events import FeedEvent
from service.values.domain import State
from service.values.errors import BadRequest, NotFound

# Events within this time are sent together, to limit the number of writes.
PAUSE_S = 0.2
MOST_ROWS = 100
# Events of moderators, by their names on the page. Automatic decisions are not shown.
_GONE = frozenset({"withdrawn", "erased"})
_DONE = frozenset({"queued", "claimed", "released", "decided", "undone", "escalated"})


class EventsSinceQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """`after`: the cursor when the page was rendered, so that no event is missed."""

    after: str = ""


class LiveEvent(Struct, frozen=True, omit_defaults=True):
    """An event without status and decision, so that an audit looks like any other."""

    id: str
    version: int
    who: str = ""


class QueueCounts(Struct, frozen=True):
    queued: int
    leased: int
    escalated: int
    frees_ms: int


async def stream(visit: Visit) -> web.StreamResponse:
    """Server-sent events of the session's own site, until the session ends; no more than three for each account."""
    check_origin(visit.request)
    after = checked(visit.request, visit.query(EventsSinceQuery).after)
    return await follow(
        visit.request,
        visit.site,
        f"account:{visit.account.name}",
        lambda: _is_allowed(visit),
        encode=_encoder(visit),
        after=after,
        pause_s=PAUSE_S,
    )


async def _is_allowed(visit: Visit) -> bool:
    """Whether the session is valid and the account still has a role at this site."""
    found = await visit.console.store.accounts.visitor(visit.secret, visit.now, is_active=False)
    return found is not None and visit.site in found.account.roles


def _encoder(visit: Visit) -> Encode:
    """Encodes events for the page, and the counts in its header if they have changed."""
    last: QueueCounts | None = None

    async def encode(events: list[FeedEvent]) -> bytes:
        nonlocal last
        said = b"".join(map(_said, events))
        if events and not said:  # a position from which a client can resume
            said = b"id: %s\n\n" % events[-1].cursor.encode()
        now = await _counts(visit)
        if now != last:
            said += line("counts", now)
            last = now
        return said or HEARTBEAT

    return encode


def _said(event: FeedEvent) -> bytes:
    said = event.details
    kind, who = said["kind"], said.get("moderator", "")
    if kind == "undone" and said.get("state") == State.ESCALATED:  # it waits for supervisors again
        kind = "escalated"
    if kind in _GONE:
        kind = "gone"
    elif kind not in _DONE or (kind == "decided" and not who and said.get("decided_by") != "expiry"):
        return b""
    who = who if kind in ("claimed", "decided", "undone", "escalated") else ""
    return line(kind, LiveEvent(said["comment"], int(said["version"]), who), event.cursor)


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
    listed = [each for each in found if each and each.state is asked.queued.state and matches(each, wanted)]
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

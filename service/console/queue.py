"""The moderators' queue: one comment after another, or a list."""

import asyncio
import math
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import parse_qs, urlencode

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from service import app_keys as keys
from service.cases.answers import review_item
from service.cases.reviewing import matches
from service.console import words
from service.console.articles import AT_ONCE
from service.console.cards import WHYS, cards, full_cards
from service.console.keymap import KEYS, chosen
from service.console.macros import offered
from service.console.reasons import attribute_name
from service.console.shown import is_ours_to_open
from service.console.texts import N_
from service.console.visit import DECIDERS, EVERYBODY, OVERSEERS, SUPERVISORS, Nav, Page, Visit
from service.http import bodies
from service.store.base import Record
from service.store.review import Filter
from service.values.accounts import Role
from service.values.domain import State, Status
from service.values.errors import BadRequest, Fault, NotFound

# Leases are short and extended while the page is open, so a closed laptop soon releases its comments.
LEASE_S = 120
# Comments leased in advance: the next one appears at once, and few are withheld from others.
AHEAD = 4
LISTED = 100
WAIT_S = 25.0

# After the key for going the first digits are the queues, and these the first saved filters.
SAVED_DIGITS = "6789"

Text = Annotated[str, Meta(max_length=512)]
Score = Annotated[float, Meta(ge=0, le=1)]
# The fields by which a form selects comments, without those about the last action.
PARTS = ("queue", "view", "attribute", "article", "section", "why", "mine", "order", "words")
OF_SCORES = ("axis", "low", "high")


class Queued(NamedTuple):
    """One of the queues and the roles that see it. `why`: the cause of the comments in it, '' for any."""

    name: str
    title: str
    state: State
    why: str = ""
    roles: frozenset[Role] = EVERYBODY


QUEUES = (
    Queued("waiting", N_("Waiting"), State.QUEUED),
    Queued("reported", N_("Reported"), State.QUEUED, "reported"),
    Queued("appeals", N_("Appeals"), State.QUEUED, "appeal"),
    Queued("held", N_("Being reviewed"), State.LEASED),
    Queued("escalated", N_("Escalations"), State.ESCALATED, roles=OVERSEERS),
)


class QueueQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Filter and view. `done`, `version`, `batch`, `what`, `refused`, `by` and `copies` describe the last action.

    `order` and `words` are for the list's script, which orders and filters the rows on the page. For the view by score:
    the attribute (`axis`), the range (`low` to `high`), and whether all are selected.
    """

    queue: Literal["waiting", "reported", "appeals", "held", "escalated"] = "waiting"
    view: Literal["desk", "list", "scores"] = "desk"
    attribute: Text = ""
    article: Text = ""
    section: Text = ""
    why: Text = ""
    mine: Literal["", "1"] = ""
    order: Literal["due", "newest", "oldest", "author", "article"] = "due"
    words: Annotated[str, Meta(max_length=100)] = ""
    axis: Text = ""
    low: Score = 0.0
    high: Score = 1.0
    all: bool = False
    cursor: Annotated[int, Meta(ge=0, le=2**53)] = 0
    done: Text = ""
    version: Annotated[int, Meta(ge=0)] = 0
    batch: Text = ""
    what: Text = ""
    refused: Text = ""
    by: Text = ""
    copies: Annotated[int, Meta(ge=0)] = 0

    @property
    def queued(self) -> Queued:
        return next(each for each in QUEUES if each.name == self.queue)

    @property
    def is_filtered(self) -> bool:
        return bool(self.attribute or self.article or self.section or self.why)

    def wanted(self, visit: Visit) -> Filter:
        return Filter(
            self.attribute or None,
            self.article or None,
            self.section or None,
            self.queued.why or self.why or None,
            mine=bool(self.mine),
            avoid=visit.preferences.avoided,
        )

    def link(self, **other: object) -> str:
        """The query for the same comments with changes, without the last action."""
        fields = {name: getattr(self, name) for name in (*PARTS, *OF_SCORES)} | other
        path = "/scores" if fields["view"] == "scores" else "/queue"
        if path == "/scores":
            del fields["view"], fields["mine"]
        else:
            fields = {name: value for name, value in fields.items() if name not in OF_SCORES}
        said = {name: value for name, value in fields.items() if value not in ("", 0, None, DEFAULTS.get(name))}
        return f"{path}?{urlencode(said)}" if said else path


DEFAULTS: dict[str, object] = {"queue": "waiting", "view": "desk", "order": "due", "high": 1.0}


class SavedLink(NamedTuple):
    """A saved filter. `digit`: the key that opens it after the one for going, or ""."""

    name: str
    link: str
    is_shared: bool
    is_current: bool
    may_change: bool
    digit: str


async def show_queue(visit: Visit) -> web.StreamResponse:
    asked = visit.query(QueueQuery)
    if visit.role not in asked.queued.roles:
        raise NotFound(N_("There is no such queue."))
    if asked.view == "scores":
        return visit.go(asked.link())
    is_desk = asked.view == "desk" and asked.queued.state is State.QUEUED and visit.role in DECIDERS
    return await (_desk(visit, asked) if is_desk else _list(visit, asked))


async def _desk(visit: Visit, asked: QueueQuery) -> web.StreamResponse:
    """The comments that this moderator holds. Showing the page leases nothing; a form or the script does."""
    after = await visit.console.store.events.latest(visit.site)  # read first: the stream reports all that follows
    held = await _held(visit, asked)
    found = await full_cards(visit, held)
    return visit.show("desk.html", **await head(visit, asked), cards=found, ahead=AHEAD, after=after)


async def _held(visit: Visit, asked: QueueQuery) -> list[Record]:
    """The requested ones of the moderator's leases. The others expire."""
    held = await visit.reviewing.held(visit.moderator)
    return [record for record in held if matches(record, asked.wanted(visit), visit.account.name)]


async def _list(visit: Visit, asked: QueueQuery) -> web.StreamResponse:
    after = await visit.console.store.events.latest(visit.site)
    wanted, viewer = asked.wanted(visit), visit.account.name
    found = await visit.reviewing.listed(visit.site, asked.queued.state, wanted, asked.cursor, LISTED, viewer=viewer)
    return visit.show(
        "list.html",
        **await head(visit, msgspec.structs.replace(asked, view="list")),
        cards=cards(visit, found.records),
        following=found.following,
        after=after,
        original=None,
        reason=None,
        held_here=await _held_here(visit, asked) if not found.records else 0,
    )


async def _held_here(visit: Visit, asked: QueueQuery) -> int:
    """How many comments that would stand in this list somebody reviews at the moment; at most LISTED."""
    if asked.queued.state is not State.QUEUED:
        return 0
    wanted, viewer = asked.wanted(visit), visit.account.name
    held = await visit.reviewing.listed(visit.site, State.LEASED, wanted, 0, LISTED, viewer=viewer)
    return len(held.records)


async def head(visit: Visit, asked: QueueQuery) -> dict[str, Any]:
    """What pages need that show the head of the queue, beside what `shared` gives."""
    return {**await shared(visit, asked), "saved": await _saved(visit, asked)}


async def _saved(visit: Visit, asked: QueueQuery) -> list[SavedLink]:
    """The visitor's own filters, then the site's; without those of queues that the visitor does not see."""
    filters, names = visit.console.store.filters, {each.name for each in QUEUES if visit.role in each.roles}
    own, common = await asyncio.gather(filters.of(visit.site, visit.account.name), filters.of(visit.site, ""))
    found = [(each, False) for each in own] + [(each, True) for each in common]
    seen = [(each, is_shared) for each, is_shared in found if _queue_in(each.query) in names]
    here = asked.link(view="list")
    return [
        SavedLink(
            each.name,
            link := f"/queue?{each.query}",
            is_shared,
            asked.view == "list" and link == here,
            not is_shared or each.by == visit.account.name or visit.role in SUPERVISORS,
            SAVED_DIGITS[place : place + 1],
        )
        for place, (each, is_shared) in enumerate(seen)
    ]


def _queue_in(query: str) -> str:
    return parse_qs(query).get("queue", ["waiting"])[0]


async def shared(visit: Visit, asked: QueueQuery) -> dict[str, Any]:
    stats = await visit.console.store.queue.stats(visit.site, 1)
    attributes = visit.request.app[keys.MODERATION].attributes(visit.site)
    return {
        "asked": asked,
        "queues": [each for each in QUEUES if visit.role in each.roles],
        "stats": stats,
        "grounds": visit.reasons.grounds,
        "macros": offered(visit),
        "attributes": {each: attribute_name(each) for each in attributes},
        "whys": WHYS,
        "words": words,
        "at_once": AT_ONCE,
        "supervisors": SUPERVISORS,
        "deciders": DECIDERS,
        "keys": KEYS,
        "chosen": chosen(visit.preferences.keys),
        "may_decide": visit.role in DECIDERS,
        "filter_link": asked.link,
        "shows_scores": visit.request.app[keys.DIRECTORY].shows_scores(visit.site),
    }


async def claim(visit: Visit) -> web.StreamResponse:
    """Lease the next comments. The script gets them as cards, without those it has; it may wait for new ones."""
    asked = asked_in(visit)
    known = set(visit.form.get("known", ()))
    wait_s = min(WAIT_S, max(0.0, _number(visit, "wait", 0)))
    held = await visit.reviewing.held(visit.moderator)
    count = min(20, len(held) + max(1, int(_number(visit, "count", 1))))
    found = await visit.reviewing.claim(
        visit.moderator, count, asked.wanted(visit), lease_s=LEASE_S, wait_s=0 if held else wait_s, still=visit.still
    )
    if "fragment" not in visit.form:
        return visit.go(asked.link())
    wanted, viewer = asked.wanted(visit), visit.account.name
    fresh = [record for record in found if record.id not in known and matches(record, wanted, viewer)]
    return visit.show("cards.html", cards=await full_cards(visit, fresh), **await shared(visit, asked))


def asked_in(visit: Visit, prefix: str = "") -> QueueQuery:
    """The query in a form's fields with this prefix. Raises BadRequest."""
    names = (*PARTS, *OF_SCORES)
    given: dict[str, Any] = {name: visit.field(prefix + name) for name in names if visit.field(prefix + name)}
    for name in given.keys() & {"low", "high"}:
        given[name] = _number(visit, prefix + name, 0)
    return bodies.shape(given, QueueQuery)


async def show_one(visit: Visit) -> web.StreamResponse:
    """One waiting comment by id."""
    after = await visit.console.store.events.latest(visit.site)
    record = await visit.console.store.comments.get(visit.site, visit.request.match_info["id"])
    if not record.is_waiting:
        raise NotFound(N_("This comment does not wait any more."))
    if record.state is State.ESCALATED and visit.role not in OVERSEERS:
        raise NotFound(N_("It waits for a supervisor."))
    asked = QueueQuery(view="list", queue=_queue_of(record))
    is_free = record.state is not State.LEASED or record.owner == visit.account.name
    (shown,) = await full_cards(visit, [record])
    may_decide = visit.role in DECIDERS and is_free and not shown.is_reserved
    values = {**await shared(visit, asked), "may_decide": may_decide, "after": after}
    return visit.show("one.html", **values, card=shown)


async def show_copies(visit: Visit) -> web.StreamResponse:
    """What waits and is a copy of a comment, all selected for one decision."""
    after = await visit.console.store.events.latest(visit.site)
    record = await visit.console.store.comments.get(visit.site, visit.request.match_info["id"])
    asked = QueueQuery(view="list", all=True)
    found = await copies_of(visit, record.id)
    values = {
        **await head(visit, asked),
        "after": after,
        "following": None,
        "original": cards(visit, [record])[0],
        "held_here": 0,
    }
    reason = record.reason if record.status is Status.REJECTED and not record.is_waiting else None
    return visit.show("list.html", **values, cards=cards(visit, found), reason=reason, title_of=visit.reasons.title)


async def copies_of(visit: Visit, comment_id: str) -> list[Record]:
    """Comments like this one that wait for anybody, or that the visitor holds."""
    return await visit.console.store.queue.copies(visit.site, comment_id, LISTED, visit.account.name)


def _queue_of(record: Record) -> Literal["waiting", "held", "escalated"]:
    return {State.LEASED: "held", State.ESCALATED: "escalated"}.get(record.state, "waiting")  # type: ignore[return-value]


async def take(visit: Visit) -> web.StreamResponse:
    """Lease this comment and show it."""
    record = await visit.reviewing.take(visit.moderator, visit.request.match_info["id"], LEASE_S)
    if visit.wants_json:
        shown = review_item(visit.site, record, holder=visit.account.name)
        return visit.answer({"id": shown.id, "lease": shown.lease, "version": shown.version})
    return visit.go("/queue")


async def leave(visit: Visit) -> web.StreamResponse:
    """A warning page before following a link in a comment."""
    to = visit.request.query.get("to", "")
    if not is_ours_to_open(to):
        raise BadRequest(N_("This link leads nowhere that a browser should go."))
    return visit.show("leave.html", to=to)


def _number(visit: Visit, name: str, default: float) -> float:
    try:
        number = float(visit.field(name) or default)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise BadRequest(f"{name}: not a number", [Fault(f"/{name}", "not a number")])
    return number


PAGES = (
    Page(path="/queue", view=show_queue, nav=Nav(title=N_("Queue"), order=10)),
    Page(path="/queue/claim", view=claim, method="POST", roles=DECIDERS, is_background=True),
    Page(path="/queue/{id}", view=show_one),
    Page(path="/queue/{id}/copies", view=show_copies, roles=DECIDERS),
    Page(path="/queue/{id}/take", view=take, method="POST", roles=DECIDERS),
    Page(path="/leave", view=leave),
)

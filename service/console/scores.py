"""The view by score: waiting comments on one axis for each attribute; a range can be decided at once."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

import msgspec
from aiohttp import web

from service import app_keys as keys
from service.cases.answers import shows_scores
from service.console.cards import cards
from service.console.queue import LISTED, QueueQuery, head, shared
from service.console.texts import N_
from service.console.visit import EVERYBODY, Page, Visit
from service.store.base import Record
from service.values.accounts import Role
from service.values.domain import State
from service.values.errors import BadRequest, Fault, NotFound
from service.values.policy import Thresholds

# At most this many, the most urgent ones, because each is read for this page.
MOST = 5_000
BINS = 100
# Positions match those of a range input: from the middle of the handle at 0 to its middle at 1.
LEFT, RIGHT = 20, 980
HIGH, LOW = 12, 8  # maximum height of a column in dots, for the selected axis and for others
STEP = 14


@dataclass(frozen=True, slots=True)
class Axis:
    """The dots of an attribute as an SVG path. `each`: the number of comments per dot."""

    attribute: str
    path: str
    each: int
    height: int
    marks: Sequence[int]


Scored = Sequence[tuple[Record, Mapping[str, float]]]


async def show_scores(visit: Visit) -> web.StreamResponse:
    asked = msgspec.structs.replace(visit.query(QueueQuery), view="scores")
    if visit.role not in asked.queued.roles or asked.queued.state is not State.QUEUED:
        raise NotFound(N_("There is no such queue."))
    if not asked.low <= asked.high:
        raise BadRequest("low: above high", [Fault("/low", "above high")])
    directory = visit.request.app[keys.DIRECTORY]
    key = directory.shows_scores(visit.site)
    if key is None:
        may_change = visit.role is Role.ADMIN
        return visit.show("no_scores.html", **await shared(visit, asked), may_change=may_change)
    attributes = visit.request.app[keys.MODERATION].attributes(visit.site)
    axis = asked.axis or asked.attribute or attributes[0]
    if axis not in attributes:
        raise BadRequest("axis: not an attribute of this model", [Fault("/axis", "not an attribute of this model")])
    asked = msgspec.structs.replace(asked, axis=axis)
    after = await visit.console.store.events.latest(visit.site)
    waiting = await _waiting(visit, asked)
    scored = [(each, _scores(each)) for each in waiting if shows_scores(each, key)]
    scored = [(each, scores) for each, scores in scored if scores]
    within = _within(scored, asked)
    thresholds = directory.policy(visit.site).thresholds
    return visit.show(
        "scores.html",
        **await head(visit, asked),
        after=after,
        axes=[_axis(each, scored, thresholds.get(each), HIGH if each == axis else LOW) for each in attributes],
        cards=cards(visit, within[:LISTED]),
        within=len(within),
        dots=len(scored),
        without=len(waiting) - len(scored),
        is_all=len(waiting) < MOST,
        most=MOST,
    )


async def _waiting(visit: Visit, asked: QueueQuery) -> list[Record]:
    found: list[Record] = []
    position: int | None = 0
    while position is not None and position < MOST:
        some = await visit.reviewing.listed(visit.site, State.QUEUED, asked.wanted(visit), position, MOST - len(found))
        found += some.records
        position = some.following
    return found


def _scores(record: Record) -> Mapping[str, float]:
    return record.content.judgement.scores if record.content else {}


def _within(scored: Scored, asked: QueueQuery) -> list[Record]:
    """The comments in the range, highest score first."""
    found = [(scores[asked.axis], each) for each, scores in scored if asked.axis in scores]
    chosen = [(score, each) for score, each in found if asked.low <= round(score, 2) <= asked.high]
    return [each for _, each in sorted(chosen, key=lambda pair: -pair[0])]


def _axis(attribute: str, scored: Scored, limits: Thresholds | None, most: int) -> Axis:
    """A column of dots for each hundredth. If a column gets too high, each dot stands for several comments."""
    columns = Counter(round(scores[attribute] * BINS) for _, scores in scored if attribute in scores)
    each = max(1, ceil(max(columns.values(), default=0) / most))
    height = (most + 1) * STEP
    path = "".join(
        f"M{_at(column / BINS)} {height - STEP // 2 - STEP * place}h0"
        for column, count in sorted(columns.items())
        for place in range(ceil(count / each))
    )
    marks = [limit for limit in (limits.review_at, limits.reject_at) if limit is not None] if limits else []
    return Axis(attribute, path, each, height, [_at(limit) for limit in marks])


def _at(score: float) -> int:
    return round(LEFT + score * (RIGHT - LEFT))


PAGES = (Page(path="/scores", view=show_scores, roles=EVERYBODY, within="/queue"),)

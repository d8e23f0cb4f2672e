"""The thread around a comment: what Steward holds of the comments above it, beside it and below it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from service.store import Store
from service.store.base import Record
from service.store.threads import Replies
from service.values.domain import Parent, State
from service.values.errors import NotFound

# Bounds of one look: each comment above is one read after the other, the rest are read together.
MOST_ABOVE = 5
MOST_BESIDE = 5
MOST_BELOW = 10


@dataclass(frozen=True, slots=True)
class CommentThread:
    """`above`: what it answers, and so on, the nearest last. `before` and `after`: other replies to the same comment.
    `below`: replies to it. Each oldest first.

    `parent`: what the site sent of the comment that the topmost one answers, if Steward holds no more of that;
    `is_cut`: whether there is more above. `earlier`, `later`, `further`: how many more replies there are beside and
    below it.
    """

    above: list[Record] = field(default_factory=list)
    parent: Parent | None = None
    is_cut: bool = False
    before: list[Record] = field(default_factory=list)
    after: list[Record] = field(default_factory=list)
    below: list[Record] = field(default_factory=list)
    earlier: int = 0
    later: int = 0
    further: int = 0

    @property
    def is_empty(self) -> bool:
        return not (self.above or self.parent or self.before or self.after or self.below)


async def thread_of(store: Store, site: str, record: Record) -> CommentThread:
    """At most MOST_ABOVE + 2 * MOST_BESIDE + MOST_BELOW comments are read. Raises StoreUnavailable or Overloaded."""
    parent = _parent(record)
    beside, below = await asyncio.gather(
        _beside(store, site, parent, record),
        store.replies.first(site, record.id, MOST_BELOW),
    )
    (above, unknown, is_cut), before, after, replies = await asyncio.gather(
        _above(store, site, record),
        _kept(store, site, beside.before if beside else ()),
        _kept(store, site, beside.after if beside else ()),
        _kept(store, site, below.after),
    )
    return CommentThread(
        above,
        unknown,
        is_cut,
        before,
        after,
        replies,
        earlier=beside.earlier if beside else 0,
        later=beside.later if beside else 0,
        further=below.later,
    )


async def _beside(store: Store, site: str, parent: str | None, record: Record) -> Replies | None:
    if parent is None:
        return None
    at_ms = round(record.created_at.timestamp() * 1000)
    return await store.replies.around(site, parent, at_ms=at_ms, but=record.id, before=MOST_BESIDE, after=MOST_BESIDE)


async def _above(store: Store, site: str, record: Record) -> tuple[list[Record], Parent | None, bool]:
    """The comments that it answers, the nearest last; what is known of one that is not held; whether there are more."""
    found, seen, last = list[Record](), {record.id}, record
    while (parent := _parent(last)) and parent not in seen:  # a site may send a circle
        if len(found) == MOST_ABOVE:
            return found, None, True
        seen.add(parent)
        try:
            last = await store.comments.get(site, parent)
        except NotFound:
            return found, _sent(last), False
        found.insert(0, last)
    return found, None if parent or last.content is None else _sent(last), False


async def _kept(store: Store, site: str, ids: Sequence[str]) -> list[Record]:
    """Without those that have expired or were erased since."""
    found = await asyncio.gather(*(store.comments.get(site, each) for each in ids), return_exceptions=True)
    records = list[Record]()
    for each in found:
        if isinstance(each, Record) and each.state is not State.ERASED:
            records.append(each)
        elif isinstance(each, BaseException) and not isinstance(each, NotFound):
            raise each
    return records


def _parent(record: Record) -> str | None:
    parent = record.content.comment.parent if record.content else None
    return parent.id if parent and parent.id != record.id else None


def _sent(record: Record) -> Parent | None:
    return record.content.comment.parent if record.content else None

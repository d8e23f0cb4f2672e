"""The outbox: events to deliver to sites, leased to relays, and dead letters."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct

from service.background import Background
from service.redis.pipe import Pipe
from service.store.endpoint import Endpoints
from service.store.keyspace import Shard, Shards
from service.store.packing import readable
from service.store.scripts import script

DAY_S = 86_400
# Longer than all delivery attempts of an event take, and longer than a dead letter is stored.
CALLBACK_LIFE_S = 31 * DAY_S
PAGE = 200
# How many versions of a comment are searched for its dead letters.
MOST_LETTERS = 200

# webhook.test is sent at an administrator's request, not from the outbox.
EventType = Literal[
    "comment.queued",
    "decision.created",
    "decision.reverted",
    "comment.withdrawn",
    "author.status_changed",
    "article.status_changed",
    "promise.broken",
    "webhook.test",
]
Parsed = TypeVar("Parsed")

# delivered: the receiver has it. failed: try again after the delay. deferred: nothing was sent, try after the delay.
# dead: stored as a dead letter; the comment's next event may be sent.
Settlement = Literal["delivered", "failed", "deferred", "dead"]
Replayed = Literal["ok", "superseded", "busy", "unknown"]


class Event(Struct, frozen=True, kw_only=True):
    """An event as written by the script that made the change; `at` in Unix milliseconds.

    `reason_texts`: JSON by language. `notices`: those whose outcome changed, as JSON of NoticesTold.
    `complaint`: what became of the author's appeal, or `open` once more.

    `author`, `article` or `section`: whose status was changed, `by` whom and `why`, until when (`ends`, in Unix
    milliseconds). Then there is no comment, and `comment` is the name of these events (see author_status.py and
    articles.py). `promise`: the target that audits contradicted, `policy` the version that followed.
    """

    comment: str
    revision: int
    version: int
    at: int
    type: EventType
    status: str
    decided_by: str
    decision: str | None = None
    reason: str | None = None
    reason_texts: str | None = None
    notices: str | None = None
    complaint: str | None = None
    author: str | None = None
    article: str | None = None
    section: str | None = None
    by: str | None = None
    why: str | None = None
    ends: int | None = None
    promise: str | None = None
    policy: str | None = None


class Letter(Event, frozen=True, kw_only=True):
    """A dead letter: an event given up after `attempts` attempts, and why. `died` in Unix milliseconds."""

    because: str
    attempts: int
    died: int
    callback: str | None = None

    @property
    def died_at(self) -> datetime:
        return datetime.fromtimestamp(self.died / 1000, UTC)


class LetterPosition(Struct, frozen=True):
    """A position in the list of dead letters: after the named one, even if deleted. `died` in Unix milliseconds."""

    comment: str
    version: int
    died: int


class Replay(Struct, frozen=True):
    """How many letters were queued again, were removed because the receiver has a newer version, or stay because a
    newer event was being sent. `is_more`: not all letters were processed.
    """

    sent: int
    superseded: int
    busy: int
    is_more: bool


class Taken(Struct, frozen=True):
    """An event that a relay may send until its lease ends. `callback`: its URL; None: the site's own endpoint.

    `attempts`: failed ones so far. `text`: of the comment, if it was requested and is still stored.
    """

    shard: Shard
    token: int
    attempts: int
    event: Event
    callback: str | None
    text: str | None


class Take(Struct, frozen=True):
    """`next_s`: seconds until another event of this shard is due, 0: now; None: none waits."""

    events: tuple[Taken, ...]
    next_s: float | None


class Backlog(Struct, frozen=True):
    """`pending`: comments, authors and articles with undelivered events.

    `overdue_s`: how late the oldest event is, None: none is late.
    """

    pending: int
    dead: int
    overdue_s: float | None


class Outbox:
    def __init__(self, pipe: Pipe, shards: Shards, background: Background) -> None:
        self._pipe = pipe
        self._shards = shards
        self._background = background
        self.endpoints = Endpoints(pipe, shards)

    def shards(self, site: str) -> tuple[Shard, ...]:
        return self._shards.each(site)

    async def take(
        self, shard: Shard, most: int, lease_s: float, *, with_text: bool = False, pause_s: float = 0
    ) -> Take:
        """Lease up to `most` due events of one shard, each the oldest of its comment.

        `with_text`: include texts for the site's own endpoint. `pause_s`: delay its events by this long.
        """
        pause_ms = int(pause_s * 1000)
        now, following, _, token, *found = await self._pipe.run(
            _TAKE, [shard.prefix], most, int(lease_s * 1000), "1" if with_text else "", pause_ms
        )
        # An unreadable event stays in the outbox, for a release that can read it. Events of other comments are sent.
        taken = tuple(self._readable(partial(_taken, shard, token), found, shard))
        next_ms = float(following)
        return Take(taken, None if next_ms < 0 else max(0.0, (next_ms - float(now)) / 1000))

    async def settle(
        self, taken: Taken, outcome: Settlement, *, attempts: int = 0, delay_s: float = 0, because: str = ""
    ) -> float | None:
        """Record the outcome of an event. Changes nothing if another relay has taken it since, or it is settled.

        `attempts`: made so far. Returns seconds until the comment's next event is due; None: none, or not ours.
        """
        event = taken.event
        said, next_ms = await self._pipe.run(
            _SETTLE,
            [taken.shard.prefix],
            event.comment,
            event.version,
            taken.token,
            outcome,
            attempts,
            int(delay_s * 1000),
            CALLBACK_LIFE_S,
            because,
        )
        return next_ms / 1000 if said == b"ok" and next_ms >= 0 else None

    async def backlog(self, site: str) -> Backlog:
        found = [await self._pipe.run(_OUTBOX, [shard.prefix]) for shard in self.shards(site)]
        late = max(int(overdue_ms) for _, _, overdue_ms in found)
        return Backlog(sum(n for n, _, _ in found), sum(n for _, n, _ in found), late / 1000 if late >= 0 else None)

    async def about(self, site: str, comment: str, version: int) -> tuple[list[Event], list[Letter]]:
        """The pending events of a comment, and its dead letters up to `version`; oldest first."""
        shard = self._shards.of(site, comment)
        names = [f"{comment}:{each}" for each in range(max(1, version - MOST_LETTERS), version + 1)]
        waiting = await self._pipe.call("LRANGE", shard.key(f"out:q:{comment}"), 0, -1)
        dead = await self._pipe.call("HMGET", shard.key("out:letters"), *names)
        letters = [each for each in dead if each is not None]
        return list(self._readable(read_event, waiting, shard)), list(self._readable(_letter, letters, shard))

    async def letters(self, site: str, after: LetterPosition | None, limit: int) -> list[Letter]:
        """Dead letters after a position, by shard and time of death; fewer than `limit` at the end."""
        shards = self.shards(site)
        start = self._shards.of(site, after.comment).number if after else 0
        found: list[Letter] = []
        for shard in shards[start:]:
            found += await self._letters(shard, after if shard.number == start else None, limit - len(found))
            if len(found) == limit:
                break
        return found

    async def replay(self, site: str, comment: str, version: int) -> Replayed:
        """Queue a dead letter again, in order with the comment's events; never after a newer one was delivered."""
        return await self._settle_letter(site, comment, version, "replay")

    async def replay_all(self, site: str, most: int) -> Replay:
        """Queue all dead letters again, those of each comment in order; at most about `most` in one call."""
        counts: Counter[Replayed] = Counter()
        place, letters = None, await self.letters(site, None, PAGE)
        while letters and counts.total() < most:
            # Sent together and in order, so that an older letter is queued before a newer one can be sent.
            said = await asyncio.gather(*(self.replay(site, each.comment, each.version) for each in letters))
            counts.update(said)
            done = [each for each, outcome in zip(letters, said, strict=True) if outcome == "superseded"]
            await asyncio.gather(*(self.forget(site, each.comment, each.version) for each in done))
            place = LetterPosition(letters[-1].comment, letters[-1].version, letters[-1].died)
            letters = await self.letters(site, place, PAGE)
        return Replay(counts["ok"], counts["superseded"], counts["busy"], bool(letters))

    async def forget(self, site: str, comment: str, version: int) -> None:
        """Delete a dead letter."""
        await self._settle_letter(site, comment, version, "forget")

    async def purge(self, shard: Shard, before: datetime, most: int = 100) -> int:
        """Delete dead letters of one shard that died before an instant. Returns how many, at most `most`."""
        found = await self._letters(shard, None, most)
        old = [letter for letter in found if letter.died_at < before]
        for letter in old:
            await self.forget(shard.site, letter.comment, letter.version)
        return len(old)

    async def _letters(self, shard: Shard, after: LetterPosition | None, limit: int) -> list[Letter]:
        where = (after.died, f"{after.comment}:{after.version}") if after else ("", "")
        found = await self._pipe.run(_LETTERS, [shard.prefix], *where, limit)
        return list(self._readable(_letter, [letter for _, _, letter in found], shard))

    def _readable(self, read: Callable[[Any], Parsed], found: Iterable[Any], shard: Shard) -> Iterator[Parsed]:
        """Without what cannot be read, which is logged and counted."""
        for each in found:
            try:
                yield read(each)
            except Exception as error:  # noqa: BLE001 - bytes can be wrong in any way
                which = f"{shard.site}: an event cannot be read: damaged ('steward fsck'), or of a newer release"
                self._background.note("events", which, error)

    async def _settle_letter(self, site: str, comment: str, version: int, what: str) -> Replayed:
        shard = self._shards.of(site, comment)
        answer = await self._pipe.run(_SETTLE_LETTER, [shard.prefix], comment, version, what, CALLBACK_LIFE_S)
        said: Replayed = answer.decode()
        return said


_TAKE, _SETTLE, _OUTBOX = script("take_events"), script("settle_event"), script("outbox")
_LETTERS, _SETTLE_LETTER = script("letters"), script("settle_letter")

# Lua writes every value as a string.
read_event = msgspec.json.Decoder(Event, strict=False).decode
_letter = msgspec.json.Decoder(Letter, strict=False).decode


def _taken(shard: Shard, token: int, found: Sequence[Any]) -> Taken:
    _, event, attempts, callback, content = found
    return Taken(
        shard,
        token,
        int(attempts),
        read_event(event),
        callback.decode() if callback else None,
        kept.comment.text if content and (kept := readable(content)) else None,
    )

"""The moderators' story: take what waits, answer it, take the answer back; and what is said where that cannot be."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec

from service.answers import current
from service.directory import Directory
from service.domain import Lease
from service.errors import Conflict, NotFound
from service.policy import SOON_MS
from service.store import Store
from service.store.base import Record
from service.store.keyspace import Site
from service.store.review import Answer, Filter

# A look with a filter that found nothing may have read much of the queue; each change of the queue would be another.
LEAST_BETWEEN_LOOKS_S = 1.0


async def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Moderator:
    """Somebody who works the queue of a site, by key or by account.

    `may_overrule`: may decide what was escalated, and without a lease what waits in the version that is named.
    """

    site: Site
    name: str
    may_overrule: bool = False


class Reviewing:
    """Raises Conflict with the winning state, NotFound, and StoreUnavailable: then nothing was acknowledged."""

    def __init__(self, directory: Directory, store: Store, lease_s: int) -> None:
        self._directory = directory
        self._store = store
        self._lease_s = lease_s

    async def claim(
        self,
        who: Moderator,
        count: int,
        wanted: Filter,
        *,
        lease_s: int | None = None,
        wait_s: float = 0,
        still: Callable[[], Awaitable[None]] = _nothing,
    ) -> list[Record]:
        """Lease the most urgent comments, the moderator's own live leases first; wait for some while there are none.

        `still`: asked before each further look; raises when whoever waits may not any more.
        """
        loop, changes = asyncio.get_running_loop(), self._store.changes
        ends_at = loop.time() + wait_s
        with changes.watch(who.site.name, "queued", "released") as news:
            while True:
                found = await self._store.queue.claim(who.site, who.name, count, lease_s or self._lease_s, wanted)
                left_s = ends_at - loop.time()
                if found or left_s <= 0 or changes.is_closing:
                    return found
                if wanted != Filter():
                    await asyncio.sleep(min(left_s, LEAST_BETWEEN_LOOKS_S))
                await news.next(max(0, ends_at - loop.time()))
                await still()

    async def decide(self, who: Moderator, comment_id: str, answer: Answer) -> Record:
        """Exactly one decision wins; the same again is answered the same."""
        policy = self._directory.policy(who.site.name)
        outcome, record = await self._store.queue.decide(
            who.site,
            comment_id,
            who.name,
            msgspec.structs.replace(answer, digest=_digest(answer)),
            may_overrule=who.may_overrule,
            audit_overturns=policy.review.audit_overturns,
        )
        return _done(outcome, comment_id, record)

    async def extend(self, who: Moderator, comment_id: str, lease: Lease, lease_s: int | None = None) -> Record:
        found = await self._store.queue.extend(who.site, comment_id, who.name, lease, lease_s or self._lease_s)
        return _done(found[0], comment_id, found[1])

    async def release(self, who: Moderator, comment_id: str, lease: Lease, *, skip: bool) -> Record:
        found = await self._store.queue.release(who.site, comment_id, who.name, lease, skip=skip)
        return _done(found[0], comment_id, found[1])

    async def undo(
        self, who: Moderator, comment_id: str, *, version: int | None = None, lease_s: int | None = None
    ) -> Record:
        """Take this moderator's last decision, vote or escalation back, if it is that version (None: whichever)."""
        outcome, record = await self._store.queue.undo(
            who.site, comment_id, who.name, lease_s or self._lease_s, version=version
        )
        return _done(outcome, comment_id, record)

    async def reopen(self, who: Moderator, comment_id: str, version: int | None = None) -> Record:
        outcome, record = await self._store.queue.reopen(
            who.site, comment_id, who.name, sla_ms=SOON_MS, version=version
        )
        return _done(outcome, comment_id, record)


def _digest(answer: Answer) -> str:
    """The same for the same answer, whatever the order of its labels."""
    said = (answer.verdict, answer.reason, sorted(answer.labels.items()), answer.note, answer.version)
    return hashlib.blake2b(msgspec.json.encode(said), digest_size=12).hexdigest()


_DETAILS = {
    "conflict": ("already_decided", "another decision came first"),
    "escalated": ("already_escalated", "it waits for somebody who may approve or reject it"),
    "stale": ("lease_lost", "the lease, or the version, is not current any more"),
    "own": ("own_decision", "somebody else must judge this: it was your decision, or your vote, before"),
    "not_yours": ("not_yours", "the last decision was not yours; somebody with the scope admin can reopen it"),
    "window_closed": (
        "undo_window_closed",
        "too long ago to be taken back; somebody with the scope admin can reopen it",
    ),
    "expired": ("text_expired", "the text is not kept any more"),
    "superseded": ("revision_superseded", "the author changed the comment; there is a newer revision"),
    "too_old": ("lease_too_old", "the lease cannot be extended any further; decide or release"),
}


def _done(outcome: str, comment_id: str, record: Record | None) -> Record:
    if outcome == "gone" or record is None:
        raise NotFound(f"no comment '{comment_id}'")
    if outcome not in ("ok", "duplicate"):
        code, detail = _DETAILS[outcome]
        raise Conflict(code, detail, current(record))
    return record

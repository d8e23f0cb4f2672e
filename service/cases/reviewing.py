"""The moderators' use cases: claim waiting comments, decide them, undo decisions; and the errors of each."""

import asyncio
import contextlib
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
import uuid_utils

from service.cases.answers import current, draws_scores
from service.cases.directory import Directory
from service.cases.strikes import StrikeWeighing, author_of
from service.store import Store
from service.store.base import Record
from service.store.review import Answer, Filter
from service.values.attention import soon_ms
from service.values.domain import Lease, State, Verdict, Why
from service.values.errors import BadRequest, Conflict, Fault, NotFound, RateLimited, Retryable

# A claim with a filter may read much of the queue, so it is not repeated at every change of the queue.
LEAST_BETWEEN_LOOKS_S = 1.0
# Comments that a list request reads at a time, and in total.
PAGE, MOST_READ = 100, 2_000


async def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Moderator:
    """A person who reviews a site's queue, with a key or an account; `role` is for the audit trail.

    `may_overrule`: may decide escalated comments. `may_overrule` and `by_version` each also allow a decision without a
    lease, on a waiting comment of a given version.
    """

    site: str
    name: str
    may_overrule: bool = False
    by_version: bool = False
    role: str = ""


class ReviewPage(NamedTuple):
    """`following`: the position of the next page, None at the end. A page can be short and still not be the last."""

    records: list[Record]
    following: int | None


class ReviewWorkflow:
    """Methods raise Conflict with the current state, NotFound, and StoreUnavailable (nothing was acknowledged)."""

    def __init__(self, directory: Directory, store: Store, lease_s: int, *, hash_authors: bool = True) -> None:
        self._directory = directory
        self._store = store
        self._lease_s = lease_s
        self._strikes = StrikeWeighing(directory, store, hash_authors=hash_authors)

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
        """Lease the most urgent comments, the moderator's own live leases first. Waits up to `wait_s` for some.

        `still`: called before each further try; raises if the moderator has lost access meanwhile.
        """
        loop, changes = asyncio.get_running_loop(), self._store.changes
        ends_at = loop.time() + wait_s
        with changes.watch(who.site, "queued", "released", "assigned", "unassigned") as news:
            while True:
                found = await self._store.queue.claim(who.site, who.name, count, lease_s or self._lease_s, wanted)
                left_s = ends_at - loop.time()
                if found or left_s <= 0 or changes.is_closing:
                    return found
                if wanted != Filter():
                    await asyncio.sleep(min(left_s, LEAST_BETWEEN_LOOKS_S))
                await news.next(max(0, ends_at - loop.time()))
                await still()

    async def decide(
        self, who: Moderator, comment_id: str, answer: Answer, *, batch: str = "", at: str = "/reason"
    ) -> Record:
        """Decide a comment. Exactly one decision wins; a repetition is answered the same. `batch`: see new_batch.

        Raises BadRequest if the site does not reject for this reason; `at`: the place of the reason in the request.
        """
        review = self._directory.for_people(who.site).review
        try:
            self.check_reason(who.site, answer.verdict, answer.reason, at)
        except BadRequest:
            if not await self._is_decided_so(who, comment_id, answer):
                raise
        outcome, record = await self._store.queue.decide(
            who.site,
            comment_id,
            who.name,
            msgspec.structs.replace(answer, digest=_digest(answer)),
            may_overrule=who.may_overrule,
            by_version=who.by_version,
            audit_overturns=review.audit_overturns,
            reason_texts=next((each.titles for each in review.reasons if each.key == answer.reason), {}),
            role=who.role,
            batch=batch,
            terms=await self._strikes.terms(who.site, comment_id),
            scores_shown=draws_scores(comment_id, self._directory.shows_scores(who.site)),
            keep_rejected_s=self._directory.for_people(who.site).keep_rejected_s,
        )
        await self._weigh(who.site, record)
        return _record_or_raise(outcome, comment_id, record)

    async def _is_decided_so(self, who: Moderator, comment_id: str, answer: Answer) -> bool:
        """Whether this may be a repetition of a decision from before the site changed its reasons."""
        try:
            record = await self._store.comments.get(who.site, comment_id)
        except NotFound:
            return False
        return record.state is State.DECIDED and (record.moderator, record.reason or "") == (who.name, answer.reason)

    def check_reason(self, site: str, verdict: Verdict, reason: str, at: str = "/reason") -> None:
        """Raises BadRequest if the site does not reject for this reason, or wants one."""
        fault = self._directory.for_people(site).review.reason_fault(reason) if verdict is Verdict.REJECT else None
        if fault is not None:
            raise BadRequest(f"{at}: {fault}", [Fault(at, fault)])

    def check_macro(self, site: str, verdict: Verdict, name: str, at: str = "/macro") -> None:
        """Raises BadRequest if the site has no macro of this name ('': none) with this decision."""
        found = self._directory.for_people(site).review.macro(name)
        if name and (found is None or found.decision is not verdict):
            fault = "not a macro of the site" if found is None else f"a macro that says {found.decision}"
            raise BadRequest(f"{at}: {fault}", [Fault(at, fault)])

    async def _weigh(self, site: str, record: Record | None) -> None:
        author = author_of(record)
        with contextlib.suppress(Retryable):  # the decision stands, and is noted: Upkeep weighs it soon
            if author:
                await self._strikes.weigh(site, author)

    async def take(self, who: Moderator, comment_id: str, lease_s: int | None = None) -> Record:
        """Lease this comment. Raises RateLimited if the moderator holds too many."""
        outcome, record = await self._store.queue.take(who.site, comment_id, who.name, lease_s or self._lease_s)
        if outcome == "limit":
            raise RateLimited("you hold the maximum number of comments; decide or release some first")
        return _record_or_raise(outcome, comment_id, record)

    async def held(self, who: Moderator) -> list[Record]:
        """The comments that this moderator holds, in the order of their leases."""
        return [each for each in await self._store.queue.held(who.site, who.name) if each.owner == who.name]

    async def listed(
        self, site: str, state: State, wanted: Filter, position: int, limit: int, *, viewer: str = ""
    ) -> ReviewPage:
        """Waiting comments in the order of the queue; takes no lease. `viewer`: whose those are that are wanted."""
        if wanted.mine:
            assigned = await self._store.assignments.of(site, viewer)
            found = [each for each in assigned if each.state is state and matches(each, wanted, viewer)]
            end = position + limit
            return ReviewPage(found[position:end], end if len(found) > end else None)
        found = []
        last = position + MOST_READ
        while position < last:
            page = await self._store.queue.items(site, state, position, PAGE)
            for record in page:
                position += 1
                if matches(record, wanted):
                    found.append(record)
                    if len(found) == limit:
                        return ReviewPage(found, position)
            if len(page) < PAGE:
                return ReviewPage(found, None)
        return ReviewPage(found, position)

    async def extend(self, who: Moderator, comment_id: str, lease: Lease, lease_s: int | None = None) -> Record:
        found = await self._store.queue.extend(who.site, comment_id, who.name, lease, lease_s or self._lease_s)
        return _record_or_raise(found[0], comment_id, found[1])

    async def release(self, who: Moderator, comment_id: str, lease: Lease, *, skip: bool) -> Record:
        found = await self._store.queue.release(who.site, comment_id, who.name, lease, skip=skip)
        return _record_or_raise(found[0], comment_id, found[1])

    async def free(self, who: Moderator, comment_id: str, holder: str) -> Record:
        """Take a comment from the moderator who holds it, for everybody else. Safe to repeat."""
        found = await self._store.queue.free(who.site, comment_id, who.name, holder, role=who.role)
        return _record_or_raise(found[0], comment_id, found[1])

    async def undo(
        self,
        who: Moderator,
        comment_id: str,
        *,
        version: int | None = None,
        lease_s: int | None = None,
        batch: str = "",
    ) -> Record:
        """Undo this moderator's last decision, vote or escalation, if it made that version (None: any)."""
        outcome, record = await self._store.queue.undo(
            who.site,
            comment_id,
            who.name,
            lease_s or self._lease_s,
            version=version,
            role=who.role,
            batch=batch,
            terms=await self._strikes.terms(who.site, comment_id),
        )
        await self._weigh(who.site, record)
        return _record_or_raise(outcome, comment_id, record)

    async def reopen(self, who: Moderator, comment_id: str, version: int | None = None) -> Record:
        outcome, record = await self._store.queue.reopen(
            who.site,
            comment_id,
            who.name,
            sla_ms=soon_ms(self._directory.for_people(who.site).review),
            version=version,
            role=who.role,
        )
        return _record_or_raise(outcome, comment_id, record)


def matches(record: Record, wanted: Filter, viewer: str = "") -> bool:
    """As in claim.lua: a moderator who filters by an attribute, or avoids one, gets no audits.

    `viewer`: the moderator who wants them.
    """
    content = record.content
    article = content.comment.article if content else None
    reasons = content.judgement.reasons if content and not record.is_audit else ()
    attributes = {reason.attribute for reason in reasons if not reason.shadow}
    why = Why.UNCERTAIN if record.is_audit else record.why
    return (
        wanted.attribute in {None, *attributes}
        and wanted.article in (None, article and article.id)
        and wanted.section in (None, article and article.section)
        and wanted.language in (None, content and content.judgement.language)
        and wanted.why in (None, why)
        and not (wanted.mine and record.assignee != viewer)
        and not (wanted.avoid and (record.is_audit or wanted.avoid & attributes))
    )


def _digest(answer: Answer) -> str:
    """A digest of the answer that does not depend on the order of its labels."""
    said = (answer.verdict, answer.reason, sorted(answer.labels.items()), answer.note, answer.version)
    return hashlib.blake2b(msgspec.json.encode(said), digest_size=12).hexdigest()


def new_batch() -> str:
    """A name for one action on many comments, which the audit trail records with each."""
    return str(uuid_utils.uuid7())


_DETAILS = {
    "conflict": ("already_decided", "another decision came first"),
    "escalated": ("already_escalated", "it waits for somebody who may approve or reject it"),
    "stale": ("lease_lost", "the lease, or the version, is not current any more"),
    "reserved": ("reserved", "it is assigned to somebody else; to decide it all the same, assign it to yourself first"),
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


def _record_or_raise(outcome: str, comment_id: str, record: Record | None) -> Record:
    if outcome == "gone" or record is None:
        raise NotFound(f"no comment '{comment_id}'")
    if outcome not in ("ok", "duplicate"):
        code, detail = _DETAILS[outcome]
        raise Conflict(code, detail, current(record))
    return record

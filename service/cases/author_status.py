"""The status of authors as people change it, and the rejection of all that waits of one author."""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta, Struct

from service.cases.approvals import check_bulk
from service.cases.authors import AT_ONCE, MOST_COUNTED, Authors, StatusChangeShown, shown
from service.cases.reviewing import Moderator, ReviewWorkflow, new_batch
from service.cases.until import check_until
from service.store import Store
from service.store.author_status import StatusChange
from service.store.base import Record
from service.store.batches import MOST_IN_BATCH
from service.store.review import Answer
from service.store.strikes import Strike
from service.values.domain import A_CODE, WORDS, Instant, State, Verdict
from service.values.errors import Conflict, NotFound
from service.values.policy import Policy
from service.values.rules import AuthorStatus, Code

MAX_NOTE = 500
# Comments that one request rejects, or takes back. Larger bulk decisions take two people (security.md, section 2).
MOST_REJECTED = 200
# An author's newest comments among which those that wait are looked for.
MOST_LOOKED_AT = 5_000
WAITING = frozenset({State.QUEUED, State.LEASED, State.ESCALATED})
# Tries of a change while others change the same status.
_TRIES = 5

Note = Annotated[str, Meta(max_length=MAX_NOTE, description="For moderators; not sent to the site.")]
BatchId = Annotated[
    str,
    Meta(
        pattern=r"^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$(?!\n)",
        description="A UUID in small letters.",
        extra={WORDS: "must be a UUID in small letters"},
    ),
]
RejectionReason = Annotated[str, Meta(max_length=64, pattern=r"^[a-z0-9_]*$(?!\n)", extra={WORDS: A_CODE})]


class StatusRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """`version`: change only the status that was seen, named by its version (0: none was given yet)."""

    status: AuthorStatus
    until: Annotated[
        Instant | None,
        Meta(description="When the author is active again. Required for `muted`, refused for `active`."),
    ] = None
    why: Annotated[Code | None, Meta(description="A reason code of the site's own.")] = None
    note: Note = ""
    version: Annotated[int, Meta(ge=0)] | None = None


class Standing(Struct, frozen=True, kw_only=True):
    """The status of an author now, and how it came about; at most the last 50 changes are kept, newest first.

    `until`: when the author is active again by itself. `version`: of the last change; 0 if there was none. `approved`
    and `rejected` are counted as rules count them, without comments that wait for a blind audit.
    """

    author: Annotated[str, Meta(description="The stored id: a keyed hash unless STEWARD_HASH_AUTHORS is false.")]
    status: AuthorStatus
    until: datetime | None
    version: int
    approved: int
    rejected: int
    history: list[StatusChangeShown]
    strikes: list[Strike]


class Skipped(Struct, frozen=True):
    """A comment that was left as it is. `code`: why, as in the problem that a single decision would answer."""

    id: str
    code: str


class Rejected(Struct, frozen=True):
    """`more`: comments may still wait; repeat the request with this `batch`."""

    author: str
    batch: str
    rejected: int
    skipped: list[Skipped]
    more: bool


class TakenBack(Struct, frozen=True):
    """`more`: the batch has further comments; repeat the request."""

    batch: str
    undone: int
    skipped: list[Skipped]
    more: bool


class Waiting(NamedTuple):
    """`versions`: waiting comments with their versions. `is_more`: there are, or may be, others."""

    versions: dict[str, int]
    is_more: bool


class AuthorStatusWorkflow:
    """`author` is the stored id in all methods.

    Methods raise BadRequest, Conflict, NotFound and StoreUnavailable.
    """

    def __init__(self, store: Store, authors: Authors, reviewing: ReviewWorkflow, undo_s: int) -> None:
        self._store = store
        self._authors = authors
        self._reviewing = reviewing
        self._undo_within = timedelta(seconds=undo_s)

    async def read(self, site: str, author: str, actor: str) -> Standing:
        """As `show`, with an audit entry that names the reader."""
        await self._store.audit.write(site, "author_read", actor, author=self._authors.named(site, author))
        return await self.show(site, author)

    async def change(self, site: str, author: str, asked: StatusRequest, actor: str) -> Standing:
        """Give an author a status. The same again, by the same person, is no new change."""
        check_until(
            asked.status,
            asked.until,
            datetime.now(UTC),
            required_for=AuthorStatus.MUTED,
            refused_for=AuthorStatus.ACTIVE,
        )
        newest: StatusChange | None = None
        for _ in range(_TRIES):
            newest = await self._store.statuses.newest(site, author)
            if newest is not None and _is_same(newest, asked, actor):
                await self._store.statuses.spread(site, author, newest)  # an earlier try may have been interrupted
                return await self.show(site, author)
            seen = newest.version if newest else 0
            if asked.version is not None and asked.version != seen:
                raise _changed(newest)
            now = datetime.now(UTC)
            change = StatusChange(
                asked.status, seen + 1, now, actor, asked.why, asked.note.strip() or None, asked.until
            )
            if await self._put(site, author, change, newest):
                return await self.show(site, author)
        raise _changed(newest)

    def can_undo(self, standing: Standing, actor: str) -> bool:
        """Whether `undo` of the last change would be taken from this actor now."""
        newest = standing.history[0] if standing.history else None
        return (
            newest is not None
            and _is_of(newest, actor)
            and newest.undoes is None
            and datetime.now(UTC) - newest.at <= self._undo_within
        )

    async def undo(self, site: str, author: str, actor: str, version: int | None = None) -> Standing:
        """Restore what was before the last change, if the actor made it (that `version`) within the time to undo."""
        history = await self._store.statuses.history(site, author)
        newest = history[0] if history else None
        if newest is None:
            raise Conflict("no_change", "the status of this author was never changed", {"author": author})
        if version is not None and newest.undoes == version and newest.by == actor:
            await self._store.statuses.spread(site, author, newest)
            return await self.show(site, author)
        if version is not None and version != newest.version:
            raise _changed(newest)
        if newest.undoes is not None:
            raise Conflict("already_undone", "the last change was undone", _current(newest))
        if not _is_of(newest, actor):
            raise Conflict("not_yours", "somebody else made the last change; set a status instead", _current(newest))
        now = datetime.now(UTC)
        if now - newest.at > self._undo_within:
            raise Conflict("undo_window_closed", "too long ago to be undone; set a status instead", _current(newest))
        before = history[1] if len(history) > 1 else None
        restored = StatusChange(AuthorStatus.ACTIVE, newest.version + 1, now, actor, undoes=newest.version)
        if before is not None and before.is_in_force(now):
            restored = msgspec.structs.replace(
                restored, status=before.status, why=before.why, note=before.note, until=before.until
            )
        if not await self._put(site, author, restored, newest):
            raise _changed(await self._store.statuses.newest(site, author))
        return await self.show(site, author)

    async def reject_waiting(
        self,
        who: Moderator,
        author: str,
        *,
        reason: str = "",
        labels: dict[str, bool] | None = None,
        note: str = "",
        batch: str | None = None,
        policy: Policy | None = None,
    ) -> Rejected:
        """Reject the author's comments that wait, the newest first, at most MOST_REJECTED of them.

        Repeated with the same batch it goes on with the rest. Leaves out what another moderator holds. `policy`: raises
        Conflict if by this policy so many take two people.
        """
        self._reviewing.check_reason(who.site, Verdict.REJECT, reason)
        batch = batch or new_batch()
        waiting = await self.waiting(who.site, author)
        if policy is not None:
            check_bulk(policy, len(waiting.versions))
        if waiting.versions and not await self._store.batches.note(
            who.site, batch, {each: version + 1 for each, version in waiting.versions.items()}
        ):
            raise Conflict("batch_full", f"a batch holds at most {MOST_IN_BATCH} comments; begin another", {})

        async def reject(comment: str, version: int) -> Skipped | None:
            answer = Answer(Verdict.REJECT, None, reason, labels or {}, note, version=version)
            return await _skipped(comment, self._reviewing.decide(who, comment, answer, batch=batch))

        tried = await asyncio.gather(*(reject(*each) for each in waiting.versions.items()))
        skipped = [each for each in tried if each is not None]
        await self._store.batches.drop(who.site, batch, (each.id for each in skipped))
        return Rejected(author, batch, len(tried) - len(skipped), skipped, waiting.is_more)

    async def undo_rejected(self, who: Moderator, batch: str) -> TakenBack:
        """Take back the rejections of a batch that still stand, at most MOST_REJECTED of them.

        Raises NotFound if there is no such batch, or it is too old.
        """
        found = await self._store.batches.get(who.site, batch)
        if not found:
            raise NotFound("no such batch; it was taken back, or is too old")
        some = list(found.items())[:MOST_REJECTED]

        async def undo(comment: str, version: int) -> Skipped | None:
            return await _skipped(comment, self._reviewing.undo(who, comment, version=version, batch=batch))

        tried = await asyncio.gather(*(undo(*each) for each in some))
        skipped = [each for each in tried if each is not None]
        await self._store.batches.drop(who.site, batch, (comment for comment, _ in some))
        return TakenBack(batch, len(tried) - len(skipped), skipped, len(found) > len(some))

    async def waiting(self, site: str, author: str) -> Waiting:
        """At most MOST_REJECTED of the author's comments that wait and nobody holds, the newest first."""
        found, offset = list[str](), 0
        self._authors.check_index()
        while True:
            page = await self._store.authors.page(site, author, offset, AT_ONCE)
            found += [each.id for each in page.comments if each.state in WAITING]
            offset += AT_ONCE
            if offset >= page.total or offset >= MOST_LOOKED_AT or len(found) > MOST_REJECTED:
                break
        records = await asyncio.gather(*(self._get(site, each) for each in found[:MOST_REJECTED]))
        versions = {each[0]: each[1] for each in records if each is not None}
        return Waiting(versions, len(found) > MOST_REJECTED or offset < page.total)

    async def _get(self, site: str, comment: str) -> tuple[str, int] | None:
        try:
            record = await self._store.comments.get(site, comment)
        except NotFound:
            return None
        return (record.id, record.version) if record.is_waiting else None

    async def _put(self, site: str, author: str, change: StatusChange, newest: StatusChange | None) -> bool:
        is_in_force = newest is not None and newest.is_in_force(change.at)
        before = newest.status if newest is not None and is_in_force else AuthorStatus.ACTIVE
        pseudonym = self._authors.named(site, author)
        return await self._store.statuses.put(site, author, change, before=before, pseudonym=pseudonym)

    async def show(self, site: str, author: str) -> Standing:
        """The reader is not recorded; `read` records who it is."""
        history = await self._store.statuses.history(site, author)
        counted = Counter(await self._store.statuses.counted(site, author))
        # A blind audit must look like any comment that waits: its decision must not show in the counts.
        comments = (await self._store.authors.page(site, author, 0, MOST_COUNTED)).comments
        counted.subtract(each.status.value for each in comments if each.is_audit)
        newest = history[0] if history else None
        now = newest if newest is not None and newest.is_in_force(datetime.now(UTC)) else None
        return Standing(
            author=author,
            status=now.status if now else AuthorStatus.ACTIVE,
            until=now.until if now else None,
            version=newest.version if newest else 0,
            approved=max(0, counted["approved"]),
            rejected=max(0, counted["rejected"]),
            history=[shown(each) for each in history],
            strikes=await self._authors.strikes(site, author),
        )


def _is_same(newest: StatusChange, asked: StatusRequest, actor: str) -> bool:
    was = (newest.status, newest.until, newest.why, newest.note, newest.by)
    return newest.undoes is None and was == (asked.status, asked.until, asked.why, asked.note.strip() or None, actor)


def _is_of(change: StatusChange | StatusChangeShown, actor: str) -> bool:
    """Whether this person made the change. A person's name may be that of what the site's strikes do."""
    return change.by == actor and change.strikes is None and change.approvals is None


def _changed(newest: StatusChange | None) -> Conflict:
    return Conflict("status_changed", "somebody else changed the status meanwhile", _current(newest))


def _current(newest: StatusChange | None) -> dict[str, Any]:
    if newest is None:
        return {"version": 0, "status": AuthorStatus.ACTIVE}
    return {"version": newest.version, "status": newest.status, "by": newest.by}


async def _skipped(comment: str, deed: Awaitable[Record]) -> Skipped | None:
    """None if it was done."""
    try:
        await deed
    except Conflict as error:
        return Skipped(comment, error.reason)
    except NotFound as error:
        return Skipped(comment, error.code)
    return None

"""Everything stored about an author: shown to moderators, exported, erased (security.md, section 7)."""

import re
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated

from msgspec import Meta, Struct

from service.cases.directory import AUTHOR_CHARS, Directory
from service.store import Store
from service.store.author_status import StatusChange
from service.store.authors import CommentHistory
from service.store.base import CommentSummary
from service.store.reports import READER_CHARS, GivenReport
from service.store.strikes import Strike
from service.values.domain import Action, Comment, DecidedBy, Reason, State, Status
from service.values.errors import Conflict
from service.values.notices import NoticeOutcome
from service.values.rules import AuthorStatus

# Only the newest comments of an author are counted; they describe a prolific author well enough.
MOST_COUNTED = 1_000
LATEST = 10
# Comments that one request erases. The answer says how many are left; the client repeats the request.
MOST_ERASED = 5_000
AT_ONCE = 200


class Counts(Struct, frozen=True):
    approved: int = 0
    rejected: int = 0


class Latest(Struct, frozen=True):
    """One of an author's newest comments, with the status that moderators may see."""

    id: str
    at: datetime
    status: Status


class History(Struct, frozen=True, kw_only=True):
    """Statistics of an author's comments at this site whose texts are stored; at most the newest 1,000 are counted."""

    author: Annotated[str, Meta(description="The stored id: a keyed hash unless STEWARD_HASH_AUTHORS is false.")]
    status: AuthorStatus
    status_until: datetime | None
    strikes: Annotated[int, Meta(description="Sum of the weights of the strikes that count.")]
    comments: int
    people: Annotated[Counts, Meta(description="Decided by people.")]
    automatic: Annotated[Counts, Meta(description="Decided by the model, a rule or expiry.")]
    pending: int
    first_at: datetime | None
    last_at: datetime | None
    latest: list[Latest]


class Receipt(Struct, frozen=True):
    """The result of an erasure. If `left` is above 0, repeat the request: one request erases at most 5,000."""

    author: str
    erased: int
    left: int
    at: datetime
    ban_kept: Annotated[bool, Meta(description="The pseudonym stays banned (`keep_ban_on_erase`).")] = False


class Revision(Struct, frozen=True):
    """A comment as sent, with its automatic decision."""

    revision: int
    comment: Comment
    decision: Action
    scores: Mapping[str, float]
    reasons: tuple[Reason, ...]
    model: str
    policy: str


class ExportedNote(Struct, frozen=True):
    at: datetime
    text: str


class Exported(Struct, frozen=True, tag="comment", tag_field="kind"):
    """Everything stored about one comment of an author."""

    id: str
    state: State
    status: Status
    decided_by: DecidedBy
    created_at: datetime
    decided_at: datetime | None
    reason: Annotated[str | None, Meta(description="The moderator's reason code.")]
    appeal: str | None
    reports: int
    revisions: list[Revision]
    notes: Annotated[tuple[ExportedNote, ...], Meta(description="Of moderators about it, without their names.")] = ()
    note: Annotated[str | None, Meta(description="What was written with the newest decision, without the name.")] = None


class StatusChangeShown(Struct, frozen=True, omit_defaults=True):
    """A change of an author's status. `undoes`: the version of the change that this one undid.

    `strikes` or `approvals`: from how many on the site gives the status; then no person gave it.
    """

    status: AuthorStatus
    version: int
    at: datetime
    by: str
    until: datetime | None = None
    why: str | None = None
    note: str | None = None
    undoes: int | None = None
    strikes: int | None = None
    approvals: int | None = None


class ExportedNotice(Struct, frozen=True):
    """A notice that the same person gave of another comment."""

    comment: str
    at: datetime
    reason: str
    text: str
    outcome: NoticeOutcome
    name: str
    email: str


class ExportedStatus(Struct, frozen=True, tag="author", tag_field="kind"):
    """What is stored about an author beside the comments. `approved` and `rejected` are counted as rules count them.

    `reports`, `notices`: of others' comments, by the same id.
    """

    author: str
    approved: int
    rejected: int
    history: list[StatusChangeShown]
    strikes: list[Strike]
    reports: list[GivenReport] = []
    notices: list[ExportedNotice] = []


class Authors:
    """In all methods `who` is an author's id: the site's own, or the stored one that moderators see."""

    def __init__(
        self, store: Store, directory: Directory, *, hash_authors: bool = True, is_indexed: bool = True
    ) -> None:
        self._store = store
        self._directory = directory
        self._hash_authors = hash_authors
        self._is_indexed = is_indexed

    def check_index(self) -> None:
        """Raises Conflict if comments cannot be found by author."""
        if not self._is_indexed:
            raise Conflict(
                "authors_not_indexed", "STEWARD_INDEX_AUTHORS is false: comments cannot be found by author", {}
            )

    def _possible(self, site: str, who: str) -> tuple[str, ...]:
        """The stored ids that an author may have. Raises StoreUnavailable."""
        if not self._hash_authors:
            return (who,)
        pseudonym = self._directory.pseudonym(site, who)[:AUTHOR_CHARS]
        return (pseudonym, who) if re.fullmatch(rf"[0-9a-f]{{{AUTHOR_CHARS}}}", who) else (pseudonym,)

    async def history(self, site: str, author: str) -> History:
        """Statistics for the card of a comment, by the stored id. Writes no audit entry; `profile` does."""
        found = await self._store.authors.page(site, author, 0, MOST_COUNTED)
        newest = await self._store.statuses.newest(site, author)
        given = newest if newest is not None and newest.is_in_force(datetime.now(UTC)) else None
        comments = found.comments
        counted: Counter[tuple[str, Status]] = Counter(map(_counted_as, comments))
        return History(
            author=author,
            status=given.status if given else AuthorStatus.ACTIVE,
            status_until=given.until if given else None,
            strikes=sum(each.weight for each in await self.strikes(site, author)),
            comments=found.total,
            people=_counts(counted, "people"),
            automatic=_counts(counted, "automatic"),
            pending=sum(n for (_, status), n in counted.items() if status is Status.PENDING),
            first_at=found.first_at,
            last_at=comments[0].at if comments else None,
            latest=[Latest(each.id, each.at, each.shown) for each in comments[:LATEST]],
        )

    async def strikes(self, site: str, author: str) -> list[Strike]:
        """Those that count now, the newest first, by the stored id."""
        policy, now = self._directory.for_people(site).strikes, datetime.now(UTC)
        found = await self._store.strikes.of(site, author)
        return [each for each in found if policy is not None and now - each.at < timedelta(days=policy.expire_days)]

    async def profile(self, site: str, who: str, actor: str) -> History:
        """As `history`, with an audit entry that names the reader."""
        author = await self._indexed_id(site, who)
        await self._write(site, "author_read", actor, author)
        return await self.history(site, author)

    async def id_for_search(self, site: str, who: str, actor: str) -> str:
        """The stored id to search by. Writes an audit entry that names the searcher."""
        author = await self._indexed_id(site, who)
        await self._write(site, "author_read", actor, author)
        return author

    async def export(self, site: str, who: str, actor: str) -> AsyncIterator[Exported | ExportedStatus]:
        """Everything stored about the author: comments, newest first, then the status. Writes an audit entry."""
        author = await self._indexed_id(site, who)
        await self._write(site, "author_exported", actor, author)
        return self._exported(site, author)

    async def _exported(self, site: str, author: str) -> AsyncIterator[Exported | ExportedStatus]:
        async for comment in self._exported_comments(site, author):
            yield comment
        history = await self._store.statuses.history(site, author)
        counted = await self._store.statuses.counted(site, author)
        reports = await self._store.reports.given(site, self._reader(site, author))
        notices = [
            ExportedNotice(each.comment, each.at, each.kind, each.text, each.outcome, each.name, each.email)
            for each in await self._store.notices.given(site, self._reader(site, author))
        ]
        if history or counted or reports or notices:
            approved, rejected = counted.get("approved", 0), counted.get("rejected", 0)
            strikes = await self._store.strikes.of(site, author)
            changes = [shown(each) for each in history]
            yield ExportedStatus(author, approved, rejected, changes, strikes, reports, notices)

    async def _exported_comments(self, site: str, author: str) -> AsyncIterator[Exported]:
        offset = 0
        while True:
            page = await self._store.authors.page(site, author, offset, AT_ONCE)
            for each in page.comments:
                kept = await self._store.authors.with_revisions(site, each.id)
                if kept is not None and (comment := _exported_comment(kept, author)).revisions:
                    yield comment
            offset += AT_ONCE
            if offset >= page.total:
                return

    async def erase(self, site: str, who: str, actor: str, **told: str) -> Receipt:
        """Erase every comment of the author, one by one, the author's status with its history, what the author said in
        reports, and saved filters with the author's id or name. Safe to repeat. `told`: further details of the audit
        entry.

        Raises Conflict if comments cannot be found by author; the rest is erased even so.
        """
        author, erased, seen = await self.stored_id(site, who), 0, 0
        await self._store.reports.forget(site, self._reader(site, author))
        names = {who, author}
        filters = await self._store.filters.forget_author(site, names)
        if not self._is_indexed:
            kept = told | _also(filters, is_kept=await self._forget(site, author))
            await self._write(site, "author_erased", actor, author, erased="0", **kept)
            self.check_index()
        while seen < MOST_ERASED:
            ids = await self._store.authors.ids(site, author, AT_ONCE)
            if not ids:
                break
            seen += len(ids)
            # The names first: once the comments are erased, nobody can try again with them.
            more = await self._names(site, author, ids) - names
            filters, names = filters + await self._store.filters.forget_author(site, more), names | more
            for each in ids:
                erased += await self._store.comments.erase(site, each, actor)
            # Also drop ids whose comments had expired, or the loop would find them again.
            await self._store.authors.forget(site, author, ids)
        is_kept = await self._forget(site, author)
        receipt = Receipt(author, erased, await self._store.authors.count(site, author), datetime.now(UTC), is_kept)
        kept = told | _also(filters, is_kept=is_kept)
        await self._write(site, "author_erased", actor, author, erased=str(erased), **kept)
        return receipt

    async def _names(self, site: str, author: str, ids: Iterable[str]) -> set[str]:
        """Under which the author wrote these comments, as far as their texts are kept."""
        names = set[str]()
        for each in ids:
            kept = await self._store.authors.with_revisions(site, each)
            for content in kept.revisions.values() if kept is not None else ():
                said = content.comment.author
                if said is not None and said.id == author and said.name:
                    names.add(said.name)
        return names

    async def _forget(self, site: str, author: str) -> bool:
        """Returns whether a ban is kept: only under a pseudonym, and if the site says so."""
        keeps = self._hash_authors and self._directory.for_people(site).keep_ban_on_erase
        return await self._store.statuses.forget(site, author, keep_ban=keeps)

    async def stored_id(self, site: str, who: str) -> str:
        """The possible stored id that has comments or a status, else the first one. Works without an index too."""
        names = self._possible(site, who)
        for name in names:
            if await self._is_known(site, name):
                return name
        return names[0]

    def shown_id(self, site: str, who: str) -> str:
        """The stored id that a page sends back. Anything else is taken for the site's own id, so it is not stored."""
        is_stored = not self._hash_authors or re.fullmatch(rf"[0-9a-f]{{{AUTHOR_CHARS}}}", who)
        return who if is_stored else self._possible(site, who)[0]

    async def _is_known(self, site: str, name: str) -> bool:
        if await self._store.statuses.newest(site, name):
            return True
        return self._is_indexed and await self._store.authors.count(site, name) > 0

    async def _indexed_id(self, site: str, who: str) -> str:
        self.check_index()
        return await self.stored_id(site, who)

    def _reader(self, site: str, author: str) -> str:
        """The pseudonym under which the same person reports comments."""
        return (author if self._hash_authors else self._directory.pseudonym(site, author))[:READER_CHARS]

    def named(self, site: str, author: str) -> str:
        """How audit entries name an author by the stored id: only by the pseudonym, for the trail cannot be erased."""
        return author if self._hash_authors else self._directory.pseudonym(site, author)[:AUTHOR_CHARS]

    async def _write(self, site: str, action: str, actor: str, author: str, **details: str) -> None:
        await self._store.audit.write(site, action, actor, author=self.named(site, author), **details)


def _also(filters: int, *, is_kept: bool) -> dict[str, str]:
    """Of the audit entry of an erasure: how many saved filters were erased, and whether a ban is kept."""
    return ({"filters": str(filters)} if filters else {}) | ({"ban_kept": "1"} if is_kept else {})


def shown(change: StatusChange) -> StatusChangeShown:
    """Without its place in the feed."""
    return StatusChangeShown(
        change.status,
        change.version,
        change.at,
        change.by,
        change.until,
        change.why,
        change.note,
        change.undoes,
        change.strikes,
        change.approvals,
    )


def _counted_as(each: CommentSummary) -> tuple[str, Status]:
    if each.shown is Status.PENDING:
        return "", Status.PENDING
    return "people" if each.decided_by is DecidedBy.MODERATOR else "automatic", each.status


def _counts(counted: Mapping[tuple[str, Status], int], by: str) -> Counts:
    return Counts(counted.get((by, Status.APPROVED), 0), counted.get((by, Status.REJECTED), 0))


def _exported_comment(kept: CommentHistory, author: str) -> Exported:
    """Leaves out revisions that another author sent under the same comment id."""
    record = kept.record
    others = {
        number
        for number, content in kept.revisions.items()
        if not content.comment.author or content.comment.author.id != author
    }
    return Exported(
        record.id,
        record.state,
        record.status,
        record.decided_by,
        record.created_at,
        record.decided_at,
        record.reason,
        record.appeal,
        record.reports,
        [
            Revision(
                number,
                content.comment,
                content.judgement.decision,
                content.judgement.scores,
                content.judgement.reasons,
                content.judgement.model,
                content.judgement.policy,
            )
            for number, content in sorted(kept.revisions.items())
            if number not in others
        ],
        tuple(ExportedNote(each.at, each.text) for each in record.notes if each.revision not in others),
        None if record.revision in others else record.note,
    )

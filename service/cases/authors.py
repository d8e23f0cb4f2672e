"""Everything stored about an author: shown to moderators, exported, erased (security.md, section 7)."""

import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Annotated

from msgspec import Meta, Struct

from service.cases.directory import AUTHOR_CHARS, Directory
from service.store import Store
from service.store.authors import CommentHistory
from service.store.base import CommentSummary
from service.values.domain import Action, Comment, DecidedBy, Reason, State, Status
from service.values.errors import Conflict

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


class Revision(Struct, frozen=True):
    """A comment as sent, with its automatic decision."""

    revision: int
    comment: Comment
    decision: Action
    scores: Mapping[str, float]
    reasons: tuple[Reason, ...]
    model: str
    policy: str


class Exported(Struct, frozen=True):
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


class Authors:
    """In all methods `who` is an author's id: the site's own, or the stored one that moderators see."""

    def __init__(
        self, store: Store, directory: Directory, *, hash_authors: bool = True, is_indexed: bool = True
    ) -> None:
        self._store = store
        self._directory = directory
        self._hash_authors = hash_authors
        self._is_indexed = is_indexed

    def names(self, site: str, who: str) -> tuple[str, ...]:
        """The stored ids under which an author's comments may be indexed.

        Raises Conflict if there is no index, and StoreUnavailable.
        """
        if not self._is_indexed:
            raise Conflict(
                "authors_not_indexed", "STEWARD_INDEX_AUTHORS is false: comments cannot be found by author", {}
            )
        if not self._hash_authors:
            return (who,)
        pseudonym = self._directory.pseudonym(site, who)[:AUTHOR_CHARS]
        return (pseudonym, who) if re.fullmatch(rf"[0-9a-f]{{{AUTHOR_CHARS}}}", who) else (pseudonym,)

    async def history(self, site: str, author: str) -> History:
        """Statistics for the card of a comment, by the stored id. Writes no audit entry; `profile` does."""
        found = await self._store.authors.page(site, author, 0, MOST_COUNTED)
        comments = found.comments
        counted: Counter[tuple[str, Status]] = Counter(map(_counted_as, comments))
        return History(
            author=author,
            comments=found.total,
            people=_counts(counted, "people"),
            automatic=_counts(counted, "automatic"),
            pending=sum(n for (_, status), n in counted.items() if status is Status.PENDING),
            first_at=found.first_at,
            last_at=comments[0].at if comments else None,
            latest=[Latest(each.id, each.at, each.shown) for each in comments[:LATEST]],
        )

    async def profile(self, site: str, who: str, actor: str) -> History:
        """As `history`, with an audit entry that names the reader."""
        author = await self._stored_id(site, who)
        await self._write(site, "author_read", actor, author)
        return await self.history(site, author)

    async def id_for_search(self, site: str, who: str, actor: str) -> str:
        """The stored id to search by. Writes an audit entry that names the searcher."""
        author = await self._stored_id(site, who)
        await self._write(site, "author_read", actor, author)
        return author

    async def export(self, site: str, who: str, actor: str) -> AsyncIterator[Exported]:
        """Everything stored about the author's comments, newest first. Writes an audit entry."""
        author = await self._stored_id(site, who)
        await self._write(site, "author_exported", actor, author)
        return self._exported(site, author)

    async def _exported(self, site: str, author: str) -> AsyncIterator[Exported]:
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

    async def erase(self, site: str, who: str, actor: str) -> Receipt:
        """Erase every comment of the author, one by one. Safe to repeat."""
        author, erased, seen = await self._stored_id(site, who), 0, 0
        while seen < MOST_ERASED:
            ids = await self._store.authors.ids(site, author, AT_ONCE)
            if not ids:
                break
            seen += len(ids)
            for each in ids:
                erased += await self._store.comments.erase(site, each, actor)
            # Also drop ids whose comments had expired, or the loop would find them again.
            await self._store.authors.forget(site, author, ids)
        receipt = Receipt(author, erased, await self._store.authors.count(site, author), datetime.now(UTC))
        await self._write(site, "author_erased", actor, author, erased=str(erased))
        return receipt

    async def _stored_id(self, site: str, who: str) -> str:
        """The stored id that has comments, else the first possible one."""
        names = self.names(site, who)
        for name in names:
            if await self._store.authors.count(site, name):
                return name
        return names[0]

    async def _write(self, site: str, action: str, actor: str, author: str, **details: str) -> None:
        """Audit entries hold only the pseudonym, because the trail cannot be erased."""
        named = author if self._hash_authors else self._directory.pseudonym(site, author)[:AUTHOR_CHARS]
        await self._store.audit.write(site, action, actor, author=named, **details)


def _counted_as(each: CommentSummary) -> tuple[str, Status]:
    if each.shown is Status.PENDING:
        return "", Status.PENDING
    return "people" if each.decided_by is DecidedBy.MODERATOR else "automatic", each.status


def _counts(counted: Mapping[tuple[str, Status], int], by: str) -> Counts:
    return Counts(counted.get((by, Status.APPROVED), 0), counted.get((by, Status.REJECTED), 0))


def _exported_comment(kept: CommentHistory, author: str) -> Exported:
    """Leaves out revisions that another author sent under the same comment id."""
    record = kept.record
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
            if content.comment.author and content.comment.author.id == author
        ],
    )

"""Finds comments whose text is still stored, by id, author, words, article or status; each call does bounded work."""

import unicodedata
from datetime import datetime

from msgspec import Struct

from service.store import Store
from service.store.base import Record
from service.store.packing import glanced
from service.values.domain import Status
from service.values.errors import NotFound

# Comments that one call examines; the answer has a cursor for the rest. Other requests run between calls.
MOST_LOOKED = 5_000
AT_ONCE = 100


class SearchFilter(Struct, frozen=True):
    """Conditions on a comment; None: any. `id`: a prefix of its id. `text`: contained in it, ignoring case.

    `author`: the stored id. `status`: as moderators see it, so a blind audit counts as pending.
    """

    id: str | None = None
    author: str | None = None
    text: str | None = None
    article: str | None = None
    status: Status | None = None


class SearchPage(Struct, frozen=True):
    """`looked_at`: number of comments examined, the oldest from `back_to`. `next`: the next cursor, None at the end."""

    records: list[Record]
    looked_at: int
    back_to: datetime | None
    next: str | None


async def find(store: Store, site: str, wanted: SearchFilter, limit: int, cursor: str = "") -> SearchPage:
    """At most `limit` matching comments, newest first.

    With an author the cursor is an offset into the author index. Otherwise the audit trail is read backwards, as far as
    Redis has it, and the cursor is a position in it. A comment with exactly the id `wanted.id` comes first, whatever
    its age.
    """
    look = _Look(store, site, wanted, limit)
    if wanted.author is not None:
        return await look.by_author(wanted.author, int(cursor or 0))
    if wanted.id is not None and not cursor:
        await look.take(wanted.id)
    return await look.backwards(cursor)


class _Look:
    def __init__(self, store: Store, site: str, wanted: SearchFilter, limit: int) -> None:
        self._store = store
        self._site = site
        self._wanted = wanted
        self._text = None if wanted.text is None else _folded(wanted.text)
        self._limit = limit
        self._found: list[Record] = []
        self._looked_at = 0

    async def backwards(self, cursor: str) -> SearchPage:
        wanted = self._wanted
        named = {record.id for record in self._found}
        back = self._store.recent.backwards(self._site, before=cursor, begins=wanted.id or "", most=MOST_LOOKED)
        async for seen in back:
            self._looked_at += 1
            if wanted.status in (None, seen.summary.shown) and seen.id not in named:
                sent = glanced(seen.content)
                if sent is not None and self._suits(sent.text, sent.article) and await self.take(seen.id):
                    break
        return SearchPage(self._found, self._looked_at, back.back_to, back.cursor)

    async def by_author(self, author: str, offset: int) -> SearchPage:
        back_to, wanted = None, self._wanted
        while self._looked_at < MOST_LOOKED:
            page = await self._store.authors.page(self._site, author, offset, AT_ONCE)
            for each in page.places:
                offset += 1
                self._looked_at += 1
                back_to = each.at if each else back_to
                fits = each and each.id.startswith(wanted.id or "") and wanted.status in (None, each.shown)
                if each and fits and await self.take(each.id):
                    return SearchPage(self._found, self._looked_at, back_to, str(offset))
            if offset >= page.total:
                return SearchPage(self._found, self._looked_at, back_to, None)
        return SearchPage(self._found, self._looked_at, back_to, str(offset))

    async def take(self, comment_id: str) -> bool:
        """Add the comment if it still matches. Returns whether the limit is reached."""
        try:
            record = await self._store.comments.get(self._site, comment_id)
        except NotFound:
            return False
        if record.content is not None and self._wanted.status in (None, shown(record)):
            sent = record.content.comment
            if self._suits(sent.text, sent.article.id if sent.article else None):
                self._found.append(record)
        return len(self._found) >= self._limit

    def _suits(self, text: str, article: str | None) -> bool:
        return self._wanted.article in (None, article) and (self._text is None or self._text in _folded(text))


def shown(record: Record) -> Status:
    """The status that moderators may see: an audit looks like any waiting comment."""
    return Status.PENDING if record.is_audit and record.is_waiting else record.status


def _folded(text: str) -> str:
    """Normalizes case, width and white space."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return " ".join(plain.casefold().split())

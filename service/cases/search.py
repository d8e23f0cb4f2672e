"""Find comments whose text is still kept: by id, author, words, article, status; a bounded look at a time."""

import unicodedata
from datetime import datetime

from msgspec import Struct

from service.store import Store
from service.store.base import Record
from service.store.packing import glanced
from service.values.domain import Status
from service.values.errors import NotFound

# What one call looks through; it says where to go on. Redis and other requests are served between.
MOST_LOOKED = 5_000
AT_ONCE = 100


class SearchFilter(Struct, frozen=True):
    """What must hold of a comment; None: anything. `id`: how its id begins. `text`: stands in it, in whatever case.

    `author`: the id as it is kept. `status`: as moderators see it, so that of a blind audit is pending.
    """

    id: str | None = None
    author: str | None = None
    text: str | None = None
    article: str | None = None
    status: Status | None = None


class SearchPage(Struct, frozen=True):
    """`looked_at`: how many comments were looked at, back to when; `next`: where to go on, None at the end."""

    records: list[Record]
    looked_at: int
    back_to: datetime | None
    next: str | None


async def find(store: Store, site: str, wanted: SearchFilter, limit: int, cursor: str = "") -> SearchPage:
    """Comments that fit, the newest first, at most `limit`.

    By author the cursor is a number, else one of the trail's: without an author the trail is read backwards, as far as
    Redis has it. A comment whose id is just `wanted.id` comes first, however old it is.
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
            if wanted.status in (None, seen.standing.shown) and seen.id not in named:
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
        """Add it to what was found, if it still fits; whether that is enough."""
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
    """The status as moderators may see it: an audit looks like any comment that waits."""
    return Status.PENDING if record.is_audit and record.is_waiting else record.status


def _folded(text: str) -> str:
    """The same for what a reader takes for the same: case, width and the kind of blanks do not count."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return " ".join(plain.casefold().split())

"""Strikes and trust of authors: what a site says of them, and the weighing after decisions."""

from service.cases.directory import AUTHOR_CHARS, Directory
from service.store import Store
from service.store.base import Record
from service.store.strikes import StrikeTerms
from service.values.errors import NotFound


class StrikeWeighing:
    """Methods raise StoreUnavailable."""

    def __init__(self, directory: Directory, store: Store, *, hash_authors: bool) -> None:
        self._directory = directory
        self._store = store
        self._hash_authors = hash_authors

    async def terms(self, site: str, comment_id: str) -> StrikeTerms:
        """For a decision on a comment, or its undo."""
        author = None if self._hash_authors else await self._author(site, comment_id)
        return self._terms(site, author)

    def _terms(self, site: str, author: str | None) -> StrikeTerms:
        policy, pseudonyms = self._directory.for_people(site), None
        if not self._hash_authors:
            pseudonyms = {author: self._directory.pseudonym(site, author)[:AUTHOR_CHARS]} if author else {}
        return StrikeTerms(strikes=policy.strikes, trust=policy.trust, pseudonyms=pseudonyms)

    async def _author(self, site: str, comment_id: str) -> str | None:
        try:
            return author_of(await self._store.comments.get(site, comment_id))
        except NotFound:
            return None

    async def weigh(self, site: str, author: str | None = None) -> None:
        """With several shards, after decisions: change the status of authors. `author`: only of this one."""
        if self._store.shards > 1:
            await self._store.strikes.weigh_noted(site, lambda who: self._terms(site, who), author)


def author_of(record: Record | None) -> str | None:
    """The stored id."""
    content = record.content if record else None
    return content.comment.author.id if content and content.comment.author else None

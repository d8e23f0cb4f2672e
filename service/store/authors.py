"""Finds the comments of an author by the stored id, in an index that expires with the texts."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from service.redis.pipe import Pipe
from service.store.base import CommentSummary, Record, comment_summary, record
from service.store.keyspace import Shard, Shards
from service.store.packing import Content, readable
from service.store.scripts import script

# Comments that one script looks up, limited because Redis serves no other client meanwhile.
AT_ONCE = 200


class AuthorPage(Struct, frozen=True):
    """A page of an author's comments, newest first. In `places` None is a comment that has expired.

    `total`: the number of places on all pages.
    """

    total: int
    first_at: datetime | None
    places: list[CommentSummary | None]

    @property
    def comments(self) -> list[CommentSummary]:
        return [each for each in self.places if each is not None]


class CommentHistory(Struct, frozen=True):
    """A comment's current record and every revision whose text is stored."""

    record: Record
    revisions: dict[int, Content]


class AuthorIndex:
    def __init__(self, pipe: Pipe, shards: Shards) -> None:
        self._pipe = pipe
        self._shards = shards

    async def page(self, site: str, author: str, offset: int, limit: int) -> AuthorPage:
        """Comments from the newest on, after skipping `offset`."""
        total, oldest, found = 0, float("inf"), list[tuple[int, CommentSummary | None]]()
        # Each of several shards may hold the whole page.
        first, last = (offset, offset + limit - 1) if self._shards.count == 1 else (0, offset + limit - 1)
        for shard in self._shards.each(site):
            there, first_at, some = await self._page(shard, author, first, last)
            total += there
            oldest = min(oldest, first_at) if there else oldest
            found += some
        if self._shards.count > 1:
            found = sorted(found, key=lambda each: each[0], reverse=True)[offset : offset + limit]
        first_seen = datetime.fromtimestamp(oldest / 1000, UTC) if total else None
        return AuthorPage(total, first_seen, [each for _, each in found])

    async def _page(
        self, shard: Shard, author: str, first: int, last: int
    ) -> tuple[int, int, list[tuple[int, CommentSummary | None]]]:
        there, oldest, found = 0, 0, list[tuple[int, CommentSummary | None]]()
        for start in range(first, last + 1, AT_ONCE):
            end = min(start + AT_ONCE - 1, last)
            there, oldest, *some = await self._pipe.run(script("authored"), [shard.prefix], author, start, end)
            found += [(each[1], _summary(*each)) for each in some]
            if end + 1 >= there:
                break
        return there, oldest, found

    async def ids(self, site: str, author: str, limit: int) -> list[str]:
        """Ids from the index, including comments that have expired."""
        found: list[str] = []
        for shard in self._shards.each(site):
            if len(found) < limit:
                some = await self._pipe.call("ZRANGE", self._key(shard, author), 0, limit - len(found) - 1)
                found += [each.decode() for each in some]
        return found

    async def count(self, site: str, author: str) -> int:
        return sum([await self._pipe.call("ZCARD", self._key(shard, author)) for shard in self._shards.each(site)])

    async def forget(self, site: str, author: str, ids: Sequence[str]) -> None:
        """Remove ids from the author's index."""
        of_shard: dict[str, list[str]] = {}
        for each in ids:
            of_shard.setdefault(self._shards.of(site, each).prefix, []).append(each)
        for prefix, some in of_shard.items():
            await self._pipe.run(script("forget_author"), [prefix], author, *some)

    async def with_revisions(self, site: str, comment_id: str) -> CommentHistory | None:
        """A comment with all stored revisions; None if it is unknown."""
        shard = self._shards.of(site, comment_id)
        flat, appeal, notes, *revisions = await self._pipe.run(script("revisions"), [shard.prefix], comment_id)
        if not flat:
            return None
        contents = {number: readable(data) for number, data in revisions}
        known = {number: content for number, content in contents.items() if content is not None}
        return CommentHistory(record(comment_id, flat, None, appeal, notes), known)

    def _key(self, shard: Shard, author: str) -> str:
        return shard.key(f"author:{author}")


def _summary(comment_id: bytes, at_ms: int, state: bytes | None, *rest: Any) -> CommentSummary | None:  # noqa: ANN401 - as the script answers
    return (
        None if state is None else comment_summary(comment_id, datetime.fromtimestamp(at_ms / 1000, UTC), state, *rest)
    )

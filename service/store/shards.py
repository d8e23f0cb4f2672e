"""A site's streams in several shards, read as one."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from service.store.keyspace import Shard

# Between the positions of the shards in a cursor; of a site with one shard the cursor is that shard's own.
BETWEEN = "~"
# The place of a shard of which nothing was read.
BEGINNING = "0-0"


class HasCursor(Protocol):
    @property
    def cursor(self) -> str: ...


Found = TypeVar("Found", bound=HasCursor)
Read = Callable[[Shard, str, int], Awaitable[tuple[list[Found], str | None]]]
Mark = Callable[[Found, str], Found]


async def in_order(
    sites: Sequence[Shard], after: str, limit: int, read: Read[Found], mark: Mark[Found] | None = None
) -> tuple[list[Found], str | None]:
    """Entries of all shards after the cursor, oldest first, and the cursor to go on at; None: nothing more is there.

    `read` gives a page of one shard and where it stopped looking (None: at the end of the shard). `mark` puts into an
    entry the cursor behind it, which has a place for each shard; without it an entry says only its own place.
    """
    if len(sites) == 1:
        return await read(sites[0], after, limit)
    places = after.split(BETWEEN) if after else [BEGINNING] * len(sites)
    pages = [await read(site, place, limit) for site, place in zip(sites, places, strict=True)]
    together = sorted(
        ((order_of(entry.cursor), shard, entry) for shard, (page, _) in enumerate(pages) for entry in page),
        key=lambda each: each[:2],
    )[:limit]
    found: list[Found] = []
    taken = [0] * len(sites)
    for _, shard, entry in together:
        places[shard] = entry.cursor
        taken[shard] += 1
        found.append(mark(entry, BETWEEN.join(places)) if mark else entry)
    went_on = False
    for shard, (page, looked_at) in enumerate(pages):
        is_whole = taken[shard] == len(page)
        went_on |= not is_whole or looked_at is not None
        if is_whole and looked_at:
            places[shard] = looked_at
    return found, BETWEEN.join(places) if went_on else None


def order_of(cursor: str) -> tuple[int, int]:
    """Of an entry of a stream: milliseconds, and its number among those of the same one."""
    ms, _, number = cursor.partition("-")
    return int(ms), int(number)

"""Reads the streams of a site's shards as one."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from service.store.keyspace import Shard

# Separates the positions of the shards in a cursor. With one shard the cursor is just its position.
BETWEEN = "~"
# The position of a shard of which nothing was read.
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
    """Entries of all shards after the cursor, oldest first, and the next cursor; None: nothing more.

    `read` returns a page of one shard and where it stopped (None: at the end of the shard). `mark` replaces the cursor
    of an entry by one with the positions of all shards; without it an entry has only its own position.
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
    """The milliseconds of a stream entry, and its number within the same millisecond."""
    ms, _, number = cursor.partition("-")
    return int(ms), int(number)

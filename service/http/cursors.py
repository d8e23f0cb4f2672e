"""Cursors: positions in a site's streams."""

from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from service import app_keys as keys
from service.store.shards import BETWEEN
from service.values.domain import NOT_OURS, WORDS
from service.values.errors import BadRequest

# One position for each shard. The maximum length is that for the maximum number of shards.
Cursor = Annotated[
    str,
    Meta(
        max_length=2_600,
        pattern=rf"^[0-9]{{1,16}}-[0-9]{{1,16}}({BETWEEN}[0-9]{{1,16}}-[0-9]{{1,16}})*$(?!\n)",
        extra={WORDS: NOT_OURS},
    ),
]


def checked(request: web.Request, cursor: str | None, named: str = "query parameter 'after'") -> str:
    """The cursor in the form that the store takes; "" is the beginning.

    Raises BadRequest, with the name, if it is malformed or does not have one position for each shard.
    """
    if not cursor:
        return ""
    try:
        msgspec.convert(cursor, Cursor)
    except msgspec.ValidationError as error:
        raise BadRequest(f"{named}: not one that we gave") from error
    if cursor.count(BETWEEN) + 1 != request.app[keys.SETTINGS].shards:
        raise BadRequest(f"{named}: not one that we gave, for it has another number of places")
    return cursor

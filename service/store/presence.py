"""Who looks at the pages of a site's queue now, in Redis: what open pages say of themselves, and nothing for long."""

import msgspec
from msgspec import Struct

from service.redis.pipe import Pipe
from service.store.base import encode
from service.store.keyspace import Shard
from service.store.scripts import script

# A page says again that it is open well within this time; one that says no more is forgotten after it.
PRESENT_S = 20
MOST = 200


class Here(Struct, frozen=True, array_like=True):
    """An open page. `page`: differs from every other one. `comment`: the id of the only one on it, '' on others."""

    page: str
    name: str
    comment: str


class Presence:
    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    async def here(self, site: str, page: Here) -> list[Here]:
        """Note that the page is open for the next PRESENT_S; all that are, at most MOST. Raises Retryable."""
        found = await self._pipe.run(script("here"), [Shard(site).prefix], encode(page), PRESENT_S * 1000, MOST)
        return [_decoded(each) for each in found]

    async def left(self, site: str, page: Here) -> None:
        """Raises Retryable; the page is then forgotten with time."""
        await self._pipe.call("ZREM", Shard(site).key("here"), encode(page))


_decoded = msgspec.json.Decoder(Here).decode

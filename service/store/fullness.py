"""How full the queues are, as last observed, so that clients can slow down before comments are refused."""

from collections import defaultdict

from service.store.keyspace import Shard

# From this share on clients are told and operators are warned (review-queue.md, section 11).
PRESSED = 0.8


class Fullness:
    """The fullness of each site, as this process last saw it when it queued a comment or read statistics."""

    def __init__(self, most: int) -> None:
        """`most`: how many comments may wait in one shard."""
        self._most = most
        self._waiting: defaultdict[str, dict[int, int]] = defaultdict(dict)

    def saw(self, shard: Shard, waiting: int) -> None:
        self._waiting[shard.site][shard.number] = waiting

    def of(self, site: str) -> float:
        """How full the fullest shard is; from 1 on, it refuses comments that must wait."""
        return max(self._waiting.get(site, _NEVER_SEEN).values(), default=0) / self._most


_NEVER_SEEN: dict[int, int] = {}

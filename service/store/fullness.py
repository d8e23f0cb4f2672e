"""How full the queues are, as last seen in passing: whoever sends comments can slow down before they are refused."""

from collections import defaultdict

from service.store.keyspace import Shard

# From here on who sends comments is told, and who runs the service is warned (review-queue.md, section 11).
PRESSED = 0.8


class Fullness:
    """Of each site, as this process last saw it: when a comment was queued, and whenever statistics were read."""

    def __init__(self, most: int) -> None:
        """`most`: comments of one shard that may wait."""
        self._most = most
        self._waiting: defaultdict[str, dict[int, int]] = defaultdict(dict)

    def saw(self, shard: Shard, waiting: int) -> None:
        self._waiting[shard.site][shard.number] = waiting

    def of(self, site: str) -> float:
        """The share of the fullest shard that is taken; from 1 on, a comment that must wait there is refused."""
        return max(self._waiting.get(site, _NEVER_SEEN).values(), default=0) / self._most


_NEVER_SEEN: dict[int, int] = {}

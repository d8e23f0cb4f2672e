"""Logs when a Redis server stops answering, and when it answers again."""

import logging
import time

from service.redis.replies import unavailable

log = logging.getLogger(__name__)


class Contact:
    """One line for each outage, not one for each call. `place`: where the server is."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._lost_at: float | None = None

    def lost(self, error: BaseException) -> None:
        if self._lost_at is not None:
            return
        self._lost_at = time.monotonic()
        log.error("Redis at %s: %s; every call tries again, and callers get 503", self._place, unavailable(error))

    def found(self) -> None:
        if self._lost_at is None:
            return
        log.warning("Redis at %s answers again after %.1f s", self._place, time.monotonic() - self._lost_at)
        self._lost_at = None

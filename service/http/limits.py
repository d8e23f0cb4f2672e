"""Rate limits: token buckets in each process."""

import math
import time
from collections.abc import Callable
from typing import NamedTuple

from service.values.access import ApiKey
from service.values.errors import RateLimited


class RateStatus(NamedTuple):
    """The state of a key's limit: the burst size, requests left, and seconds until the bucket is full."""

    most: int
    left: int
    reset_s: float


class RateLimits:
    """Rate limits of keys: `rate` requests a second on average, with a burst of one second's worth."""

    def __init__(self, default_rate_per_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._default = default_rate_per_s
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, key: ApiKey) -> None:
        """Count one request. Raises RateLimited, with the seconds to wait."""
        rate = self.rate_per_s(key)
        if not rate:
            return
        now = self._clock()
        tokens = self._tokens(key, rate, now)
        if tokens < 1:
            self._buckets[key.id] = tokens, now
            raise RateLimited(f"this key may ask {rate:g} times a second", math.ceil((1 - tokens) / rate))
        self._buckets[key.id] = tokens - 1, now

    def standing(self, key: ApiKey) -> RateStatus | None:
        """The state of a key's limit; None if it has no limit."""
        rate = self.rate_per_s(key)
        if not rate:
            return None
        tokens, most = self._tokens(key, rate, self._clock()), max(1.0, rate)
        return RateStatus(int(most), int(tokens), (most - tokens) / rate)

    def rate_per_s(self, key: ApiKey) -> float:
        """0: no limit."""
        return self._default if key.rate_per_s is None else key.rate_per_s

    def _tokens(self, key: ApiKey, rate: float, now: float) -> float:
        burst = max(1.0, rate)
        tokens, at = self._buckets.get(key.id, (burst, now))
        return min(burst, tokens + (now - at) * rate)


class Buckets:
    """Rate limits for callers without a key, by name. Beyond `most` names, the least recently seen ones are dropped.

    A rate of 0 means no limit.
    """

    def __init__(
        self,
        rate_per_s: float,
        burst: float,
        most: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
        *,
        said: str = "too many at once",
    ) -> None:
        self._rate, self._burst, self._most, self._clock, self._said = rate_per_s, burst, most, clock, said
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, name: str) -> None:
        """Count one request. Raises RateLimited, with the seconds to wait."""
        if not self._rate:
            return
        now = self._clock()
        tokens, at = self._buckets.pop(name, (self._burst, now))
        tokens = min(self._burst, tokens + (now - at) * self._rate)
        is_over = tokens < 1
        self._buckets[name] = (tokens if is_over else tokens - 1), now
        if len(self._buckets) > self._most:
            del self._buckets[next(iter(self._buckets))]
        if is_over:
            raise RateLimited(self._said, math.ceil((1 - tokens) / self._rate))

    def check(self, name: str) -> None:
        """Raises RateLimited as `take` would, and counts nothing."""
        tokens, at = self._buckets.get(name, (self._burst, 0.0))
        tokens = min(self._burst, tokens + (self._clock() - at) * self._rate)
        if self._rate and tokens < 1:
            raise RateLimited(self._said, math.ceil((1 - tokens) / self._rate))

    def give_back(self, name: str) -> None:
        """Undo the counting of one request."""
        if name in self._buckets:
            tokens, at = self._buckets[name]
            self._buckets[name] = min(self._burst, tokens + 1), at

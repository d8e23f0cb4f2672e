"""The rate limit of a key: a token bucket in each process."""

import math
import time
from collections.abc import Callable
from typing import NamedTuple

from service.values.access import ApiKey
from service.values.errors import RateLimited


class Standing(NamedTuple):
    """Of a key with a limit: requests at once, how many of them are left, and seconds until all are."""

    most: int
    left: int
    reset_s: float


class Limits:
    """A key may ask `rate` times a second on average, and for one second's worth at once."""

    def __init__(self, default_rate_per_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._default = default_rate_per_s
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, key: ApiKey) -> None:
        """Count one request. Raises RateLimited, which says when the next one may come."""
        rate = self.rate_per_s(key)
        if not rate:
            return
        now = self._clock()
        tokens = self._tokens(key, rate, now)
        if tokens < 1:
            self._buckets[key.id] = tokens, now
            raise RateLimited(f"this key may ask {rate:g} times a second", math.ceil((1 - tokens) / rate))
        self._buckets[key.id] = tokens - 1, now

    def standing(self, key: ApiKey) -> Standing | None:
        """How much of its limit a key has left; None: it has no limit."""
        rate = self.rate_per_s(key)
        if not rate:
            return None
        tokens, most = self._tokens(key, rate, self._clock()), max(1.0, rate)
        return Standing(int(most), int(tokens), (most - tokens) / rate)

    def rate_per_s(self, key: ApiKey) -> float:
        """0: no limit."""
        return self._default if key.rate_per_s is None else key.rate_per_s

    def _tokens(self, key: ApiKey, rate: float, now: float) -> float:
        burst = max(1.0, rate)
        tokens, at = self._buckets.get(key.id, (burst, now))
        return min(burst, tokens + (now - at) * rate)


class Buckets:
    """The same for whoever has no key, by name; the names that were not heard of for longest are forgotten.

    A rate of 0: no limit.
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
        """Count one request. Raises RateLimited, which says when the next one may come."""
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

    def give_back(self, name: str) -> None:
        """A request that was counted should not have been."""
        if name in self._buckets:
            tokens, at = self._buckets[name]
            self._buckets[name] = min(self._burst, tokens + 1), at

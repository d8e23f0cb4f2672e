"""A circuit breaker for each endpoint: stops sending to a receiver that only fails. Pure: no clock."""

from collections.abc import Hashable
from dataclasses import dataclass, field, replace

# Failures in a row that open the breaker. A receiver that fails 30% of the time reaches it once in 170,000 deliveries.
MAX_FAILURES = 10
FORGET_AFTER_S = 3600.0


@dataclass(frozen=True, slots=True)
class Breaker:
    """The state of one endpoint: closed (send everything), open until `until`, then probing with one request.

    Instants are seconds of one monotonic clock. `pause_s`: how long the breaker was last open.
    """

    failures: int = 0
    until: float = 0.0
    pause_s: float = 0.0
    is_probing: bool = False
    touched_at: float = 0.0

    @property
    def is_tripped(self) -> bool:
        return self.pause_s > 0

    def wait_s(self, now: float, probe_s: float) -> float:
        """Seconds until something may be sent, 0 for now. `probe_s`: how long to wait while a probe is on its way."""
        if now < self.until:
            return self.until - now
        return probe_s if self.is_probing else 0.0


@dataclass(frozen=True, slots=True)
class BreakerPauses:
    """The first and the longest pause, in seconds. Each failed probe doubles the pause."""

    first_s: float
    longest_s: float


@dataclass(slots=True)
class Breakers:
    """The breakers of all endpoints. Only those with recent failures are stored; all others are closed."""

    limits: BreakerPauses
    _known: dict[Hashable, Breaker] = field(default_factory=dict)

    def pause_s(self, endpoint: Hashable, now: float) -> float:
        """Seconds until something may be sent to the endpoint, 0 for now."""
        known = self._known.get(endpoint)
        return known.wait_s(now, self._probe_s) if known else 0.0

    def enter(self, endpoint: Hashable, now: float) -> float:
        """Like `pause_s`. If it returns 0, the caller sends a request and reports its result."""
        known = self._known.get(endpoint)
        if known is None:
            return 0.0
        wait_s = known.wait_s(now, self._probe_s)
        if wait_s == 0.0 and known.is_tripped:
            self._known[endpoint] = replace(known, is_probing=True, touched_at=now)
        return wait_s

    def left(self, endpoint: Hashable) -> None:
        """The caller that entered sent nothing, so there is no result."""
        known = self._known.get(endpoint)
        if known is not None:
            self._known[endpoint] = replace(known, is_probing=False)

    def succeeded(self, endpoint: Hashable) -> None:
        self._known.pop(endpoint, None)

    def failed(self, endpoint: Hashable, now: float, rest_s: float | None = None) -> bool:
        """Returns whether this opened the breaker. `rest_s`: the pause that the receiver asked for (Retry-After)."""
        known = self._known.get(endpoint, Breaker())
        failures = known.failures + 1
        if rest_s is not None:
            # Not a fault of the endpoint: after the pause, sending continues as before.
            after = replace(known, failures=failures, until=max(known.until, now + rest_s), is_probing=False)
        elif now < known.until:
            after = replace(known, failures=failures)  # sent before it opened
        elif known.is_tripped or failures >= MAX_FAILURES:
            pause_s = min(max(2 * known.pause_s, self.limits.first_s), self.limits.longest_s)
            after = Breaker(failures, now + pause_s, pause_s, touched_at=now)
        else:
            after = replace(known, failures=failures)
        self._known[endpoint] = replace(after, touched_at=now)
        return after.until > max(known.until, now)

    def forget(self, now: float) -> None:
        """Drop endpoints that have been idle for FORGET_AFTER_S."""
        self._known = {
            endpoint: known
            for endpoint, known in self._known.items()
            if max(known.until, known.touched_at) + FORGET_AFTER_S > now
        }

    @property
    def _probe_s(self) -> float:
        return min(1.0, self.limits.first_s)

"""A circuit breaker for each endpoint: who answers nothing but errors is left alone for a while. Pure: no clock."""

from collections.abc import Hashable
from dataclasses import dataclass, field, replace

# So many failures in a row; a receiver that fails three times in ten has that once in 170,000 deliveries.
MOST_FAILURES = 10
FORGET_AFTER_S = 3600.0


@dataclass(frozen=True, slots=True)
class Breaker:
    """Closed: all may be sent. Open until `until`: nothing may. After that one may be sent, to see (`is_probing`).

    Seconds are those of one monotonic clock. `pause_s`: how long it was open the last time.
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
        """0 when something may be sent now; else how long to wait. `probe_s`: while somebody else is asking."""
        if now < self.until:
            return self.until - now
        return probe_s if self.is_probing else 0.0


@dataclass(frozen=True, slots=True)
class Limits:
    """The first pause and the longest, in seconds; each failed probe doubles it."""

    first_s: float
    longest_s: float


@dataclass(slots=True)
class Breakers:
    """Those that are not simply closed; everybody else is."""

    limits: Limits
    _known: dict[Hashable, Breaker] = field(default_factory=dict)

    def pause_s(self, endpoint: Hashable, now: float) -> float:
        """How long nothing may be sent there; 0: something may."""
        known = self._known.get(endpoint)
        return known.wait_s(now, self._probe_s) if known else 0.0

    def enter(self, endpoint: Hashable, now: float) -> float:
        """As pause_s; when it is 0, the caller sends something and says how it went."""
        known = self._known.get(endpoint)
        if known is None:
            return 0.0
        wait_s = known.wait_s(now, self._probe_s)
        if wait_s == 0.0 and known.is_tripped:
            self._known[endpoint] = replace(known, is_probing=True, touched_at=now)
        return wait_s

    def left(self, endpoint: Hashable) -> None:
        """What entered was not sent after all: it shows nothing."""
        known = self._known.get(endpoint)
        if known is not None:
            self._known[endpoint] = replace(known, is_probing=False)

    def succeeded(self, endpoint: Hashable) -> None:
        self._known.pop(endpoint, None)

    def failed(self, endpoint: Hashable, now: float, rest_s: float | None = None) -> bool:
        """`rest_s`: the receiver asks to be left alone for so long (Retry-After). True when this opened the breaker."""
        known = self._known.get(endpoint, Breaker())
        failures = known.failures + 1
        if rest_s is not None:
            # No fault of the endpoint: afterwards all may go on.
            after = replace(known, failures=failures, until=max(known.until, now + rest_s), is_probing=False)
        elif now < known.until:
            after = replace(known, failures=failures)  # sent before it opened
        elif known.is_tripped or failures >= MOST_FAILURES:
            pause_s = min(max(2 * known.pause_s, self.limits.first_s), self.limits.longest_s)
            after = Breaker(failures, now + pause_s, pause_s, touched_at=now)
        else:
            after = replace(known, failures=failures)
        self._known[endpoint] = replace(after, touched_at=now)
        return after.until > max(known.until, now)

    def forget(self, now: float) -> None:
        """Endpoints of which nothing was heard for long."""
        self._known = {
            endpoint: known
            for endpoint, known in self._known.items()
            if max(known.until, known.touched_at) + FORGET_AFTER_S > now
        }

    @property
    def _probe_s(self) -> float:
        return min(1.0, self.limits.first_s)

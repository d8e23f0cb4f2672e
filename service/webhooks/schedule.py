"""The retry schedule of webhooks. Pure: randomness is an argument."""

from msgspec import Struct

# Seconds between the attempts: 0 s, 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h (specs: review queue, 10).
DEFAULT = "0,5,300,1800,7200,18000,36000,50400,72000,86400"
JITTER = 0.2


class Schedule(Struct, frozen=True):
    """`steps[n]`: seconds between attempt n and attempt n + 1."""

    steps: tuple[float, ...]

    @classmethod
    def parse(cls, text: str) -> "Schedule":
        """Raises ValueError unless `text` is a list of seconds separated by commas."""
        steps = tuple(float(step) for step in text.split(","))
        if not all(0 <= step <= 7 * 86_400 for step in steps):
            raise ValueError("a step lies between 0 seconds and a week")
        return cls(steps)

    def delay_s(self, attempts: int, chance: float) -> float | None:
        """Seconds to wait after `attempts` failed attempts; None after the last one. `chance` lies in [0, 1)."""
        if attempts >= len(self.steps):
            return None
        return self.steps[attempts] * (1 - JITTER + 2 * JITTER * chance)

    @property
    def first_retry_s(self) -> float:
        return self.steps[1] if len(self.steps) > 1 else 0.0

    @property
    def second_retry_s(self) -> float:
        return max(self.first_retry_s, self.steps[2]) if len(self.steps) > 2 else self.first_retry_s  # noqa: PLR2004 - the second retry

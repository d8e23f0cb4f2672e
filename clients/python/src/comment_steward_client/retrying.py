"""When to try again, and how long to wait before that."""

import random
from collections.abc import Callable
from dataclasses import dataclass

import httpx

RETRIED = frozenset({408, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Retry:
    """`tries`: all of them, the first included. A pause is drawn from zero to a bound that doubles (full jitter).

    A `Retry-After` of the service is waited for instead, up to `longest_s`.
    """

    tries: int = 4
    first_s: float = 0.25
    longest_s: float = 8.0

    def pause_s(self, tried: int, response: httpx.Response | None, draw: Callable[[], float] = random.random) -> float:
        """`tried`: how often so far. `response`: None if there was none."""
        said = response.headers.get("Retry-After", "") if response is not None else ""
        if said.isascii() and said.isdigit():
            return min(self.longest_s, float(said))
        return draw() * min(self.longest_s, self.first_s * 2.0 ** (tried - 1))

    def goes_on(self, tried: int, response: httpx.Response | None) -> bool:
        return tried < self.tries and (response is None or response.status_code in RETRIED)

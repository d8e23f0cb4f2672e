"""Limits guesses of short keys, which are short enough to be guessed.

The limit is checked before a key is looked up: otherwise an address over its limit could still tell a right key from a
wrong one. A wrong key that an address repeats counts once, so that one badly set up site does not lock out others
behind the same address.
"""

from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

from service.http.limits import Buckets

# For each address. At this rate a million addresses need about 45 years for one of 2^48 keys.
RATE_PER_S, BURST = 0.1, 10
MOST_REMEMBERED = 10_000


class Guesses:
    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        said = "too many wrong keys from this address"
        self._buckets = Buckets(RATE_PER_S, BURST, clock=clock, said=said)
        self._wrong: OrderedDict[tuple[str, str], None] = OrderedDict()

    def check(self, address: str) -> None:
        """Raises RateLimited if the address has sent too many different wrong keys."""
        self._buckets.check(address)

    def count(self, address: str, text: str) -> None:
        """Count a wrong key of an address, unless it was counted before."""
        guess = (address, text.lower())
        if guess not in self._wrong:
            self._buckets.take(address)
        self._wrong[guess] = None
        self._wrong.move_to_end(guess)
        if len(self._wrong) > MOST_REMEMBERED:
            self._wrong.popitem(last=False)

"""Limits guesses of short keys, which are short enough to be guessed.

A guess counts before its key is looked up, and no more if the key is right. Otherwise an address over its limit, or one
that sends many guesses at the same moment, could still tell a right key from a wrong one. A wrong key that an address
repeats counts once, so that one badly set up site does not lock out others behind the same address.
"""

import contextlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from time import monotonic

from service.http.limits import Buckets

# For each address. At this rate a million addresses need about 45 years for one of 2^48 keys.
RATE_PER_S, BURST = 0.1, 10
MOST_REMEMBERED = 10_000


Guess = tuple[str, str]  # an address and a key


class Guesses:
    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        said = "too many wrong keys from this address"
        self._buckets = Buckets(RATE_PER_S, BURST, clock=clock, said=said)
        # What is known of guesses. Many sites may share an address, and send their right keys at the same moment.
        self._known: OrderedDict[Guess, None] = OrderedDict()
        # Counted and being looked up. Requests with the same key at the same moment count once.
        self._open: set[Guess] = set()

    @contextlib.contextmanager
    def looking(self, address: str, text: str) -> Iterator[Callable[[], None]]:
        """While a key of an address is looked up; what it gives is to be called if the key is wrong.

        Raises RateLimited if the address has sent too many different wrong keys.
        """
        guess, is_wrong = (address, text.lower()), False

        def say_wrong() -> None:
            nonlocal is_wrong
            is_wrong = True

        self._begin(guess)
        try:
            yield say_wrong
        except BaseException:
            self._end(guess, is_counted=False)
            raise
        self._end(guess, is_counted=is_wrong)
        self._remember(guess)

    def _begin(self, guess: Guess) -> None:
        if guess in self._known:
            self._buckets.check(guess[0])
        elif guess not in self._open:
            self._buckets.take(guess[0])
            self._open.add(guess)

    def _end(self, guess: Guess, *, is_counted: bool) -> None:
        if guess in self._open:
            self._open.remove(guess)
            if not is_counted:
                self._buckets.give_back(guess[0])

    def _remember(self, guess: Guess) -> None:
        self._known[guess] = None
        self._known.move_to_end(guess)
        if len(self._known) > MOST_REMEMBERED:
            self._known.popitem(last=False)

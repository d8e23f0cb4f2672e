"""What something costs, as a ratio to something else in the same run: machines differ, and they are busy.

No test says how many seconds of processor time a call may take. It says how many times as long as another call.
"""

import gc
import time
from collections.abc import Callable
from typing import Any

PROSE = (
    "I read the whole report last night, and what the council proposes for the old harbour is neither cheap nor new. "
    "Most of us asked for a bridge that buses can use; instead we are promised another study, due in spring, and a "
    "park that floods twice a year. Who pays for repairs? The engineers warned us in March: salt water ruins concrete "
    "within a decade, unless somebody maintains it. My neighbour, who fished there since 1974, calls it a fine place "
    "for ducks. Perhaps he is right, but a town that loses its market every winter needs more than birds and benches. "
)
# Before a ratio counts as too high. What else the machine does only ever adds to a time, so the least of many is right.
TRIES = 12


def plain(length: int) -> str:
    """Prose of so many ASCII characters."""
    return (PROSE * (length // len(PROSE) + 1))[:length]


def seconds(call: Callable[[], object]) -> float:
    """Processor time of this thread for one run, without looking for garbage: that takes as long as the process is
    large, and a long input makes it happen more often.
    """
    gc.disable()
    try:
        started = time.thread_time()
        call()
        return time.thread_time() - started
    finally:
        gc.enable()


def times_as_long(costly: Callable[[], object], other: Callable[[], object], most: float, tries: int = TRIES) -> float:
    """How many times the processor time of `other` is taken by `costly`: the least time of each in runs by turns.

    Ends as soon as the ratio is at most `most`.
    """
    ratio = least_costly = least_other = float("inf")
    for _ in range(tries):
        least_costly = min(least_costly, seconds(costly))
        # A cheap one more often: that its first run was slow must not be what lets the other pass.
        for _ in range(3):
            least_other = min(least_other, seconds(other))
            if least_other > least_costly / 3:
                break
        ratio = least_costly / least_other
        if ratio <= most:
            break
    return ratio


def assert_at_most(most: float, costly: Callable[[], object], other: Callable[[], object], what: str = "it") -> None:
    """`costly` takes at most `most` times as long as `other`."""
    ratio = times_as_long(costly, other, most)
    assert ratio <= most, f"{what} takes {ratio:.1f} times as long; at most {most:g} times is promised"


def assert_linear(
    call: Callable[[Any], object], make: Callable[[int], Any], size: int, *, times: int = 16, slack: float = 3
) -> None:
    """`make(size)` takes at most `slack * times` times as long as a `times`th part of it.

    A quadratic call takes `times` squared as long. The slack is for caches, which a short text fits into and a long
    one does not, the more so where other processes use them too.
    """
    long, short = make(size), make(size // times)
    assert_at_most(slack * times, lambda: call(long), lambda: call(short), f"{times} times the input")

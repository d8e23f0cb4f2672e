"""Chooses thresholds with a guarantee: exact binomial tests, one after the other, in an order fixed beforehand.

Sources: Clopper & Pearson, Biometrika 26 (1934); Learn then Test (Angelopoulos, Bates, Candès, Jordan, Lei,
arXiv 2110.01052). A region is a set of comments that would be decided automatically, `n` its comments in the sample,
`k` those that would be decided wrongly, `alpha` the share that is promised, `delta` the risk of a wrong promise.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import beta, binom

# How often a threshold should pass for which the advice is given.
POWER = 0.8
# No advice beyond this sample.
MOST_ADVISED = 1_000_000


def p_values(n: ArrayLike, k: ArrayLike, alpha: float) -> NDArray[np.float64]:
    """P(Bin(n, alpha) <= k), the p-value of "more than alpha of this region is wrong"; 1 for an empty region."""
    _check_share("alpha", alpha, 1.0)
    sizes = np.asarray(n)
    return np.where(sizes == 0, 1.0, binom.cdf(k, np.maximum(sizes, 1), alpha))


def upper_bounds(n: ArrayLike, k: ArrayLike, delta: float) -> NDArray[np.float64]:
    """The one-sided bound of Clopper and Pearson at confidence 1 - delta; at most alpha where the test passes."""
    _check_share("delta", delta, 0.5, closed=True)
    sizes, wrong = np.asarray(n), np.asarray(k)
    found = beta.ppf(1 - delta, wrong + 1, np.maximum(sizes - wrong, 1))
    return np.where(wrong >= sizes, 1.0, found)


def hoeffding_bentkus(n: int, k: int, alpha: float) -> float:
    """A p-value for graded losses; for losses of 0 or 1 it is always weaker than the exact one."""
    _check_share("alpha", alpha, 1.0)
    if not n:
        return 1.0
    rate = min(k / n, alpha)
    gap = (rate * math.log(rate / alpha) if rate else 0.0) + (1 - rate) * math.log((1 - rate) / (1 - alpha))
    return min(math.exp(-n * gap), math.e * float(binom.cdf(math.ceil(k), n, alpha)), 1.0)


def last_passed(n: ArrayLike, k: ArrayLike, alpha: float, delta: float) -> NDArray[np.int_]:
    """Fixed-sequence testing: the last position before the first test that fails, -1 if the first one fails.

    Shape (..., steps), from the safest region to the boldest. The order must be fixed before the labels are seen. Then
    the risk of a wrong promise is at most delta, without a correction for the number of tests.
    """
    passed = p_values(n, k, alpha) <= delta
    return np.asarray(np.logical_and.accumulate(passed, axis=-1).sum(axis=-1) - 1)


def smallest_sample(alpha: float, delta: float, errors: int = 0) -> int:
    """The smallest region that can pass with so many errors."""
    _check_share("alpha", alpha, 1.0)
    _check_share("delta", delta, 0.5, closed=True)
    low, high = errors, max(1, errors)
    while binom.cdf(errors, high, alpha) > delta:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if binom.cdf(errors, middle, alpha) > delta else (low, middle)
    return high


def sample_for_power(alpha: float, true_share: float, delta: float, power: float = POWER) -> int | None:
    """The smallest region that passes with this probability if `true_share` of it is wrong.

    None: it must be so large that nobody will label it, or it never passes because the share is not below alpha.
    """
    if true_share >= alpha:
        return None

    def is_enough(errors: int) -> bool:
        # Among all regions that may have so many errors and no more, the smallest has the most power.
        return bool(binom.cdf(errors, smallest_sample(alpha, delta, errors), true_share) >= power)

    low, high = -1, 0
    while not is_enough(high):
        low, high = high, 2 * high + 1
        if smallest_sample(alpha, delta, high) > MOST_ADVISED:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return smallest_sample(alpha, delta, high)


@dataclass(frozen=True, slots=True)
class SequenceStep:
    """One test. `level`: the region, as a rung of the ladder of thresholds."""

    level: int
    n: int
    k: int
    p: float


@dataclass(frozen=True, slots=True)
class Trial:
    """The tests of one target in their order, up to the first that failed. `chosen`: the last one that passed."""

    steps: tuple[SequenceStep, ...]
    chosen: int | None


def fixed_sequence(levels: Sequence[int], n: Sequence[int], k: Sequence[int], alpha: float, delta: float) -> Trial:
    """Tests regions in the given order; what comes after the first failure is not tested."""
    _check_share("delta", delta, 0.5, closed=True)
    p = p_values(n, k, alpha)
    last = int(last_passed(n, k, alpha, delta)) if len(levels) else -1
    tested = min(last + 2, len(levels))
    steps = tuple(SequenceStep(levels[i], int(n[i]), int(k[i]), float(p[i])) for i in range(tested))
    return Trial(steps, last if last >= 0 else None)


def _check_share(name: str, value: float, most: float, *, closed: bool = False) -> None:
    if not (0 < value < most or (closed and value == most)):
        raise ValueError(f"{name} is {value}; it must lie between 0 and {most}")
